// Grids of values as a picture with axes, ticks, colour bars and titles: one, or several side by side.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/box.hpp"
#include "base/types.hpp"
#include "tools/draw/drawing.hpp"
#include "tools/draw/figure_style.hpp"
#include "tools/draw/grid_values.hpp"

namespace cnf {

/// Where a panel's data lie in the picture.
struct Axes {
  Rect plot;
  Box range;
  double scale = 1;   ///< multiplies text and lines
  Rgb ink{}, page{};  ///< of text, and of what is under it

  /// The pixel position of a point of the data's; outside the range, outside the plot.
  Point at(double x, double y) const;
};

/// One picture over the figure's range: a grid, points on it, or points alone (the grid empty: a scatter plot on the
/// map's lowest colour). A panel with neither stays empty.
struct Panel {
  std::string title;
  GridValues grid{};  ///< ny x nx, row 0 = lowest y; panels may differ in size
  Batch points{};     ///< 2 x N
  /// Draws over both, below the frame, what else there is: lines, labels. Called for each band of a picture in bands.
  std::function<void(Surface& surface, const Axes& axes)> over{};
  bool paper = false;  ///< without a grid: on the page's colour, not the map's lowest
};

/// The picture of one or more panels over `range`, the style's title above all: laid out, and drawn as far as it is
/// asked for. So a picture larger than memory is drawn in bands, whose pixels are those of the whole.
///
/// Shapes  grid: ny x nx, entry (j, i) the value of the cell in column i from the left, row j from the bottom (row 0 =
///         lowest y); points: 2 x N, or empty. Points outside the range are left out, non-finite ones too.
/// Cells   as many as pixels: one each. Fewer, along either axis: sharp-edged rectangles (the cell under the pixel's
///         centre). More: the mean over each pixel's area, taken before the colour scale, so a density stays one.
/// Colours NaN cells, and pixels over any NaN cell, have the map's nan_colour; infinite ones the end of the scale.
/// Throws  std::invalid_argument for no panel, points that are not 2 x N, and as `layout` and ColourLimits.
class Picture final : public Drawing {
 public:
  Picture(std::vector<Panel> panels, const Box& range, const FigureStyle& style);

  int width() const override { return layout_.width; }
  int height() const override { return layout_.height; }
  void draw(Surface& surface) const override;

 private:
  void draw_panel(Surface& surface, const Panel& panel, const std::optional<ColourScale>& scale,
                  const Axes& axes) const;

  std::vector<Panel> panels_;
  Box range_;
  FigureStyle style_;
  std::vector<std::optional<ColourScale>> scales_;
  FigureLayout layout_;
};

/// The panel of one grid, under the style's title. Throws as Picture, and for an empty grid.
Picture heatmap_of(GridValues grid, const Box& range, const FigureStyle& style, Batch points = {});

/// The same, drawn.
Canvas panels(std::span<const Panel> panels, const Box& range, const FigureStyle& style);
Canvas heatmap(const Matrix<double>& grid, const Box& range, const FigureStyle& style, const Batch& points = Batch());

/// Width and height in pixels of the area a grid fills: ask for a grid of exactly this size and every cell is one
/// pixel, nothing resampled. Does not depend on the values.
struct PlotArea {
  int width = 0, height = 0;
};
/// Of each panel (all are equal). `with_grid` says which panels have a grid; empty: all of them.
PlotArea plot_area_pixels(const Box& range, const FigureStyle& style, const std::vector<std::string>& titles,
                          const std::vector<bool>& with_grid = {});
/// Of the one panel of `heatmap`.
PlotArea plot_area_pixels(const Box& range, const FigureStyle& style);

/// Into how many columns n panels `ratio` times as wide as high go, so that the figure is about 2.5 times as wide as
/// high: four square ones stand in a row, four wide ones below each other. Of a ratio of 0, not known, in a row.
int panel_columns(int n, double ratio);

/// Makes the style wider or narrower, up to 2 times, until its plots have the area that those of a square range have
/// in a row as wide as it says: so a map of a coast is not a strip.
void keep_area(FigureStyle& style, const Box& range, const std::vector<std::string>& titles,
               const std::vector<bool>& with_grid = {});

}  // namespace cnf
