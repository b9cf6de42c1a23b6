// Paths as a picture: lines over time, or one variable against another.
#pragma once

#include <span>
#include <vector>

#include "tools/draw/line_chart.hpp"
#include "tools/verbs/solve/solve_subject.hpp"

namespace cnf {

/// Points of N paths at the times, D x (n N) as Solution's.
struct ShownPaths {
  std::span<const double> times;
  const Batch& points;
  Index N;
};

/// A line a variable of `columns`, of a flow one a sample in the variable's colour.
Picture paths_over_time(const SolveSubject& subject, const ShownPaths& paths, const std::vector<Index>& columns,
                        FigureStyle style);

/// The second of two columns against the first, with a mark where each path begins, of a flow also where it ends.
Picture paths_in_phase(const SolveSubject& subject, const ShownPaths& paths, const std::vector<Index>& columns,
                       FigureStyle style);

}  // namespace cnf
