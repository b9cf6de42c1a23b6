// The size of an adaptive solve's first step.
#pragma once

#include <algorithm>
#include <cmath>

#include "solvers/control/error_norm.hpp"
#include "solvers/control/step_control.hpp"
#include "solvers/slope.hpp"

namespace cnf {

/// How far a solve goes from t, and in which direction.
struct Reach {
  double t, span;    ///< span > 0
  double direction;  ///< 1 or -1
};

/// A signed step from (t, y) with slope k0 there, for an error estimate of order 1 / exponent; one evaluation. `y_work`
/// and `k_work` are memory for a state each.
/// Source  Hairer, Norsett, Wanner I, sec. II.4, "starting step size".
template <class T>
double first_step(const Slope<T>& slope, const ErrorNorm<T>& norm, const Reach& reach, const T* y, const T* k0,
                  double exponent, T* y_work, T* k_work) {
  const Index n = slope.shape.size();
  const double d0 = norm(y, y, y).value, d1 = norm(k0, y, y).value;
  double h = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 * reach.span : 0.01 * d0 / d1;
  h = std::min(h, reach.span);
  const std::array<double, kMaxStages> euler{1};
  const Slots<T> k{const_cast<T*>(k0)};  // combine reads alone
  combine(y_work, y, reach.direction * h, euler, 1, k, n);
  slope(reach.t + reach.direction * h, y_work, k_work, static_cast<T*>(nullptr));
  for (Index i = 0; i < n; ++i) k_work[i] -= k0[i];
  const Size change = norm(k_work, y, y);
  if (!change.finite) return reach.direction * 0.1 * h;
  const double steepest = std::max(d1, change.value / h);
  const double h1 = steepest <= 1e-15 ? std::max(1e-6 * reach.span, 1e-3 * h) : std::pow(0.01 / steepest, exponent);
  return reach.direction *
         std::max(std::min({100 * h, h1, reach.span}), std::min(4 * least_step(reach.t, reach.span), reach.span));
}

}  // namespace cnf
