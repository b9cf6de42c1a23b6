// Times between which a slope is continuous.
#pragma once

#include <cmath>
#include <limits>

namespace cnf {

/// A jump at `low` or `high` is seen from inside: what would be evaluated there or beyond is evaluated at the number
/// of type T next to it.
struct Window {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();

  template <class T>
  T inside(double t) const {
    T time = static_cast<T>(t);
    if (std::isfinite(high)) time = std::fmin(time, std::nextafter(static_cast<T>(high), static_cast<T>(low)));
    if (std::isfinite(low)) time = std::fmax(time, std::nextafter(static_cast<T>(low), static_cast<T>(high)));
    return time;
  }
};

}  // namespace cnf
