#include "tools/draw/figure_labels.hpp"

namespace cnf {
namespace {

// Puts labels down, and only where there is room.
class Placer {
 public:
  explicit Placer(FigureLayout& layout) : layout_(layout) {}

  void block(const Rect& rect) { blocked_.push_back(rect); }

  // The box's corner, in whole pixels. Leaves the label out if it would meet another or the edge.
  bool put(const std::string& text, double size, int x, int y, bool vertical = false) {
    if (text.empty()) return false;
    const TextExtent e = measure(text, size);
    return put({text, size, {x, y, vertical ? e.height() : e.width, vertical ? e.width : e.height()}, vertical});
  }
  bool put(const FittedText& fitted, int x, int y, bool vertical = false) {
    return put(fitted.text, fitted.size, x, y, vertical);
  }
  // A number has nothing below its baseline but the round of a digit: the labels at a corner of a plot come closer.
  void put_number(const std::string& text, double size, int x, int y) {
    const TextExtent e = measure(text, size);
    put({text, size, {x, y, e.width, e.ascent + 1}, false});
  }

 private:
  bool put(const Label& label) {
    const Rect& box = label.box;
    if (!contains({0, 0, layout_.width, layout_.height}, box)) return false;
    for (const Label& other : layout_.labels)
      if (intersects(box, other.box)) return false;
    for (const Rect& rect : blocked_)
      if (intersects(box, rect)) return false;
    layout_.labels.push_back(label);
    return true;
  }

