// Private to layout and figure_labels: where a figure's plots lie, at one scale of its text.
#pragma once

#include <string>
#include <vector>

#include "tools/draw/axis_ticks.hpp"
#include "tools/draw/layout.hpp"

namespace cnf {

/// Everything but the labels of the bars.
struct Geometry {
  int width = 0, height = 0;
  int free_w = 0, free_h = 0;  // what a panel could have had, before the aspect
  int plot_w = 0, plot_h = 0;
  std::vector<int> column_x, row_y;  // of the plots
  int shared_bar_x = 0;
  AxisTicks ticks;
  bool x_labelled = false, y_labelled = false;  // by a text or by a note
  int y_text = 0;                               // width of the tick labels of y
  std::vector<FittedText> legend;               // the names, and of all of them the width
  int legend_w = 0;
};

/// A label and what its ticks' numbers have to be read with: "t (×10³)".
std::string with_note(const std::string& label, const std::string& note);

/// The plots of a figure `spec.height` pixels high, or as high as they need. Where a panel gets fewer than kLeastPlot
/// pixels, free_w or free_h says so and nothing else does.
Geometry fit_plots(const FigureSpec& spec, const Measures& m);

}  // namespace cnf
