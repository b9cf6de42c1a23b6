#include "tools/draw/heatmap.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "tools/draw/resample.hpp"
#include "tools/draw/text.hpp"

namespace cnf {
namespace {

struct Theme {
  Rgb page, ink;
};
constexpr Theme kLight{{255, 255, 255}, {28, 28, 32}}, kDark{{20, 21, 26}, {222, 222, 226}};

FigureSpec figure_spec(const Box& range, const FigureStyle& f, std::vector<std::string> titles) {
  FigureSpec spec{
      .width = f.width, .height = f.height, .scale = f.scale, .range = range, .equal_aspect = f.equal_aspect};
  spec.columns = f.columns == 0 ? std::max(1, static_cast<int>(titles.size())) : f.columns;
  spec.title = f.title, spec.x_label = f.x_label, spec.y_label = f.y_label, spec.bar_label = f.bar_label;
  spec.bars = f.bars;
  spec.scales.resize(titles.size());
  spec.titles = std::move(titles);
  return spec;
}

/// The rows of the plot that lie on the canvas.
void draw_grid(Canvas& canvas, const Rect& plot, const GridValues& grid, const ColourScale& scale, Colormap map) {
  const Rect seen = intersection(plot, canvas.bounds());
  if (seen.h == 0) return;
  const int lowest = plot.bottom() - seen.bottom();  // in rows of the plot, from the lowest y
  const Matrix<double> pixels = resample(grid, plot.w, plot.h, lowest, seen.h);
  constexpr int kBlock = 64;  // the grid lies in columns, the canvas in rows: walk squares that fit the cache
  for (int low = 0; low < seen.h; low += kBlock)
    for (int left = 0; left < plot.w; left += kBlock)
      for (int x = left; x < std::min(left + kBlock, plot.w); ++x)
        for (int y = low; y < std::min(low + kBlock, seen.h); ++y)
          canvas.set(plot.x + x, seen.bottom() - 1 - y, colour(map, scale(pixels(y, x))));
}

void draw_points(Canvas& canvas, const Rect& plot, const Batch& points, const Box& range, const PointStyle& style,
                 double scale) {
  Discs discs(intersection(plot, canvas.bounds()));
  for (Index i = 0; i < points.cols(); ++i) {
    const double x = (points(0, i) - range.x0) / (range.x1 - range.x0);
    const double y = (points(1, i) - range.y0) / (range.y1 - range.y0);
    if (x >= 0 && x <= 1 && y >= 0 && y <= 1)
      discs.add(plot.x + x * plot.w, plot.bottom() - y * plot.h, style.radius * scale, style.alpha);
  }
  discs.paint(canvas, style.colour);
}

/// A glyph may lean out of its line's box, an accent stand over it.
Rect reach_of(const Label& label) {
  const int air = static_cast<int>(std::ceil(label.size));
  return {label.box.x - air, label.box.y - air, label.box.w + 2 * air, label.box.h + 2 * air};
}

void draw_bar(Canvas& canvas, const Rect& bar, Colormap map, int line, Rgb ink) {
  for (int y = 0; y < bar.h; ++y) {
    const double t = (bar.h - y - 0.5) / bar.h;
    canvas.fill({bar.x, bar.y + y, bar.w, 1}, colour(map, t));
  }
  canvas.frame(bar, line, ink);
}

}  // namespace

PlotArea plot_area_pixels(const Box& range, const FigureStyle& style, const std::vector<std::string>& titles,
                          const std::vector<bool>& with_grid) {
  FigureSpec spec = figure_spec(range, style, titles);
  for (std::size_t i = 0; i < titles.size(); ++i)
    if (with_grid.empty() || with_grid.at(i)) spec.scales[i] = ColourScale{0, 1, false};
  const Rect plot = layout(spec).panels[0].plot;
  return {plot.w, plot.h};
}

Picture::Picture(std::vector<Panel> panels, const Box& range, const FigureStyle& style)
    : panels_(std::move(panels)), range_(range), style_(style) {
  std::vector<std::string> titles;
  ColourLimits all;
  for (const Panel& panel : panels_) {
    titles.push_back(panel.title);
    if (style.bars != Bars::each) all.include(panel.grid);
    if (panel.points.size() > 0 && panel.points.rows() != 2)
      throw std::invalid_argument("panels: points are " + std::to_string(panel.points.rows()) + " x " +
                                  std::to_string(panel.points.cols()) + "; expected 2 x N, samples are columns");
  }
  FigureSpec spec = figure_spec(range, style, titles);
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    if (panels_[i].grid.size() == 0) continue;
    ColourLimits own;
    if (style.bars == Bars::each) own.include(panels_[i].grid);
    spec.scales[i] = (style.bars == Bars::each ? own : all).scale(style.log, style.low, style.high);
  }
  scales_ = spec.scales;
  layout_ = layout(spec);
}

Canvas Picture::band(int y, int h) const {
  const Theme& theme = style_.dark ? kDark : kLight;
  Canvas canvas(width(), h, theme.page, y);
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    const PanelLayout& where = layout_.panels[i];
    const Panel& panel = panels_[i];
    if (panel.grid.size() > 0)
      draw_grid(canvas, where.plot, panel.grid, *scales_[i], style_.map);
    else
      canvas.fill(where.plot, entry(style_.map, 0));
    if (panel.points.size() > 0) draw_points(canvas, where.plot, panel.points, range_, style_.points, layout_.scale);
    canvas.frame(where.plot, layout_.line, theme.ink);
    if (where.bar.w > 0) draw_bar(canvas, where.bar, style_.map, layout_.line, theme.ink);
  }
  if (layout_.shared_bar.w > 0) draw_bar(canvas, layout_.shared_bar, style_.map, layout_.line, theme.ink);
  for (const Rect& mark : layout_.marks) canvas.fill(mark, theme.ink);
  for (const Label& label : layout_.labels)
    if (intersects(reach_of(label), canvas.bounds()))
      draw_text(canvas, label.box.x, label.box.y, label.text, label.size, theme.ink, label.vertical);
  return canvas;
}

PlotArea plot_area_pixels(const Box& range, const FigureStyle& style) {
  return plot_area_pixels(range, style, {style.title});
}

Picture heatmap_of(GridValues grid, const Box& range, const FigureStyle& style, Batch points) {
  if (grid.size() == 0) throw std::invalid_argument("heatmap: the grid is empty");
  FigureStyle one = style;
  one.title.clear();
  std::vector<Panel> panel(1);
  panel[0] = {style.title, std::move(grid), std::move(points)};
  return {std::move(panel), range, one};
}

Canvas panels(std::span<const Panel> panels, const Box& range, const FigureStyle& style) {
  return Picture({panels.begin(), panels.end()}, range, style).whole();
}

Canvas heatmap(const Matrix<double>& grid, const Box& range, const FigureStyle& style, const Batch& points) {
  return heatmap_of(grid, range, style, points).whole();
}

}  // namespace cnf
