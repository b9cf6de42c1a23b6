// The exact gradient of the number computed: transposes the accepted steps of a solve.
#pragma once

#include "base/stop.hpp"
#include "solvers/dynamics.hpp"
#include "solvers/gradients/gradient.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/status.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf {

/// What an Observer saw of a recorded solve: the observations, and where they lie.
struct ObservedSteps {
  std::span<const Observation> observations{};
  std::span<const StepPoint> where{};
};

/// Pulls w.z = dloss/dz(t_end), w.q = dloss/dq(t_end) and w.seen = dloss/d(observed z) back through the steps of
/// `recording`, whose sizes are constants: the controller is not differentiated. With lambda the cotangent of a step's
/// end and X_i a stage's argument, for i = S - 1 ... 0,
///     kbar_i = h (b_i lambda + sum_{j > i} a_ji Xbar_j),   (Xbar_i, tbar_i, params_bar) += vjp_i(kbar_i),
///     lambda += sum_i Xbar_i.
/// An observation inside the step, y + h sum_i w_i(theta) v_i, adds h w_i(theta) times its cotangent to that of v_i
/// (the slope at the step's end is the next step's first), and its cotangent to lambda at the step's start.
///
/// For the times the grid is t_n = t_begin + s_n (t_end - t_begin) with the s_n frozen; a stage time moves with it, and
/// sum_i <kbar_i, k_i> = h dloss/dh gives the part of the step sizes. An observation's time moves theta alone:
/// dloss/dt = <w, p>, p = sum_i w_i'(theta) v_i, and -<w, p> moves with the grid.
///
/// The s block is not differentiated. A recording of no steps is the identity, with no gradient by times.
/// Returns  ok, or stopped: `stop` is looked at before every step, and the gradient is then meaningless.
/// Cost     one vjp per recorded stage (one more if an observation read the slope at the end), and evaluations of what
///          the recording's budget left out, Recording::plan().again steps: `counters` has them. Its states are placed
///          anew on the way: of a recording that was thinned a second gradient costs more, to the same bits.
/// Throws   std::invalid_argument for shapes that disagree with the recording, and a dynamics without vjp.
template <class T>
Status discrete_adjoint(const Dynamics<T>& dynamics, Recording<T>& recording, const ObservedSteps& observed,
                        const Cotangents<T>& w, SolveGradient<T>& gradient, Scratch& scratch, Counters& counters,
                        StopFlag stop = nullptr);

}  // namespace cnf
