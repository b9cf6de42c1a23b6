// The gradient of a solve by a reversible method: its steps are taken back, so nothing of the way is remembered.
#pragma once

#include "solvers/gradients/discrete_adjoint.hpp"

namespace cnf {

/// discrete_adjoint of a recording of a reversible method (Recording::reversible). Each step is taken back to where it
/// began, to rounding, and transposed there; an observation inside it likewise. The times are kept, 8 bytes a step.
/// Returns  ok, stopped, or not_reversed: the way back came to another start than there was, by more than the gradient
///          can bear (8e-4 in float, 1e-6 in double, of z's size): rounding has grown over too many steps.
/// Cost     each step's evaluations once more, and a vjp for each of them.
/// Source   McCallum and Foster (2024), algorithm 2; Zhuang et al. (2021), sec. 3.
template <class T>
Status reversible_adjoint(const Dynamics<T>& dynamics, const Recording<T>& recording, const ObservedSteps& observed,
                          const Cotangents<T>& w, SolveGradient<T>& gradient, Scratch& scratch, Counters& counters,
                          StopFlag stop = nullptr);

}  // namespace cnf
