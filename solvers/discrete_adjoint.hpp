// The exact gradient of the number computed: transposes the accepted steps of a solve.
#pragma once

#include <span>

#include "solvers/dynamics.hpp"
#include "solvers/recording.hpp"

namespace cnf {

/// dloss/dt_begin and dloss/dt_end.
struct TimeGradient {
  double begin = 0, end = 0;
};

/// Pulls w_z = dloss/dz(t_end) and w_q = dloss/dq(t_end) back through the steps of `recording`, whose sizes are
/// constants: the controller is not differentiated. With X_i a stage's argument, for i = S - 1 ... 0,
///     kbar_i = h (b_i w + sum_{j > i} a_ji Xbar_j),   (Xbar_i, tbar_i, params_bar) += vjp_i(kbar_i),   w += sum_i
///     Xbar_i.
/// For the times the grid is t_n = t_begin + s_n (t_end - t_begin) with the s_n frozen; a stage time moves with it, and
/// sum_i <kbar_i, k_i> = h dloss/dh gives the part of the step sizes.
///
/// Shapes   w_z, z_bar: blocks.z x B;  w_q: blocks.q x B;  params_bar: gradient_size(). z_bar = dloss/dz(t_begin) is
///          set, params_bar is added to. dloss/dq(t_begin) is w_q. The s block is not differentiated.
/// Cost     one vjp per recorded stage, one forward more for each that the recording's budget left out.
/// Throws   std::invalid_argument for shapes that disagree with the recording.
template <class T>
TimeGradient discrete_adjoint(const Dynamics<T>& dynamics, const Recording<T>& recording, Tile<T> w_z, Tile<T> w_q,
                              Out<T> z_bar, std::span<T> params_bar, Scratch& scratch);

}  // namespace cnf
