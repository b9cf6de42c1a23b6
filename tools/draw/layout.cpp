#include "tools/draw/layout.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "tools/draw/text.hpp"
#include "tools/draw/ticks.hpp"

namespace cnf {
namespace {

// Sizes in pixels at scale 1. Tick labels are the unit; matplotlib's default figure has the same proportions.
constexpr double kTickSize = 12.4, kLabelSize = 13.6, kTitleSize = 15.2, kPanelTitleSize = 13.8;
constexpr double kSmallestText = 5.5;  // below this a digit has fewer than four pixels
constexpr double kMostRatio = 12;      // of an equal-aspect range's sides; beyond, cells are stretched
constexpr double kPlotShare = 0.4;     // of the width and of the height, that the plots get before text shrinks
constexpr double kMostTicks = 9;       // intervals along an axis
constexpr int kLeastPlot = 8;          // pixels

int pixels(double v) { return static_cast<int>(std::lround(v)); }

// What a figure of one scale is measured with.
struct Measures {
  explicit Measures(const FigureSpec& spec, double s) : scale(s) {
    tick_size = kTickSize * s, label_size = kLabelSize * s, head_size = kTitleSize * s;
    title_size = (spec.titles.size() > 1 ? kPanelTitleSize : kTitleSize) * s;
    line = std::max(1, pixels(0.7 * s));
    pad = std::max(3, pixels(0.85 * tick_size));
    gap = std::max(2, pixels(0.32 * tick_size));
    tick = std::max(2, pixels(0.34 * tick_size));
    bar_gap = std::max(4, pixels(1.2 * tick_size));
    bar_width = std::max(4, pixels(1.35 * tick_size));
    bar_text = measure("\u22120.00", tick_size).width;
    tick_text = measure("0", tick_size);
    label_text = measure("0", label_size);
    title_text = measure("0", title_size);
    head_text = measure("0", head_size);
  }
  int above_cap() const { return tick_text.ascent - tick_text.cap; }
  int title_lift() const { return std::max(title_text.descent + 1, pixels(0.62 * tick_size)); }  // baseline over frame
  // A line over the bar for its note, clear of the topmost tick label.
  int note_lift() const { return line + tick_text.cap / 2 + 1 + above_cap(); }

