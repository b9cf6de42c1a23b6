// Private to figure_geometry and figure_labels: which ticks suit an axis of so many pixels.
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

/// Of a plot area of w x h pixels; `equal`: one unit is as long along both axes.
AxisTicks axis_ticks(const FigureSpec& spec, int w, int h, bool equal, const Measures& m);

}  // namespace cnf
