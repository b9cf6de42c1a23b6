#include "tools/draw/heatmap.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "tools/draw/resample.hpp"

namespace cnf {
namespace {

struct Theme {
  Rgb page, ink;
};
constexpr Index kMostShapes = 20'000;
constexpr Theme kLight{{255, 255, 255}, {28, 28, 32}}, kDark{{20, 21, 26}, {222, 222, 226}};

FigureSpec figure_spec(const Box& range, const FigureStyle& f, std::vector<std::string> titles) {
  FigureSpec spec{.width = f.width, .height = f.height, .scale = f.scale, .range = range, .aspect = f.aspect};
  spec.columns = f.columns == 0 ? std::max(1, static_cast<int>(titles.size())) : f.columns;
  spec.title = f.title, spec.x_label = f.x_label, spec.y_label = f.y_label, spec.bar_label = f.bar_label;
  spec.short_bar_label = f.short_bar_label;
  spec.bars = f.bars;
  spec.log_x = f.log_x, spec.log_y = f.log_y;
  for (const LegendEntry& entry : f.legend) spec.legend.push_back(entry.name);
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

/// Calls take(position) for every point inside the plot.
template <class Take>
void for_each_inside(const Batch& points, const Axes& axes, Take&& take) {
  const Box& r = axes.range;
  for (Index i = 0; i < points.cols(); ++i)
    if (points(0, i) >= r.x0 && points(0, i) <= r.x1 && points(1, i) >= r.y0 && points(1, i) <= r.y1)
      take(axes.at(points(0, i), points(1, i)));
}

/// Few points as shapes of their own; the bytes of many would be more than those of all their pixels.
void draw_points(Surface& surface, const Axes& axes, const Batch& points, const PointStyle& style) {
  std::vector<Point> inside;
  for_each_inside(points, axes, [&](const Point& p) { inside.push_back(p); });
  surface.discs(inside, style.radius * axes.scale, style.colour, style.alpha, axes.plot);
}
void draw_pixels_of_points(Canvas& canvas, const Axes& axes, const Batch& points, const PointStyle& style) {
  Discs discs(intersection(axes.plot, canvas.bounds()));
  for_each_inside(points, axes, [&](const Point& p) { discs.add(p.x, p.y, style.radius * axes.scale, style.alpha); });
  discs.paint(canvas, style.colour);
}

/// The bar, and the arrow of that height on its top.
void draw_bar(Surface& surface, const Rect& bar, int arrow, Colormap map, int line, Rgb ink) {
  surface.image(bar, [map](Canvas& canvas, const Rect& at) {
    for (int y = 0; y < at.h; ++y) canvas.fill({at.x, at.y + y, at.w, 1}, colour(map, (at.h - y - 0.5) / at.h));
  });
  surface.frame(bar, line, ink);
  if (arrow == 0) return;
  const Rect over{bar.x, bar.y - line, bar.w, line},
      around{bar.x - line, bar.y - arrow - line, bar.w + 2 * line, arrow + line};
  surface.fill(over, colour(map, 1));
  const double left = bar.x - line / 2.0, right = bar.right() + line / 2.0, base = bar.y, middle = (left + right) / 2;
  const Point corners[]{{left, base}, {middle, base - arrow + line / 2.0}, {right, base}};
  surface.polygon(corners, colour(map, 1), 1, around);
  surface.polyline(corners, line, ink, 1, around);
}

}  // namespace

Point Axes::at(double x, double y) const {
  return {plot.x + (x - range.x0) / (range.x1 - range.x0) * plot.w,
          plot.bottom() - (y - range.y0) / (range.y1 - range.y0) * plot.h};
}

PlotArea plot_area_pixels(const Box& range, const FigureStyle& style, const std::vector<std::string>& titles,
                          const std::vector<bool>& with_grid) {
  FigureSpec spec = figure_spec(range, style, titles);
  for (std::size_t i = 0; i < titles.size(); ++i)
    if (with_grid.empty() || with_grid.at(i)) spec.scales[i] = ColourScale{};
  const Rect plot = layout(spec).panels[0].plot;
  return {plot.w, plot.h};
}

PointStyle PointStyle::of_number(Index n, double pixels) const {
  constexpr double kCovered = 0.15;  // of the pixels, were no two discs to meet
  PointStyle style = *this;
  const double count = static_cast<double>(std::max<Index>(n, 1));
  if (radius == 0) style.radius = std::clamp(1.3 * std::pow(5000 / count, 0.2), 1.0, 2.6);
  if (alpha == 0)
    style.alpha = std::clamp(kCovered * pixels / (count * 3.14 * style.radius * style.radius), 0.06, 0.85);
  return style;
}

int panel_columns(int n, double ratio) {
  constexpr double kFigure = 2.5;
  int best = n;
  const auto far = [&](int columns) {
    const int rows = (n + columns - 1) / columns;
    return std::abs(std::log(columns * ratio / rows / kFigure));
  };
  for (int columns = n - 1; columns > 0 && ratio > 0; --columns)
    if (n % columns == 0 && far(columns) < far(best)) best = columns;
  return std::max(best, 1);
}

void keep_area(FigureStyle& style, const Box& range, const std::vector<std::string>& titles,
               const std::vector<bool>& with_grid) {
  FigureStyle usual = style;
  usual.columns = 0, usual.height = 0, usual.aspect = 1;
  const PlotArea square = plot_area_pixels({0, 1, 0, 1}, usual, titles, with_grid);
  const int least = std::max(usual.width / 2, 100), most = std::min(usual.width * 2, Canvas::kMaxSide);
  for (int round = 0; round < 4; ++round) {
    const PlotArea area = plot_area_pixels(range, style, titles, with_grid);
    const double grow = std::sqrt(1.0 * square.width * square.height / (1.0 * area.width * area.height));
    style.width = std::clamp(static_cast<int>(std::lround(style.width * grow)), least, most);
  }
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
    spec.scales[i] = (style.bars == Bars::each ? own : all).scale(style.scaling, style.clip, style.low, style.high);
  }
  scales_ = spec.scales;
  layout_ = layout(spec);
}

void Picture::draw_panel(Surface& surface, const Panel& panel, const std::optional<ColourScale>& scale,
                         const Axes& axes) const {
  const bool many = panel.points.cols() > kMostShapes;
  const Rgb ground = panel.paper ? axes.page : entry(style_.map, 0);
  const double pixels = axes.plot.w * axes.plot.h / (axes.scale * axes.scale);
  const PointStyle points = style_.points.of_number(panel.points.cols(), pixels);
  const auto paint = [&](Canvas& canvas, const Rect& at) {
    if (panel.grid.size() > 0)
      draw_grid(canvas, at, panel.grid, *scale, style_.map);
    else
      canvas.fill(at, ground);
    Axes moved = axes;
    moved.plot = at;
    if (many) draw_pixels_of_points(canvas, moved, panel.points, points);
  };
  if (panel.grid.size() > 0 || many)
    surface.image(axes.plot, paint);
  else
    surface.fill(axes.plot, ground);
  if (panel.points.size() > 0 && !many) draw_points(surface, axes, panel.points, points);
  if (panel.over) panel.over(surface, axes);
}

void Picture::draw(Surface& surface) const {
  const Theme& theme = style_.dark ? kDark : kLight;
  surface.fill({0, 0, width(), height()}, theme.page);
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    const PanelLayout& where = layout_.panels[i];
    draw_panel(surface, panels_[i], scales_[i], {where.plot, range_, layout_.scale, theme.ink, theme.page});
    surface.frame(where.plot, layout_.line, theme.ink);
    if (where.bar.w > 0) draw_bar(surface, where.bar, where.arrow, style_.map, layout_.line, theme.ink);
  }
  if (layout_.shared_bar.w > 0)
    draw_bar(surface, layout_.shared_bar, layout_.shared_arrow, style_.map, layout_.line, theme.ink);
  for (const Rect& mark : layout_.marks) surface.fill(mark, theme.ink);
  for (std::size_t i = 0; i < layout_.swatches.size(); ++i) surface.fill(layout_.swatches[i], style_.legend[i].colour);
  for (const Label& label : layout_.labels)
    surface.text(label.box.x, label.box.y, label.text, label.size, theme.ink, label.vertical);
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
