// Which value gets which place on a colour map.
#pragma once

#include <optional>

#include "tools/draw/grid_values.hpp"

namespace cnf {

/// Values low..high onto 0..1, linearly or by their logarithm (then 0 < low). low < high, further apart than 1e-9 of
/// the larger: `colour_scale` sees to it.
struct ColourScale {
  double low = 0, high = 1;
  bool log = false;

  /// The place of v, clamped to [0, 1]; on a logarithmic scale everything up to `low`, zero and less, is 0. NaN stays.
  double operator()(double v) const;
  /// The value at the place t in [0, 1].
  double value(double t) const;
};

/// How far below the highest value a logarithmic scale begins if nobody says: e^-x^2/2 falls so far in 5.3 sigma.
inline constexpr double kLogSpan = 1e6;

/// The scale of some values: from the least to the greatest finite one (logarithmic: from the least positive one, but
/// no further down than the greatest / kLogSpan), each end replaced by `low`, `high` where given. One value alone is
/// put in the middle, half of |v| to either side (logarithmic: v/10 to 10v); nothing, or zero alone (or nothing beyond
/// 1e-280), gives 0 to 1 (logarithmic: 1/kLogSpan to 1). Throws std::invalid_argument if a given end is not finite, not
/// positive on a logarithmic scale, or low >= high.
class ColourLimits {
 public:
  void include(const GridValues& grid);
  ColourScale scale(bool log, std::optional<double> low, std::optional<double> high) const;

 private:
  double least_ = 0, greatest_ = 0, least_positive_ = 0;
  bool any_ = false, any_positive_ = false;
};

}  // namespace cnf
