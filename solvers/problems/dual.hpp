// A number with its derivative along one direction. Private to solvers/problems.
#pragma once

#include <cmath>

namespace cnf {

/// value + slope e, e^2 = 0.
struct Dual {
  double value, slope;

  Dual() = default;
  constexpr Dual(double v, double dv = 0) : value(v), slope(dv) {}
};

constexpr Dual operator-(const Dual& a) { return {-a.value, -a.slope}; }
constexpr Dual operator+(const Dual& a, const Dual& b) { return {a.value + b.value, a.slope + b.slope}; }
constexpr Dual operator-(const Dual& a, const Dual& b) { return {a.value - b.value, a.slope - b.slope}; }
constexpr Dual operator*(const Dual& a, const Dual& b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope};
}
constexpr Dual operator/(const Dual& a, const Dual& b) {
  const double ratio = a.value / b.value;
  return {ratio, (a.slope - ratio * b.slope) / b.value};
}
constexpr Dual& operator+=(Dual& a, const Dual& b) { return a = a + b; }

inline Dual sqrt(const Dual& a) {
  const double root = std::sqrt(a.value);
  return {root, a.slope / (2 * root)};
}
inline Dual sin(const Dual& a) { return {std::sin(a.value), a.slope * std::cos(a.value)}; }
inline Dual cos(const Dual& a) { return {std::cos(a.value), -a.slope * std::sin(a.value)}; }

}  // namespace cnf
