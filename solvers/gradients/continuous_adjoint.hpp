// The gradient by a second solve, backwards in time: memory does not grow with the number of steps.
#pragma once

#include <span>

#include "solvers/gradients/gradient.hpp"
#include "solvers/integrate.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf {

/// (z, a) backwards in time, and the parameters' gradient beside them:
///     dz/dt = f,   da/dt = -(df/dz)^T a - (dq'/dz)^T w_q,   ds/dt = -(df/dparams)^T a - (dq'/dparams)^T w_q.
/// Blocks  z: rows of z, then of a; q: none; s: the first `kept` values of params_bar. It has no
///         derivatives of its own.
/// Source  Pontryagin et al. (1962); Chen et al. (2018), appendix B. a of the q block is constant: w_q.
template <class T>
class AdjointDynamics final : public Dynamics<T> {
 public:
  /// Both must outlive this. w_q: blocks().q x B of `dynamics`; kept: at most gradient_size() of it.
  AdjointDynamics(const Dynamics<T>& dynamics, Tile<T> w_q, Index kept) : f_(dynamics), w_q_(w_q), kept_(kept) {}
  AdjointDynamics(const Dynamics<T>& dynamics, Tile<T> w_q)
      : AdjointDynamics(dynamics, w_q, dynamics.gradient_size()) {}

  Blocks blocks() const override { return {2 * f_.blocks().z, 0, kept_}; }
  Index tape_size(Index) const override { return 0; }
  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T> ds, T* tape, Scratch& scratch) const override;

 private:
  const Dynamics<T>& f_;
  Tile<T> w_q_;
  Index kept_;
};

/// A path that was solved, as this adjoint reads it.
template <class T>
struct Path {
  double t_begin, t_end;
  Tile<T> z_end;                                   ///< z(t_end), blocks.z x B
  std::span<const Observation> observations = {};  ///< as check_observations wants them
  Tile<T> seen{nullptr, 0, 0};                     ///< z at the observations, blocks.z x as many, or empty
};

/// The adjoint of a solve: a starts from w.z at t_end, jumps by w.seen at each observation, and is integrated back to
/// t_begin under `options` (control_s = false is the seminorm); with `seen`, z is set to the observed one at each.
/// AdjointLegs says how: steps, grids and budgets of `options` are a leg's. A tolerance of a's own: tolerance_z, of z's
/// rows and then of a's.
/// Returns  the first trouble; then the outputs are meaningless. Its counts of steps are all legs', its time the
///          sample's own, or if it is about no sample the one of the longest way.
/// Cost     the solves of the augmented system, and a forward a leg and one. Memory: no tape but one.
/// Throws   std::invalid_argument for shapes that disagree, observations out of order, options with stops, a dynamics
///          without vjp, and one with an s block where samples are seen at times of their own.
template <class T>
Status continuous_adjoint(const Dynamics<T>& dynamics, const Path<T>& path, const Cotangents<T>& w,
                          const SolveOptions& options, SolveGradient<T>& gradient, Scratch& scratch,
                          Counters& counters);

}  // namespace cnf
