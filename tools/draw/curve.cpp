#include "tools/draw/curve.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tools/draw/text.hpp"

namespace cnf {
namespace {

constexpr Rgb kCurveBars{173, 198, 224}, kCurveLine{200, 66, 10}, kRug{52, 96, 148};
constexpr double kTextSize = 12.4;  // of the legend, as the ticks

double greatest(const Vector<double>& values) {
  double most = 0;
  for (const double v : values)
    if (std::isfinite(v)) most = std::max(most, v);
  return most;
}

void draw_line(Surface& surface, const Axes& axes, const Curve& curve) {
  std::vector<Point> piece;
  const auto flush = [&] {
    if (piece.size() > 1) surface.polyline(piece, 1.8 * axes.scale, kCurveLine, 1, axes.plot);
    piece.clear();
  };
  const double n = static_cast<double>(curve.density.size());
  for (Index k = 0; k < curve.density.size(); ++k) {
    const double v = curve.density[k];
    if (!std::isfinite(v)) {
      flush();
      continue;
    }
    piece.push_back(axes.at(curve.x0 + (curve.x1 - curve.x0) * (static_cast<double>(k) + 0.5) / n, v));
  }
  flush();
}

void draw_rug(Surface& surface, const Axes& axes, const Vector<double>& rug) {
  const double height = 7 * axes.scale, alpha = std::clamp(60.0 / static_cast<double>(rug.size()), 0.08, 0.8);
  for (const double v : rug) {
    const Point at = axes.at(v, 0);
    if (!(at.x >= axes.plot.x && at.x <= axes.plot.right())) continue;
    const Point mark[] = {{at.x, at.y}, {at.x, at.y - height}};
    surface.polyline(mark, axes.scale, kRug, alpha, axes.plot);
  }
}

struct Entry {
  const std::string& name;
  bool line;
};

/// In the upper corner that is emptier.
void draw_legend(Surface& surface, const Axes& axes, const Curve& curve, double top) {
  std::vector<Entry> entries{{curve.name, true}};
  if (curve.bars.height.size() > 0) entries.push_back({curve.data_name, false});
  const double size = kTextSize * axes.scale;
  const int swatch = static_cast<int>(std::lround(2 * size)), gap = static_cast<int>(std::lround(0.6 * size));
  int text_width = 0;
  for (const Entry& entry : entries) text_width = std::max(text_width, measure(entry.name, size).width);
  const TextExtent e = measure("0", size);
  const int row = e.height() + gap / 2, width = swatch + gap + text_width;
  const int height = row * static_cast<int>(entries.size());
  if (width + 2 * gap > axes.plot.w || height + 2 * gap > axes.plot.h) return;

  const double share = static_cast<double>(width + 2 * gap) / axes.plot.w;
  const auto highest = [&](bool left) {
    const auto shown = [&](double place) { return left ? place < share : place > 1 - share; };
    double most = 0;
    const double n = static_cast<double>(curve.density.size());
    for (Index k = 0; k < curve.density.size(); ++k)
      if (shown((static_cast<double>(k) + 0.5) / n) && curve.density[k] > most) most = curve.density[k];
    for (Index k = 0; k < curve.bars.height.size(); ++k) {
      const double x = curve.bars.low + (static_cast<double>(k) + 0.5) * curve.bars.width;
      if (shown((x - curve.x0) / (curve.x1 - curve.x0))) most = std::max(most, curve.bars.height[k]);
    }
    return most / top;
  };
  const bool left = highest(true) < highest(false);
  const int x = left ? axes.plot.x + gap : axes.plot.right() - gap - width;
  int y = axes.plot.y + gap;
  for (const Entry& entry : entries) {
    const int middle = y + e.ascent - e.cap / 2;
    if (entry.line) {
      const Point line[] = {{1.0 * x, middle + 0.5}, {1.0 * x + swatch, middle + 0.5}};
      surface.polyline(line, 1.8 * axes.scale, kCurveLine, 1, axes.plot);
    } else {
      surface.fill({x, middle - e.cap / 2, swatch, e.cap}, kCurveBars);
    }
    surface.text(x + swatch + gap, y, entry.name, size, axes.ink);
    y += row;
  }
}

Box box_of(const Curve& curve) {
  const double most = std::max(greatest(curve.density), greatest(curve.bars.height));
  return {curve.x0, curve.x1, 0, most > 0 ? 1.08 * most : 1};
}

}  // namespace

void draw_bars(Surface& surface, const Axes& axes, const BarRow& bars, Rgb colour) {
  for (Index k = 0; k < bars.height.size(); ++k) {
    if (!(bars.height[k] > 0)) continue;
    const double left = bars.low + static_cast<double>(k) * bars.width;
    const Point low = axes.at(left, 0), high = axes.at(left + bars.width, bars.height[k]);
    const int x = std::max(axes.plot.x, static_cast<int>(std::lround(low.x)));
    const int end = std::min(axes.plot.right(), static_cast<int>(std::lround(high.x)));
    const int top = static_cast<int>(std::lround(high.y));
    if (end > x) surface.fill({x, top, end - x, axes.plot.bottom() - top}, colour);
  }
}

Picture curve_picture(Curve curve, FigureStyle style) {
  const Box range = box_of(curve);
  style.aspect = 0;
  std::vector<Panel> panel(1);
  panel[0].title = style.title, panel[0].paper = true;
  style.title.clear();
  auto shown = std::make_shared<const Curve>(std::move(curve));
  panel[0].over = [shown, range](Surface& surface, const Axes& axes) {
    draw_bars(surface, axes, shown->bars, kCurveBars);
    draw_rug(surface, axes, shown->rug);
    draw_line(surface, axes, *shown);
    draw_legend(surface, axes, *shown, range.y1);
  };
  return {std::move(panel), range, style};
}

int curve_pixels(double x0, double x1, const FigureStyle& style) {
  FigureStyle one = style;
  one.aspect = 0;
  one.title.clear();
  return plot_area_pixels({x0, x1, 0, 1}, one, {style.title}, {false}).width;
}

}  // namespace cnf
