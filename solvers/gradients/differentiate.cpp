// Invariants. ready_: observations_, seen_ and where_ tell of the last forward()'s observations, and the mode's own
// memory of its path: recording_ (discrete, reversible), z_end_ (continuous) or track_ (interpolated). A path without
// length, whose times have gradients though there is no step, is the continuous adjoint's in all modes.
#include "solvers/gradients/differentiate.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "solvers/gradients/continuous_adjoint.hpp"
#include "solvers/gradients/discrete_adjoint.hpp"
#include "solvers/gradients/interpolated_adjoint.hpp"

namespace cnf {

namespace {

/// Both see a solve's steps; a step that only one wants is not shown to the other.
template <class T>
class Both final : public StepListener<T> {
 public:
  Both(StepListener<T>& first, StepListener<T>& second) : first_(first), second_(second) {}
  bool wants(double t, double t_next) override {
    to_first_ = first_.wants(t, t_next);
    to_second_ = second_.wants(t, t_next);
    return to_first_ || to_second_;
  }
  Next look(const DenseStep<T>& step, T* y) override {
    Next next = Next::go_on;
    if (to_first_) next = std::max(next, first_.look(step, y));
    if (to_second_) next = std::max(next, second_.look(step, y));
    return next;
  }

 private:
  StepListener<T>&first_, &second_;
  bool to_first_ = false, to_second_ = false;
};

}  // namespace

std::string_view name(GradientMode mode) {
  switch (mode) {
    case GradientMode::discrete:
      return "discrete";
    case GradientMode::continuous:
      return "continuous";
    case GradientMode::interpolated:
      return "interpolated";
    case GradientMode::reversible:
      break;
  }
  return "reversible";
}

std::string why_not(GradientMode mode, const Method& method) {
  const std::string it(method.name());
  const bool table = std::holds_alternative<const Tableau*>(method.row());
  const bool reversible = std::holds_alternative<const ReversibleMethod*>(method.row());
  if (mode == GradientMode::reversible && !table && !reversible)
    return "the reversible gradient cannot take back " + it + "'s steps; take the " +
           (method.has_transpose() ? "discrete" : "continuous or the interpolated") + " gradient";
  if (mode == GradientMode::discrete && !method.has_transpose())
    return "the discrete gradient has no transpose of " + it +
           "'s steps; take the continuous or the interpolated gradient";
  return {};
}

void check_gradient(GradientMode mode, const Method& method) {
  if (const std::string why = why_not(mode, method); !why.empty()) throw std::invalid_argument(why);
}

Method method_of(GradientMode mode, const Method& method) {
  const auto* const table = std::get_if<const Tableau*>(&method.row());
  if (mode != GradientMode::reversible || table == nullptr) return method;
  for (const ReversibleMethod& m : kAllCoupled)
    if (m.base == *table) return &m;
  throw std::invalid_argument("the reversible gradient knows no coupling of " + std::string(method.name()) +
                              "; solve by one (reversible.hpp, coupled)");
}

template <class T>
void DifferentiableSolve<T>::reserve(const Dynamics<T>& dynamics, Index B, const SolveOptions& solve,
                                     const GradientOptions& how) {
  if (!how.reserve || how.mode == GradientMode::continuous || how.mode == GradientMode::interpolated) return;
  coupled_ = solve;
  coupled_.method = method_of(how.mode, solve.method);
  recording_.set_budget(how.memory, true);
  recording_.begin({dynamics.blocks(), B}, dynamics.tape_size(B), 0, 1, coupled_);
}

template <class T>
Status DifferentiableSolve<T>::forward(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state,
                                       const SolveOptions& solve, const GradientOptions& how, Scratch& scratch,
                                       Counters& counters, const Look<T>& look) {
  check_has_vjp("DifferentiableSolve", dynamics);
  check_gradient(how.mode, solve.method);
  const Index count = std::ssize(look.observations);
  if (count > 0 && (look.seen.rows() != state.blocks.z || look.seen.cols() != count))
    throw std::invalid_argument("DifferentiableSolve: seen is " + std::to_string(look.seen.rows()) + " x " +
                                std::to_string(look.seen.cols()) + " for " + std::to_string(count) +
                                " observations of " + std::to_string(state.blocks.z) + " values");
  check_observations("DifferentiableSolve", look.observations, t_begin, t_end, state.B);
  how_ = how;
  SolveOptions& back = how_.backward;
  if (back.jumps.empty()) back.jumps.assign(solve.jumps.rbegin(), solve.jumps.rend());
  if (how.tolerance_a) {
    const auto D = static_cast<std::size_t>(state.blocks.z);
    back.tolerance_z.assign(how.mode == GradientMode::continuous ? D : 0, {back.rtol, back.atol});
    back.tolerance_z.resize(back.tolerance_z.size() + D, *how.tolerance_a);
  }
  stop_ = solve.stop;
  t_begin_ = t_begin;
  t_end_ = t_end;
  ready_ = false;
  observations_.assign(look.observations.begin(), look.observations.end());
  seen_.resize(state.blocks.z, count);
  for (Index o = 0; o < count; ++o) seen_.col(o) = state.z().col(observations_[static_cast<std::size_t>(o)].sample);
  const bool reversible = how.mode == GradientMode::reversible;
  const bool discrete = how.mode == GradientMode::discrete || reversible;
  if (reversible) {
    coupled_ = solve;
    coupled_.method = method_of(how.mode, solve.method);
  }
  recording_.set_budget(how.memory, how.reserve);
  where_.resize(discrete ? observations_.size() : 0);
  Observer<T> observer(observations_, state.blocks, t_end >= t_begin, Out<T>(seen_.data(), seen_.rows(), count),
                       where_);
  SolveExtras<T> extras;
  Both<T> both(track_, observer);
  if (discrete) extras.record = &recording_;
  if (count > 0) extras.listener = &observer;
  if (how.mode == GradientMode::interpolated) {
    track_.begin({state.blocks, state.B}, state.values.data(), t_begin, t_end, solve, how.memory);
    extras.listener = count > 0 ? static_cast<StepListener<T>*>(&both) : &track_;
  }
  Status status = integrate(dynamics, t_begin, t_end, state, reversible ? coupled_ : solve, scratch, counters, extras);
  for (Index o = 0; o < count && status.ok(); ++o) {
    if (seen_.col(o).allFinite()) continue;
    status.code = Status::Code::non_finite;
    status.row = observations_[static_cast<std::size_t>(o)].sample;
    status.t = observations_[static_cast<std::size_t>(o)].t;
  }
  if (status.ok() && how.mode == GradientMode::interpolated && track_.full()) {
    status.code = Status::Code::memory_limit;
    status.t = track_.full_at();
  }
  ready_ = status.ok();
  if (!ready_) return status;
  Out<T> seen(look.seen);
  if (count > 0) seen = seen_;
  if (how.mode == GradientMode::continuous || t_begin == t_end) z_end_ = state.z();
  if (discrete) plan_ = recording_.plan();
  return status;
}

template <class T>
Status DifferentiableSolve<T>::backward(const Dynamics<T>& dynamics, const Cotangents<T>& w, SolveGradient<T>& gradient,
                                        Scratch& scratch, Counters& counters) {
  if (!ready_) throw std::logic_error("DifferentiableSolve: backward() without a forward() that ended well");
  const bool discrete = how_.mode == GradientMode::discrete || how_.mode == GradientMode::reversible;
  if (discrete && t_begin_ != t_end_)
    return discrete_adjoint(dynamics, recording_, {observations_, where_}, w, gradient, scratch, counters, stop_);
  if (how_.mode == GradientMode::interpolated && t_begin_ != t_end_)
    return interpolated_adjoint(dynamics, track_, t_begin_, t_end_, observations_, w, how_.backward, gradient, scratch,
                                counters);
  const Tile<T> z_end(z_end_.data(), z_end_.rows(), z_end_.cols());
  const Tile<T> seen(seen_.data(), seen_.rows(), how_.reset ? seen_.cols() : 0);
  const Path<T> path{t_begin_, t_end_, z_end, observations_, seen};
  return continuous_adjoint(dynamics, path, w, how_.backward, gradient, scratch, counters);
}

template class DifferentiableSolve<float>;
template class DifferentiableSolve<double>;

}  // namespace cnf