  double scale, tick_size, label_size, title_size, head_size;
  int line, pad, gap, tick, bar_gap, bar_width, bar_text;
  TextExtent tick_text, label_text, title_text, head_text;
};

struct AxisTicks {
  Ticks x, y;
};

int widest(const Ticks& ticks, double size) {
  int w = 0;
  for (const std::string& text : ticks.text) w = std::max(w, measure(text, size).width);
  return w;
}

// The finest ticks along `length` pixels, at least `spacing` apart, with labels (across: beside each other) at least
// `room` apart too.
Ticks finest_ticks(double low, double high, int length, double spacing, bool across, double room, const Measures& m) {
  const double unit = (high / 2 - low / 2) * 2 / std::max(1, length);
  TickStep step = tick_step(std::min(spacing, 0.5 * length) * unit);
  Ticks ticks = linear_ticks(low, high, step);
  while (across && ticks.at.size() > 2 && widest(ticks, m.tick_size) + room > step.value() / unit) {
    const Ticks coarser = linear_ticks(low, high, step = step.coarser());
    if (coarser.at.size() < 2) break;
    ticks = coarser;
  }
  return ticks;
}

// Ticks with air between them; crowded ones where there would be fewer than three.
Ticks choose_ticks(double low, double high, int length, double spacing, bool across, const Measures& m) {
  const Ticks airy =
      finest_ticks(low, high, length, std::max(spacing, length / kMostTicks), across, 0.9 * m.tick_size, m);
  if (airy.at.size() >= 3) return airy;
  const Ticks crowded = finest_ticks(low, high, length, 1.4 * m.tick_size, across, 0.4 * m.tick_size, m);
  return crowded.at.size() > airy.at.size() ? crowded : airy;
}

AxisTicks axis_ticks(const FigureSpec& spec, int w, int h, bool equal, const Measures& m) {
  const Box& r = spec.range;
  AxisTicks ticks{choose_ticks(r.x0, r.x1, w, 4.2 * m.tick_size, true, m),
                  choose_ticks(r.y0, r.y1, h, 3.0 * m.tick_size, false, m)};
  // With one unit for both axes, one step for both reads best, if it leaves enough ticks.
  if (equal && ticks.x.at.size() >= 2 && ticks.y.at.size() >= 2) {
    const double sx = ticks.x.at[1] - ticks.x.at[0], sy = ticks.y.at[1] - ticks.y.at[0];
    const TickStep step = tick_step(std::max(sx, sy) * (1 - 1e-9));
    const Ticks x = linear_ticks(r.x0, r.x1, step), y = linear_ticks(r.y0, r.y1, step);
    if (x.at.size() >= 3) ticks.x = x;
    if (y.at.size() >= 3) ticks.y = y;
  }
  return ticks;
}

std::string with_note(const std::string& label, const std::string& note) {
  return note.empty() ? label : label.empty() ? note : label + " (" + note + ")";
}

// One attempt: everything but the labels of the bars.
struct Geometry {
  int width = 0, height = 0;
  int free_w = 0, free_h = 0;  // what a panel could have had, before the aspect
  int plot_w = 0, plot_h = 0;
  std::vector<int> column_x, row_y;  // of the plots
  int shared_bar_x = 0;
  AxisTicks ticks;
  std::string x_label, y_label;
  int y_text = 0;  // width of the tick labels of y
};

bool has_bar(const FigureSpec& spec, std::size_t panel) {
  return spec.bars == Bars::each && spec.scales[panel].has_value();
}

bool any_scale(const FigureSpec& spec) {
  return std::any_of(spec.scales.begin(), spec.scales.end(), [](const auto& s) { return s.has_value(); });
}

Geometry attempt(const FigureSpec& spec, int height, const Measures& m) {
  const int n = static_cast<int>(spec.titles.size()), columns = std::min(n, spec.columns);
  const int rows = (n + columns - 1) / columns;
  const bool bars = spec.bars != Bars::none && any_scale(spec);
  const int bar_block = m.bar_gap + 3 * m.line + m.bar_width + m.tick + m.gap + m.bar_text +
                        (spec.bar_label.empty() ? 0 : 2 * m.gap + m.label_text.height());
  const double true_ratio = (spec.range.x1 / 2 - spec.range.x0 / 2) / (spec.range.y1 / 2 - spec.range.y0 / 2);
  const bool equal = spec.equal_aspect && true_ratio <= kMostRatio && true_ratio >= 1 / kMostRatio;
  const double ratio = std::clamp(true_ratio, 1 / kMostRatio, kMostRatio);
  const bool titled = std::any_of(spec.titles.begin(), spec.titles.end(), [](const auto& t) { return !t.empty(); });

  Geometry g;
  g.width = spec.width;
  g.x_label = spec.x_label, g.y_label = spec.y_label;
  int x_text = measure("0.0", m.tick_size).width;
  g.y_text = measure("0", m.tick_size).width;
  bool note_line = false;  // the bar's note gets a line of its own below a title wider than the plot
  // Tick labels decide the margins, margins the plot, the plot the ticks. Reserves only grow, so that this ends.
  for (int round = 0; round < 4; ++round) {
    const int left =
        m.pad + (g.y_label.empty() ? 0 : m.label_text.height() + m.gap) + g.y_text + m.gap + m.tick + m.line;
    const int half = x_text / 2 + 1;
    std::vector<int> after(columns, 0);  // from a plot's right edge to the end of what belongs to it
    for (int panel = 0; panel < n; ++panel)
      if (has_bar(spec, panel)) after[panel % columns] = bar_block;
    int between = 0;
    for (int c = 0; c < columns; ++c) {
      if (after[c] == 0) after[c] = m.line;
      if (c + 1 < columns)
        after[c] =
            std::max(after[c] + pixels(1.3 * m.tick_size) + m.tick + m.line, 2 * half + pixels(0.7 * m.tick_size));
      between += after[c];
    }
    const int last_after = after[columns - 1];
    if (spec.bars == Bars::shared && bars)
      between += bar_block - last_after + m.pad;
    else
      between += std::max(m.pad, half + 2 - last_after);
    g.free_w = (g.width - left - between) / columns;

    const int title_block = (titled ? m.title_text.ascent + m.title_lift() : 0) + m.line;
    const int note_block = bars ? m.note_lift() + m.tick_text.height() : m.line + m.tick_text.ascent / 2;
    const int first_title = note_line ? title_block + note_block : std::max(title_block, note_block);
    const int head = spec.title.empty() ? 0 : m.head_text.height() + m.gap;
    const int top = std::max(3, titled || head ? m.pad : m.pad / 2) + head + first_title;
    const int ticks_block = m.line + m.tick + m.gap + m.tick_text.height() - m.above_cap();
    const int x_label_block = g.x_label.empty() ? 0 : m.gap / 2 + m.label_text.height();
    const int bottom = ticks_block + x_label_block + std::max(3, m.pad * 2 / 3);
    const int row_gap = ticks_block + std::max(title_block, note_block) + pixels(0.6 * m.tick_size);
    const int other_h = top + bottom + (rows - 1) * row_gap;

    g.height = height;
    if (height == 0) {
      const double h = spec.equal_aspect ? std::max(1.0, g.free_w / ratio) : 0.75 * g.free_w;
      g.height = std::clamp(other_h + rows * std::max(3 * kLeastPlot, pixels(std::min(h, 1e5))), 100, 2 * g.width);
      g.height = std::min(g.height, Canvas::kMaxSide);
    }
    g.free_h = (g.height - other_h) / rows;
    if (g.free_w < kLeastPlot || g.free_h < kLeastPlot) return g;

    g.plot_w = g.free_w, g.plot_h = g.free_h;
    if (spec.equal_aspect) {
      if (g.free_w > g.free_h * ratio)
        g.plot_w = std::max(1, pixels(g.free_h * ratio));
      else
        g.plot_h = std::max(1, pixels(g.free_w / ratio));
    }
    g.plot_w = std::min(g.free_w, std::max(kLeastPlot, g.plot_w));
    g.plot_h = std::min(g.free_h, std::max(kLeastPlot, g.plot_h));

    const int spare_w = g.width - left - between - columns * g.plot_w;
    const int spare_h = g.height - other_h - rows * g.plot_h;
    g.column_x.assign(columns, left + spare_w / 2);
    for (int c = 1; c < columns; ++c) g.column_x[c] = g.column_x[c - 1] + g.plot_w + after[c - 1];
    g.row_y.assign(rows, top + spare_h / 2);
    for (int r = 1; r < rows; ++r) g.row_y[r] = g.row_y[r - 1] + g.plot_h + row_gap;
    g.shared_bar_x = g.column_x.back() + g.plot_w + 2 * m.line + m.bar_gap;

    g.ticks = axis_ticks(spec, g.plot_w, g.plot_h, equal, m);
    g.y_text = std::max(g.y_text, widest(g.ticks.y, m.tick_size));
    x_text = std::max(x_text, widest(g.ticks.x, m.tick_size));
    g.x_label = with_note(spec.x_label, g.ticks.x.note);
    g.y_label = with_note(spec.y_label, g.ticks.y.note);
    if (n == 1 && bars && measure(spec.titles[0], m.title_size).width > g.plot_w + m.bar_gap) note_line = true;
  }
  return g;
}

// Puts labels down, and only where there is room.
class Placer {
 public:
  explicit Placer(FigureLayout& layout) : layout_(layout) {}

