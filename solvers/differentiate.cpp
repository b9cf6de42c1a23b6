// Invariants. ready_: observations_, seen_ and where_ tell of the last forward()'s observations, and the mode's own
// memory of its path: recording_ (discrete) or z_end_ (continuous). A path without length, whose times have gradients
// though there is no step, is the continuous adjoint's in both modes.
#include "solvers/differentiate.hpp"

#include <stdexcept>
#include <string>

#include "solvers/continuous_adjoint.hpp"
#include "solvers/discrete_adjoint.hpp"

namespace cnf {

std::string_view name(GradientMode mode) { return mode == GradientMode::discrete ? "discrete" : "continuous"; }

template <class T>
Status DifferentiableSolve<T>::forward(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state,
                                       const SolveOptions& solve, const GradientOptions& how, Scratch& scratch,
                                       Counters& counters, const Look<T>& look) {
  check_has_vjp("DifferentiableSolve", dynamics);
  const Index count = std::ssize(look.observations);
  if (count > 0 && (look.seen.rows() != state.blocks.z || look.seen.cols() != count))
    throw std::invalid_argument("DifferentiableSolve: seen is " + std::to_string(look.seen.rows()) + " x " +
                                std::to_string(look.seen.cols()) + " for " + std::to_string(count) +
                                " observations of " + std::to_string(state.blocks.z) + " values");
  check_observations("DifferentiableSolve", look.observations, t_begin, t_end, state.B);
  how_ = how;
  stop_ = solve.stop;
  t_begin_ = t_begin;
  t_end_ = t_end;
  ready_ = false;
  observations_.assign(look.observations.begin(), look.observations.end());
  seen_.resize(state.blocks.z, count);
  for (Index o = 0; o < count; ++o) seen_.col(o) = state.z().col(observations_[static_cast<std::size_t>(o)].sample);
  const bool discrete = how.mode == GradientMode::discrete;
  recording_.set_budget(how.memory);
  where_.resize(discrete ? observations_.size() : 0);
  Observer<T> observer(observations_, state.blocks, t_end >= t_begin, Out<T>(seen_.data(), seen_.rows(), count),
                       where_);
  SolveExtras<T> extras;
  if (discrete) extras.record = &recording_;
  if (count > 0) extras.listener = &observer;
  Status status = integrate(dynamics, t_begin, t_end, state, solve, scratch, counters, extras);
  for (Index o = 0; o < count && status.ok(); ++o) {
    if (seen_.col(o).allFinite()) continue;
    status.code = Status::Code::non_finite;
    status.row = observations_[static_cast<std::size_t>(o)].sample;
    status.t = observations_[static_cast<std::size_t>(o)].t;
  }
  ready_ = status.ok();
  if (!ready_) return status;
  Out<T> seen(look.seen);
  if (count > 0) seen = seen_;
  if (!discrete || t_begin == t_end) z_end_ = state.z();
  return status;
}

template <class T>
Status DifferentiableSolve<T>::backward(const Dynamics<T>& dynamics, const Cotangents<T>& w, SolveGradient<T>& gradient,
                                        Scratch& scratch, Counters& counters) {
  if (!ready_) throw std::logic_error("DifferentiableSolve: backward() without a forward() that ended well");
  if (how_.mode == GradientMode::discrete && t_begin_ != t_end_)
    return discrete_adjoint(dynamics, recording_, {observations_, where_}, w, gradient, scratch, counters, stop_);
  const Tile<T> z_end(z_end_.data(), z_end_.rows(), z_end_.cols());
  const Tile<T> seen(seen_.data(), seen_.rows(), how_.reset ? seen_.cols() : 0);
  const Path<T> path{t_begin_, t_end_, z_end, observations_, seen};
  return continuous_adjoint(dynamics, path, w, how_.backward, gradient, scratch, counters);
}

template class DifferentiableSolve<float>;
template class DifferentiableSolve<double>;

}  // namespace cnf
