#include "tools/draw/axis_ticks.hpp"

#include <algorithm>
#include <cmath>

namespace cnf {

int widest(const Ticks& ticks, double size) {
  int w = 0;
  for (const std::string& text : ticks.text) w = std::max(w, measure(text, size).width);
  return w;
}

namespace {

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

}  // namespace

Ticks choose_ticks(double low, double high, int length, double spacing, bool across, const Measures& m) {
  const Ticks airy =
      finest_ticks(low, high, length, std::max(spacing, length / kMostTicks), across, 0.9 * m.tick_size, m);
  if (airy.at.size() >= 3) return airy;
  const Ticks crowded = finest_ticks(low, high, length, 1.4 * m.tick_size, across, 0.4 * m.tick_size, m);
  return crowded.at.size() > airy.at.size() ? crowded : airy;
}

namespace {

/// Of an axis whose places are decimal logarithms.
Ticks choose_log_ticks(double low, double high, int length, bool across, const Measures& m) {
  const double room = across ? measure(power_of_ten(-10), m.tick_size).width + 0.9 * m.tick_size : 2.2 * m.tick_size;
  const int most = std::clamp(static_cast<int>(length / room), 2, static_cast<int>(kMostTicks));
  Ticks ticks = log_ticks(std::pow(10, low), std::pow(10, high), most);
  for (std::vector<double>* places : {&ticks.at, &ticks.minor})
    for (double& place : *places) place = std::clamp(std::log10(place), low, high);
  return ticks;
}

}  // namespace

Ticks few_ticks(double low, double high, int pixels, bool across, double size) {
  Ticks ticks;
  TickStep step = tick_step((high - low) / 5);
  for (int round = 0; round < 6; ++round, step = step.coarser()) {
    Ticks coarser = linear_ticks(low, high, step);
    if (coarser.at.size() < 2 && !ticks.at.empty()) break;
    ticks = std::move(coarser);
    double room = 2.0 * size;
    if (across)
      for (const std::string& text : ticks.text) room = std::max(room, measure(text, size).width + 0.7 * size);
    if (step.value() / (high - low) * pixels >= room) break;
  }
  return ticks;
}

AxisTicks axis_ticks(const FigureSpec& spec, int w, int h, bool equal, const Measures& m) {
  const Box& r = spec.range;
  AxisTicks ticks{
      spec.log_x ? choose_log_ticks(r.x0, r.x1, w, true, m) : choose_ticks(r.x0, r.x1, w, 4.2 * m.tick_size, true, m),
      spec.log_y ? choose_log_ticks(r.y0, r.y1, h, false, m)
                 : choose_ticks(r.y0, r.y1, h, 3.0 * m.tick_size, false, m)};
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

}  // namespace cnf
