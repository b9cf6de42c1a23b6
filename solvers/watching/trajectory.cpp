#include "solvers/watching/trajectory.hpp"

#include <limits>

#include "solvers/masked.hpp"
#include "solvers/watching/watched_solve.hpp"

namespace cnf {

template <class T>
SolvedAt<T> solve_at(const Dynamics<T>& f, const Spans& spans, const std::type_identity_t<Matrix<T>>& z0,
                     const std::type_identity_t<Watch<T>>& watch, const SolveOptions& options) {
  WatchedSolve<T> solve("solve_at", f, spans, watch, z0.cols());
  State<T> state = solve.start(z0);
  Scratch scratch;
  Counters counters;
  std::vector<char> active;
  const bool adaptive = options.fixed_steps == 0 && options.fractions.empty();
  std::vector<Status> failures = masked(state, active, adaptive ? options.max_steps : 0, scratch,
                                        [&](std::span<const char> on, std::span<char> bad) {
                                          return solve.run(state, options, scratch, counters, on, bad, nullptr);
                                        });
  SolvedAt<T> r = solve.result(state);
  for (Status& status : failures) {
    solve.clock().translate(status);
    if (status.row < 0) continue;
    const auto b = static_cast<std::size_t>(status.row);
    r.t_end[b] = std::numeric_limits<double>::quiet_NaN();
    r.seen[b].setConstant(std::numeric_limits<T>::quiet_NaN());
    r.ended_by[b] = -1;
  }
  r.failures = std::move(failures);
  r.counters = counters;
  return r;
}

template SolvedAt<float> solve_at(const Dynamics<float>&, const Spans&, const Matrix<float>&, const Watch<float>&,
                                  const SolveOptions&);
template SolvedAt<double> solve_at(const Dynamics<double>&, const Spans&, const Matrix<double>&, const Watch<double>&,
                                   const SolveOptions&);

}  // namespace cnf
