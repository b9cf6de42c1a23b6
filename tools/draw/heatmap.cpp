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

void draw_grid(Canvas& canvas, const Rect& plot, const Matrix<double>& grid, const ColourScale& scale, Colormap map) {
  const Matrix<double> pixels = resample(grid, plot.w, plot.h);
  constexpr int kBlock = 64;  // the grid lies in columns, the canvas in rows: walk squares that fit the cache
  for (int low = 0; low < plot.h; low += kBlock)
    for (int left = 0; left < plot.w; left += kBlock)
      for (int x = left; x < std::min(left + kBlock, plot.w); ++x)
        for (int y = low; y < std::min(low + kBlock, plot.h); ++y)
          canvas.set(plot.x + x, plot.bottom() - 1 - y, colour(map, scale(pixels(y, x))));
}

void draw_points(Canvas& canvas, const Rect& plot, const Batch& points, const Box& range, const PointStyle& style,
                 double scale) {
  Discs discs(plot);
  for (Index i = 0; i < points.cols(); ++i) {
    const double x = (points(0, i) - range.x0) / (range.x1 - range.x0);
    const double y = (points(1, i) - range.y0) / (range.y1 - range.y0);
    if (x >= 0 && x <= 1 && y >= 0 && y <= 1)
      discs.add(plot.x + x * plot.w, plot.bottom() - y * plot.h, style.radius * scale, style.alpha);
  }
  discs.paint(canvas, style.colour);
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

Canvas panels(std::span<const Panel> panels, const Box& range, const FigureStyle& style) {
  std::vector<std::string> titles;
  ColourLimits all;
  for (const Panel& panel : panels) {
    titles.push_back(panel.title);
    all.include(panel.grid);
    if (panel.points.size() > 0 && panel.points.rows() != 2)
      throw std::invalid_argument("panels: points are " + std::to_string(panel.points.rows()) + " x " +
                                  std::to_string(panel.points.cols()) + "; expected 2 x N, samples are columns");
  }
  FigureSpec spec = figure_spec(range, style, titles);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    if (panels[i].grid.size() == 0) continue;
    ColourLimits own;
    own.include(panels[i].grid);
    spec.scales[i] = (style.bars == Bars::each ? own : all).scale(style.log, style.low, style.high);
  }
  const FigureLayout where = layout(spec);

  const Theme& theme = style.dark ? kDark : kLight;
  Canvas canvas(where.width, where.height, theme.page);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const Rect& plot = where.panels[i].plot;
    if (panels[i].grid.size() > 0)
      draw_grid(canvas, plot, panels[i].grid, *spec.scales[i], style.map);
    else
      canvas.fill(plot, entry(style.map, 0));
    if (panels[i].points.size() > 0) draw_points(canvas, plot, panels[i].points, range, style.points, where.scale);
    canvas.frame(plot, where.line, theme.ink);
    if (where.panels[i].bar.w > 0) draw_bar(canvas, where.panels[i].bar, style.map, where.line, theme.ink);
  }
  if (where.shared_bar.w > 0) draw_bar(canvas, where.shared_bar, style.map, where.line, theme.ink);
  for (const Rect& mark : where.marks) canvas.fill(mark, theme.ink);
  for (const Label& label : where.labels)
    draw_text(canvas, label.box.x, label.box.y, label.text, label.size, theme.ink, label.vertical);
  return canvas;
}

PlotArea plot_area_pixels(const Box& range, const FigureStyle& style) {
  return plot_area_pixels(range, style, {style.title});
}

Canvas heatmap(const Matrix<double>& grid, const Box& range, const FigureStyle& style, const Batch& points) {
  if (grid.size() == 0) throw std::invalid_argument("heatmap: the grid is empty");
  FigureStyle one = style;
  one.title.clear();
  const Panel panel{style.title, grid, points};
  return panels({&panel, 1}, range, one);
}

}  // namespace cnf
