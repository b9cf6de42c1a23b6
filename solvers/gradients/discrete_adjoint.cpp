// Invariants. Before step n is transposed, lambda_ is the cotangent of y_{n+1}: all that later steps and the
// observations in them read of it. lambda_q_ is that of q, which no step changes; pending_[m] is what steps after n
// have added to the cotangent of the first slope of step n - m. X_bar_[i] is the cotangent of stage i's argument,
// complete once its vjp has run: stages go from the last to the first, before them the extra ones of a step that was
// looked into; extra_ of these are there. Observations [first_look_, last_look_) lie in step n, which lies behind leg_
// jumps.
#include "solvers/gradients/discrete_adjoint.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "solvers/gradients/replay.hpp"
#include "solvers/gradients/reversible_adjoint.hpp"

namespace cnf {

namespace {

/// The transposes of a recording's steps, from the last to the first.
template <class T>
class Transpose {
 public:
  Transpose(const Dynamics<T>& dynamics, Recording<T>& recording, const ObservedSteps& observed, const Cotangents<T>& w,
            SolveGradient<T>& gradient, Scratch& scratch, Counters& counters)
      : f_(dynamics),
        recording_(recording),
        observed_(observed),
        w_(w),
        gradient_(gradient),
        shape_(recording.shape()),
        scratch_(scratch),
        replay_(dynamics, recording, scratch, counters),
        history_(recording.most_history()) {
    const Index nz = shape_.z(), nq = shape_.q();
    for (int i = 0; i < recording.most_stages(); ++i) X_bar_[i] = scratch.take<T>(nz);
    k_bar_z_ = scratch.take<T>(nz);
    k_bar_q_ = scratch.take<T>(nq);
    lambda_q_ = scratch.take<T>(nq);
    lambda_ = scratch.take<T>(nz);
    lambda_next_ = scratch.take<T>(nz);
    for (int m = 0; m <= history_ && history_ > 0; ++m) {
      pending_[m] = scratch.take<T>(nz + nq);
      std::fill_n(pending_[m], nz + nq, T{0});
    }
  }

  Status operator()(StopFlag stop) {
    std::copy_n(w_.z.data(), shape_.z(), lambda_);
    std::copy_n(w_.q.data(), shape_.q(), lambda_q_);
    gradient_.dloss_dt_begin = gradient_.dloss_dt_end = 0;
    first_look_ = last_look_ = observed_.where.size();
    enter_leg(recording_.jumps().size());
    for (Index n = recording_.steps() - 1; n >= 0; --n) {
      if (stop_asked(stop)) return {.code = Status::Code::stopped, .t = recording_.t(n + 1)};
      step(n);
    }
    std::copy_n(lambda_, shape_.z(), gradient_.z_bar.data());
    return {};
  }

 private:
  void step(Index n) {
    const StepRule& rule = recording_.rule(n);
    const Tableau& m = *rule.own;
    const int S = rule.stages();
    const double h = recording_.h(n);
    const double s = recording_.fraction(n), ds = recording_.fraction(n + 1) - s;
    const Scratch::Frame frame(scratch_);
    if (leg_ > 0 && n == recording_.jumps()[leg_ - 1]) enter_leg(leg_ - 1);
    replay_.go_to(n);
    last_look_ = first_look_;
    while (first_look_ > 0 && observed_.where[first_look_ - 1].step == n) --first_look_;
    const bool last = n + 1 == recording_.steps();
    if (last && rule.reads_end() && first_look_ < last_look_) replay_.evaluate_last();
    extra_ = 0;
    if ((last || rule.extra() > 0) && rule.reads_end() && looked_inside()) {
      transpose_extra(n, s, ds);
      transpose_end(n);
    }
    for (int i = S - 1; i >= 0; --i) {
      gather(rule, i, h);
      look(n, first_look_, last_look_, i, k_bar_z_);
      if (i == 0 && n > 0) look_before(n);
      pull(i, s + m.c[i] * ds);
    }
    if (history_ > 0) hand_to_past(n, rule, h);
    combine(lambda_next_, lambda_, 1.0, kOnes, S, X_bar_, shape_.z());
    for (int e = 0; e < extra_; ++e) add(lambda_next_, T{1}, X_bar_[S + 1 + e]);
    std::swap(lambda_, lambda_next_);
    for (std::size_t o = first_look_; o < last_look_; ++o) see(n, o);
  }

