// A density in a plane through its space: two columns free, the others held.
#pragma once

#include "flows/judge/grid.hpp"

namespace cnf {

/// The plane of the columns x and y; `at` has the values of the others (those at x and y are not read).
struct Slice {
  Index x = 0, y = 1;
  Vector<double> at;

  /// Points of the plane, 2 x n, as points of the space, D x n.
  Batch lift(const Eigen::Ref<const Batch>& plane) const;
};

/// Where a density lies in its window: the box that holds its cells from the 0.5 % to the 99.5 % of their mass along
/// either axis, widened by a twelfth to both sides, and not beyond the window. The window if it has no mass there.
Box mass_box(const Matrix<double>& density, const Box& window);

}  // namespace cnf
