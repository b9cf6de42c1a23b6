// W9: the solver alone, in double at rtol = atol = 1e-8, where an evaluation of the field costs next to nothing.
//
// Arenstorf's orbit over its period, and 1000 Lotka-Volterra systems over a time of 20: as one tile with common steps,
// and each with steps of its own (tiles of one). The systems are drawn by numpy's RandomState(0), so that other
// programs can have the same.
#pragma once

#include <vector>

#include "bench/harness.hpp"

namespace cnf::bench {

/// Cost::evaluations: calls of the field, of all tiles together. Cost::error: against the known end.
std::vector<Workload> solver_workloads();

}  // namespace cnf::bench
