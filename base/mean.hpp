// A mean with its error, one value at a time.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace cnf {

/// Mean and standard error of the mean. One pass, and no loss of digits where the mean is large beside the spread.
/// Source  Welford (1962), Technometrics 4(3), 419-420.
class RunningMean {
 public:
  void add(double x) {
    const double before = x - mean_;
    mean_ += before / static_cast<double>(++count_);
    squares_ += before * (x - mean_);
  }
  std::int64_t count() const { return count_; }
  /// NaN of no value.
  double value() const { return count_ > 0 ? mean_ : std::numeric_limits<double>::quiet_NaN(); }
  /// NaN of fewer than two values.
  double standard_error() const {
    const auto n = static_cast<double>(count_);
    return count_ > 1 ? std::sqrt(squares_ / (n - 1) / n) : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  std::int64_t count_ = 0;
  double mean_ = 0, squares_ = 0;  ///< of the values so far: their mean, their squared distances from it
};

}  // namespace cnf
