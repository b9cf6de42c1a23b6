// A density model's scores on points, block by block.
#pragma once

#include "base/mean.hpp"
#include "base/types.hpp"

namespace cnf {

/// Mean -log p, and where the points are drawn from a known density q, the mean of log q - log p on the same points:
/// an estimate of KL(q || p). Nats.
class Scores {
 public:
  /// Points whose log p is NaN, which failed, count in neither.
  /// Shapes  log_prob: n;  truth: log q of the same points, or empty where it is not known.
  /// Throws std::invalid_argument for another length.
  void add(const Eigen::Ref<const Vector<double>>& log_prob,
           const Eigen::Ref<const Vector<double>>& truth = Vector<double>());

  const RunningMean& nll() const { return nll_; }
  const RunningMean& kl() const { return kl_; }  ///< of no value where the truth is not known

 private:
  RunningMean nll_, kl_;
};

}  // namespace cnf
