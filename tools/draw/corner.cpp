#include "tools/draw/corner.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tools/draw/axis_ticks.hpp"
#include "tools/draw/paper.hpp"
#include "tools/draw/text.hpp"

namespace cnf {
namespace {

constexpr Rgb kGroundLine{86, 130, 178}, kCornerLine{200, 66, 10};
constexpr Rgb kLightest{226, 236, 246}, kDarkest{150, 184, 220};  // of a ground's regions, and its bars between
constexpr Rgb kCornerBars{188, 209, 232};
constexpr int kLeastCell = 24;  // pixels

Rgb between(Rgb a, Rgb b, double t) {
  const auto mix = [t](int from, int to) { return static_cast<std::uint8_t>(std::lround(from + (to - from) * t)); };
  return {mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b)};
}

/// Linear between the centres of the cells.
double value_at(const Matrix<double>& density, double x, double y) {
  const double i = std::clamp(x - 0.5, 0.0, static_cast<double>(density.cols() - 1));
  const double j = std::clamp(y - 0.5, 0.0, static_cast<double>(density.rows() - 1));
  const Index i0 = static_cast<Index>(i), j0 = static_cast<Index>(j);
  const Index i1 = std::min(i0 + 1, density.cols() - 1), j1 = std::min(j0 + 1, density.rows() - 1);
  const double s = i - static_cast<double>(i0), t = j - static_cast<double>(j0);
  return (1 - t) * ((1 - s) * density(j0, i0) + s * density(j0, i1)) +
         t * ((1 - s) * density(j1, i0) + s * density(j1, i1));
}

/// The regions of the levels, the outermost lightest.
void paint_regions(Canvas& canvas, const Rect& at, const CornerPair& pair) {
  const Rect seen = intersection(at, canvas.bounds());
  const Matrix<double>& density = pair.density;
  for (int y = seen.y; y < seen.bottom(); ++y)
    for (int x = seen.x; x < seen.right(); ++x) {
      const double v = value_at(density, (x - at.x + 0.5) / at.w * static_cast<double>(density.cols()),
                                (at.bottom() - y - 0.5) / at.h * static_cast<double>(density.rows()));
      const auto inside = std::count_if(pair.levels.begin(), pair.levels.end(), [v](double l) { return v >= l; });
      const double steps = std::max(1.0, static_cast<double>(pair.levels.size()) - 1);
      canvas.set(x, y, inside == 0 ? kPage : between(kLightest, kDarkest, static_cast<double>(inside - 1) / steps));
    }
}

}  // namespace

CornerPicture::CornerPicture(Corner corner, const FigureStyle& style) : corner_(std::move(corner)) {
  const std::size_t n = corner_.columns.size();
  bool fits = n >= 2 && corner_.ranges.size() == n;
  for (const CornerSeries& series : corner_.series)
    fits = fits && series.columns.size() == n && series.pairs.size() == n * (n - 1) / 2;
  if (!fits)
    throw std::invalid_argument("corner: " + std::to_string(n) + " columns, with ranges or series of another number");
  lay_out(style);
}

void CornerPicture::lay_out(const FigureStyle& style) {
  const int n = static_cast<int>(corner_.columns.size());
  width_ = style.width, scale_ = style.scale;
  for (int shrink = 0;; ++shrink) {  // text shrinks until the panels have most of the picture
    tick_size_ = 11 * scale_, label_size_ = 12.5 * scale_, title_size_ = 15.2 * scale_;
    line_ = std::max(1, rounded(0.7 * scale_)), tick_ = std::max(2, rounded(0.3 * tick_size_));
    gap_ = std::max(3, rounded(0.6 * tick_size_));
    const int pad = std::max(3, rounded(0.85 * tick_size_)), air = std::max(2, rounded(0.32 * tick_size_));
    const int label = measure("0", label_size_).height(), numbers = measure("0", tick_size_).height();
    top_ = pad + (corner_.title.empty() ? 0 : measure("0", title_size_).height() + air) + line_;
    const int bottom = line_ + tick_ + air + numbers + air + label + pad / 2;
    int y_text = measure("0.0", tick_size_).width;
    for (int round = 0; round < 3; ++round) {
      left_ = pad + label + air + y_text + air + tick_ + line_;
      cell_w_ = (width_ - left_ - pad - line_ - (n - 1) * gap_) / n;
      height_ = style.height != 0 ? style.height : top_ + n * cell_w_ + (n - 1) * gap_ + bottom;
      cell_h_ = (height_ - top_ - bottom - (n - 1) * gap_) / n;
      if (cell_w_ < kLeastCell || cell_h_ < kLeastCell) break;
      x_axes_.clear(), y_axes_.clear();
      for (int k = 0; k < n; ++k) {
        x_axes_.push_back(axis(static_cast<std::size_t>(k), cell_w_, true));
        y_axes_.push_back(axis(static_cast<std::size_t>(k), cell_h_, false));
        for (const std::string& text : y_axes_.back().text)
          if (k > 0) y_text = std::max(y_text, measure(text, tick_size_).width);
      }
    }
    if (cell_w_ >= kLeastCell && cell_h_ >= kLeastCell && n * (cell_w_ + gap_) > 0.6 * width_) return;
    if (shrink == 12 || 0.9 * scale_ < 0.25) break;
    scale_ *= 0.9;
  }
  if (cell_w_ >= kLeastCell && cell_h_ >= kLeastCell) return;
  throw std::invalid_argument("corner: " + std::to_string(n) + " columns do not fit " + std::to_string(width_) + " x " +
                              std::to_string(height_) + " pixels");
}

