// Invariants. After forward() observations_, seen_ and where_ tell of its observations, and the mode's own memory of
// its path: recording_ (discrete) or z_end_ (continuous).
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
  t_begin_ = t_begin;
  t_end_ = t_end;
  observations_ = look.observations;
  seen_ = const_cast<T*>(look.seen.data());
  rows_ = state.blocks.z;
  const bool discrete = how.mode == GradientMode::discrete;
  recording_.set_budget(how.memory);
  where_.resize(discrete ? look.observations.size() : 0);
  Out<T> seen(seen_, rows_, count);
  for (Index o = 0; o < count && t_begin == t_end; ++o)
    seen.col(o) = state.z().col(look.observations[static_cast<std::size_t>(o)].sample);
  Observer<T> observer(look.observations, state.blocks, t_end >= t_begin, seen, where_);
  SolveExtras<T> extras;
  if (discrete) extras.record = &recording_;
  if (count > 0) extras.listener = &observer;
  const Status status = integrate(dynamics, t_begin, t_end, state, solve, scratch, counters, extras);
  if (!discrete && status.ok()) z_end_ = state.z();
  return status;
}

template <class T>
Status DifferentiableSolve<T>::backward(const Dynamics<T>& dynamics, const Cotangents<T>& w, SolveGradient<T>& gradient,
                                        Scratch& scratch, Counters& counters) {
  if (how_.mode == GradientMode::discrete) {
    discrete_adjoint(dynamics, recording_, {observations_, where_}, w, gradient, scratch);
    return {};
  }
  const Tile<T> z_end(z_end_.data(), z_end_.rows(), z_end_.cols());
  const Tile<T> seen(seen_, rows_, how_.reset ? std::ssize(observations_) : 0);
  const Path<T> path{t_begin_, t_end_, z_end, observations_, seen};
  return continuous_adjoint(dynamics, path, w, how_.backward, gradient, scratch, counters);
}

template class DifferentiableSolve<float>;
template class DifferentiableSolve<double>;

}  // namespace cnf