  /// The vjp of stage i, whose cotangent has been gathered; `at`: its own fraction of the way.
  void pull(int i, double at) { pull(replay_.k(i), replay_.tape(i), at, X_bar_[i]); }
  void pull(const T* k, const T* tape, double at, T* X_bar) {
    const Index nz = shape_.z(), nq = shape_.q();
    std::fill_n(X_bar, nz, T{0});
    T t_bar = 0;
    f_.vjp(tape, Tile<T>(k_bar_z_, shape_.blocks.z, shape_.B), Tile<T>(k_bar_q_, shape_.blocks.q, shape_.B),
           Out<T>(X_bar, shape_.blocks.z, shape_.B), std::span<T>(&t_bar, 1), gradient_.params_bar, scratch_);
    const double stretch = (dot(k_bar_z_, k, nz) + dot(k_bar_q_, k + nz, nq)) / leg_span_;
    move_ends(at, static_cast<double>(t_bar), stretch);
  }

  /// From here on steps lie between jumps k - 1 and k, or an end of the solve. Jumps stay where they are when an end
  /// moves, so it moves the times of its own leg alone.
  void enter_leg(std::size_t k) {
    const std::span<const Index> jumps = recording_.jumps();
    const Index first = k > 0 ? jumps[k - 1] + 1 : 0, last = k < jumps.size() ? jumps[k] : recording_.steps();
    leg_ = k;
    leg_begin_ = recording_.fraction(first);
    leg_length_ = recording_.fraction(last) - leg_begin_;
    leg_span_ = recording_.t(last) - recording_.t(first);
  }
  /// dloss by a time at fraction `at` of the way is t_bar, and by the leg's length, all times staying where they are,
  /// `stretch`.
  void move_ends(double at, double t_bar, double stretch) {
    const double share = (at - leg_begin_) / leg_length_;
    if (leg_ == 0) gradient_.dloss_dt_begin += t_bar * (1 - share) - stretch;
    if (leg_ == recording_.jumps().size()) gradient_.dloss_dt_end += t_bar * share + stretch;
  }

  /// Whether an observation lies between the ends of the step at hand.
  bool looked_inside() const {
    const auto inside = [this](std::size_t o) {
      return observed_.where[o].theta != 0 && observed_.where[o].theta != 1;
    };
    bool any = false;
    for (std::size_t o = first_look_; o < last_look_; ++o) any = any || inside(o);
    return any;
  }

  /// The extra stages of step n, which only observations in it have read, from the last to the first.
  void transpose_extra(Index n, double s, double ds) {
    const StepRule& rule = recording_.rule(n);
    if (rule.extra() == 0) return;
    const int S = rule.stages();
    replay_.evaluate_extra();
    for (int e = 0; e < rule.extra(); ++e) X_bar_[S + 1 + e] = scratch_.take<T>(shape_.z());
    extra_ = rule.extra();
    for (int e = rule.extra() - 1; e >= 0; --e) {
      only_seen(n, S + 1 + e);
      pull(replay_.extra(e), replay_.extra_tape(e), s + rule.own->dense->c[e] * ds, X_bar_[S + 1 + e]);
    }
  }

  /// The slope at the end of step n as observations in it have read it: another vjp of what is the next step's first.
  void transpose_end(Index n) {
    only_seen(n, recording_.rule(n).stages());
    pull(replay_.end(), replay_.end_tape(), recording_.fraction(n + 1), lambda_next_);
    add(lambda_, T{1}, lambda_next_);
  }

  /// Makes k_bar_ the cotangent of term i of step n's dense output, at the slope at its end or later: what observations
  /// in the step and later extra stages read of it.
  void only_seen(Index n, int i) {
    std::fill_n(k_bar_z_, shape_.z(), T{0});
    std::fill_n(k_bar_q_, shape_.q(), T{0});
    look(n, first_look_, last_look_, i, k_bar_z_);
    gather_extra(recording_.rule(n), i, recording_.h(n));
  }

