#include "flows/judge/mass.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace cnf {
namespace {

Box box_around(const Batch& points) {
  const Vector<double> low = points.rowwise().minCoeff(), high = points.rowwise().maxCoeff();
  const Vector<double> margin = 0.25 * (high - low).array() + 0.5;
  return {low[0] - margin[0], high[0] + margin[0], low[1] - margin[1], high[1] + margin[1]};
}

}  // namespace

double total_mass(Evaluator& evaluator, const Cnf& model, Seed seed) {
  constexpr Index kFirst = 128, kLast = 1024, kSamples = 4096, kBlock = 16384;
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (model.dim() != 2)
    throw std::invalid_argument("total_mass: the model is over " + std::to_string(model.dim()) +
                                " dimensions, expected 2");
  const Batch x = finite_samples(evaluator, seed, kSamples);
  if (x.cols() == 0) return kUnknown;
  const Box range = box_around(model.standardisation.apply(x));
  const double scale = std::exp(model.standardisation.log_abs_det());  // of areas, from standardised to the user's
  double before = kUnknown;
  for (Index n = kFirst;; n *= 2) {
    const Grid grid{range, n, n};
    double sum = 0;
    for (Index first = 0; first < grid.cells(); first += kBlock) {
      const Batch u = cell_centres(grid, first, std::min(kBlock, grid.cells() - first));
      const Evaluated block = evaluator.log_prob(model.standardisation.invert(u));
      if (block.given_up) return kUnknown;
      for (const double v : block.log_prob)
        if (!std::isnan(v)) sum += std::exp(v);
    }
    const double mass = sum * grid.cell_area() * scale;
    if (std::abs(mass - before) < 5e-4 || n == kLast) return mass;
    before = mass;
  }
}

}  // namespace cnf
