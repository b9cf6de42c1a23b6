// Invariants. Between two legs of Backward z_, a_ and at_ are every sample's state, adjoint and time, and next_[b] is
// sample b's next observation towards t_begin, whose jump is not yet in a_ (kNone: none); earlier_[o] is the one after
// observation o. In a leg to_ is where every sample goes.
#include "solvers/continuous_adjoint.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"
#include "solvers/span_dynamics.hpp"
#include "solvers/step.hpp"

namespace cnf {

template <class T>
void AdjointDynamics<T>::forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T>, std::span<T> ds, T*,
                                 Scratch& scratch) const {
  const Blocks rows = f_.blocks();
  const Index D = rows.z, B = z.cols();
  const Scratch::Frame frame(scratch);
  // The inner dynamics wants its blocks contiguous.
  Out<T> z_in(scratch.take<T>(D * B), D, B), a(scratch.take<T>(D * B), D, B), f(scratch.take<T>(D * B), D, B);
  Out<T> z_bar(scratch.take<T>(D * B), D, B), dq(scratch.take<T>(rows.q * B), rows.q, B);
  const auto s = static_cast<std::size_t>(rows.s);
  T* const tape = scratch.take<T>(f_.tape_size(B));
  z_in = z.topRows(D);
  a = z.bottomRows(D);
  f_.forward(t, Tile<T>(z_in.data(), D, B), f, dq, std::span<T>(scratch.take<T>(rows.s), s), tape, scratch);

  z_bar.setZero();
  const Index all = f_.gradient_size();
  const std::span<T> bar = kept_ == all ? ds : std::span<T>(scratch.take<T>(all), static_cast<std::size_t>(all));
  std::fill(bar.begin(), bar.end(), T{0});
  T* const t_bar = scratch.take<T>(static_cast<Index>(t.size()));
  std::fill_n(t_bar, t.size(), T{0});
  f_.vjp(tape, Tile<T>(a.data(), D, B), w_q_, z_bar, std::span<T>(t_bar, t.size()), bar, scratch);
  dz.topRows(D) = f;
  dz.bottomRows(D) = -z_bar;
  for (std::size_t i = 0; i < ds.size(); ++i) ds[i] = -bar[i];
}

namespace {

/// The way back from t_end to t_begin, in legs: from every sample's present time to its next observation, or t_begin.
template <class T>
class Backward {
 public:
  Backward(const Dynamics<T>& dynamics, const Path<T>& path, const Cotangents<T>& w, const SolveOptions& options,
           SolveGradient<T>& gradient, Scratch& scratch, Counters& counters)
      : f_(dynamics),
        path_(path),
        w_(w),
        options_(options),
        gradient_(gradient),
        scratch_(scratch),
        counters_(counters),
        shape_{dynamics.blocks(), path.z_end.cols()},
        z_(take<T>(shape_.z())),
        a_(take<T>(shape_.z())),
        at_(take<double>(shape_.B)),
        to_(take<double>(shape_.B)),
        next_(take<Index>(shape_.B)),
        earlier_(take<Index>(std::ssize(path.observations))) {
    std::copy_n(path.z_end.data(), shape_.z(), z_.data());
    std::copy_n(w.z.data(), shape_.z(), a_.data());
    std::fill(at_.begin(), at_.end(), path.t_end);
    std::fill(next_.begin(), next_.end(), kNone);
    for (std::size_t o = 0; o < path.observations.size(); ++o) {
      const auto sample = static_cast<std::size_t>(path.observations[o].sample);
      earlier_[o] = next_[sample];
      next_[sample] = static_cast<Index>(o);
    }
  }

