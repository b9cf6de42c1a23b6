// Invariants. Points are kept as they lie on the axes: of a logarithmic one, decimal logarithms.
#include "tools/draw/line_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

namespace cnf {
namespace {

constexpr double kPad = 0.04, kLeastDecades = 0.5;
constexpr double kWidth = 1.6, kMark = 2.9;

void take_logarithms(Matrix<double>& points, Index row) {
  for (Index i = 0; i < points.cols(); ++i)
    points(row, i) = points(row, i) > 0 ? std::log10(points(row, i)) : std::numeric_limits<double>::quiet_NaN();
}

struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void include(double v) { low = std::min(low, v), high = std::max(high, v); }
  /// With air at both ends, and never empty.
  void widen(bool log, bool tight) {
    const double middle = low / 2 + high / 2;
    const double least = log ? kLeastDecades : std::abs(middle) > 0 ? 1e-6 * std::abs(middle) : 1;
    if (high - low < least) low = middle - least / 2, high = middle + least / 2;
    const double pad = tight ? 0 : kPad * (high - low);
    low -= pad, high += pad;
  }
};

Box span_of(const std::vector<Line>& lines, const FigureStyle& style, bool tight) {
  Extent x, y;
  for (const Line& line : lines)
    for (Index i = 0; i < line.points.cols(); ++i)
      if (line.points.col(i).allFinite()) x.include(line.points(0, i)), y.include(line.points(1, i));
  if (!(x.low <= x.high)) throw std::invalid_argument("line_chart: no point can be drawn");
  x.widen(style.log_x, tight), y.widen(style.log_y, false);
  return {x.low, x.high, y.low, y.high};
}

void draw_line(Surface& surface, const Axes& axes, const Line& line) {
  std::vector<Point> path;
  for (Index i = 0; i < line.points.cols(); ++i) path.push_back(axes.at(line.points(0, i), line.points(1, i)));
  if (line.joined) surface.polyline(path, kWidth * axes.scale, line.colour, line.alpha, axes.plot);
  if (line.marks) surface.discs(path, kMark * axes.scale, line.colour, line.alpha, axes.plot);
}

}  // namespace

Rgb line_colour(std::size_t i, std::size_t n) {
  constexpr std::array<Rgb, 10> kColours{{{31, 98, 180},
                                          {224, 106, 10},
                                          {34, 139, 60},
                                          {200, 36, 48},
                                          {128, 82, 176},
                                          {20, 160, 176},
                                          {214, 90, 160},
                                          {120, 84, 60},
                                          {168, 154, 20},
                                          {110, 114, 120}}};
  if (n <= kColours.size()) return kColours[i];
  return colour(Colormap::viridis, 0.92 * static_cast<double>(i) / static_cast<double>(n - 1));
}

Picture line_chart(std::vector<Line> lines, FigureStyle style, bool tight) {
  std::vector<std::string> names;
  for (Line& line : lines) {
    if (style.log_x) take_logarithms(line.points, 0);
    if (style.log_y) take_logarithms(line.points, 1);
    if (line.name.empty()) continue;
    names.push_back(line.name);
    style.legend.push_back({line.name, line.colour});
  }
  style.width = std::min(Canvas::kMaxSide, style.width + legend_width(names, style.scale));
  const Box range = span_of(lines, style, tight);
  std::vector<Panel> panel(1);
  panel[0].title = style.title, panel[0].paper = true;
  style.title.clear();
  const auto shown = std::make_shared<const std::vector<Line>>(std::move(lines));
  panel[0].over = [shown](Surface& surface, const Axes& axes) {
    for (const Line& line : *shown) draw_line(surface, axes, line);
  };
  return {std::move(panel), range, style};
}

}  // namespace cnf
