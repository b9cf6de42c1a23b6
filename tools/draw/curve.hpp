// A density over one axis: its curve, the data's histogram and a rug of their values.
#pragma once

#include <string>

#include "base/types.hpp"
#include "tools/draw/heatmap.hpp"

namespace cnf {

/// Equal bars from `low` on.
struct BarRow {
  double low = 0, width = 1;
  Vector<double> height;
};

struct Curve {
  double x0 = 0, x1 = 1;            ///< of the axis
  Vector<double> density;           ///< at the centres of equal cells; NaN leaves a gap
  BarRow bars{};                    ///< without heights: none
  Vector<double> rug{};             ///< a short mark for each, the fainter the more there are
  std::string name{}, data_name{};  ///< what the legend calls the curve and the bars
};

/// From zero to each bar's height, edges on whole pixels.
void draw_bars(Surface& surface, const Axes& axes, const BarRow& bars, Rgb colour);

/// The curve over its bars, from zero to what is highest, as the style's title, labels and size say.
/// Throws std::invalid_argument as Picture.
Picture curve_picture(Curve curve, FigureStyle style);
/// Pixels along its axis: evaluate as many cells, and each is one.
int curve_pixels(double x0, double x1, const FigureStyle& style);

}  // namespace cnf
