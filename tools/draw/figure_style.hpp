// How a figure looks: its size, colours and texts.
#pragma once

#include <optional>
#include <string>

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

struct FigureStyle {
  int width = 800;   ///< pixels
  int height = 0;    ///< pixels; 0: what the range needs at this width
  double scale = 1;  ///< multiplies text, lines and points
  Colormap map = Colormap::viridis;
  bool log = false;                     ///< colours by the logarithm of the values
  std::optional<double> low{}, high{};  ///< ends of the colour scale; without: see ColourLimits
  Bars bars = Bars::each;               ///< shared, none: one colour scale for all panels; each: one a panel
  int columns = 0;                      ///< of panels; 0: all in one row
  bool equal_aspect = true;             ///< one unit of x is as long as one of y
  bool dark = false;                    ///< light text on a dark page
  std::string title{}, x_label{}, y_label{}, bar_label{};
  PointStyle points{};
};

}  // namespace cnf
