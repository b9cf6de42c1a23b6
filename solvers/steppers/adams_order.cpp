// Invariants. 1 <= order_ <= most_; failures_ counts the rejections since the last accepted step.
#include "solvers/steppers/adams_order.hpp"

#include <algorithm>
#include <cmath>

namespace cnf {

namespace {

constexpr double kStartGrow = 3, kGrow = 2, kLeastGrow = 1.2, kShrink = 0.5, kMostShrink = 0.9;
constexpr double kAim = 0.3;  // of what is accepted: few steps fail, and a failed one costs a third of a step
constexpr double kRetryAim = 0.2, kRetryShrink = 0.2;
constexpr double kBlindShrink = 0.01;  // at order 1, after a jump: from steps that order 12 took
constexpr double kNonFiniteShrink = 0.1;
constexpr int kPatience = 3;  // failures at one point until what was before it is not believed

/// The factor of a step after which an error of order k + 1 is `aim`.
double factor(double aim, double error, int k) { return std::pow(aim / std::max(error, 1e-12), 1.0 / (k + 1)); }

}  // namespace

bool OrderControl::falls(const OrderErrors& e) const {
  return order_ == 2 ? e.lower <= 0.5 * e.same : order_ > 2 && std::max(e.lower, e.two_lower) <= e.same;
}

double OrderControl::accept(const OrderErrors& e) {
  failures_ = 0;
  const bool down = falls(e);
  starting_ = starting_ && !down && order_ < most_;
  if (starting_) {
    ++order_;
    return kStartGrow;
  }
  double error = e.same;
  if (down || (order_ > 1 && e.lower <= std::min(e.same, e.higher) && e.higher < OrderErrors::kUnknown)) {
    error = e.lower;
    --order_;
  } else if (e.higher < (order_ == 1 ? 0.5 : 1.0) * e.same) {
    error = e.higher;
    ++order_;
  }
  const double r = factor(kAim, error, order_);
  return r >= kLeastGrow ? std::min(r, kGrow) : r >= 1 ? 1.0 : std::clamp(r, kShrink, kMostShrink);
}

double OrderControl::reject(const OrderErrors& e) {
  starting_ = false;
  const bool down = falls(e);
  const double error = down ? e.lower : e.same;
  if (down) --order_;
  if (++failures_ >= kPatience) order_ = 1;
  if (order_ == 1 || failures_ > 1) return std::clamp(factor(kAim, error, 1), kBlindShrink, kShrink);
  return std::clamp(kMostShrink * factor(kRetryAim, error, order_), kRetryShrink, kMostShrink);
}

double OrderControl::reject_non_finite() {
  starting_ = false;
  if (++failures_ >= kPatience) order_ = 1;
  return kNonFiniteShrink;
}

}  // namespace cnf