  FigureLayout& layout_;
  std::vector<Rect> blocked_;
};

/// A label that fits, the note behind it whole.
FittedText fit_axis_label(const std::string& label, const std::string& note, double size, int length) {
  FittedText whole = fit_text(with_note(label, note), size, length);
  if (note.empty() || whole.text == with_note(label, note)) return whole;
  for (int room = length; room > 0; room -= std::max(1, length / 32)) {
    const FittedText shorter = fit_text(label, size, room);
    const std::string text = with_note(shorter.text, note);
    if (measure(text, shorter.size).width <= length) return {text, shorter.size};
  }
  return fit_text(note, size, length, 0.5);
}

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
  if (!g.ticks.x.minor.empty() && plot.w / g.ticks.x.minor.size() >= 2)
    for (const double v : g.ticks.x.minor)
      out.marks.push_back({tick_pixel(plot.x + (v - r.x0) / (r.x1 - r.x0) * plot.w, plot.x, plot.w, m.line),
                           plot.bottom() + m.line, m.line, std::max(1, m.tick / 2)});
  if (labelled) {
    const FittedText fitted = fit_axis_label(spec.x_label, g.ticks.x.note, m.label_size, plot.w + 2 * m.bar_gap);
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
  const int half = std::max(1, m.tick / 2);
  if (!g.ticks.y.minor.empty() && plot.h / g.ticks.y.minor.size() >= 2)
    for (const double v : g.ticks.y.minor)
      out.marks.push_back({plot.x - m.line - half,
                           tick_pixel(plot.bottom() - (v - r.y0) / (r.y1 - r.y0) * plot.h, plot.y, plot.h, m.line),
                           half, m.line});
  if (labelled) {
    const FittedText fitted = fit_axis_label(spec.y_label, g.ticks.y.note, m.label_size, plot.h);
    const TextExtent e = measure(fitted.text, fitted.size);
    place.put(fitted, end - g.y_text - m.gap - e.height(), plot.y + (plot.h - e.width) / 2, true);
  }
}

constexpr double kFarFromEven = 0.6;  // the place of the middle value from which even ticks would crowd at the top

Ticks bar_ticks(const ColourScale& scale, int length, const Measures& m) {
  const int most = std::clamp(pixels(length / (2.6 * m.tick_size)), 2, static_cast<int>(kMostTicks));
  if (scale.scaling == Scaling::log) return log_ticks(scale.low, scale.high, most);
  const Ticks even = choose_ticks(scale.low, scale.high, length, 3.0 * m.tick_size, false, m);
  const auto place = [&](double v) { return scale(v); };
  const double half = scale(scale.low / 2 + scale.high / 2);
  return half < kFarFromEven || scale.low < 0 ? even : spread_ticks(scale.low, scale.high, most, place);
}

/// The text of a bar is never cut: as much smaller as fit_text makes it, else the short one, else none.
FittedText fit_bar_label(const FigureSpec& spec, double size, int length) {
  FittedText label = fit_text(spec.bar_label, size, length);
  if (label.text != spec.bar_label) label = fit_text(spec.short_bar_label, size, length);
  if (label.text != spec.bar_label && label.text != spec.short_bar_label) label.text.clear();
  return label;
}

void place_bar(const FigureSpec& spec, const ColourScale& colours, const Rect& bar, int arrow, int room,
               const Measures& m, FigureLayout& out, Placer& place) {
  const ColourScale scale = colours.scaling == Scaling::mass ? ColourScale{0, 1} : colours;
  const Ticks ticks = bar_ticks(scale, bar.h, m);
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
  place.put(note, bar.x - m.line, bar.y - arrow - m.note_lift() - measure(note.text, note.size).height());
  const FittedText label = fit_bar_label(spec, m.label_size, bar.h + arrow);
  const int width = measure(label.text, label.size).width;
  place.put(label, x + std::min(m.bar_text, widest(ticks, size)) + 2 * m.gap, bar.y + (bar.h - arrow - width) / 2,
            true);
}

/// Takes the arrow's height off the bar and returns it.
int split_arrow(Rect& bar, const ColourScale& scale) {
  if (!scale.above) return 0;
  const int arrow = std::max(1, std::min(bar.w, bar.h / 8));
  bar.y += arrow, bar.h -= arrow;
  return arrow;
}

const ColourScale& shared_scale(const FigureSpec& spec) {
  return **std::find_if(spec.scales.begin(), spec.scales.end(), [](const auto& s) { return s.has_value(); });
}

/// Plots and bars.
void place_boxes(const FigureSpec& spec, const Geometry& g, const Measures& m, FigureLayout& out, Placer& place) {
  const int n = static_cast<int>(spec.titles.size()), columns = static_cast<int>(g.column_x.size());
  for (int i = 0; i < n; ++i) {
    PanelLayout panel{{g.column_x[i % columns], g.row_y[i / columns], g.plot_w, g.plot_h}, {}};
    if (has_bar(spec, i))
      panel.bar = {panel.plot.right() + 2 * m.line + m.bar_gap, panel.plot.y, m.bar_width, panel.plot.h};
    place.block(panel.plot);
    place.block(panel.bar);
    if (panel.bar.w > 0) panel.arrow = split_arrow(panel.bar, *spec.scales[i]);
    out.panels.push_back(panel);
  }
  if (spec.bars == Bars::shared && any_scale(spec)) {
    out.shared_bar = {g.shared_bar_x, g.row_y[0], m.bar_width, g.row_y.back() + g.plot_h - g.row_y[0]};
    place.block(out.shared_bar);
    out.shared_arrow = split_arrow(out.shared_bar, shared_scale(spec));
  }
}

void place_scales(const FigureSpec& spec, const Geometry& g, const Measures& m, FigureLayout& out, Placer& place) {
  const int n = static_cast<int>(spec.titles.size()), columns = static_cast<int>(g.column_x.size());
  for (int i = 0; i < n; ++i) {
    const Rect& plot = out.panels[i].plot;
    place_y_axis(g, spec, plot, i % columns == 0, m, out, place);
    place_x_axis(g, spec, plot, i + columns >= n, m, out, place);
  }
  const int bar_room = m.bar_width + 2 * m.line + m.tick + m.gap + m.bar_text;
  for (int i = 0; i < n; ++i)
    if (out.panels[i].bar.w > 0)
      place_bar(spec, *spec.scales[i], out.panels[i].bar, out.panels[i].arrow, bar_room, m, out, place);
  if (out.shared_bar.w > 0)
    place_bar(spec, shared_scale(spec), out.shared_bar, out.shared_arrow, bar_room, m, out, place);
}

void place_titles(const FigureSpec& spec, const Geometry& g, const Measures& m, FigureLayout& out, Placer& place) {
  const int n = static_cast<int>(spec.titles.size());
  const bool barred = out.panels[0].bar.w + out.shared_bar.w > 0;
  int top = g.row_y[0] - m.line;
  for (int i = 0; i < n; ++i) {
    const Rect& plot = out.panels[i].plot;
    const int centre = plot.x + plot.w / 2;
    const bool wide = n == 1 && measure(spec.titles[0], m.title_size).width > plot.w + m.bar_gap;
    const int room = wide ? g.width - 2 * m.pad : plot.w + m.bar_gap;
    const FittedText title = fit_text(spec.titles[i], m.title_size, room);
    const TextExtent e = measure(title.text, title.size);
    const int lift = m.line + m.title_lift() + (wide && barred ? m.note_lift() + m.tick_text.height() - m.line : 0);
    const int x = wide ? std::clamp(centre - e.width / 2, m.pad, std::max(m.pad, g.width - m.pad - e.width))
                       : centre - e.width / 2;
    place.put(title, x, plot.y - lift - e.ascent);
    if (!title.text.empty()) top = std::min(top, plot.y - lift - e.ascent);
  }
  if (barred) top = std::min(top, g.row_y[0] - m.note_lift() - m.tick_text.height());
  const FittedText head = fit_text(spec.title, m.head_size, g.width - 2 * m.pad);
  const TextExtent e = measure(head.text, head.size);
  const int middle = (g.column_x.front() + g.column_x.back() + g.plot_w) / 2;
  place.put(head, std::clamp(middle - e.width / 2, 0, std::max(0, g.width - e.width)), top - m.gap - e.height());
}

/// Beside the last column, from the top.
void place_legend(const Geometry& g, const Measures& m, FigureLayout& out, Placer& place) {
  const int x = g.column_x.back() + g.plot_w + m.line + m.bar_gap, row = m.tick_text.height() + m.gap;
  int y = g.row_y.front();
  for (const FittedText& name : g.legend) {
    const int thick = std::max(2, 3 * m.line), middle = y + m.tick_text.ascent - m.tick_text.cap / 2;
    const bool put = place.put(name, x + m.swatch + m.swatch_gap, y);
    out.swatches.push_back({x, middle - thick / 2, put ? m.swatch : 0, put ? thick : 0});
    y += row;
  }
}

}  // namespace

FigureLayout place_all(const FigureSpec& spec, const Geometry& g, const Measures& m) {
  FigureLayout out;
  out.width = g.width, out.height = g.height, out.line = m.line, out.scale = m.scale;
  Placer place(out);
  place_boxes(spec, g, m, out, place);
  place_scales(spec, g, m, out, place);
  place_legend(g, m, out, place);
  place_titles(spec, g, m, out, place);
  return out;
}

}  // namespace cnf
