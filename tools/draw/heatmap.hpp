// A grid of values as a picture with axes, ticks, a colour bar and a title.
#pragma once

#include <optional>
#include <string>

#include "base/types.hpp"
#include "datasets/density.hpp"
#include "tools/draw/canvas.hpp"
#include "tools/draw/colormap.hpp"
#include "tools/draw/layout.hpp"

namespace cnf {

/// How points lie over a heatmap or in a scatter panel.
struct PointStyle {
  double radius = 1.3;  ///< pixels at scale 1
  double alpha = 0.5;   ///< of one point; overlapping points add up
  Rgb colour{255, 255, 255};
};

struct HeatmapStyle {
  int width = 800;   ///< pixels
  int height = 0;    ///< pixels; 0: what the range needs at this width
  double scale = 1;  ///< multiplies text, lines and points
  Colormap map = Colormap::viridis;
  bool log = false;                     ///< colours by the logarithm of the values
  std::optional<double> low{}, high{};  ///< ends of the colour scale; without: see ColourLimits
  bool bar = true;                      ///< draw the colour bar
  bool equal_aspect = true;             ///< one unit of x is as long as one of y
  bool dark = false;                    ///< light text on a dark page
  std::string title{}, x_label{}, y_label{}, bar_label{};
  PointStyle points{};
};

/// Width and height in pixels of the area the grid fills: ask for a grid of exactly this size and every cell is one
/// pixel, nothing resampled. Does not depend on the values.
struct PlotArea {
  int width = 0, height = 0;
};
PlotArea plot_area_pixels(const Box& range, const HeatmapStyle& style);

/// The picture of a grid over `range`, points on top.
///
/// Shapes  grid: ny x nx, entry (j, i) the value of the cell in column i from the left, row j from the bottom (row 0 =
///         lowest y); points: 2 x N, or empty. Points outside the range are left out, non-finite ones too.
/// Cells   as many as pixels: one each. Fewer, along either axis: sharp-edged rectangles (the cell under the pixel's
///         centre). More: the mean over each pixel's area, taken before the colour scale, so a density stays one.
/// Colours NaN cells, and pixels over any NaN cell, have the map's nan_colour; infinite ones the end of the scale.
/// Throws  std::invalid_argument for an empty grid, points that are not 2 x N, and as `layout` and ColourLimits.
Canvas heatmap(const Matrix<double>& grid, const Box& range, const HeatmapStyle& style, const Batch& points = Batch());

/// The grid at w x h pixels, by the rule above. Shapes  returns h x w, row 0 = lowest y.
Matrix<double> resample(const Matrix<double>& grid, int w, int h);

}  // namespace cnf
