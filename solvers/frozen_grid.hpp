// A frozen grid: times fitted once to a dynamics, walked by Adams methods at one evaluation a step, so that what a
// sample becomes is a smooth function of where it starts, whatever it is solved beside.
#pragma once

#include <span>
#include <vector>

#include "solvers/integrate.hpp"

namespace cnf {

inline constexpr int kMostFrozenOrder = 8;

/// t_n = t_begin + fractions[n] (t_end - t_begin), from 0 to 1 strictly ascending.
struct FrozenGrid {
  int order = 4;    ///< slopes of the past that the corrector reads beside the new one, 1 to kMostFrozenOrder
  double lead = 0;  ///< the predictor is 1 - lead times the one over `order` slopes, and lead times that over one more
  std::vector<double> fractions;
};

/// Throws std::invalid_argument naming what makes no sense.
void check(const FrozenGrid& grid);

/// `steps` steps whose sizes follow 1 / density, but the first ones: step n = 0, 1, ... reads little of the past and is
/// smaller by ((n + 1) / (order + 1))^rise. `density` has a value for each of equal parts of the way, above 0; empty:
/// steps of one size.
FrozenGrid graded_grid(int order, double lead, int steps, double rise = 1, std::span<const double> density = {});

/// The same with every step in two.
FrozenGrid halved(const FrozenGrid& grid);
/// Fractions of a way with the middles of its steps, where they are apart.
std::vector<double> halved(const std::vector<double>& fractions);

/// Advances `state` from t_begin to t_end along the grid, in place: per step an Adams-Bashforth predictor over the last
/// `order` slopes or one more, one evaluation where it leads, and an Adams-Moulton corrector over `order` slopes and
/// the new one (PEC), with the weights of the grid's own steps. The first step reads one slope, the next two, and so
/// on. With lead > 0 the new slope's error is smaller by a constant, or by an order at 1, and the steps that are stable
/// are shorter.
///
/// Adds to corrections[b] the sum over the steps of (max |corrected - predicted| over sample b's z and q)^2: large for
/// a sample that the grid is too coarse for, and not finite where the sample is not. No sample reads another: its bits
/// and its correction are those it has alone. The s block is carried too; no correction speaks of it.
/// Order     order + 1, if the first steps are small: their errors are of order 3, 4, ... in their own sizes.
/// Cost      one evaluation a step, and one at the start. Nothing is allocated once `scratch` has grown.
/// Returns   ok or `stopped`.
/// Throws    std::invalid_argument for shapes that disagree, times that are not finite, and what check() refuses.
/// Source    predictor and corrector: Hairer, Norsett, Wanner I, sec. III.1 and III.5; local extrapolation as there.
template <class T>
Status walk_grid(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state, const FrozenGrid& grid,
                 StopFlag stop, Scratch& scratch, Counters& counters, std::span<double> corrections);

}  // namespace cnf
