// The gradient of what solve_at gives: by every start, parameter, span, time and event.
#pragma once

#include <memory>

#include "solvers/gradients/differentiate.hpp"
#include "solvers/watching/trajectory.hpp"

namespace cnf {

template <class T>
class WatchedSolve;  // solvers/watching/watched_solve.hpp

/// A loss's derivatives by what SolvedAt holds. What is left empty is 0.
template <class T>
struct SolvedCotangents {
  Matrix<T> z_end{}, q_end{};     ///< shapes of SolvedAt's
  std::vector<Matrix<T>> seen{};  ///< one a sample: D x its times
  std::vector<double> t_end{};    ///< one a sample
};

/// The loss's derivatives by what solve_at was given.
template <class T>
struct TrajectoryGradient {
  Status status{};                           ///< of the way back; not ok: the rest is meaningless
  Matrix<T> z0{};                            ///< D x B
  std::vector<T> params{};                   ///< gradient_size() of the dynamics
  std::vector<double> t0{}, t1{};            ///< one value each for shared spans, else one a sample
  std::vector<std::vector<double>> times{};  ///< the shape of Watch::times; 0 over a span without length
  std::vector<double> level{};               ///< one a sample: by a constant added to the g it ended by; 0: no event
  Counters counters{};
};

/// solve_at() that can be pulled back, in every GradientMode.
///
/// Events  With p the path there and p' its slope, a sample's event moves as g does: the loss w_z . z + w_t t at it has
///             w_z + m g_z as cotangent of z at the fixed time t,   m = -(w_z . p' + w_t) / (g_t + g_z . p'),
///         so it is an observation there; m is `level`. The discrete mode pulls it back through the steps taken, p'
///         being the slope of the dense step: exact for what was computed. The other modes solve once more over spans
///         that end at the events: to their tolerance. An event that only touches, g_t + g_z . p' = 0, has no
///         gradient: the status is non_finite then, of its sample. Where an event ends a sample its t1 has, in these
///         modes, none.
/// Memory  kept from solve to solve. Not to be shared by threads.
template <class T>
class DifferentiableTrajectory {
 public:
  DifferentiableTrajectory();
  ~DifferentiableTrajectory();

  /// What solve_at() gives, but that trouble of one sample is all samples': `failures` has one status then. `f` must
  /// outlive backward().
  /// Throws  std::invalid_argument besides for a dynamics without vjp, an event without gradient, and quadratures
  ///         beside a state that events end.
  SolvedAt<T> forward(const Dynamics<T>& f, const Spans& spans, const Matrix<T>& z0, const Watch<T>& watch,
                      const SolveOptions& options = {}, const GradientOptions& how = {});

  /// The gradient of the last forward(). Throws std::logic_error if that did not end well.
  TrajectoryGradient<T> backward(const SolvedCotangents<T>& w);

  /// Of a discrete forward(): the steps it took.
  const Recording<T>& recording() const;

 private:
  struct Solves;
  std::unique_ptr<Solves> solves_;
};

}  // namespace cnf
