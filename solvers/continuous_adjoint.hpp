// The gradient by a second solve, backwards in time: memory does not grow with the number of steps.
#pragma once

#include <span>

#include "solvers/integrate.hpp"

namespace cnf {

/// (z, a) backwards in time, and the parameters' gradient beside them:
///     dz/dt = f,   da/dt = -(df/dz)^T a - (dq'/dz)^T w_q,   ds/dt = -(df/dparams)^T a - (dq'/dparams)^T w_q.
/// Blocks  z: rows of z, then of a; q: none; s: gradient_size(). It has no derivatives of its own: jvp and vjp throw
///         std::logic_error.
/// Source  Pontryagin et al. (1962); Chen et al. (2018), appendix B. a of the q block is constant: w_q.
template <class T>
class AdjointDynamics final : public Dynamics<T> {
 public:
  /// Both must outlive this. w_q: blocks().q x B of `dynamics`.
  AdjointDynamics(const Dynamics<T>& dynamics, Tile<T> w_q) : f_(dynamics), w_q_(w_q) {}

  Blocks blocks() const override { return {2 * f_.blocks().z, 0, f_.gradient_size()}; }
  Index tape_size(Index) const override { return 0; }
  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T> ds, T* tape, Scratch& scratch) const override;
  void jvp(const T*, Tile<T>, Times<T>, Out<T>, Out<T>, Scratch&) const override;
  void vjp(const T*, Tile<T>, Tile<T>, Out<T>, std::span<T>, std::span<T>, Scratch&) const override;

 private:
  const Dynamics<T>& f_;
  Tile<T> w_q_;
};

/// What the loss sees of a trajectory: its points at `times`, from t_begin (not included) to the last, which is t_end,
/// in the direction of the solve. At times[i]: z(t_i) in columns i B ... i B + B - 1 of z, and dloss/dz(t_i) in those
/// of w_z. w_q = dloss/dq(t_end).
template <class T>
struct Observations {
  std::span<const double> times;
  Tile<T> z, w_z;  ///< blocks.z x (B times.size())
  Tile<T> w_q;     ///< blocks.q x B
};

/// The adjoint of a solve from t_begin over the observations: a starts from 0, jumps by w_z at each time, is integrated
/// back to t_begin under `options` (control_s = false is the seminorm); z is set to the observed one at each.
///
/// z_bar = dloss/dz(t_begin) is set, params_bar is added to.
///     dloss_dtimes[i] = w_z(t_i) . f(t_i)  (+ w_q . q' at the last),   dloss_dt_begin = -a . f - w_q . q'  at t_begin,
/// with a after every jump.
/// Returns  the first trouble; then the outputs are meaningless.
/// Cost     one solve of the augmented system, two forwards an observation and one at t_begin. Memory: no tape but one.
/// Throws   std::invalid_argument for shapes that disagree and times out of order.
template <class T>
Status continuous_adjoint(const Dynamics<T>& dynamics, double t_begin, const Observations<T>& observations,
                          const SolveOptions& options, Out<T> z_bar, std::span<T> params_bar, double& dloss_dt_begin,
                          std::span<double> dloss_dtimes, Scratch& scratch, Counters& counters);

/// The same with one observation, at t_end: z_end = z(t_end), w_z and w_q the loss's gradient there.
template <class T>
Status continuous_adjoint(const Dynamics<T>& dynamics, double t_begin, double t_end, Tile<T> z_end, Tile<T> w_z,
                          Tile<T> w_q, const SolveOptions& options, Out<T> z_bar, std::span<T> params_bar,
                          double& dloss_dt_begin, double& dloss_dt_end, Scratch& scratch, Counters& counters);

}  // namespace cnf
