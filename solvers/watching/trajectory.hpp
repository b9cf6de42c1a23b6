// Many samples in one call, each over its own span, seen at its own times, ended by its own event.
#pragma once

#include <type_traits>
#include <vector>

#include "solvers/integrate.hpp"
#include "solvers/watching/event.hpp"

namespace cnf {

/// From begin to end, forwards or backwards: one value each for all samples, or one a sample.
struct Spans {
  std::vector<double> begin, end;

  Spans(double t_begin, double t_end) : begin{t_begin}, end{t_end} {}
  Spans(std::vector<double> begins, std::vector<double> ends) : begin(std::move(begins)), end(std::move(ends)) {}

  bool shared() const { return begin.size() == 1 && end.size() == 1; }
  double begin_of(Index sample) const { return begin[begin.size() > 1 ? static_cast<std::size_t>(sample) : 0]; }
  double end_of(Index sample) const { return end[end.size() > 1 ? static_cast<std::size_t>(sample) : 0]; }
};

/// What is wanted on the way.
template <class T>
struct Watch {
  /// Times at which z is seen: one list for all samples, or one a sample, of any lengths; each sorted along its span.
  std::vector<std::vector<double>> times{};
  std::vector<Event<T>> events{};  ///< a sample ends at the first of them
  int scan = 4;                    ///< points inside a step at which events are looked for: see EventFinder
};

/// What became of the samples. Columns and times of samples that failed are NaN.
template <class T>
struct SolvedAt {
  Matrix<T> z_end, q_end;       ///< at t_end: D x B, and the quadratures (from 0)
  std::vector<double> t_end;    ///< of each sample: its span's end, or its event
  std::vector<int> ended_by;    ///< the event's place in Watch::events; -1: none
  std::vector<Matrix<T>> seen;  ///< of each sample: D x its times; after its event, what it was there
  std::vector<Status> failures{};
  Counters counters{};

  bool ok() const { return failures.empty(); }
};

/// Solves dz/dt = f(t, z) from z0 (D x B, a sample a column), all samples together.
///
/// Spans     of one value each: solved as by integrate(). Else every sample takes its span in the same shares
///           (SpanDynamics), a step as short as the sample that needs it; options' sizes of steps are then the longest
///           span's, and of `stops` there can be none.
/// Error     every sample meets rtol and atol, as if alone, at its end; at times between the ends of steps that of the
///           method's dense output is added (Method::dense_order()); an event's: EventFinder.
/// Trouble   a sample that fails is masked and the others solved without it: `failures` tells of each.
/// Throws    std::invalid_argument naming what has the wrong shape, is not finite, out of order or outside its span; a
///           dynamics with an s block.
/// Example   solve_at(f, {0, 10}, z0, {.times = {{1, 2, 5}}}, {.rtol = 1e-8}).seen[0] is D x 3.
template <class T>
SolvedAt<T> solve_at(const Dynamics<T>& f, const Spans& spans, const std::type_identity_t<Matrix<T>>& z0,
                     const std::type_identity_t<Watch<T>>& watch = {}, const SolveOptions& options = {});

}  // namespace cnf
