// Invariants. Before step n is taken back, x_ and y_ are the pair at its end, x_bar_ and y_bar_ their cotangents (of z,
// then q: all that later steps and observations read of them), and end_bar_ what later observations have read of the
// slope at its end. Of leapfrog y_ is the slope v. Observations [first_, last_) lie in step n. Samples that rest after
// step n stand still where they ended, as a pair that its step does not move; their cotangents are 0 there.
#include "solvers/gradients/reversible_adjoint.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "solvers/slope.hpp"

namespace cnf {

namespace {

template <class T>
class TakeBack {
 public:
  TakeBack(const Dynamics<T>& dynamics, const Recording<T>& recording, const ObservedSteps& observed,
           const Cotangents<T>& w, SolveGradient<T>& gradient, Scratch& scratch, Counters& counters)
      : f_(dynamics),
        recording_(recording),
        method_(*recording.reversible()),
        observed_(observed),
        w_(w),
        gradient_(gradient),
        shape_(recording.shape()),
        nz_(shape_.z()),
        n_(shape_.z() + shape_.q()),
        scratch_(scratch),
        slope_{dynamics, shape_, {}, scratch, counters} {
    for (T** all : {&x_, &y_, &z_, &x_slope_}) *all = scratch.take<T>(shape_.size());
    for (T** bar : {&x_bar_, &y_bar_, &end_bar_, &start_bar_, &k_bar_, &before_bar_}) *bar = scratch.take<T>(n_);
    const int stages = method_.base ? method_.base->own_stages() : 1;
    const Index tape = dynamics.tape_size(shape_.B);
    for (int i = 0; i < stages; ++i) {
      for (T** k : {&k_[i], &back_[i]}) *k = scratch.take<T>(shape_.size());
      for (T** t : {&tape_[i], &back_tape_[i]}) *t = scratch.take<T>(tape);
      X_bar_[i] = scratch.take<T>(nz_);
    }
    if (recording.rests().empty()) return;
    active_ = {scratch.take<char>(shape_.B), static_cast<std::size_t>(shape_.B)};
    std::fill(active_.begin(), active_.end(), char{1});
    slope_.active = active_;
  }

  Status operator()(StopFlag stop) {
    std::copy_n(recording_.end(), nz_, x_);
    std::copy_n(recording_.companion(), shape_.size(), y_);
    std::copy_n(w_.z.data(), nz_, x_bar_);
    std::copy_n(w_.q.data(), n_ - nz_, x_bar_ + nz_);
    std::fill_n(y_bar_, n_, T{0});
    std::fill_n(end_bar_, n_, T{0});
    gradient_.dloss_dt_begin = gradient_.dloss_dt_end = 0;
    first_ = last_ = observed_.where.size();
    for (Index n = recording_.steps() - 1; n >= 0; --n) {
      if (stop_asked(stop)) return {.code = Status::Code::stopped, .t = recording_.t(n + 1)};
      let_rest(n);
      last_ = first_;
      while (first_ > 0 && observed_.where[first_ - 1].step == n) --first_;
      if (method_.base)
        uncouple(n);
      else
        leap_back(n);
    }
    begin();
    return missed();
  }

 private:
  /// Samples that rest after an earlier step than n take no part in it; those that do after n are as it left them.
  void let_rest(Index n) {
    const Index D = shape_.blocks.z;
    for (const typename Recording<T>::Rest& rest : recording_.rests()) {
      const Index at = rest.sample * D;
      active_[static_cast<std::size_t>(rest.sample)] = n <= rest.step;
      if (n > rest.step) {
        std::copy_n(recording_.end() + at, D, x_ + at);
        for (Index r = at; r < at + D; ++r) y_[r] = method_.base ? x_[r] : T{0};
      } else if (n == rest.step) {
        std::copy_n(recording_.z_of(rest), D, x_ + at);
        if (!method_.base) std::copy_n(recording_.companion_of(rest), D, y_ + at);
      }
    }
  }

  double span() const { return recording_.t_end() - recording_.t_begin(); }

