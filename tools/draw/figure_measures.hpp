// Private to layout, figure_geometry and figure_labels: the sizes of texts, lines and gaps.
#pragma once

#include <algorithm>
#include <cmath>

#include "tools/draw/layout.hpp"
#include "tools/draw/text.hpp"

namespace cnf {

// Sizes in pixels at scale 1. Tick labels are the unit; matplotlib's default figure has the same proportions.
inline constexpr double kTickSize = 12.4, kLabelSize = 13.6, kTitleSize = 15.2, kPanelTitleSize = 13.8;
inline constexpr double kSmallestText = 5.5;  // below this a digit has fewer than four pixels
inline constexpr double kMostRatio = 12;      // of a plot's sides; beyond, an aspect is given up
inline constexpr double kPlotShare = 0.4;     // of the width and of the height, that the plots get before text shrinks
inline constexpr double kMostTicks = 9;       // intervals along an axis
inline constexpr int kLeastPlot = 8;          // pixels

inline int pixels(double v) { return static_cast<int>(std::lround(v)); }

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
    swatch = pixels(1.6 * tick_size), swatch_gap = pixels(0.6 * tick_size);
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
  int line, pad, gap, tick, bar_gap, bar_width, bar_text, swatch, swatch_gap;
  TextExtent tick_text, label_text, title_text, head_text;
};

inline bool has_bar(const FigureSpec& spec, std::size_t panel) {
  return spec.bars == Bars::each && spec.scales[panel].has_value();
}

inline bool any_scale(const FigureSpec& spec) {
  return std::any_of(spec.scales.begin(), spec.scales.end(), [](const auto& s) { return s.has_value(); });
}

}  // namespace cnf