CornerPicture::Axis CornerPicture::axis(std::size_t column, int pixels, bool across) const {
  const auto [low, high] = corner_.ranges[column];
  Ticks ticks = few_ticks(low, high, pixels, across, tick_size_);
  std::string name = corner_.columns[column];
  if (!ticks.note.empty()) name += " (" + ticks.note + ")";
  return {std::move(ticks.at), std::move(ticks.text), std::move(name)};
}

Rect CornerPicture::panel(std::size_t row, std::size_t column) const {
  return {left_ + static_cast<int>(column) * (cell_w_ + gap_), top_ + static_cast<int>(row) * (cell_h_ + gap_), cell_w_,
          cell_h_};
}

Axes CornerPicture::axes_of(std::size_t row, std::size_t column) const {
  Box range;
  range.x0 = corner_.ranges[column].first, range.x1 = corner_.ranges[column].second;
  range.y0 = corner_.ranges[row].first, range.y1 = corner_.ranges[row].second;
  if (row == column) {
    double most = 0;
    for (const CornerSeries& series : corner_.series)
      for (const double v : series.columns[row].height) most = std::max(most, v);
    range.y0 = 0, range.y1 = most > 0 ? 1.08 * most : 1;
  }
  return {panel(row, column), range, scale_, kInk, kPage};
}

void CornerPicture::draw_diagonal(Surface& surface, std::size_t k) const {
  const Axes axes = axes_of(k, k);
  for (const CornerSeries& series : corner_.series) {
    const BarRow& bars = series.columns[k];
    if (series.ground) {
      draw_bars(surface, axes, bars, kCornerBars);
      continue;
    }
    std::vector<Point> path;
    for (Index i = 0; i < bars.height.size(); ++i)
      path.push_back(axes.at(bars.low + (static_cast<double>(i) + 0.5) * bars.width, bars.height[i]));
    surface.polyline(path, 1.5 * scale_, kCornerLine, 1, axes.plot);
  }
}

void CornerPicture::draw_pair(Surface& surface, std::size_t row, std::size_t column) const {
  const Axes axes = axes_of(row, column);
  for (const CornerSeries& series : corner_.series) {
    const CornerPair& pair = series.pairs[pair_of(row, column)];
    if (pair.density.size() > 0)
      surface.image(axes.plot, [&](Canvas& canvas, const Rect& at) { paint_regions(canvas, at, pair); });
    std::vector<Point> points;
    for (Index b = 0; b < pair.points.cols(); ++b) points.push_back(axes.at(pair.points(0, b), pair.points(1, b)));
    if (!points.empty())
      surface.discs(points, 1.4 * scale_, kGroundLine,
                    std::clamp(300.0 / static_cast<double>(points.size()), 0.25, 0.9), axes.plot);
    for (const Batch& line : pair.lines) {
      std::vector<Point> path;
      for (Index p = 0; p < line.cols(); ++p) path.push_back(axes.at(line(0, p), line(1, p)));
      surface.polyline(path, (series.ground ? 0.9 : 1.3) * scale_, series.ground ? kGroundLine : kCornerLine, 1,
                       axes.plot);
    }
  }
}

