// The polynomials on [0, 1] that dense output is made of.
#pragma once

namespace cnf {

/// The cubic Hermite polynomial of a step: factors of h sum_i b_i k_i, the difference of its ends, and of the slopes
/// there.
struct Hermite {
  double b, first, last;
};
constexpr Hermite hermite(double x) { return {x * x * (3 - 2 * x), x * (1 - x) * (1 - x), x * x * (x - 1)}; }
constexpr Hermite hermite_slope(double x) { return {6 * x * (1 - x), (1 - x) * (1 - 3 * x), x * (3 * x - 2)}; }

/// What may be added to it: 0 with its slope at both ends.
constexpr double bubble(double x) { return x * x * (1 - x) * (1 - x); }
constexpr double bubble_slope(double x) { return 2 * x * (1 - x) * (1 - 2 * x); }

}  // namespace cnf