  /// Adds to k_bar_z_ what extra stages read of term i.
  void gather_extra(const StepRule& rule, int i, double h) {
    for (int e = std::max(0, i - rule.stages()); e < extra_; ++e)
      add(k_bar_z_, static_cast<T>(h * rule.own->dense->a[e][i]), X_bar_[rule.stages() + 1 + e]);
  }

  void add(T* to, T weight, const T* x) const {
    for (Index r = 0; r < shape_.z(); ++r) to[r] += weight * x[r];
  }

  /// The cotangent of stage i: its column of a below the diagonal, b beside it as one more term, and for the first
  /// stage what later steps read of it.
  void gather(const StepRule& rule, int i, double h) {
    const Tableau& m = *rule.own;
    const Index nz = shape_.z(), nq = shape_.q();
    std::array<double, kMaxStages> weights{};
    Slots<T> terms{};
    int count = 0;
    if (m.b[i] != 0) weights[count] = m.b[i], terms[count++] = lambda_;
    for (int j = i + 1; j < rule.stages(); ++j)
      if (m.a[j][i] != 0) weights[count] = m.a[j][i], terms[count++] = X_bar_[j];
    combine(k_bar_z_, static_cast<const T*>(nullptr), h, weights, count, terms, nz);
    gather_extra(rule, i, h);
    const T b = static_cast<T>(h * m.b[i]);
    for (Index r = 0; r < nq; ++r) k_bar_q_[r] = b * lambda_q_[r];
    if (i > 0 || history_ == 0) return;
    for (Index r = 0; r < nz; ++r) k_bar_z_[r] += pending_[0][r];
    for (Index r = 0; r < nq; ++r) k_bar_q_[r] += pending_[0][nz + r];
  }

  /// Adds to z_bar what observations first .. last - 1, of step n, have read of vector `term` of its dense output.
  void look(Index n, std::size_t first, std::size_t last, int term, T* z_bar) {
    const Index D = shape_.blocks.z;
    std::array<double, kMaxTerms> weights;
    for (std::size_t o = first; o < last; ++o) {
      recording_.rule(n).dense(observed_.where[o].theta, weights.data(), nullptr);
      if (weights[term] == 0) continue;
      const T weight = static_cast<T>(recording_.h(n) * weights[term]);
      const T* const w = w_.seen.col(static_cast<Index>(o)).data();
      T* const column = z_bar + observed_.observations[o].sample * D;
      for (Index r = 0; r < D; ++r) column[r] += weight * w[r];
    }
  }
  /// The same of the step before step n, whose end's slope is step n's first.
  void look_before(Index n) {
    const StepRule& rule = recording_.rule(n - 1);
    if (!rule.reads_end() || rule.extra() > 0) return;  // with extra stages step n - 1 does that by itself
    std::size_t first = first_look_;
    while (first > 0 && observed_.where[first - 1].step == n - 1) --first;
    look(n - 1, first, first_look_, rule.stages(), k_bar_z_);
  }

  /// What observation o, in step n, reads of the step's start and of time.
  void see(Index n, std::size_t o) {
    const Index D = shape_.blocks.z, column = observed_.observations[o].sample * D;
    const StepRule& rule = recording_.rule(n);
    const double theta = observed_.where[o].theta;
    const T* const w = w_.seen.col(static_cast<Index>(o)).data();
    for (Index r = 0; r < D; ++r) lambda_[column + r] += w[r];

    std::array<double, kMaxTerms> weights, slopes;
    rule.dense(theta, weights.data(), slopes.data());
    const int S = rule.stages();
    double along = 0;
    for (int i = 0; i < rule.terms(); ++i) {
      if (slopes[i] == 0) continue;
      const T* const v = i < S                 ? replay_.k(i)
                         : i == S              ? replay_.end()
                         : rule.history() == 0 ? replay_.extra(i - S - 1)
                                               : replay_.past(i - S);
      along += slopes[i] * dot(w, v + column, D);
    }
    const double s = recording_.fraction(n), at = s + theta * (recording_.fraction(n + 1) - s);
    move_ends(at, -along, 0);
    if (!gradient_.dloss_dtimes.empty()) gradient_.dloss_dtimes[o] = along;
  }

