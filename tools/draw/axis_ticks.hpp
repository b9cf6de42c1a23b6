// Private to figures, corner and interval_chart: which ticks suit an axis of so many pixels.
#pragma once

#include "tools/draw/figure_measures.hpp"
#include "tools/draw/ticks.hpp"

namespace cnf {

struct AxisTicks {
  Ticks x, y;
};

/// The width of the widest label, in pixels.
int widest(const Ticks& ticks, double size);

/// Ticks along `length` pixels with air between them, `spacing` apart; crowded ones where there would be fewer than
/// three. `across`: the labels stand beside each other.
Ticks choose_ticks(double low, double high, int length, double spacing, bool across, const Measures& m);

/// The finest of few ticks along so many pixels whose labels, of that size, stand clear of each other.
Ticks few_ticks(double low, double high, int pixels, bool across, double size);

/// Of a plot area of w x h pixels; `equal`: one unit is as long along both axes.
AxisTicks axis_ticks(const FigureSpec& spec, int w, int h, bool equal, const Measures& m);

}  // namespace cnf
