// The one loop of training: a batch cut into tiles, each tile's share of a loss and its gradient, and their sum.
#pragma once

#include <utility>
#include <vector>

#include "base/tiles.hpp"
#include "solvers/status.hpp"

namespace cnf {

/// How large a tile's share is.
struct ShareSize {
  Index gradient = 0;     ///< values of params_bar
  Index kept = 0;         ///< of these, the first that are of use in the sum
  std::size_t times = 0;  ///< derivatives by times
  std::size_t parts = 0;  ///< of a loss that is a weighted sum; 0: it is not told by parts
};

/// What one tile adds to a batch's loss and gradient.
template <class T>
struct TileShare {
  Vector<T> params_bar;
  double loss = 0;
  std::vector<double> parts;         ///< without their weights
  std::vector<double> dloss_dtimes;  ///< of a flow: t_base and t_data of each block in turn
  Counters forward, backward;
  std::vector<Status> failures;  ///< rows counted within the tile; in a sum, within the batch

  void clear(const ShareSize& size) {
    params_bar.setZero(size.gradient);
    loss = 0;
    parts.assign(size.parts, 0.0);
    dloss_dtimes.assign(size.times, 0.0);
    forward = backward = {};
    failures.clear();
  }
};

/// Cuts a batch into balanced tiles, runs them, and adds their shares by the fixed tree of base/tiles.hpp: the bits are
/// the same on any number of threads. Memory is kept from call to call.
template <class T>
class TileSum {
 public:
  explicit TileSum(int threads) : threads_(threads) {}

  int threads() const { return threads_; }
  Index tiles() const { return static_cast<Index>(shares_.size()); }

  /// Calls run(range, worker, share) for every tile of about `rows` samples, with its share cleared, and once, in the
  /// same loop, beside(worker): a job of the batch as a whole, begun first.
  /// Returns the sum, which stays valid until the next call and may be changed.
  template <class Run, class Beside>
  TileShare<T>& operator()(Index batch, Index rows, const ShareSize& size, Run&& run, Beside&& beside) {
    return add_up(batch, rows, size, run, 1, beside);
  }
  template <class Run>
  TileShare<T>& operator()(Index batch, Index rows, const ShareSize& size, Run&& run) {
    return add_up(batch, rows, size, run, 0, [](int) {});
  }

 private:
  template <class Run, class Beside>
  TileShare<T>& add_up(Index batch, Index rows, const ShareSize& size, Run&& run, int first, Beside&& beside) {
    if (batch != batch_ || rows != rows_) {
      batch_ = batch;
      rows_ = rows;
      ranges_ = balanced_tiles(batch, rows);
      shares_.resize(ranges_.size());
    }
    for_each_tile(static_cast<int>(ranges_.size()) + first, threads_, [&](int job, int worker) {
      if (job < first) return beside(worker);
      const auto k = static_cast<std::size_t>(job - first);
      shares_[k].clear(size);
      run(ranges_[k], worker, shares_[k]);
    });
    for_each_range(size.kept, threads_, [&](Index begin, Index end) {
      for_each_tree_pair(tiles(), [&](Index to, Index from) {
        share(to).params_bar.segment(begin, end - begin) += share(from).params_bar.segment(begin, end - begin);
      });
    });
    for_each_tree_pair(tiles(), [&](Index to, Index from) {
      share(to).loss += share(from).loss;
      for (std::size_t i = 0; i < size.parts; ++i) share(to).parts[i] += share(from).parts[i];
      for (std::size_t i = 0; i < size.times; ++i) share(to).dloss_dtimes[i] += share(from).dloss_dtimes[i];
      share(to).forward += share(from).forward;
      share(to).backward += share(from).backward;
    });
    std::vector<Status> failures;
    for (std::size_t k = 0; k < shares_.size(); ++k)
      for (Status& status : shares_[k].failures) {
        if (status.row >= 0) status.row += ranges_[k].first;
        failures.push_back(status);
      }
    share(0).failures = std::move(failures);
    return share(0);
  }

  TileShare<T>& share(Index k) { return shares_[static_cast<std::size_t>(k)]; }

  int threads_;
  Index batch_ = 0, rows_ = 0;
  std::vector<TileRange> ranges_;
  std::vector<TileShare<T>> shares_;
};

}  // namespace cnf