  Status operator()() {
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

 private:
  static constexpr Index kNone = -1;

  template <class V>
  std::span<V> take(Index n) {
    return {scratch_.take<V>(n), static_cast<std::size_t>(n)};
  }
  static bool same(std::span<const double> t) {
    return std::equal(t.begin() + (t.empty() ? 0 : 1), t.end(), t.begin());
  }

  /// All samples to their next observations; whether there was one.
  bool leg() {
    bool any = false;
    for (std::size_t b = 0; b < at_.size(); ++b) {
      any = any || next_[b] != kNone;
      to_[b] = next_[b] == kNone ? path_.t_begin : path_.observations[static_cast<std::size_t>(next_[b])].t;
    }
    if (std::equal(at_.begin(), at_.end(), to_.begin())) return any;
    if (same(at_) && same(to_))
      solve(f_, at_[0], to_[0], options_);
    else
      over_spans();
    std::swap(at_, to_);
    return any;
  }

  /// Every sample's way is s from 1 to 0: what is a time for the solve is a share of the way.
  void over_spans() {
    std::size_t longest = 0;
    const auto length = [this](std::size_t b) { return at_[b] - to_[b]; };
    for (std::size_t b = 1; b < at_.size(); ++b)
      if (std::abs(length(b)) > std::abs(length(longest))) longest = b;
    SolveOptions options = options_;
    options.first_step /= std::abs(length(longest));
    solve(SpanDynamics<T>(f_, to_, at_), 1.0, 0.0, options);
    const std::size_t b = status_.row >= 0 ? static_cast<std::size_t>(status_.row) : longest;
    status_.t = to_[b] + status_.t * length(b);
    status_.h *= length(b);
  }

  void solve(const Dynamics<T>& f, double t, double t_next, const SolveOptions& options) {
    const Index D = shape_.blocks.z, B = shape_.B;
    const Tile<T> w_q(w_.q.data(), shape_.blocks.q, B);
    const AdjointDynamics<T> augmented(f, w_q, std::ssize(gradient_.params_bar));
    State<T> state(augmented.blocks(), B);
    state.z().topRows(D) = Tile<T>(z_.data(), D, B);
    state.z().bottomRows(D) = Tile<T>(a_.data(), D, B);
    const Status end = integrate(augmented, t, t_next, state, options, scratch_, counters_);
    const std::int64_t accepted = status_.accepted + end.accepted, rejected = status_.rejected + end.rejected;
    status_ = end;
    status_.accepted = accepted;
    status_.rejected = rejected;
    if (!end.ok()) return;
    Out<T>(z_.data(), D, B) = state.z().topRows(D);
    Out<T>(a_.data(), D, B) = state.z().bottomRows(D);
    const std::span<T> s = state.s();
    for (std::size_t i = 0; i < gradient_.params_bar.size(); ++i) gradient_.params_bar[i] += s[i];
  }

  /// Takes every sample's next observation in: its state, its time's gradient, its jump of a. k: memory for slopes.
  void jump(T* k) {
    const Index D = shape_.blocks.z;
    for (std::size_t b = 0; b < next_.size(); ++b)
      if (next_[b] != kNone && path_.seen.cols() > 0)
        std::copy_n(path_.seen.col(next_[b]).data(), D, z_.data() + static_cast<Index>(b) * D);
    slopes(k);
    for (std::size_t b = 0; b < next_.size(); ++b) {
      if (next_[b] == kNone) continue;
      const Index o = next_[b], column = static_cast<Index>(b) * D;
      const T* const w = w_.seen.col(o).data();
      if (!gradient_.dloss_dtimes.empty()) gradient_.dloss_dtimes[static_cast<std::size_t>(o)] = dot(w, k + column, D);
      for (Index r = 0; r < D; ++r) a_[static_cast<std::size_t>(column + r)] += w[r];
      next_[b] = earlier_[static_cast<std::size_t>(o)];
    }
  }

  /// k = (f, q', s') at (at_, z_).
  void slopes(T* k) {
    ++counters_.evaluations;
    const double t0 = at_.empty() ? path_.t_end : at_[0];
    if (same(at_)) return evaluate(f_, shape_, t0, z_.data(), k, static_cast<T*>(nullptr), scratch_);
    const Scratch::Frame frame(scratch_);
    const std::span<T> t = take<T>(shape_.B);
    std::transform(at_.begin(), at_.end(), t.begin(), [](double x) { return static_cast<T>(x); });
    evaluate(f_, shape_, Times<T>(t), z_.data(), k, static_cast<T*>(nullptr), scratch_);
  }

  const Dynamics<T>& f_;
  const Path<T>& path_;
  const Cotangents<T>& w_;
  const SolveOptions& options_;
  SolveGradient<T>& gradient_;
  Scratch& scratch_;
  Counters& counters_;
  const Shape shape_;
  std::span<T> z_, a_;
  std::span<double> at_, to_;
  std::span<Index> next_, earlier_;
  Status status_;
};

}  // namespace

template <class T>
Status continuous_adjoint(const Dynamics<T>& dynamics, const Path<T>& path, const Cotangents<T>& w,
                          const SolveOptions& options, SolveGradient<T>& gradient, Scratch& scratch,
                          Counters& counters) {
  check(options);
  check_has_vjp("continuous_adjoint", dynamics);
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("continuous_adjoint: " + what); };
  const Index B = path.z_end.cols(), count = std::ssize(path.observations);
  if (!options.stops.empty()) refuse("options has stops, which an adjoint's legs cannot step onto");
  if (!options.jumps.empty())
    refuse("options has jumps, which an adjoint's legs cannot step onto: take the discrete one");
  if (!std::isfinite(path.t_begin)) refuse("t_begin is " + shortest(path.t_begin) + ", expected a finite time");
  if (!std::isfinite(path.t_end)) refuse("t_end is " + shortest(path.t_end) + ", expected a finite time");
  if (path.z_end.rows() != dynamics.blocks().z)
    refuse("z_end has " + std::to_string(path.z_end.rows()) + " rows, the dynamics " +
           std::to_string(dynamics.blocks().z));
  check_shapes("continuous_adjoint", w, gradient, dynamics.blocks(), B, count, dynamics.gradient_size());
  if (path.seen.cols() > 0 && (path.seen.cols() != count || path.seen.rows() != dynamics.blocks().z))
    refuse("seen is " + std::to_string(path.seen.rows()) + " x " + std::to_string(path.seen.cols()) + " for " +
           std::to_string(count) + " observations");
  check_observations("continuous_adjoint", path.observations, path.t_begin, path.t_end, B);
  const Scratch::Frame frame(scratch);
  Backward<T> backward(dynamics, path, w, options, gradient, scratch, counters);
  return backward();
}

#define CNF_INSTANTIATE(T)                                                                                          \
  template class AdjointDynamics<T>;                                                                                \
  template Status continuous_adjoint(const Dynamics<T>&, const Path<T>&, const Cotangents<T>&, const SolveOptions&, \
                                     SolveGradient<T>&, Scratch&, Counters&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
