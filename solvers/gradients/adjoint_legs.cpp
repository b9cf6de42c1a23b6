// Invariants. Between two legs z_, a_ and at_ are every sample's state, adjoint and time, and next_[b] is sample b's
// next observation towards t_begin, whose jump is not yet in a_; earlier_[o] is the one after observation o.
#include "solvers/gradients/adjoint_legs.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"
#include "solvers/solve_options.hpp"
#include "solvers/span_dynamics.hpp"

namespace cnf {

namespace {

bool same(std::span<const double> t) { return std::equal(t.begin() + (t.empty() ? 0 : 1), t.end(), t.begin()); }

}  // namespace

template <class T>
AdjointLegs<T>::AdjointLegs(const char* who, const Dynamics<T>& dynamics, Index B, const Way& way,
                            const Cotangents<T>& w, const SolveOptions& options, SolveGradient<T>& gradient,
                            Scratch& scratch, Counters& counters)
    : f_(dynamics),
      way_(way),
      w_(w),
      options_(options),
      gradient_(gradient),
      scratch_(scratch),
      counters_(counters),
      shape_{dynamics.blocks(), B},
      jumps_(options.jumps) {
  options_.jumps.clear();
  check_has_vjp(who, dynamics);
  const auto refuse = [who](const std::string& what) { throw std::invalid_argument(std::string(who) + ": " + what); };
  if (!options.stops.empty()) refuse("options has stops, which an adjoint's legs cannot step onto");
  if (!std::isfinite(way.t_begin)) refuse("t_begin is " + shortest(way.t_begin) + ", expected a finite time");
  if (!std::isfinite(way.t_end)) refuse("t_end is " + shortest(way.t_end) + ", expected a finite time");
  check(options, way.t_end, way.t_begin);
  const Index count = std::ssize(way.observations);
  check_shapes(who, w, gradient, dynamics.blocks(), B, count, dynamics.gradient_size());
  check_observations(who, way.observations, way.t_begin, way.t_end, B);
  z_ = take<T>(shape_.z());
  a_ = take<T>(shape_.z());
  at_ = take<double>(B);
  to_ = take<double>(B);
  next_ = take<Index>(B);
  earlier_ = take<Index>(count);
  std::copy_n(w.z.data(), shape_.z(), a_.data());
  std::fill(at_.begin(), at_.end(), way.t_end);
  std::fill(next_.begin(), next_.end(), kNone);
  for (std::size_t o = 0; o < way.observations.size(); ++o) {
    const auto sample = static_cast<std::size_t>(way.observations[o].sample);
    earlier_[o] = next_[sample];
    next_[sample] = static_cast<Index>(o);
  }
}

template <class T>
Status AdjointLegs<T>::operator()() {
  const Scratch::Frame frame(scratch_);
  T* const k = scratch_.take<T>(shape_.size());
  slopes(k);
  gradient_.dloss_dt_end = dot(w_.z.data(), k, shape_.z()) + dot(w_.q.data(), k + shape_.z(), shape_.q());
  while (leg() && status_.ok()) jump(k);
  if (!status_.ok()) return status_;
  slopes(k);
  gradient_.dloss_dt_begin = -dot(a_.data(), k, shape_.z()) - dot(w_.q.data(), k + shape_.z(), shape_.q());
  std::copy(a_.begin(), a_.end(), gradient_.z_bar.data());
  return status_;
}

template <class T>
bool AdjointLegs<T>::is_jump(double t) const {
  return std::find(jumps_.begin(), jumps_.end(), t) != jumps_.end();
}

/// Ends of a leg that are jumps, to the numbers next to them inside the leg.
template <class T>
void AdjointLegs<T>::step_off() {
  const auto inside = [](double t, double other) {
    return static_cast<double>(std::nextafter(static_cast<T>(t), static_cast<T>(other)));
  };
  for (std::size_t b = 0; b < at_.size(); ++b) {
    const double at = at_[b], to = to_[b];
    if (at == to) continue;
    if (is_jump(at)) at_[b] = inside(at, to);
    if (is_jump(to)) to_[b] = inside(to, at);
  }
}

/// All samples to their next observations, or jumps; whether one of them has more before it.
template <class T>
bool AdjointLegs<T>::leg() {
  bool more = false;
  const auto between = [](double t, double a, double b) { return a < b ? a < t && t < b : b < t && t < a; };
  for (std::size_t b = 0; b < at_.size(); ++b) {
    to_[b] = next_[b] == kNone ? way_.t_begin : way_.observations[static_cast<std::size_t>(next_[b])].t;
    for (const double jump : jumps_)
      if (between(jump, at_[b], to_[b])) to_[b] = jump;
    more = more || next_[b] != kNone || to_[b] != way_.t_begin;
  }
  if (std::equal(at_.begin(), at_.end(), to_.begin())) return more;
  const Scratch::Frame frame(scratch_);
  const std::span<double> end = take<double>(std::ssize(to_));
  std::copy(to_.begin(), to_.end(), end.begin());
  if (!jumps_.empty()) step_off();
  if (same(at_) && same(to_))
    solve(f_, at_[0], to_[0], options_, false);
  else
    over_spans();
  std::copy(end.begin(), end.end(), at_.begin());
  if (status_.ok()) arrive();
  return more;
}

/// Every sample's way is s from 1 to 0: what is a time for the solve is a share of the way.
template <class T>
void AdjointLegs<T>::over_spans() {
  std::size_t longest = 0;
  const auto length = [this](std::size_t b) { return at_[b] - to_[b]; };
  for (std::size_t b = 1; b < at_.size(); ++b)
    if (std::abs(length(b)) > std::abs(length(longest))) longest = b;
  SolveOptions options = options_;
  for (double* size : {&options.first_step, &options.min_step, &options.max_step}) *size /= std::abs(length(longest));
  solve(SpanDynamics<T>(f_, to_, at_), 1.0, 0.0, options, true);
  const std::size_t b = status_.row >= 0 ? static_cast<std::size_t>(status_.row) : longest;
  status_.t = to_[b] + status_.t * length(b);
  status_.h *= length(b);
}

template <class T>
void AdjointLegs<T>::solve(const Dynamics<T>& f, double t, double t_next, const SolveOptions& options, bool spans) {
  const Status end = carry(f, t, t_next, options, spans);
  const std::int64_t accepted = status_.accepted + end.accepted, rejected = status_.rejected + end.rejected;
  status_ = end;
  status_.accepted = accepted;
  status_.rejected = rejected;
}

/// Takes in the observations that samples are at: their time's gradient, their jump of a. k: memory for slopes.
template <class T>
void AdjointLegs<T>::jump(T* k) {
  const Index D = shape_.blocks.z;
  slopes(k);
  for (std::size_t b = 0; b < next_.size(); ++b) {
    if (!at_observation(b)) continue;
    const Index o = next_[b], column = static_cast<Index>(b) * D;
    const T* const w = w_.seen.col(o).data();
    if (!gradient_.dloss_dtimes.empty()) gradient_.dloss_dtimes[static_cast<std::size_t>(o)] = dot(w, k + column, D);
    for (Index r = 0; r < D; ++r) a_[static_cast<std::size_t>(column + r)] += w[r];
    next_[b] = earlier_[static_cast<std::size_t>(o)];
  }
}

/// k = (f, q', s') at (at_, z_).
template <class T>
void AdjointLegs<T>::slopes(T* k) {
  ++counters_.evaluations;
  const double t0 = at_.empty() ? way_.t_end : at_[0];
  if (same(at_)) return evaluate(f_, shape_, t0, z_.data(), k, static_cast<T*>(nullptr), scratch_);
  const Scratch::Frame frame(scratch_);
  const std::span<T> t = take<T>(shape_.B);
  std::transform(at_.begin(), at_.end(), t.begin(), [](double x) { return static_cast<T>(x); });
  evaluate(f_, shape_, Times<T>(t), z_.data(), k, static_cast<T*>(nullptr), scratch_);
}

template class AdjointLegs<float>;
template class AdjointLegs<double>;

}  // namespace cnf