void CornerPicture::draw_axes(Surface& surface) const {
  const std::size_t n = corner_.columns.size();
  const int air = std::max(2, rounded(0.32 * tick_size_));
  const TextExtent number = measure("0", tick_size_);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t row = k; row < n; ++row) {
      const Rect plot = panel(row, k);
      surface.frame(plot, line_, kInk);
      const auto [low, high] = corner_.ranges[k];
      for (const double v : x_axes_[k].at)
        surface.fill({rounded(plot.x + (v - low) / (high - low) * plot.w - line_ / 2.0), plot.bottom() + line_, line_,
                      row + 1 == n ? tick_ : tick_ / 2},
                     kInk);
    }
    const Rect lowest = panel(n - 1, k);
    const auto [low, high] = corner_.ranges[k];
    int free_from = lowest.x - gap_ / 2;
    const int y = lowest.bottom() + line_ + tick_ + air - (number.ascent - number.cap);
    for (std::size_t i = 0; i < x_axes_[k].at.size(); ++i) {
      const std::string& text = x_axes_[k].text[i];
      const int w = measure(text, tick_size_).width;
      const int x = rounded(lowest.x + (x_axes_[k].at[i] - low) / (high - low) * lowest.w - w / 2.0);
      if (x < free_from || x + w > lowest.right() + gap_ / 2 + (k + 1 == n ? gap_ / 2 : 0)) continue;
      surface.text(x, y, text, tick_size_, kInk);
      free_from = x + w + 2;
    }
    const FittedText name = fit_text(x_axes_[k].name, label_size_, lowest.w + gap_ / 2);
    surface.text(lowest.x + (lowest.w - measure(name.text, name.size).width) / 2, y + number.height() + air, name.text,
                 name.size, kInk);
  }
  int y_text = 0;
  for (std::size_t k = 1; k < n; ++k)
    for (const std::string& text : y_axes_[k].text) y_text = std::max(y_text, measure(text, tick_size_).width);
  for (std::size_t k = 1; k < n; ++k) {
    const Rect plot = panel(k, 0);
    const auto [low, high] = corner_.ranges[k];
    const int end = plot.x - line_ - tick_ - air;
    for (std::size_t i = 0; i < y_axes_[k].at.size(); ++i) {
      const double p = plot.bottom() - (y_axes_[k].at[i] - low) / (high - low) * plot.h;
      surface.fill({plot.x - line_ - tick_, rounded(p - line_ / 2.0), tick_, line_}, kInk);
      if (p - number.cap / 2.0 < plot.y - gap_ / 2.0 || p + number.cap / 2.0 > plot.bottom() + gap_ / 2.0) continue;
      const std::string& text = y_axes_[k].text[i];
      surface.text(end - measure(text, tick_size_).width, rounded(p + number.cap / 2.0) - number.ascent, text,
                   tick_size_, kInk);
    }
    const FittedText name = fit_text(y_axes_[k].name, label_size_, plot.h + gap_ / 2);
    const TextExtent e = measure(name.text, name.size);
    surface.text(end - y_text - air - e.height(), plot.y + (plot.h - e.width) / 2, name.text, name.size, kInk, true);
  }
}

void CornerPicture::draw_legend(Surface& surface) const {
  const std::size_t n = corner_.columns.size();
  const double size = 12.4 * scale_;
  const TextExtent e = measure("0", size);
  const int row = e.height() + rounded(0.3 * size), swatch = rounded(2 * size), gap = rounded(0.6 * size);
  const int lines = static_cast<int>(corner_.series.size()) + !corner_.note.empty();
  // Above the diagonal, from the first column whose free part is high enough.
  std::size_t first = 1;
  while (first + 1 < n && static_cast<int>(first) * (cell_h_ + gap_) < lines * row + gap) ++first;
  const int x = panel(0, first).x + gap, room = width_ - x - gap;
  int y = top_;
  for (const CornerSeries& series : corner_.series) {
    const FittedText name = fit_text(series.name, size, room - swatch - gap);
    const int middle = y + e.ascent - e.cap / 2;
    if (series.ground) {
      surface.fill({x, middle - e.cap / 2, swatch, e.cap}, kCornerBars);
      surface.frame({x + line_, middle - e.cap / 2 + line_, swatch - 2 * line_, e.cap - 2 * line_}, line_, kGroundLine);
    } else {
      const Point line[] = {{1.0 * x, middle + 0.5}, {1.0 * x + swatch, middle + 0.5}};
      surface.polyline(line, 1.5 * scale_, kCornerLine, 1, {0, 0, width_, height_});
    }
    surface.text(x + swatch + gap, y, name.text, name.size, kInk);
    y += row;
  }
  const FittedText note = fit_text(corner_.note, size, room);
  if (!note.text.empty()) surface.text(x, y, note.text, note.size, kInk);
}

void CornerPicture::draw(Surface& surface) const {
  const std::size_t n = corner_.columns.size();
  surface.fill({0, 0, width_, height_}, kPage);
  for (std::size_t row = 0; row < n; ++row) {
    draw_diagonal(surface, row);
    for (std::size_t column = 0; column < row; ++column) draw_pair(surface, row, column);
  }
  draw_axes(surface);
  draw_legend(surface);
  if (corner_.title.empty()) return;
  const FittedText title = fit_text(corner_.title, title_size_, width_ - left_);
  surface.text(left_, std::max(3, rounded(0.85 * tick_size_)) / 2, title.text, title.size, kInk);
}

}  // namespace cnf
