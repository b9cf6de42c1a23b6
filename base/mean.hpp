// A mean with its error, value by value or block by block.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/types.hpp"

namespace cnf {

/// What Student's t with so many degrees of freedom stays below with a chance of 97.5 %: 12.7, 4.3, 3.18, ..., 1.96.
/// NaN of none.   Error  0.2 %.
/// Source  Abramowitz and Stegun (1964), 26.7.5; one and two degrees in closed form.
inline double student_quantile(std::int64_t freedom) {
  constexpr double z = 1.9599639845400545, q = z * z;
  if (freedom < 1) return std::numeric_limits<double>::quiet_NaN();
  if (freedom == 1) return 12.706204736174694;
  if (freedom == 2) return 4.302652729749464;
  const double n = static_cast<double>(freedom);
  const double first = z * (q + 1) / 4, second = z * (5 * q * q + 16 * q + 3) / 96;
  const double third = z * (((3 * q + 19) * q + 17) * q - 15) / 384;
  const double fourth = z * ((((79 * q + 776) * q + 1482) * q - 1920) * q - 945) / 92160;
  return z + (first + (second + (third + fourth / n) / n) / n) / n;
}

/// Mean and standard error of the mean, without loss of digits where the mean is large beside the spread.
/// Source  Welford (1962), Technometrics 4(3), 419-420; for blocks Chan, Golub and LeVeque (1983), Am. Stat. 37(3),
///         242-247.
class RunningMean {
 public:
  void add(double x) {
    const double before = x - mean_;
    mean_ += before / static_cast<double>(++count_);
    squares_ += before * (x - mean_);
  }
  /// All values of a block. Of the first block the mean is Eigen's mean() of it, bit for bit.
  void add(const Eigen::Ref<const Vector<double>>& x) {
    if (x.size() == 0) return;
    const auto before = static_cast<double>(count_), n = static_cast<double>(x.size());
    const double mean = x.mean(), apart = mean - mean_;
    count_ += x.size();
    mean_ = before == 0 ? mean : mean_ + apart * (n / (before + n));
    squares_ += (x.array() - mean).square().sum() + apart * apart * (before / (before + n) * n);
  }
  std::int64_t count() const { return count_; }
  /// NaN of no value.
  double value() const { return count_ > 0 ? mean_ : std::numeric_limits<double>::quiet_NaN(); }
  /// NaN of fewer than two values.
  double standard_error() const {
    const auto n = static_cast<double>(count_);
    return count_ > 1 ? std::sqrt(squares_ / (n - 1) / n) : std::numeric_limits<double>::quiet_NaN();
  }
  /// Half the width of the 95 % interval of the mean, by Student's t. NaN of fewer than two values.
  double half_width() const { return student_quantile(count_ - 1) * standard_error(); }

 private:
  std::int64_t count_ = 0;
  double mean_ = 0, squares_ = 0;  ///< of the values so far: their mean, their squared distances from it
};

}  // namespace cnf
