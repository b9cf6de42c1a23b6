// Private to solvers: what a solve is asked for, checked.
#pragma once

#include "solvers/integrate.hpp"

namespace cnf {

/// check(options), and for a solve from t_begin to t_end. Throws std::invalid_argument naming the time that is not
/// finite, or the stop or jump that does not lie along the solve.
void check(const SolveOptions& options, double t_begin, double t_end);

}  // namespace cnf
