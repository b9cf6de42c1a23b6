// From the top: title, note, legend, one line of names for the columns, the rows, the axis. From the left: names, plot,
// values. Every text is cut to its place, so that nothing overlaps.

#include "tools/draw/interval_chart.hpp"
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include "base/number_text.hpp"
#include "tools/draw/axis_ticks.hpp"
#include "tools/draw/paper.hpp"

namespace cnf {
namespace {

constexpr Rgb kQuiet{104, 108, 118}, kGuide{231, 233, 238};
constexpr std::array<Rgb, 3> kShades{Rgb{200, 66, 10}, Rgb{31, 98, 180}, Rgb{126, 132, 144}};
constexpr double kFarOut = 5;                             // times as far as what is nearer: an arrow
constexpr double kLeastShare = 0.35, kLeastPitch = 1.35;  // of the width; of a row, in sizes of its text

/// In lines of at most so many pixels, broken at blanks.
std::vector<std::string> wrapped(const std::string& text, double size, int width) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!lines.empty() && measure(lines.back() + ' ' + word, size).width <= width)
      lines.back() += ' ' + word;
    else
      lines.push_back(word);
    at = end + 1;
  }
  return lines;
}

}  // namespace

IntervalChart::IntervalChart(IntervalFigure figure, const FigureStyle& style) : figure_(std::move(figure)) {
  if (figure_.rows.empty()) throw std::invalid_argument("interval_chart: no row to draw");
  choose_range();
  for (scale_ = style.scale; !lay_out(style);)  // text shrinks until the plot has its share
    if ((scale_ *= 0.9) * kTickSize < kSmallestText)
      throw std::invalid_argument("interval_chart: " + std::to_string(figure_.rows.size()) + " rows do not fit " +
                                  std::to_string(width_) + " x " + std::to_string(height_) + " pixels");
  ticks_ = few_ticks(low_, high_, plot_.w, true, tick_size_);
}

void IntervalChart::choose_range() {
  struct Reach {
    double near, far;
  };
  std::vector<Reach> reaches;  // of the rows, as distances from 0
  for (const ChartInterval& row : figure_.rows) {
    if (!std::isfinite(row.middle)) continue;
    const double low = std::isfinite(row.low) ? row.low : row.middle;
    const double high = std::isfinite(row.high) ? row.high : row.middle;
    reaches.push_back({std::abs(row.middle), std::max(std::abs(low), std::abs(high))});
  }
  std::sort(reaches.begin(), reaches.end(), [](const Reach& a, const Reach& b) { return a.near < b.near; });
  double limit = 0;
  for (const Reach& reach : reaches)
    if (limit == 0 || reach.near <= kFarOut * limit) limit = std::max(limit, reach.far);
  if (limit == 0) limit = 1;
  low_ = 0, high_ = 0;
  for (const ChartInterval& row : figure_.rows)
    for (const double x : {row.low, row.middle, row.high})
      if (std::abs(x) <= limit) low_ = std::min(low_, x), high_ = std::max(high_, x);
  const double air = 0.06 * std::max(high_ - low_, 1e-12);
  low_ -= air, high_ += air;
}

bool IntervalChart::shown(IntervalShade shade) const {
  return std::any_of(figure_.rows.begin(), figure_.rows.end(),
                     [&](const ChartInterval& row) { return row.shade == shade; });
}

bool IntervalChart::lay_out(const FigureStyle& style) {
  width_ = style.width;
  tick_size_ = kTickSize * scale_, text_size_ = kLabelSize * scale_, title_size_ = kTitleSize * scale_;
  pad_ = std::max(4, rounded(1.1 * tick_size_));
  int names = 0, values = measure(figure_.value, tick_size_).width;
  for (const ChartInterval& row : figure_.rows) {
    names = std::max(names, measure(row.name, text_size_).width);
    values = std::max(values, measure(row.value, tick_size_).width);
  }
  names = std::min(names, width_ * 3 / 10), values = std::min(values, width_ / 4);
  note_ = wrapped(figure_.note, text_size_, width_ - 2 * pad_);
  const int text = measure("0", text_size_).height(), tick = measure("0", tick_size_).height();
  const int lines = static_cast<int>(note_.size()), n = static_cast<int>(figure_.rows.size());
  const int head = pad_ + (figure_.title.empty() ? 0 : measure("0", title_size_).height() + pad_ / 3) + lines * text +
                   pad_ + tick + pad_ / 2;
  const int foot = 2 * tick + pad_ + pad_ / 2;
  row_ = style.height > 0 ? (style.height - head - foot) / n : rounded(2.5 * text_size_);
  height_ = style.height > 0 ? style.height : head + n * row_ + foot;
  const int left = pad_ + names + pad_;
  plot_ = {left, head, width_ - left - pad_ - values - pad_, n * row_};
  return plot_.w >= kLeastShare * width_ && row_ >= kLeastPitch * text_size_;
}

void IntervalChart::draw_head(Surface& surface) const {
  int y = pad_;
  const int room = width_ - 2 * pad_;
  if (!figure_.title.empty()) {
    const FittedText title = fit_text(figure_.title, title_size_, room);
    surface.text(pad_, y, title.text, title.size, kInk);
    y += measure("0", title_size_).height() + pad_ / 3;
  }
  for (const std::string& line : note_) {
    const FittedText fitted = fit_text(line, text_size_, room);
    surface.text(pad_, y, fitted.text, fitted.size, kQuiet);
    y += measure("0", text_size_).height();
  }
  draw_legend(surface, y + pad_);
}

