// The one loop of training: a batch cut into tiles, each tile's share of a loss and its gradient, and their sum.
#pragma once

#include <utility>
#include <vector>

#include "base/tiles.hpp"
#include "solvers/status.hpp"

namespace cnf {

/// What one tile adds to a batch's loss and gradient.
template <class T>
struct TileShare {
  Vector<T> params_bar;
  double loss = 0;
  double dloss_dt_base = 0, dloss_dt_data = 0;
  Counters forward, backward;
  std::vector<Status> failures;  ///< rows counted within the tile; in a sum, within the batch

  void clear(Index gradient_size) {
    params_bar.setZero(gradient_size);
    loss = dloss_dt_base = dloss_dt_data = 0;
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

  /// Calls run(range, worker, share) for every tile of about `rows` samples, with its share cleared for a gradient of
  /// `gradient_size` values, and once, in the same loop, beside(worker): a job of the batch as a whole, begun first.
  /// Returns the sum; of params_bar only the first `kept` values, for the rest is of no use to the caller. It stays
  /// valid until the next call and may be changed.
  template <class Run, class Beside>
  TileShare<T>& operator()(Index batch, Index rows, Index gradient_size, Index kept, Run&& run, Beside&& beside) {
    return add_up(batch, rows, gradient_size, kept, run, 1, beside);
  }
  template <class Run>
  TileShare<T>& operator()(Index batch, Index rows, Index gradient_size, Index kept, Run&& run) {
    return add_up(batch, rows, gradient_size, kept, run, 0, [](int) {});
  }

 private:
  template <class Run, class Beside>
  TileShare<T>& add_up(Index batch, Index rows, Index gradient_size, Index kept, Run&& run, int first,
                       Beside&& beside) {
    if (batch != batch_ || rows != rows_) {
      batch_ = batch;
      rows_ = rows;
      ranges_ = balanced_tiles(batch, rows);
      shares_.resize(ranges_.size());
    }
    for_each_tile(static_cast<int>(ranges_.size()) + first, threads_, [&](int job, int worker) {
      if (job < first) return beside(worker);
      const auto k = static_cast<std::size_t>(job - first);
      shares_[k].clear(gradient_size);
      run(ranges_[k], worker, shares_[k]);
    });
    for_each_range(kept, threads_, [&](Index begin, Index end) {
      for_each_tree_pair(tiles(), [&](Index to, Index from) {
        share(to).params_bar.segment(begin, end - begin) += share(from).params_bar.segment(begin, end - begin);
      });
    });
    for_each_tree_pair(tiles(), [&](Index to, Index from) {
      share(to).loss += share(from).loss;
      share(to).dloss_dt_base += share(from).dloss_dt_base;
      share(to).dloss_dt_data += share(from).dloss_dt_data;
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