  void block(const Rect& rect) { blocked_.push_back(rect); }

  // The box's corner, in whole pixels. Leaves the label out if it would meet another or the edge.
  void put(const std::string& text, double size, int x, int y, bool vertical = false) {
    if (text.empty()) return;
    const TextExtent e = measure(text, size);
    put({text, size, {x, y, vertical ? e.height() : e.width, vertical ? e.width : e.height()}, vertical});
  }
  void put(const FittedText& fitted, int x, int y, bool vertical = false) {
    put(fitted.text, fitted.size, x, y, vertical);
  }
  // A number has nothing below its baseline but the round of a digit: the labels at a corner of a plot come closer.
  void put_number(const std::string& text, double size, int x, int y) {
    const TextExtent e = measure(text, size);
    put({text, size, {x, y, e.width, e.ascent + 1}, false});
  }

 private:
  void put(const Label& label) {
    const Rect& box = label.box;
    if (!contains({0, 0, layout_.width, layout_.height}, box)) return;
    for (const Label& other : layout_.labels)
      if (intersects(box, other.box)) return;
    for (const Rect& rect : blocked_)
      if (intersects(box, rect)) return;
    layout_.labels.push_back(label);
  }

  FigureLayout& layout_;
  std::vector<Rect> blocked_;
};

void place_x_axis(const Geometry& g, const FigureSpec& spec, const Rect& plot, bool labelled, const Measures& m,
                  FigureLayout& out, Placer& place) {
  const Box& r = spec.range;
  const int y = plot.bottom() + m.line + m.tick + m.gap - m.above_cap();
  for (std::size_t i = 0; i < g.ticks.x.at.size(); ++i) {
    const double p = plot.x + (g.ticks.x.at[i] / 2 - r.x0 / 2) / (r.x1 / 2 - r.x0 / 2) * plot.w;
    out.marks.push_back({tick_pixel(p, plot.x, plot.w, m.line), plot.bottom() + m.line, m.line, m.tick});
    const std::string& text = g.ticks.x.text[i];
    const int width = measure(text, m.tick_size).width;
    place.put_number(text, m.tick_size, pixels(p - width / 2.0), y);
  }
  if (labelled) {
    const FittedText fitted = fit_text(g.x_label, m.label_size, plot.w + 2 * m.bar_gap);
    const int width = measure(fitted.text, fitted.size).width;
    place.put(fitted, plot.x + (plot.w - width) / 2, y + m.tick_text.height() + m.gap / 2);
  }
}

void place_y_axis(const Geometry& g, const FigureSpec& spec, const Rect& plot, bool labelled, const Measures& m,
                  FigureLayout& out, Placer& place) {
  const Box& r = spec.range;
  const int end = plot.x - m.line - m.tick - m.gap;
  for (std::size_t i = 0; i < g.ticks.y.at.size(); ++i) {
    const double p = plot.bottom() - (g.ticks.y.at[i] / 2 - r.y0 / 2) / (r.y1 / 2 - r.y0 / 2) * plot.h;
    const int at = tick_pixel(p, plot.y, plot.h, m.line);
    out.marks.push_back({plot.x - m.line - m.tick, at, m.tick, m.line});
    if (!labelled) continue;
    const std::string& text = g.ticks.y.text[i];
    place.put_number(text, m.tick_size, end + 1 - measure(text, m.tick_size).width,
                     pixels(p + m.tick_text.cap / 2.0) - m.tick_text.ascent);
  }
  if (labelled) {
    const FittedText fitted = fit_text(g.y_label, m.label_size, plot.h);
    const TextExtent e = measure(fitted.text, fitted.size);
    place.put(fitted, end - g.y_text - m.gap - e.height(), plot.y + (plot.h - e.width) / 2, true);
  }
}

void place_bar(const FigureSpec& spec, const ColourScale& scale, const Rect& bar, int room, const Measures& m,
               FigureLayout& out, Placer& place) {
  const int most = std::clamp(pixels(bar.h / (2.6 * m.tick_size)), 2, static_cast<int>(kMostTicks));
  const Ticks ticks = scale.log ? log_ticks(scale.low, scale.high, most)
                                : choose_ticks(scale.low, scale.high, bar.h, 3.0 * m.tick_size, false, m);
  double size = m.tick_size;
  while (size > kSmallestText && widest(ticks, size) > m.bar_text) size *= 0.97;
  const TextExtent e = measure("0", size);
  const auto mark = [&](double v, int length) {
    const double p = bar.bottom() - scale(v) * bar.h;
    out.marks.push_back({bar.right() + m.line, tick_pixel(p, bar.y, bar.h, m.line), length, m.line});
    return p;
  };
  const int x = bar.right() + m.line + m.tick + m.gap;
  for (std::size_t i = 0; i < ticks.at.size(); ++i) {
    const double p = mark(ticks.at[i], m.tick);
    place.put_number(ticks.text[i], size, x, pixels(p + e.cap / 2.0) - e.ascent);
  }
  if (!ticks.minor.empty() && bar.h / ticks.minor.size() >= 2)
    for (const double v : ticks.minor) mark(v, std::max(1, m.tick / 2));
  const FittedText note = fit_text(ticks.note, m.tick_size, room, 0.6);
  place.put(note, bar.x - m.line, bar.y - m.note_lift() - measure(note.text, note.size).height());
  const FittedText label = fit_text(spec.bar_label, m.label_size, bar.h);
  const int width = measure(label.text, label.size).width;
  place.put(label, x + std::min(m.bar_text, widest(ticks, size)) + 2 * m.gap, bar.y + (bar.h - width) / 2, true);
}

FigureLayout place_all(const FigureSpec& spec, const Geometry& g, const Measures& m) {
  const int n = static_cast<int>(spec.titles.size()), columns = static_cast<int>(g.column_x.size());
  FigureLayout out;
  out.width = g.width, out.height = g.height, out.line = m.line, out.scale = m.scale;
  Placer place(out);
  for (int i = 0; i < n; ++i) {
    PanelLayout panel{{g.column_x[i % columns], g.row_y[i / columns], g.plot_w, g.plot_h}, {}};
    if (has_bar(spec, i))
      panel.bar = {panel.plot.right() + 2 * m.line + m.bar_gap, panel.plot.y, m.bar_width, panel.plot.h};
    place.block(panel.plot);
    place.block(panel.bar);
    out.panels.push_back(panel);
  }
  if (spec.bars == Bars::shared && any_scale(spec)) {
    out.shared_bar = {g.shared_bar_x, g.row_y[0], m.bar_width, g.row_y.back() + g.plot_h - g.row_y[0]};
    place.block(out.shared_bar);
  }
  for (int i = 0; i < n; ++i) {
    const Rect& plot = out.panels[i].plot;
    place_y_axis(g, spec, plot, i % columns == 0, m, out, place);
    place_x_axis(g, spec, plot, i + columns >= n, m, out, place);
  }
  const int bar_room = m.bar_width + 2 * m.line + m.tick + m.gap + m.bar_text;
  for (int i = 0; i < n; ++i)
    if (out.panels[i].bar.w > 0) place_bar(spec, *spec.scales[i], out.panels[i].bar, bar_room, m, out, place);
  if (out.shared_bar.w > 0)
    place_bar(spec, **std::find_if(spec.scales.begin(), spec.scales.end(), [](const auto& s) { return s.has_value(); }),
              out.shared_bar, bar_room, m, out, place);

  int top = g.row_y[0] - m.line;
  for (int i = 0; i < n; ++i) {
    const Rect& plot = out.panels[i].plot;
    const int centre = plot.x + plot.w / 2;
    const bool wide = n == 1 && measure(spec.titles[0], m.title_size).width > plot.w + m.bar_gap;
    const int room = wide ? g.width - 2 * m.pad : plot.w + m.bar_gap;
    const FittedText title = fit_text(spec.titles[i], m.title_size, room);
    const TextExtent e = measure(title.text, title.size);
    const int lift =
        m.line + m.title_lift() +
        (wide && out.panels[0].bar.w + out.shared_bar.w > 0 ? m.note_lift() + m.tick_text.height() - m.line : 0);
    const int x = wide ? std::clamp(centre - e.width / 2, m.pad, std::max(m.pad, g.width - m.pad - e.width))
                       : centre - e.width / 2;
    place.put(title, x, plot.y - lift - e.ascent);
    if (!title.text.empty()) top = std::min(top, plot.y - lift - e.ascent);
  }
  if (out.panels[0].bar.w + out.shared_bar.w > 0)
    top = std::min(top, g.row_y[0] - m.note_lift() - m.tick_text.height());
  const FittedText head = fit_text(spec.title, m.head_size, g.width - 2 * m.pad);
  const TextExtent e = measure(head.text, head.size);
  const int middle = (g.column_x.front() + g.column_x.back() + g.plot_w) / 2;
  place.put(head, std::clamp(middle - e.width / 2, 0, std::max(0, g.width - e.width)), top - m.gap - e.height());
  return out;
}

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("layout: " + what); }

void check(const FigureSpec& spec) {
  const auto side = [](const char* name, int v) {
    if (v < 100 || v > Canvas::kMaxSide)
      refuse(std::string(name) + " is " + std::to_string(v) + " pixels; expected 100 to " +
             std::to_string(Canvas::kMaxSide));
  };
  side("width", spec.width);
  if (spec.height != 0) side("height", spec.height);
  if (!(spec.scale >= 0.25 && spec.scale <= 16))
    refuse("scale is " + std::to_string(spec.scale) + "; expected 0.25 to 16");
  const auto ends = [](const char* name, double low, double high) {
    const double larger = std::max(std::abs(low), std::abs(high));
    if (!std::isfinite(low) || !std::isfinite(high) || !(high / 2 - low / 2 > 5e-10 * larger) || larger < 1e-300)
      refuse(std::string(name) + " runs from " + std::to_string(low) + " to " + std::to_string(high) +
             "; expected finite ends, the upper the larger by more than 1e-9 of their size");
  };
  ends("x", spec.range.x0, spec.range.x1);
  ends("y", spec.range.y0, spec.range.y1);
  if (spec.columns < 1) refuse("columns is " + std::to_string(spec.columns) + "; expected 1 or more");
  if (spec.titles.empty()) refuse("no panels");
  if (spec.titles.size() != spec.scales.size())
    refuse(std::to_string(spec.titles.size()) + " titles, but " + std::to_string(spec.scales.size()) + " scales");
}

}  // namespace

