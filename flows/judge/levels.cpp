#include "flows/judge/levels.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cnf {

DensityLevels::DensityLevels(const Eigen::Ref<const Vector<double>>& log_prob) {
  for (const double v : log_prob)
    if (!std::isnan(v)) sorted_.push_back(v);
  if (sorted_.empty()) throw std::invalid_argument("DensityLevels: no draw has a log-density");
  std::sort(sorted_.begin(), sorted_.end());
}

double DensityLevels::level(double share) const {
  const double place = (1 - std::clamp(share, 0., 1.)) * static_cast<double>(sorted_.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted_.size() - 1);
  return sorted_[below] + (place - static_cast<double>(below)) * (sorted_[above] - sorted_[below]);
}

double DensityLevels::mass_below(double log_prob) const {
  const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), log_prob);
  return static_cast<double>(at - sorted_.begin()) / static_cast<double>(sorted_.size());
}

ScoredDraws draws_with_density(Evaluator& evaluator, Seed seed, Index N) {
  constexpr Index kBlock = 16384;  // whole tiles
  ScoredDraws drawn;
  Index kept = 0;
  for (Index first = 0; first < N; first += kBlock) {
    const Evaluated block =
        evaluator.sample(seed, static_cast<std::uint64_t>(first), std::min(kBlock, N - first), true);
    const Index D = block.points.rows();
    if (block.given_up) return {Batch(D, 0), Vector<double>(0)};
    if (first == 0) drawn.points.resize(D, N), drawn.log_prob.resize(N);
    for (Index i = 0; i < block.points.cols(); ++i) {
      if (!std::isfinite(block.log_prob[i]) || !block.points.col(i).allFinite()) continue;
      drawn.points.col(kept) = block.points.col(i);
      drawn.log_prob[kept++] = block.log_prob[i];
    }
  }
  drawn.points.conservativeResize(drawn.points.rows(), kept);
  drawn.log_prob.conservativeResize(kept);
  return drawn;
}

}  // namespace cnf
