// How far two sets of points are from each other: the Wasserstein distance of order two, exactly.
#pragma once

#include "base/types.hpp"

namespace cnf {

/// W2 = min over pairings of (mean |a_i - b_pair(i)|^2)^(1/2), in the units of the points.
///
/// Shapes  a, b: D x N. std::invalid_argument: others, no point, or one that is not finite.
/// Error   of two samples of one density it is not 0 but falls as N^(-1/D), in the plane (log N / N)^(1/2): compare
///         with that of two samples of the same.
/// Cost    O(N^3) at worst; of 1,000 points in the plane some 50 ms.
/// Source  Villani (2009), Optimal transport, definition 6.1; the pairing by objectives/assignment.hpp.
double wasserstein2(const Batch& a, const Batch& b);

}  // namespace cnf