int tick_pixel(double p, int begin, int length, int line) {
  if (std::abs(p - begin) < 0.75) return begin - line;
  if (std::abs(p - begin - length) < 0.75) return begin + length;
  return static_cast<int>(std::lround(p - line / 2.0));
}

FigureLayout layout(const FigureSpec& asked) {
  check(asked);
  FigureSpec spec = asked;
  const double least = std::min(spec.scale, kSmallestText / kTickSize);
  for (int given_up = 0; given_up < 5; ++given_up) {
    if (given_up == 1) spec.bar_label.clear(), spec.title.clear();
    if (given_up == 2) spec.x_label.clear(), spec.y_label.clear();
    if (given_up == 3) spec.bars = Bars::none;
    // The last round takes what there is.
    const double share = given_up < 4 ? kPlotShare : 0;
    for (double s = spec.scale; s >= least; s = s * 0.95 < least && s > least ? least : s * 0.95) {
      const Measures m(spec, s);
      const Geometry g = attempt(spec, spec.height, m);
      const int columns = static_cast<int>(g.column_x.size()), rows = static_cast<int>(g.row_y.size());
      if (g.free_w < kLeastPlot || g.free_h < kLeastPlot || columns == 0) continue;
      if (columns * g.free_w < share * g.width) continue;
      if (spec.height != 0 && rows * g.free_h < share * g.height) continue;
      return place_all(spec, g, m);
    }
  }
  refuse(std::to_string(asked.titles.size()) + " panels in " + std::to_string(asked.columns) + " columns do not fit " +
         std::to_string(asked.width) + " x " + std::to_string(asked.height) + " pixels");
}

}  // namespace cnf