  /// pending_[m] is the cotangent of the first slope of m steps before the one at hand. This step's reads of its past
  /// are added, then the next step backwards is at hand.
  void hand_to_past(Index n, const StepRule& rule, double h) {
    const Index nz = shape_.z(), nq = shape_.q();
    for (int m = 1; m <= rule.history(); ++m) {
      const T predict = static_cast<T>(h * rule.past->predict[m]), correct = static_cast<T>(h * rule.past->correct[m]);
      for (Index r = 0; r < nz; ++r) pending_[m][r] += predict * X_bar_[1][r] + correct * lambda_[r];
      for (Index r = 0; r < nq; ++r) pending_[m][nz + r] += correct * lambda_q_[r];
      look(n, first_look_, last_look_, rule.stages() + m, pending_[m]);
    }
    std::rotate(pending_.begin(), pending_.begin() + 1, pending_.begin() + history_ + 1);
    std::fill_n(pending_[history_], nz + nq, T{0});
  }

  static constexpr std::array<double, kMaxStages> kOnes = [] {
    std::array<double, kMaxStages> ones{};
    for (double& one : ones) one = 1;
    return ones;
  }();

  const Dynamics<T>& f_;
  const Recording<T>& recording_;
  const ObservedSteps& observed_;
  const Cotangents<T>& w_;
  SolveGradient<T>& gradient_;
  const Shape& shape_;
  Scratch& scratch_;
  Replay<T> replay_;
  int history_;
  int extra_ = 0;
  std::size_t leg_ = 0;  // how many jumps lie before the step at hand
  double leg_begin_ = 0, leg_length_ = 1, leg_span_ = 1;
  std::size_t first_look_ = 0, last_look_ = 0;
  Slots<T> X_bar_{};
  std::array<T*, kMaxHistory + 1> pending_{};
  T *k_bar_z_, *k_bar_q_, *lambda_q_, *lambda_, *lambda_next_;
};

/// A recording of no steps: the identity.
template <class T>
void without_steps(const ObservedSteps& observed, const Cotangents<T>& w, SolveGradient<T>& gradient) {
  gradient.z_bar = w.z;
  for (std::size_t o = 0; o < observed.observations.size(); ++o)
    gradient.z_bar.col(observed.observations[o].sample) += w.seen.col(static_cast<Index>(o));
  std::fill(gradient.dloss_dtimes.begin(), gradient.dloss_dtimes.end(), 0.0);
  gradient.dloss_dt_begin = gradient.dloss_dt_end = 0;
}

}  // namespace

template <class T>
Status discrete_adjoint(const Dynamics<T>& dynamics, Recording<T>& recording, const ObservedSteps& observed,
                        const Cotangents<T>& w, SolveGradient<T>& gradient, Scratch& scratch, Counters& counters,
                        StopFlag stop) {
  check_has_vjp("discrete_adjoint", dynamics);
  const Shape& shape = recording.shape();
  check_shapes("discrete_adjoint", w, gradient, shape.blocks, shape.B, std::ssize(observed.observations),
               dynamics.gradient_size());
  if (recording.steps() == 0) {
    without_steps(observed, w, gradient);
    return {};
  }
  if (observed.where.size() != observed.observations.size())
    throw std::invalid_argument("discrete_adjoint: " + std::to_string(observed.observations.size()) +
                                " observations, but " + std::to_string(observed.where.size()) +
                                " places in the recorded steps");
  if (recording.reversible())
    return reversible_adjoint(dynamics, recording, observed, w, gradient, scratch, counters, stop);
  const Scratch::Frame frame(scratch);
  Transpose<T> transpose(dynamics, recording, observed, w, gradient, scratch, counters);
  return transpose(stop);
}

template Status discrete_adjoint(const Dynamics<float>&, Recording<float>&, const ObservedSteps&,
                                 const Cotangents<float>&, SolveGradient<float>&, Scratch&, Counters&, StopFlag);
template Status discrete_adjoint(const Dynamics<double>&, Recording<double>&, const ObservedSteps&,
                                 const Cotangents<double>&, SolveGradient<double>&, Scratch&, Counters&, StopFlag);

}  // namespace cnf