void IntervalChart::draw_legend(Surface& surface, int y) const {
  const TextExtent e = measure("0", tick_size_);
  const int dot = rounded(12 * scale_), air = rounded(18 * scale_), end = plot_.right();
  std::vector<std::size_t> entries;
  int width = -air;
  for (const IntervalShade shade : {IntervalShade::chosen, IntervalShade::level, IntervalShade::plain})
    if (const auto k = static_cast<std::size_t>(shade); shown(shade) && !figure_.legend[k].empty()) {
      entries.push_back(k);
      width += dot + measure(figure_.legend[k], tick_size_).width + air;
    }
  int x = width <= plot_.w ? plot_.x : pad_;
  for (const std::size_t k : entries) {
    const FittedText name = fit_text(figure_.legend[k], tick_size_, end - x - dot);
    if (name.text.empty()) break;
    const Point centre[] = {{x + 4 * scale_, y + e.ascent - e.cap / 2.0}};
    surface.discs(centre, 4 * scale_, kShades[k], 1, {0, 0, width_, height_});
    surface.text(x + dot, y, name.text, name.size, kQuiet);
    x += dot + measure(name.text, name.size).width + air;
  }
  surface.text(end + pad_, y, figure_.value, tick_size_, kQuiet);
}

void IntervalChart::draw_axis(Surface& surface) const {
  const int line = std::max(1, rounded(0.7 * scale_)), tick = std::max(2, rounded(0.34 * tick_size_));
  const TextExtent e = measure("0", tick_size_);
  for (const double v : ticks_.at) surface.fill({rounded(at(v) - line / 2.0), plot_.y, line, plot_.h}, kGuide);
  surface.fill({rounded(at(0) - line / 2.0), plot_.y, line, plot_.h}, kQuiet);
  surface.fill({plot_.x, plot_.bottom(), plot_.w, line}, kInk);
  for (std::size_t i = 0; i < ticks_.at.size(); ++i) {
    const double x = at(ticks_.at[i]);
    surface.fill({rounded(x - line / 2.0), plot_.bottom() + line, line, tick}, kInk);
    const int w = measure(ticks_.text[i], tick_size_).width;
    surface.text(rounded(x - w / 2.0), plot_.bottom() + line + tick + 2, ticks_.text[i], tick_size_, kInk);
  }
  const std::string said = figure_.axis + (ticks_.note.empty() ? "" : " (" + ticks_.note + ")");
  const FittedText label = fit_text(said, text_size_, width_ - 2 * pad_);
  const int w = measure(label.text, label.size).width, middle = plot_.x + plot_.w / 2;
  surface.text(std::clamp(middle - w / 2, pad_, std::max(pad_, width_ - pad_ - w)),
               plot_.bottom() + line + tick + 2 + e.height() + pad_ / 4, label.text, label.size, kInk);
}

void IntervalChart::draw_row(Surface& surface, std::size_t row) const {
  const ChartInterval& interval = figure_.rows[row];
  const Rgb colour = kShades[static_cast<std::size_t>(interval.shade)];
  const double y = plot_.y + (static_cast<double>(row) + 0.5) * row_;
  const auto baseline = [&](const TextExtent& e) { return rounded(y + e.cap / 2.0) - e.ascent; };
  const FittedText name = fit_text(interval.name, text_size_, plot_.x - 2 * pad_);
  const TextExtent e = measure(name.text, name.size);
  surface.text(plot_.x - pad_ - e.width, baseline(e), name.text, name.size, kInk);
  const FittedText value = fit_text(interval.value, tick_size_, width_ - plot_.right() - 2 * pad_);
  surface.text(plot_.right() + pad_, baseline(measure(value.text, value.size)), value.text, value.size, kInk);
  const Rect clip{plot_.x, plot_.y - row_ / 2, plot_.w + pad_ / 2, plot_.h + row_};
  if (interval.middle > high_) {  // out of the axis
    const double x = plot_.right(), half = 5 * scale_;
    const Point arrow[] = {{x - 1.6 * half, y - half}, {x, y}, {x - 1.6 * half, y + half}};
    surface.polygon(arrow, colour, 1, clip);
    const std::string number = std::isfinite(interval.middle) ? significant(interval.middle, 3) : "infinite";
    const TextExtent n = measure(number, tick_size_);
    surface.text(rounded(x - 1.6 * half - 4 * scale_) - n.width, baseline(n), number, tick_size_, kQuiet);
    return;
  }
  if (!std::isfinite(interval.middle)) return;
  if (std::isfinite(interval.low) && std::isfinite(interval.high)) {
    const Point ends[] = {{at(interval.low), y}, {at(interval.high), y}};
    surface.polyline(ends, 2.4 * scale_, colour, 1, clip);
  }
  const Point dot[] = {{at(interval.middle), y}};
  surface.discs(dot, 5.2 * scale_, kPage, 1, clip);
  surface.discs(dot, 4.4 * scale_, colour, 1, clip);
}

void IntervalChart::draw(Surface& surface) const {
  surface.fill({0, 0, width_, height_}, kPage);
  draw_head(surface);
  draw_axis(surface);
  for (std::size_t row = 0; row < figure_.rows.size(); ++row) draw_row(surface, row);
}

}  // namespace cnf
