// The integral of a density over its space: 1, but for what the solver leaves. Found where the mass is.
#pragma once

#include "flows/judge/grid.hpp"
#include "flows/judge/levels.hpp"

namespace cnf {

/// The integral of a density, with an estimate of its error.
struct Mass {
  double value = 0, error = 0;
  std::int64_t evaluations = 0;  ///< of the density

  /// False: the density has more detail than the quadrature followed, or too many of its solves failed; `value` then
  /// says nothing.
  bool resolved() const { return error <= 0.02; }
};

/// The integral of exp(log_density) over the line or the plane, by cells of 4 (squared) Gauss-Legendre points that are
/// halved along every axis where that moves their sum, or where a draw has seen a density three times above all that a
/// cell's points saw. Cells begin as a tree over the draws, 32 or fewer in each, out to one side's length beyond them.
///
/// Shapes  draws: D x n of that density with their log-densities, D = 1 or 2.
/// Error   the root of the sum of squares of how much halving the cells moved their sums, and the share of the draws
///         whose density their points did not see; a spike that holds less than 1/n of the mass can be missed, and what
///         lies outside the cells is.
/// Failing log_density may be NaN, which counts as none; the share of the draws in such a cell is in the error.
/// Cost    6 evaluations a draw where the density is smooth on their scale, at most 7 10^5 in all.
/// Throws  std::invalid_argument for another D, or fewer than 2 draws; Stopped once `stop` is raised.
Mass integral(const LogDensity& log_density, const ScoredDraws& draws, StopFlag stop = nullptr);

/// Of a model of one or two columns, by its standardised coordinates. Unresolved if the evaluator gave up.
/// Throws std::invalid_argument for another D.
Mass total_mass(Evaluator& evaluator, const Cnf& model, Seed seed);

}  // namespace cnf
