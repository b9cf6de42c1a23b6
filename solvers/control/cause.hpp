// Private to integrate.cpp: what held a solve back that has failed.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "solvers/control/error_norm.hpp"
#include "solvers/control/step_control.hpp"
#include "solvers/slope.hpp"

namespace cnf {

/// h times how steeply the slope changes at (t, y) along `error`, of sample `row`: where stability and not accuracy
/// limits steps, the error lies in the direction that is not stable, and this is a few units. 0 if it cannot be said.
/// Two evaluations.
template <class T>
double stiffness(const Slope<T>& slope, const ErrorNorm<T>& norm, double t, double h, const T* y, const T* error,
                 Index row) {
  const Size size = norm(error, y, y);
  if (!size.finite || !(size.value > 0) || row < 0) return 0;
  const Scratch::Frame frame(slope.scratch);
  const Index n = slope.shape.size(), D = slope.shape.blocks.z;
  T *const moved = slope.scratch.template take<T>(n), *const k = slope.scratch.template take<T>(n),
           *const k_moved = slope.scratch.template take<T>(n);
  const T by = static_cast<T>(10 / size.value);  // tolerances: little to the field, and much more than rounding
  for (Index i = 0; i < n; ++i) moved[i] = y[i] + by * error[i];
  slope(t, y, k, static_cast<T*>(nullptr));
  slope(t, moved, k_moved, static_cast<T*>(nullptr));
  double along = 0, change = 0;
  for (Index i = row * D; i < (row + 1) * D; ++i) {
    along = std::hypot(along, static_cast<double>(moved[i]) - static_cast<double>(y[i]));
    change = std::hypot(change, static_cast<double>(k_moved[i]) - static_cast<double>(k[i]));
  }
  const double product = std::abs(h) * change / along;
  return std::isfinite(product) ? product : 0;
}

/// Sets `cause` and `stiffness` of a step_limit, step_underflow or too_fine from where the solve is and its last try's
/// error, null if there is none.
template <class T>
void find_cause(Status& status, const Slope<T>& slope, const ErrorNorm<T>& norm, const SolveOptions& options,
                double span, const T* y, const T* error) {
  constexpr double kHeld = 0.25;    // of the tolerance: beyond, rounding has its part in every error
  constexpr double kCoarse = 1e-6;  // of the span: steps that a clock near t cannot tell apart
  // Explicit methods are stable up to 2 to 7, Adams' up to 2 and less, and try more.
  const bool adams = std::holds_alternative<const VariableAdams*>(options.method.row());
  const double least = adams ? 0.5 : 1.5;
  constexpr double kMost = 50;
  if (norm.rounding(y, status.row) > kHeld) {
    status.cause = sizeof(T) == sizeof(float) ? Status::Cause::float_rounding : Status::Cause::double_rounding;
  } else if (options.min_step > 0 && std::abs(status.h) <= options.min_step) {
    status.cause = Status::Cause::min_step;
  } else if (status.code == Status::Code::step_underflow) {
    if (least_step(status.t, span) > kCoarse * std::abs(span)) status.cause = Status::Cause::clock;
  } else if (error) {
    status.stiffness = stiffness(slope, norm, status.t, status.h, y, error, status.row);
    if (status.stiffness >= least && status.stiffness <= kMost) status.cause = Status::Cause::stiffness;
  }
}

}  // namespace cnf
