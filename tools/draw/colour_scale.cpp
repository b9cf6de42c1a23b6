#include "tools/draw/colour_scale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"

namespace cnf {
namespace {

constexpr double kSmallest = 1e-280, kLargest = 1e300;  // a scale's greatest magnitude: ticks need room to divide

bool apart(double low, double high) {
  if (std::max(std::abs(low), std::abs(high)) < kSmallest) return false;
  return high / 2 - low / 2 > 1e-9 * std::max(std::abs(low), std::abs(high));  // halves: no overflow
}

}  // namespace

double ColourScale::operator()(double v) const {
  if (std::isnan(v)) return v;
  if (v <= low) return 0;
  if (v >= high) return 1;
  if (log) return (std::log(v) - std::log(low)) / (std::log(high) - std::log(low));
  return (v / 2 - low / 2) / (high / 2 - low / 2);
}

double ColourScale::value(double t) const {
  if (log) return std::exp(std::log(low) * (1 - t) + std::log(high) * t);
  return low * (1 - t) + high * t;
}

void ColourLimits::include(const GridValues& grid) {
  grid.for_each_block([this](Index, const Matrix<double>& block) {
    for (Index i = 0; i < block.size(); ++i) {
      const double v = block.data()[i];
      if (!std::isfinite(v)) continue;
      least_ = any_ ? std::min(least_, v) : v;
      greatest_ = any_ ? std::max(greatest_, v) : v;
      any_ = true;
      if (v > 0) {
        least_positive_ = any_positive_ ? std::min(least_positive_, v) : v;
        any_positive_ = true;
      }
    }
  });
}

ColourScale ColourLimits::scale(bool log, std::optional<double> low, std::optional<double> high) const {
  for (const std::optional<double>& end : {low, high})
    if (end && (!std::isfinite(*end) || (log && *end <= 0)))
      throw std::invalid_argument("ColourLimits: an end is " + shortest(*end) + "; expected a finite " +
                                  (log ? "positive number on a logarithmic scale" : "number"));
  ColourScale s{0, 1, log};
  if (log) {
    s.high = high.value_or(any_positive_ ? std::clamp(greatest_, kSmallest, kLargest) : low ? *low * kLogSpan : 1);
    s.low = low.value_or(any_positive_ ? std::max(least_positive_, s.high / kLogSpan) : s.high / kLogSpan);
    if (!apart(s.low, s.high)) {
      if (!low) s.low = s.high / 10;
      if (!high) s.high = low ? *low * 10 : s.high * 10;
    }
  } else {
    s.high = high.value_or(any_ ? greatest_ : low ? *low + 1 : 1);
    s.low = low.value_or(any_ ? least_ : high ? *high - 1 : 0);
    if (!apart(s.low, s.high)) {
      const double v = std::abs(s.low) < kSmallest ? 0 : s.low, reach = v == 0 ? 1 : std::abs(v) / 2;
      constexpr double kMost = std::numeric_limits<double>::max();
      if (!low) s.low = v == 0 ? (high ? -1 : 0) : std::max(v - reach, -kMost);
      if (!high) s.high = std::min(v + reach, kMost);
    }
  }
  if (!apart(s.low, s.high))
    throw std::invalid_argument("ColourLimits: the scale would run from " + shortest(s.low) + " to " +
                                shortest(s.high) +
                                "; the upper end must be the larger (by more than 1e-9 of it and by 1e-280)");
  return s;
}

}  // namespace cnf