  /// The loss changes by `by` where the step that lies at `at` is stretched with the whole way.
  void stretch(double by) {
    gradient_.dloss_dt_begin -= by / span();
    gradient_.dloss_dt_end += by / span();
  }

  /// The vjp of k_bar_ at the evaluation with this tape, at the fraction `at` of the way: X_bar is set.
  void pull(const T* tape, double at, T* X_bar) {
    std::fill_n(X_bar, nz_, T{0});
    T t_bar = 0;
    f_.vjp(tape, Tile<T>(k_bar_, shape_.blocks.z, shape_.B), Tile<T>(k_bar_ + nz_, shape_.blocks.q, shape_.B),
           Out<T>(X_bar, shape_.blocks.z, shape_.B), std::span<T>(&t_bar, 1), gradient_.params_bar, scratch_);
    gradient_.dloss_dt_begin += static_cast<double>(t_bar) * (1 - at);
    gradient_.dloss_dt_end += static_cast<double>(t_bar) * at;
  }

  /// Of an increment sum_i b_i k_i times `size`, with arguments X_i = z + step sum_j a_ij k_j at fractions
  /// from + c_i along: adds to z_bar (z alone) what is pulled back of `bar`; `first`, if not null, is read of k_0 too.
  void transpose(double size, double step, const T* bar, const T* first, const Slots<T>& k, const Slots<T>& tape,
                 double from, double along, T* z_bar) {
    const Tableau& m = *method_.base;
    const int S = m.own_stages();
    for (int i = S - 1; i >= 0; --i) {
      const T b = static_cast<T>(size * m.b[i]);
      for (Index r = 0; r < n_; ++r) k_bar_[r] = b * bar[r];
      for (int j = i + 1; j < S; ++j) {
        if (m.a[j][i] == 0) continue;
        const T a = static_cast<T>(step * m.a[j][i]);
        for (Index r = 0; r < nz_; ++r) k_bar_[r] += a * X_bar_[j][r];
      }
      for (Index r = 0; r < n_ && i == 0 && first; ++r) k_bar_[r] += first[r];
      stretch(dot(k_bar_, k[i], n_));
      pull(tape[i], from + m.c[i] * along, X_bar_[i]);
    }
    for (int i = 0; i < S; ++i)
      for (Index r = 0; r < nz_; ++r) z_bar[r] += X_bar_[i][r];
  }

  void uncouple(Index n) {
    const Tableau& m = *method_.base;
    const StepRule rule{&m, nullptr};
    const double t = recording_.t(n), t_next = recording_.t(n + 1), h = t_next - t, c = method_.coupling;
    const double s = recording_.fraction(n), ds = recording_.fraction(n + 1) - s;
    const int S = rule.stages();
    // The companion first, then x: what is left of its end without what the companion gave.
    evaluate_stages(slope_, rule, shape_, t_next, t, x_, 0, S, back_, back_tape_, {}, z_);
    combine(z_, y_, -h, m.b, S, back_, nz_);
    std::swap(y_, z_);
    for (const typename Recording<T>::Rest& rest : recording_.rests())
      if (rest.step == n)
        std::copy_n(recording_.companion_of(rest), shape_.blocks.z, y_ + rest.sample * shape_.blocks.z);
    evaluate_stages(slope_, rule, shape_, t, t_next, y_, 0, S, k_, tape_, {}, z_);
    combine(z_, x_, -h, m.b, S, k_, nz_);
    const T own = static_cast<T>(1 / c), other = static_cast<T>((1 - c) / c);
    for (Index r = 0; r < nz_; ++r) z_[r] = own * z_[r] - other * y_[r];
    // z_: x at the start of the step; x_: at its end.
    see_coupled(n, h);
    transpose(h, -h, y_bar_, end_bar_, back_, back_tape_, s + ds, -ds, x_bar_);
    std::swap(end_bar_, start_bar_);
    // In the first step f(t_begin, x) is the first stage itself.
    transpose(h, h, x_bar_, n > 0 ? nullptr : end_bar_, k_, tape_, s, ds, y_bar_);
    for (Index r = 0; r < n_; ++r) {
      y_bar_[r] += static_cast<T>(1 - c) * x_bar_[r];
      x_bar_[r] = static_cast<T>(c) * x_bar_[r] + before_bar_[r];
    }
    std::swap(x_, z_);
  }

