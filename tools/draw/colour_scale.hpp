// Which value gets which place on a colour map.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/draw/grid_values.hpp"

namespace cnf {

/// What the place of a value on the map is linear in: the value, its square root, its logarithm, or the share of the
/// mass that lies where the values are lower. `brighter` gives the larger of the places of linear and of mass: spikes
/// do not take the range of what lies below them, and where the mass is even, ripples are not drawn as mountains
/// (decision 018).
enum class Scaling { brighter, linear, sqrt, log, mass };
inline constexpr std::array kAllScalings{Scaling::brighter, Scaling::linear, Scaling::sqrt, Scaling::log,
                                         Scaling::mass};
/// As spelled on the command line.
std::string_view name(Scaling scaling);
/// Throws std::invalid_argument listing the names if there is no such scaling.
Scaling scaling(std::string_view name);

/// Values low..high onto 0..1. low < high, further apart than 1e-9 of the larger (`ColourLimits` sees to it); 0 <= low
/// for the root, 0 < low for the logarithm.
struct ColourScale {
  double low = 0, high = 1;
  Scaling scaling = Scaling::linear;
  bool above = false;  ///< there are values above `high`
  std::vector<double>
      levels{};  ///< of mass and brighter: ascending, levels[i] the value below which lies the share i / (n - 1)

  /// The place of v, clamped to [0, 1]; everything up to `low` is 0. NaN stays.
  double operator()(double v) const;
  /// The value at the place t in [0, 1].
  double value(double t) const;
};

/// How far below the highest value a logarithmic scale begins if nobody says: e^-x^2/2 falls so far in 5.3 sigma.
inline constexpr double kLogSpan = 1e6;

/// The scale of some values, those of a density: from the least to the level that the share `clip` of the mass exceeds
/// (of `clip` 0, and of mass, to the greatest). A mass is the sum of the values, over all cells of a grid; several
/// grids count alike. Logarithmic: from the least positive one, but no further down than the upper end / kLogSpan. Each
/// end is replaced by `low`, `high` where given. One value alone is put in the middle, half of |v| to either side
/// (logarithmic: v/10 to 10v); nothing, or zero alone (or nothing beyond 1e-280), gives 0 to 1 (logarithmic:
/// 1/kLogSpan to 1); without mass there is no clip, and all but the logarithm and the root are linear.
/// Throws std::invalid_argument if a given end is not finite, not positive on a logarithmic scale, or low >= high.
class ColourLimits {
 public:
  void include(const GridValues& grid);
  ColourScale scale(Scaling scaling, double clip, std::optional<double> low, std::optional<double> high) const;

 private:
  struct Weighted {
    double value, weight;
  };
  /// Positive values in ascending order, weight = share of the mass below; empty without mass.
  std::vector<Weighted> by_mass() const;

  double least_ = 0, greatest_ = 0, least_positive_ = 0;
  bool any_ = false, any_positive_ = false;
  std::vector<Weighted> seen_;  ///< of a large grid every n-th
};

}  // namespace cnf
