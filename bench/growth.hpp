// How cost grows: with points, batch, steps and weights.
#pragma once

#include <functional>
#include <string>

#include "flows/evaluator.hpp"

namespace cnf::bench {

/// One size of one series.
struct GrowthPoint {
  std::string series, unit;  ///< cost is told per unit: "log p" per "point"
  double size = 0;
  double seconds = 0;       ///< of a call, by the processor's time
  double per_unit = 0;      ///< seconds per unit of the size
  double peak_rss_mib = 0;  ///< of the process so far
};

/// A series, smallest size first. Cost is linear if `exponent` is 1 and per_unit level.
struct Growth {
  std::string series;
  double exponent = 0;  ///< slope of log seconds over log size, least squares
  double spread = 0;    ///< the largest per_unit over the smallest, less 1
};

/// log p and samples of 10^4 to `most_points` points; iterations over the batch, the steps and the number of weights.
/// On one thread: `speedup` tells what a second one does.
/// `point` is called as each is measured, `series` when a series is complete.
void growth(const Cnf& plane, double most_points, const std::function<void(const GrowthPoint&)>& point,
            const std::function<void(const Growth&)>& series);

}  // namespace cnf::bench
