// How a figure looks: its size, colours and texts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "tools/draw/canvas.hpp"
#include "tools/draw/colormap.hpp"
#include "tools/draw/layout.hpp"

namespace cnf {

/// How points lie over a heatmap or in a scatter panel.
struct PointStyle {
  double radius = 0;  ///< pixels at scale 1; 0: the fewer, the larger
  double alpha = 0;   ///< of one point; overlapping points add up. 0: so that many do not hide each other
  Rgb colour{255, 255, 255};

  /// Radius and alpha for n points on so many pixels.
  PointStyle of_number(Index n, double pixels) const;
};

/// A name in a legend, and the colour it explains.
struct LegendEntry {
  std::string name;
  Rgb colour;
};

struct FigureStyle {
  int width = 800;   ///< pixels
  int height = 0;    ///< pixels; 0: what the range needs at this width
  double scale = 1;  ///< multiplies text, lines and points
  Colormap map = Colormap::viridis;
  Scaling scaling = Scaling::linear;    ///< of the colours
  double clip = 0;                      ///< share of the mass above the colour scale's upper end
  std::optional<double> low{}, high{};  ///< ends of the colour scale; without: see ColourLimits
  Bars bars = Bars::each;               ///< shared, none: one colour scale for all panels; each: one a panel
  int columns = 0;                      ///< of panels; 0: all in one row
  double aspect = 1;                    ///< as FigureSpec's
  bool log_x = false, log_y = false;    ///< as FigureSpec's
  std::vector<LegendEntry> legend{};    ///< beside the plots
  bool dark = false;                    ///< light text on a dark page
  std::string title{}, x_label{}, y_label{}, bar_label{}, short_bar_label{};
  PointStyle points{};
};

}  // namespace cnf