  /// What observations in step n have read: of x at its end, at its start (before_bar_), and of the slopes at both
  /// (start_bar_). The slope at the start of the first step is its first stage, else the end's of the step before.
  void see_coupled(Index n, double h) {
    const Index D = shape_.blocks.z;
    std::fill_n(before_bar_, n_, T{0});
    std::fill_n(start_bar_, n_, T{0});
    const T* const slope_start = first_ < last_ ? start_slope(n) : nullptr;
    for (std::size_t o = first_; o < last_; ++o) {
      const double x = observed_.where[o].theta;
      const double end = x == 1 ? 1 : x * x * (3 - 2 * x), from = h * x * (1 - x) * (1 - x), to = h * x * x * (x - 1);
      const Index column = observed_.observations[o].sample * D;
      const T* const w = w_.seen.col(static_cast<Index>(o)).data();
      for (Index r = 0; r < D; ++r) {
        x_bar_[column + r] += static_cast<T>(end) * w[r];
        before_bar_[column + r] += static_cast<T>(1 - end) * w[r];
        start_bar_[column + r] += static_cast<T>(from) * w[r];
        end_bar_[column + r] += static_cast<T>(to) * w[r];
      }
      const double rise = 6 * x * (1 - x), at_start = (1 - x) * (1 - 3 * x), at_end = x * (3 * x - 2);
      double along = at_start * dot(w, slope_start + column, D) + at_end * dot(w, back_[0] + column, D);
      for (Index r = 0; r < D; ++r)
        along += rise * static_cast<double>(w[r]) * static_cast<double>(x_[column + r] - z_[column + r]) / h;
      move(n, o, along);
    }
  }

  /// The slope at x, at the start of step n.
  const T* start_slope(Index n) {
    if (n == 0) return k_[0];
    slope_(recording_.t(n), z_, x_slope_, nullptr);
    return x_slope_;
  }

  /// Observation o, whose value changes by `along` with time within step n.
  void move(Index n, std::size_t o, double along) {
    const double s = recording_.fraction(n);
    const double at = s + observed_.where[o].theta * (recording_.fraction(n + 1) - s);
    gradient_.dloss_dt_begin -= along * (1 - at);
    gradient_.dloss_dt_end -= along * at;
    if (!gradient_.dloss_dtimes.empty()) gradient_.dloss_dtimes[o] = along;
  }

  void leap_back(Index n) {
    const double t = recording_.t(n), h = recording_.h(n);
    const double s = recording_.fraction(n), ds = recording_.fraction(n + 1) - s;
    const T half = static_cast<T>(h / 2);
    // u at the middle, then v and x: before is v at the start.
    for (Index r = 0; r < nz_; ++r) z_[r] = x_[r] - half * y_[r];
    slope_(t + h / 2, z_, k_[0], tape_[0]);
    T* const before = back_[0];
    for (Index r = 0; r < n_; ++r) before[r] = 2 * k_[0][r] - y_[r];
    for (Index r = 0; r < nz_; ++r) x_[r] = z_[r] - half * before[r];

    // y_bar_ becomes the cotangent of v at the end, before_bar_ that at the start.
    for (Index r = 0; r < n_; ++r) {
      y_bar_[r] += half * x_bar_[r];
      before_bar_[r] = half * x_bar_[r];
    }
    stretch(h / 2 * (dot(x_bar_, before, n_) + dot(x_bar_, y_, n_)));
    const Index D = shape_.blocks.z;
    for (std::size_t o = first_; o < last_; ++o) {
      const double x = observed_.where[o].theta, early = h * (x - x * x / 2), late = h * x * x / 2;
      const Index column = observed_.observations[o].sample * D;
      const T* const w = w_.seen.col(static_cast<Index>(o)).data();
      for (Index r = 0; r < D; ++r) {
        x_bar_[column + r] += w[r];
        before_bar_[column + r] += static_cast<T>(early) * w[r];
        y_bar_[column + r] += static_cast<T>(late) * w[r];
      }
      const double at_start = dot(w, before + column, D), at_end = dot(w, y_ + column, D);
      stretch(early * at_start + late * at_end);
      move(n, o, (1 - x) * at_start + x * at_end);
    }
    for (Index r = 0; r < n_; ++r) {
      k_bar_[r] = 2 * y_bar_[r];
      before_bar_[r] -= y_bar_[r];
    }
    pull(tape_[0], s + ds / 2, X_bar_[0]);
    for (Index r = 0; r < nz_; ++r) {
      x_bar_[r] += X_bar_[0][r];
      before_bar_[r] += half * X_bar_[0][r];
    }
    stretch(h / 2 * dot(X_bar_[0], before, nz_));
    std::copy_n(before, n_, y_);
    std::swap(y_bar_, before_bar_);
  }

