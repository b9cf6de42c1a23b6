// Where along its way a flow needs short steps, as an adaptive solver finds it.
#pragma once

#include <vector>

#include "flows/evaluator.hpp"

namespace cnf {

/// Of each block: the steps that dopri5 takes per part of its way, of 64 equal ones, meanly over the tiles of `x` and
/// smoothed; above 0. In the direction of `way`.
std::vector<std::vector<double>> step_densities(const Cnf& model, Way way, const Batch& x,
                                                const EvaluationOptions& options);

}  // namespace cnf
