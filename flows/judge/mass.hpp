// The integral of a model's density over the plane: 1, but for what the solver and the quadrature leave.
#pragma once

#include "flows/judge/grid.hpp"

namespace cnf {

/// By midpoints on a box around 4096 of the model's samples in standardised coordinates, a quarter of its side and 0.5
/// wider on every side; cells are halved, from 128 x 128 to at most 1024 x 1024, until the sum moves by less than 5e-4.
/// Cells that failed are left out. NaN if no sample could be computed, or if the evaluator gave up.
/// Throws std::invalid_argument if the model is not planar.
double total_mass(Evaluator& evaluator, const Cnf& model, Seed seed);

}  // namespace cnf