  /// How the companion began: as x itself, or as the slope there.
  void begin() {
    if (method_.base) {
      for (Index r = 0; r < nz_; ++r) x_bar_[r] += y_bar_[r];
    } else {
      slope_(recording_.t_begin(), x_, k_[0], tape_[0]);
      std::copy_n(y_bar_, n_, k_bar_);
      pull(tape_[0], 0.0, X_bar_[0]);
      for (Index r = 0; r < nz_; ++r) x_bar_[r] += X_bar_[0][r];
    }
    std::copy_n(x_bar_, nz_, gradient_.z_bar.data());
  }

  Status missed() const {
    const double allowed = 64 * std::sqrt(static_cast<double>(std::numeric_limits<T>::epsilon()));
    double apart = 0, size = 0;
    for (Index r = 0; r < nz_; ++r) {
      const double z = static_cast<double>(recording_.start()[r]);
      apart = std::max(apart, std::abs(static_cast<double>(x_[r]) - z));
      size = std::max(size, std::abs(z));
    }
    Status status{.t = recording_.t_begin(), .accepted = recording_.steps()};
    if (!(apart <= allowed * std::max(size, 1.0))) status.code = Status::Code::not_reversed;
    return status;
  }

  const Dynamics<T>& f_;
  const Recording<T>& recording_;
  const ReversibleMethod& method_;
  const ObservedSteps& observed_;
  const Cotangents<T>& w_;
  SolveGradient<T>& gradient_;
  const Shape& shape_;
  const Index nz_, n_;
  Scratch& scratch_;
  Slope<T> slope_;
  std::span<char> active_;  ///< empty if no sample rests
  std::size_t first_ = 0, last_ = 0;
  Slots<T> k_{}, back_{}, tape_{}, back_tape_{}, X_bar_{};
  T *x_, *y_, *z_, *x_slope_;
  T *x_bar_, *y_bar_, *end_bar_, *start_bar_, *k_bar_, *before_bar_;
};

}  // namespace

template <class T>
Status reversible_adjoint(const Dynamics<T>& dynamics, const Recording<T>& recording, const ObservedSteps& observed,
                          const Cotangents<T>& w, SolveGradient<T>& gradient, Scratch& scratch, Counters& counters,
                          StopFlag stop) {
  const Scratch::Frame frame(scratch);
  TakeBack<T> back(dynamics, recording, observed, w, gradient, scratch, counters);
  return back(stop);
}

template Status reversible_adjoint(const Dynamics<float>&, const Recording<float>&, const ObservedSteps&,
                                   const Cotangents<float>&, SolveGradient<float>&, Scratch&, Counters&, StopFlag);
template Status reversible_adjoint(const Dynamics<double>&, const Recording<double>&, const ObservedSteps&,
                                   const Cotangents<double>&, SolveGradient<double>&, Scratch&, Counters&, StopFlag);

}  // namespace cnf
