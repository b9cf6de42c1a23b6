#include "flows/judge/importance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/mean.hpp"

namespace cnf {

Importance importance(const Eigen::Ref<const Vector<double>>& log_weights) {
  RunningMean reverse;
  double most = -std::numeric_limits<double>::infinity();
  for (const double w : log_weights)
    if (!std::isnan(w)) reverse.add(-w), most = std::max(most, w);
  double sum = 0, squares = 0;
  for (const double w : log_weights) {
    if (std::isnan(w)) continue;
    const double weight = std::exp(w - most);
    sum += weight;
    squares += weight * weight;
  }
  const auto N = static_cast<double>(reverse.count());
  Importance found;
  constexpr double kNowhere = std::numeric_limits<double>::infinity();
  found.reverse_kl = log_weights.minCoeff<Eigen::PropagateNumbers>() == -kNowhere ? kNowhere : reverse.value();
  found.reverse_kl_stderr = reverse.standard_error();
  found.log_z = most + std::log(sum / N);
  found.ess = sum * sum / (N * squares);
  found.log_z_stderr = std::sqrt(std::max(0.0, (1 / found.ess - 1) / N));
  found.draws = reverse.count();
  return found;
}

}  // namespace cnf
