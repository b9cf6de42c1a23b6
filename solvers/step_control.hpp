// How large the next step is, from the error of the last.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

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

/// Gustafsson's PI controller in the form of Hairer's DOPRI5: with k = min(order, embedded_order) + 1 and errors err in
/// units of the tolerance, an accepted step is followed by one larger by
///     safety err^-(1/k - 3/4 beta) err_before^beta,   limited to [0.2, 10], and to 1 after a rejection;
/// a rejected one by one smaller by max(0.2, safety err^-(1/k - 3/4 beta)).
/// Source  Hairer, Norsett, Wanner I, sec. II.4 and code DOPRI5; Hairer, Wanner II, sec. IV.2. beta = 0.04 at k = 5.
class StepController final : public StepSizes {
 public:
  explicit StepController(const Method& m)
      : k_(std::min(m.order(), m.embedded_order()) + 1), beta_(0.2 / k_), alpha_(1.0 / k_ - 0.75 * beta_) {}

  double accept(double err) override {
    const double now = std::max(err, kLeastError);
    double factor = kSafety * std::pow(now, -alpha_) * std::pow(before_, beta_);
    factor = std::clamp(factor, kShrink, rejected_ ? 1.0 : kGrow);
    before_ = std::max(err, kFloorBefore);
    rejected_ = false;
    return factor;
  }
  double reject(double err) override {
    rejected_ = true;
    return std::clamp(kSafety * std::pow(err, -alpha_), kShrink, kSafety);
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
  static constexpr double kSafety = 0.9, kShrink = 0.2, kGrow = 10;  // DOPRI5's FAC1, FAC2
  static constexpr double kShrinkNonFinite = 0.1;
  static constexpr double kShrinkUnsolved = 0.25;  // CVODE's, after a failure to converge
  static constexpr double kLeastError = 1e-12;     // only keeps pow finite: kGrow is met long before
  static constexpr double kFloorBefore = 1e-4;     // DOPRI5's FACOLD: one lucky step does not hold back the next

  int k_;
  double beta_, alpha_;
  double before_ = kFloorBefore;
  bool rejected_ = false;
};

/// The smallest step at time t that means anything: 16 ulp of t, or 1e-28 of the span at least.
inline double least_step(double t, double span) {
  constexpr double kUlps = 16 * std::numeric_limits<double>::epsilon();
  return kUlps * std::max(std::abs(t), 1e-14 * std::abs(span));
}
inline bool underflows(double h, double t, double span) { return std::abs(h) < least_step(t, span); }

}  // namespace cnf
