// The gradient by a second solve of the adjoint alone: z is read from the first solve's steps.
#pragma once

#include "solvers/gradients/dense_track.hpp"
#include "solvers/gradients/gradient.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf {

/// The adjoint a of a solve kept as `track`, backwards from t_end to t_begin by AdjointLegs:
///     da/dt = -(df/dz)^T a - (dq'/dz)^T w_q   at z(t),
/// half of the continuous adjoint's system, with nothing to go wrong in z. The parameters' gradient is the integral of
/// (df/dparams)^T a + (dq'/dparams)^T w_q by Gauss and Legendre's rule over each step of a, of the method's order.
/// Error    that of a's steps, and of what lies between the first solve's: Method::dense_order(). The quadrature is not
///          controlled: as with the continuous adjoint's seminorm, it is as smooth as what is.
/// Returns, throws  as continuous_adjoint.
/// Cost     a forward and a vjp for each of a's stages and for each point of the quadrature.
/// Source   the sensitivity package CVODES, Serban and Hindmarsh (2005); Rackauckas et al. (2020), arXiv:2001.04385.
template <class T>
Status interpolated_adjoint(const Dynamics<T>& dynamics, const DenseTrack<T>& track, double t_begin, double t_end,
                            std::span<const Observation> observations, const Cotangents<T>& w,
                            const SolveOptions& options, SolveGradient<T>& gradient, Scratch& scratch,
                            Counters& counters);

}  // namespace cnf
