// Which order and size the next Adams step has.
#pragma once

#include <limits>

namespace cnf {

/// Errors that a step just tried would have made at orders about its own, in units of what is accepted; infinity where
/// there is no such order, or not enough steps to tell.
struct OrderErrors {
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();
  double two_lower = kUnknown, lower = kUnknown, same = kUnknown, higher = kUnknown;
};

/// The order with the smallest error, one step up or down at a time, and the size that this error allows. As long as no
/// step fails and no order is refused, a solve is starting: each step is of the next order, and three times as long.
///
/// A size is kept unless it may grow by a fifth: over equal steps the estimates are at their best.
/// Source  Shampine and Gordon (1975), ch. 7, blocks 2 to 4 of their STEP, but for sizes, which they only double or
///         halve, and for orders raised on uneven steps too.
class OrderControl {
 public:
  explicit OrderControl(int most) : most_(most) {}

  int order() const { return order_; }
  /// Whether accept() will read `higher`.
  bool may_rise() const { return !starting_ && order_ < most_; }
  /// Both set the order and return the factor of the next step.
  double accept(const OrderErrors& errors);
  double reject(const OrderErrors& errors);
  double reject_non_finite();

 private:
  bool falls(const OrderErrors& errors) const;

  int most_, order_ = 1, failures_ = 0;
  bool starting_ = true;
};

}  // namespace cnf
