// How large the next step is, from the error of the last.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "solvers/control/controller.hpp"
#include "solvers/method.hpp"

namespace cnf {

/// How large the next step is: a factor of the size of the last attempt, from its error in units of the tolerance.
class StepSizes {
 public:
  virtual double accept(double err) = 0;   ///< err <= 1, of an attempt about to be taken
  virtual double reject(double err) = 0;   ///< err > 1, perhaps infinite
  virtual double reject_non_finite() = 0;  ///< a stage or the result was not finite
  virtual double reject_unsolved() = 0;    ///< Stepper::attempt said false
  virtual double exponent() const = 0;     ///< 1 / order of the local error estimate

 protected:
  ~StepSizes() = default;
};

/// The sizes that a Controller chooses, k = min(order, embedded_order) + 1.
class StepController final : public StepSizes {
 public:
  explicit StepController(const Method& m, const Controller& controller = {})
      : k_(std::min(m.order(), m.embedded_order()) + 1), controller_(controller), alpha_(controller.now * (1.0 / k_)) {}

  double accept(double err) override {
    const double now = std::max(err, kLeastError);
    double factor = controller_.safety * std::pow(now, -alpha_) * std::pow(before_, -controller_.before / k_);
    if (controller_.earlier != 0) factor *= std::pow(earlier_, -controller_.earlier / k_);
    factor = std::clamp(factor, controller_.shrink, rejected_ ? 1.0 : controller_.grow);
    earlier_ = before_;
    before_ = std::max(err, kFloorBefore);
    rejected_ = false;
    return factor;
  }
  double reject(double err) override {
    rejected_ = true;
    return std::clamp(controller_.safety * std::pow(err, -alpha_), controller_.shrink, controller_.safety);
  }
  double reject_non_finite() override {
    rejected_ = true;
    return kShrinkNonFinite;
  }
  double reject_unsolved() override {
    rejected_ = true;
    return kShrinkUnsolved;
  }
  double exponent() const override { return 1.0 / k_; }

 private:
  static constexpr double kShrinkNonFinite = 0.1;
  static constexpr double kShrinkUnsolved = 0.25;  // CVODE's, after a failure to converge
  static constexpr double kLeastError = 1e-12;     // only keeps pow finite: `grow` is met long before
  static constexpr double kFloorBefore = 1e-4;     // DOPRI5's FACOLD: one lucky step does not hold back the next

  int k_;
  Controller controller_;
  double alpha_;
  double before_ = kFloorBefore, earlier_ = kFloorBefore;
  bool rejected_ = false;
};

/// The smallest step at time t that means anything: 16 ulp of t, or 1e-28 of the span at least.
inline double least_step(double t, double span) {
  constexpr double kUlps = 16 * std::numeric_limits<double>::epsilon();
  return kUlps * std::max(std::abs(t), 1e-14 * std::abs(span));
}
inline bool underflows(double h, double t, double span) { return std::abs(h) < least_step(t, span); }

}  // namespace cnf
