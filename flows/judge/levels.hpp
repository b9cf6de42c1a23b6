// The levels of a density whose regions hold given shares of its mass: contour lines, and colours by mass.
#pragma once

#include <vector>

#include "flows/evaluator.hpp"

namespace cnf {

/// {x: p(x) >= exp(level(s))} is the smallest region that holds the share s of p's mass (its highest-density region):
/// the level is the (1 - s) quantile of log p over draws of p itself, whose error in mass is sqrt(s (1 - s) / N).
/// Source  Hyndman (1996), The American Statistician 50, 120-126.
class DensityLevels {
 public:
  /// `log_prob`: log p of N draws of p, nats in the units of x; NaN are left out.
  /// Throws std::invalid_argument if none remains.
  explicit DensityLevels(const Eigen::Ref<const Vector<double>>& log_prob);

  /// The log-density that the share `share` in [0, 1] of the mass reaches; of 0 the greatest seen, of 1 the least.
  double level(double share) const;
  /// The share of the mass where the log-density is below `log_prob`, in [0, 1].
  double mass_below(double log_prob) const;

  Index draws() const { return static_cast<Index>(sorted_.size()); }

 private:
  std::vector<double> sorted_;  ///< ascending
};

/// Draws and their log-densities, in nats of the user's units.   Shapes  D x n, n.
struct ScoredDraws {
  Batch points;
  Vector<double> log_prob;
};

/// Draws 0 .. N - 1 of the model's stream, those that failed left out; none if the evaluator gave up. N = 65,536 puts
/// every level within 0.4 % of mass, two standard errors.
ScoredDraws draws_with_density(Evaluator& evaluator, Seed seed, Index N);

}  // namespace cnf
