// Densities beside each other on the same rows: which is likeliest, by how much, and which simpler one is as good.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "base/mean.hpp"
#include "base/types.hpp"

namespace cnf {

/// The mean of log p_a - log p_b, row by row: what moves both alike cancels. Nats.
struct PairedDifference {
  double mean = 0;
  double half_width = 0;  ///< of its 95 % interval, by Student's t; NaN of fewer than two rows, or of no mean

  double low() const { return mean - half_width; }
  double high() const { return mean + half_width; }
  /// No difference is shown: 0 lies in the interval.
  bool level() const { return std::abs(mean) <= half_width; }
};

/// Scores of K densities on the same rows, block by block, in memory of K^2.
///
/// Rows    one of which a density has no value, NaN or an infinite one, counts for none of them. Where log p is
///         -infinity a row has no density: the NLL is infinite, and so is the difference from what has one there.
/// Cost    K^2 a row.
class Comparison {
 public:
  explicit Comparison(Index densities);

  /// Shapes  log_prob: N x K, a column a density.  Throws std::invalid_argument for another K.
  void add(const Eigen::Ref<const Matrix<double>>& log_prob);

  Index densities() const { return std::ssize(of_); }
  std::int64_t rows() const { return rows_; }                            ///< that count
  std::int64_t failed(Index k) const { return at(k).failed; }            ///< rows of which density k has no value,
  std::int64_t without_density(Index k) const { return at(k).without; }  ///< and rows that count at which it is 0
  double nll(Index k) const;        ///< mean -log p: infinite if it is 0 at a row, NaN of no rows
  double nll_error(Index k) const;  ///< standard error; NaN of such a mean, and of fewer than two rows
  /// Infinite, with no interval, if one of them has no density at some row; NaN if both have not.
  PairedDifference difference(Index a, Index b) const;

 private:
  struct Score {
    RunningMean log_prob;
    std::int64_t failed = 0, without = 0;
  };
  const Score& at(Index k) const { return of_[static_cast<std::size_t>(k)]; }
  RunningMean& pair(Index a, Index b) { return pairs_[static_cast<std::size_t>(b * (b - 1) / 2 + a)]; }  ///< a < b

  std::int64_t rows_ = 0;
  std::vector<Score> of_;
  std::vector<RunningMean> pairs_;
};

/// What a comparison comes to.
struct Verdict {
  Index best = 0;           ///< of the least NLL; of those alike the simplest, then the first
  Index recommended = 0;    ///< of `best` and those level with it the simplest; of those as simple the likeliest
  std::vector<char> level;  ///< K: 1 of `best` and of those level with it
  Index rival = -1;         ///< likeliest of the others that are level with `best`, else of all others; -1: alone
};

/// `complexity`: of each density, the simpler the less.
/// The best is chosen on the same rows, which flatters it a little: that counts against what is recommended.
/// Throws std::invalid_argument for another number of them than of densities, or none.
Verdict judge(const Comparison& comparison, std::span<const int> complexity);

}  // namespace cnf
