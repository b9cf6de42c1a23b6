#include "flows/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "flows/accuracy_rows.hpp"
#include "flows/tile_flow.hpp"

namespace cnf {

void CheapSolver::apply_to(EvaluationOptions& options) const {
  SolveOptions solve{.method = method, .fixed_steps = steps};
  solve.stop = options.solve.stop;
  options.solve = solve;
  options.frozen.reset();
  options.precision = Precision::single_float;
}

ErrorSpread::ErrorSpread(Vector<double> errors) {
  for (double& error : errors)
    if (!std::isfinite(error)) error = std::numeric_limits<double>::infinity();
  std::sort(errors.begin(), errors.end());
  mean = errors.mean();
  most = errors[std::min(errors.size() - 1, static_cast<Index>(0.999 * static_cast<double>(errors.size())))];
  largest = errors[errors.size() - 1];
}

bool ErrorSpread::finite() const { return std::isfinite(mean) && std::isfinite(largest); }

Certificate certify(const Cnf& model, const CheapSolver& solver, const EvaluationOptions& options) {
  constexpr double kAccuracy = 1e-3;  // truth is solved at a ten-thousandth of it
  constexpr Index kTiles = 64;
  EvaluationOptions cheap = options;
  cheap.failing_steps = std::numeric_limits<std::int64_t>::max();
  solver.apply_to(cheap);
  check(cheap.solve);
  AccuracyRows rows(model, Way::to_base, kAccuracy, options), samples(model, Way::to_data, kAccuracy, options);
  const KnownRows own = rows.own(0, kTiles);
  const Trial to_base = rows.try_on(own, cheap), to_data = samples.try_on(own, cheap, true);
  Certificate made;
  made.solver = solver;
  made.rows = own.x.cols();
  made.log_prob = ErrorSpread(to_base.errors);
  made.sample = ErrorSpread(to_data.errors);
  made.moved = ErrorSpread((to_data.points - own.x).colwise().norm().transpose());
  made.evaluations = to_base.evaluations;
  return made;
}

}  // namespace cnf
