// Several pictures over one range, side by side.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/draw/heatmap.hpp"

namespace cnf {

/// One picture: a grid as in `heatmap`, points on it, or points alone (the grid empty: a scatter plot on the map's
/// lowest colour). A panel with neither stays empty.
struct Panel {
  std::string title;
  Matrix<double> grid;  ///< ny x nx, row 0 = lowest y; panels may differ in size
  Batch points;         ///< 2 x N
};

struct PanelsStyle {
  HeatmapStyle figure = {.width = 1600};  ///< size of the whole, title above all; `figure.bar` is not read
  Bars bars = Bars::shared;               ///< shared, none: one colour scale for all panels; each: one a panel
  int columns = 0;                        ///< 0: all panels in one row
};

/// Throws as `heatmap`, and if there is no panel.
Canvas panels(std::span<const Panel> panels, const Box& range, const PanelsStyle& style);

/// Pixels of each panel's plot area (all are equal), as for the heatmap. `with_grid` says which panels have a grid;
/// empty: all of them.
PlotArea plot_area_pixels(const Box& range, const PanelsStyle& style, const std::vector<std::string>& titles,
                          const std::vector<bool>& with_grid = {});

}  // namespace cnf
