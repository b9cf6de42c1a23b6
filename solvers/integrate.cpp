#include "solvers/integrate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "solvers/recording.hpp"
#include "solvers/step.hpp"
#include "solvers/step_control.hpp"

namespace cnf {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("integrate: " + what); }

std::string shape_text(const Blocks& b) {
  return "z " + std::to_string(b.z) + ", q " + std::to_string(b.q) + ", s " + std::to_string(b.s);
}

void check_times(double t_begin, double t_end) {
  if (!std::isfinite(t_begin)) refuse("t_begin is " + std::to_string(t_begin) + ", expected a finite time");
  if (!std::isfinite(t_end)) refuse("t_end is " + std::to_string(t_end) + ", expected a finite time");
  if (!std::isfinite(t_end - t_begin)) refuse("t_end - t_begin overflows");
}

template <class T>
void check_state(const Dynamics<T>& dynamics, const State<T>& state) {
  const Blocks rows = dynamics.blocks();
  if (rows.z != state.blocks.z || rows.q != state.blocks.q || rows.s != state.blocks.s)
    refuse("state has blocks " + shape_text(state.blocks) + ", the dynamics " + shape_text(rows));
  if (state.values.size() != state.size())
    refuse("state holds " + std::to_string(state.values.size()) + " values, its shape asks for " +
           std::to_string(state.size()));
}

/// One solve of one tile: the loop over steps and what it knows about them.
template <class T>
class Solve {
 public:
  /// `bad`, if not null, has a flag a sample: set for every sample that a non_finite status is about.
  Solve(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state, const Tableau& method,
        const SolveOptions& options, Scratch& scratch, Counters& counters, Recording<T>* record,
        std::span<const char> active, char* bad)
      : f_(dynamics),
        t_begin_(t_begin),
        t_end_(t_end),
        state_(state),
        shape_{state.blocks, state.B},
        m_(method),
        options_(options),
        scratch_(scratch),
        counters_(counters),
        record_(record),
        active_(active),
        bad_(bad) {
    const Index n = shape_.size();
    for (int i = 0; i < m_.stages; ++i) work_[i] = scratch_.take<T>(n);
    k_ = work_;
    tape_.fill(nullptr);
    y_ = state_.values.data();
    y_next_ = scratch_.take<T>(n);
    z_ = scratch_.take<T>(shape_.z());
    if (record_) record_->begin(m_, shape_, f_.tape_size(shape_.B), t_begin, t_end);
  }

  /// Steps n = 0 ... N - 1 from fraction(n) to fraction(n + 1) of the way.
  template <class Fraction>
  Status on_grid(Index N, const Fraction& fraction) {
    if (trivial()) return status_;
    if (!finite_start()) return status_;
    t_ = t_begin_;
    for (Index n = 0; n < N; ++n) {
      const double s = fraction(n + 1);
      const double t_next = n + 1 == N ? t_end_ : t_begin_ + s * (t_end_ - t_begin_);
      h_ = t_next - t_;
      open_step(false);
      stages(t_next, 0, 1);
      if (n == 0 && !check_finite(k_[0])) return fail(Status::Code::non_finite);
      stages(t_next, 1, m_.own_stages());
      combine(y_next_, y_, h_, m_.b, m_.own_stages(), k_, shape_.size());
      if (!check_finite(y_next_)) return fail(Status::Code::non_finite);
      accept(t_next, s);
    }
    return finish();
  }

  Status adaptive() {
    if (trivial()) return status_;
    if (!finite_start()) return status_;
    const double direction = t_end_ > t_begin_ ? 1 : -1;
    StepController controller(m_);
    error_ = scratch_.take<T>(shape_.size());
    parts_ = scratch_.take<T>(shape_.size());
    t_ = t_begin_;
    bool have_first = false;  // k_[0] is f(t_, y_)
    const bool fsal = m_.is_fsal();
    while (t_ != t_end_) {
      open_step(have_first);
      if (!have_first) {
        evaluate_at(0, t_, y_);
        if (!check_finite(k_[0])) return fail(Status::Code::non_finite);
        if (t_ == t_begin_ && status_.accepted == 0) h_ = first_step(controller.exponent(), direction);
      }
      have_first = true;
      for (bool accepted = false; !accepted;) {
        if (status_.accepted + status_.rejected >= options_.max_steps) return exhausted();
        if (underflows(h_, t_, t_end_ - t_begin_) && std::abs(t_end_ - t_) > std::abs(h_))
          return fail(non_finite_ ? Status::Code::non_finite : Status::Code::step_underflow);
        const bool last = std::abs(t_end_ - t_) <= 1.01 * std::abs(h_);  // DOPRI5: no sliver is left over
        const double t_next = last ? t_end_ : t_ + h_;
        const double tried = t_next - t_;
        h_ = tried;
        stages(t_next, 1, m_.own_stages());
        combine(y_next_, y_, tried, m_.b, m_.own_stages(), k_, shape_.size());
        if (fsal) evaluate_at(m_.stages - 1, t_next, y_next_);
        combine(error_, static_cast<const T*>(nullptr), tried, m_.e, m_.stages, k_, shape_.size());
        const double err = norm(error_, y_, y_next_);
        if (non_finite_ || !(err <= 1)) {
          h_ = tried * (non_finite_ ? controller.reject_non_finite() : controller.reject(err));
          ++status_.rejected;
          if (non_finite_) {
            barrier_row_ = row_;
            barrier_try_ = status_.accepted + status_.rejected;
          }
          continue;
        }
        accept(t_next, (t_next - t_begin_) / (t_end_ - t_begin_));
        if (fsal && !kept_) std::swap(k_[0], k_[m_.stages - 1]);
        have_first = fsal;
        h_ = tried * controller.accept(err);
        accepted = true;
      }
    }
    return finish();
  }

 private:
  bool trivial() {
    if (t_begin_ != t_end_ && shape_.size() > 0) return false;
    status_.t = t_end_;
    return true;
  }

  bool finite_start() {
    t_ = t_begin_;
    if (check_finite(y_)) return true;
    fail(Status::Code::non_finite);
    return false;
  }

  /// Where the stages of the step about to be tried go: the record's slots while its budget lasts, else work arrays.
  void open_step(bool have_first) {
    if (!record_) return;
    const Index n = record_->steps();
    record_->open(y_);
    const bool kept_before = kept_;
    kept_ = record_->holds(n);
    if (kept_) {
      for (int i = 0; i < m_.stages; ++i) {
        if (i >= m_.own_stages() && options_.fixed_steps > 0) break;  // never evaluated on a fixed grid
        k_[i] = record_->k(n, i);
        tape_[i] = record_->tape(n, i);
      }
    } else if (kept_before) {
      if (have_first) std::copy_n(k_[m_.stages - 1], shape_.size(), work_[0]);
      k_ = work_;
      tape_.fill(nullptr);
    }
  }

  void stages(double t_next, int first, int last) {
    if (active_.empty()) {
      evaluate_stages(f_, m_, shape_, t_, t_next, y_, first, last, k_, tape_, z_, scratch_);
    } else {
      for (int i = first; i < last; ++i) {
        evaluate_stages(f_, m_, shape_, t_, t_next, y_, i, i + 1, k_, tape_, z_, scratch_);
        hold_masked(k_[i]);
      }
    }
    counters_.evaluations += last - first;
  }
  void evaluate_at(int i, double t, const T* y) {
    evaluate(f_, shape_, t, y, k_[i], tape_[i], scratch_);
    hold_masked(k_[i]);
    ++counters_.evaluations;
  }
  /// Masked columns do not move: no step size is right for them, and what grows there would be no one's trouble.
  void hold_masked(T* k) const {
    if (active_.empty()) return;
    for (Index j = 0; j < shape_.B; ++j) {
      if (active_[j]) continue;
      std::fill_n(k + j * shape_.blocks.z, shape_.blocks.z, T{0});
      std::fill_n(k + shape_.z() + j * shape_.blocks.q, shape_.blocks.q, T{0});
    }
  }

  void accept(double t_next, double s) {
    std::swap(y_, y_next_);
    t_ = t_next;
    ++status_.accepted;
    if (record_) record_->accept(t_next, s);
  }

  Status finish() {
    if (y_ != state_.values.data()) std::copy_n(y_, shape_.size(), state_.values.data());
    status_.t = t_;
    status_.h = h_;
    count();
    return status_;
  }

  Status fail(Status::Code code) {
    status_.code = code;
    status_.row = row_;
    status_.t = t_;
    status_.h = h_;
    count();
    return status_;
  }

  /// The budget is spent. Where the steps creep up to a barrier of values that are not finite, accepted ones among the
  /// rejected, the barrier is the cause to name.
  Status exhausted() {
    constexpr std::int64_t kRecent = 10;
    if (barrier_try_ == 0 || status_.accepted + status_.rejected - barrier_try_ >= kRecent)
      return fail(Status::Code::step_limit);
    row_ = barrier_row_;
    return fail(Status::Code::non_finite);
  }

  void count() {
    counters_.accepted += status_.accepted;
    counters_.rejected += status_.rejected;
  }

  bool is_active(Index j) const { return active_.empty() || active_[j]; }

  /// Whether the active part of y is finite; if not, row_ is the first sample at fault (-1: the s block) and bad_ marks
  /// them all.
  bool check_finite(const T* y) {
    if (active_.empty()) {
      T sum = 0;
      for (Index i = 0; i < shape_.size(); ++i) sum += y[i] * 0;  // 0, or NaN
      if (sum == 0) return true;
    }
    mark_non_finite(y, nullptr);
    return !non_finite_;
  }

  /// Sets non_finite_, row_ and bad_ from what is not finite in x or in y (may be null).
  void mark_non_finite(const T* x, const T* y) {
    const auto finite = [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i)
        if (!std::isfinite(x[i]) || (y && !std::isfinite(y[i]))) return false;
      return true;
    };
    Index row = -1;
    bool any = false;
    if (bad_) std::fill_n(bad_, shape_.B, char{0});
    for (Index j = 0; j < shape_.B; ++j) {
      if (!is_active(j)) continue;
      if (finite(j * shape_.blocks.z, shape_.blocks.z) && finite(shape_.z() + j * shape_.blocks.q, shape_.blocks.q))
        continue;
      if (row < 0) row = j;
      if (bad_) bad_[j] = 1;
      any = true;
    }
    any = any || !finite(shape_.z() + shape_.q(), shape_.blocks.s);
    non_finite_ = any;
    if (any) row_ = row;
  }

  /// The norm of x in units of the tolerance around y0 and y1. Sets non_finite_ if x or y1 is not finite, row_ to the
  /// sample with the largest error.
  double norm(const T* x, const T* y0, const T* y1) {
    const Index nz = shape_.z(), nq = shape_.q(), ns = shape_.blocks.s;
    const T atol = static_cast<T>(options_.atol), rtol = static_cast<T>(options_.rtol);
    // Divided by the tolerance before it is squared, and capped, so that no finite error overflows.
    constexpr T kTiny = std::numeric_limits<T>::min(), kCap = T(1e15);
    const auto square = [&](Index first, Index count, bool control) {
      if (control) {
        for (Index i = first; i < first + count; ++i) {
          const T scale = std::max(atol + rtol * std::max(std::abs(y0[i]), std::abs(y1[i])), kTiny);
          const T r = std::min(std::abs(x[i]) / scale, kCap);
          parts_[i] = r * r + (x[i] * 0 + y1[i] * 0);  // NaN if either is not finite
        }
      } else {
        for (Index i = first; i < first + count; ++i) parts_[i] = x[i] * 0 + y1[i] * 0;
      }
    };
    square(0, nz, true);
    square(nz, nq, options_.control_q);
    square(nz + nq, ns, options_.control_s);

    double largest = -1, tile_z = 0, tile_q = 0, total = 0;
    Index row = -1, active = 0;
    for (Index j = 0; j < shape_.B; ++j) {
      if (!is_active(j)) continue;
      ++active;
      const double z = mean(j * shape_.blocks.z, shape_.blocks.z);
      const double q = mean(nz + j * shape_.blocks.q, shape_.blocks.q);
      tile_z += z;
      tile_q += q;
      const double both = std::max(z, q);
      if (both > largest) largest = both, row = j;
    }
    const double s = mean(nz + nq, ns);
    total = tile_z + tile_q + s;
    if (!(total <= std::numeric_limits<double>::max())) {
      mark_non_finite(x, y1);
      return std::numeric_limits<double>::infinity();
    }
    non_finite_ = false;
    row_ = row;
    double square_norm = std::max(largest, 0.0);
    if (options_.norm == Norm::tile && active > 0) square_norm = std::max(tile_z, tile_q) / static_cast<double>(active);
    if (s > square_norm) square_norm = s, row_ = -1;
    return std::sqrt(square_norm);
  }

  double mean(Index first, Index count) const {
    if (count == 0) return 0;
    double sum = 0;
    for (Index i = first; i < first + count; ++i) sum += static_cast<double>(parts_[i]);
    return sum / static_cast<double>(count);
  }

  /// Hairer, Norsett, Wanner I, sec. II.4, "starting step size": k_[0] = f(t_begin, y) is known, one more evaluation.
  double first_step(double exponent, double direction) {
    const double span = std::abs(t_end_ - t_begin_);
    if (options_.first_step > 0) return direction * std::min(options_.first_step, span);
    const double d0 = norm(y_, y_, y_), d1 = norm(k_[0], y_, y_);
    double h = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 * span : 0.01 * d0 / d1;
    h = std::min(h, span);
    std::array<double, kMaxStages> euler{1};
    combine(y_next_, y_, direction * h, euler, 1, k_, shape_.size());
    // A stage's array holds f(t + h, y + h f): not yet in use, and no tape.
    T* const slope = error_;
    evaluate(f_, shape_, t_ + direction * h, y_next_, slope, static_cast<T*>(nullptr), scratch_);
    hold_masked(slope);
    ++counters_.evaluations;
    for (Index i = 0; i < shape_.size(); ++i) slope[i] -= k_[0][i];
    const double d2 = norm(slope, y_, y_) / h;
    if (non_finite_) return direction * 0.1 * h;
    const double steepest = std::max(d1, d2);
    const double h1 = steepest <= 1e-15 ? std::max(1e-6 * span, 1e-3 * h) : std::pow(0.01 / steepest, exponent);
    return direction * std::max(std::min({100 * h, h1, span}), std::min(4 * least_step(t_, span), span));
  }

  const Dynamics<T>& f_;
  const double t_begin_, t_end_;
  State<T>& state_;
  const Shape shape_;
  const Tableau& m_;
  const SolveOptions& options_;
  Scratch& scratch_;
  Counters& counters_;
  Recording<T>* record_;
  std::span<const char> active_;
  char* bad_;

  std::array<T*, kMaxStages> k_{}, tape_{}, work_{};
  T *y_ = nullptr, *y_next_ = nullptr, *z_ = nullptr, *error_ = nullptr, *parts_ = nullptr;
  double t_ = 0, h_ = 0;
  bool kept_ = false;             // the step under way writes into record_
  bool non_finite_ = false;       // the last try was, or led to, a value that is not finite
  Index row_ = -1;                // the sample with the largest error, or the first that is not finite, in the last try
  Index barrier_row_ = -1;        // row_ of the last try that was not finite
  std::int64_t barrier_try_ = 0;  // the number of that try, from 1; 0: none
  Status status_;
};

template <class T>
Status solve(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state, const SolveOptions& options,
             Scratch& scratch, Counters& counters, Recording<T>* record, std::span<const char> active, char* bad) {
  const Scratch::Frame frame(scratch);
  Solve<T> run(dynamics, t_begin, t_end, state, *options.method, options, scratch, counters, record, active, bad);
  if (options.fixed_steps == 0) return run.adaptive();
  const Index N = options.fixed_steps;
  return run.on_grid(N, [N](Index n) { return static_cast<double>(n) / static_cast<double>(N); });
}

template <class T>
void check_arguments(const Dynamics<T>& dynamics, double t_begin, double t_end, const State<T>& state,
                     const SolveOptions& options, std::span<const char> active) {
  check(options);
  check_times(t_begin, t_end);
  check_state(dynamics, state);
  if (!active.empty() && static_cast<Index>(active.size()) != state.B)
    refuse("active has " + std::to_string(active.size()) + " flags, the state " + std::to_string(state.B) + " samples");
}

}  // namespace

void check(const SolveOptions& options) {
  const auto number = [](double x) { return std::to_string(x); };
  if (!options.method) refuse("method is null");
  const std::string method(options.method->name);
  if (options.fixed_steps < 0) refuse("fixed_steps is " + std::to_string(options.fixed_steps) + ", expected 0 or more");
  if (options.fixed_steps == 0 && !options.method->is_adaptive())
    refuse("fixed_steps is 0, but " + method + " has no error estimate; set fixed_steps");
  if (!(options.rtol >= 0) || !std::isfinite(options.rtol))
    refuse("rtol is " + number(options.rtol) + ", expected a finite number, 0 or more");
  if (!(options.atol >= 0) || !std::isfinite(options.atol))
    refuse("atol is " + number(options.atol) + ", expected a finite number, 0 or more");
  if (options.rtol == 0 && options.atol == 0) refuse("rtol and atol are both 0");
  if (options.max_steps < 1) refuse("max_steps is " + std::to_string(options.max_steps) + ", expected 1 or more");
  if (!(options.first_step >= 0) || !std::isfinite(options.first_step))
    refuse("first_step is " + number(options.first_step) + ", expected a finite number, 0 or more");
}

template <class T>
State<T>::State(Blocks rows, Index samples)
    : blocks(rows), B(samples), values(Vector<T>::Zero((rows.z + rows.q) * samples + rows.s)) {}

template <class T>
Status integrate(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state,
                 const SolveOptions& options, Scratch& scratch, Counters& counters, Recording<T>* record,
                 std::span<const char> active) {
  check_arguments(dynamics, t_begin, t_end, state, options, active);
  return solve(dynamics, t_begin, t_end, state, options, scratch, counters, record, active, nullptr);
}

template <class T>
Status integrate_on_grid(const Dynamics<T>& dynamics, double t_begin, double t_end, std::span<const double> fractions,
                         const Tableau& method, State<T>& state, Scratch& scratch, Counters& counters,
                         Recording<T>* record) {
  check_times(t_begin, t_end);
  check_state(dynamics, state);
  const auto N = static_cast<Index>(fractions.size()) - 1;
  if (N < 1 || fractions[0] != 0 || fractions[N] != 1) refuse("fractions do not go from 0 to 1");
  for (Index n = 0; n < N; ++n)
    if (!(fractions[n] < fractions[n + 1])) refuse("fractions do not ascend at " + std::to_string(n));
  SolveOptions options;
  options.method = &method;
  options.fixed_steps = static_cast<int>(N);
  const Scratch::Frame frame(scratch);
  Solve<T> run(dynamics, t_begin, t_end, state, method, options, scratch, counters, record, {}, nullptr);
  return run.on_grid(N, [fractions](Index n) { return fractions[n]; });
}

template <class T>
std::vector<Status> integrate_masked(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state,
                                     const SolveOptions& options, Scratch& scratch, Counters& counters,
                                     Recording<T>* record, std::vector<char>& active) {
  check_arguments(dynamics, t_begin, t_end, state, options, active);
  constexpr int kMostBudgets = 8;
  if (active.empty()) active.assign(static_cast<std::size_t>(state.B), 1);
  const Scratch::Frame frame(scratch);
  T* const start = scratch.take<T>(state.size());
  char* const bad = scratch.take<char>(state.B);
  std::copy_n(state.values.data(), state.size(), start);

  std::vector<Status> failures;
  int budgets = 0;
  const auto fails = [&](const Status& status, Index row) {
    failures.push_back(status);
    failures.back().row = row;
    active[row] = 0;
  };
  while (std::find(active.begin(), active.end(), char{1}) != active.end()) {
    std::copy_n(start, state.size(), state.values.data());
    for (Index j = 0; j < state.B; ++j) {
      if (active[j]) continue;
      state.z().col(j).setZero();
      state.q().col(j).setZero();
    }
    std::fill_n(bad, state.B, char{0});
    const Status status = solve<T>(dynamics, t_begin, t_end, state, options, scratch, counters, record, active, bad);
    if (status.ok()) break;
    const bool exhausted = options.fixed_steps == 0 && status.accepted + status.rejected >= options.max_steps;
    const bool all = status.row < 0 || (exhausted && ++budgets > kMostBudgets);
    const bool many = status.code == Status::Code::non_finite && !exhausted;  // each of them alone would end so
    for (Index j = 0; j < state.B; ++j)
      if (active[j] && (all || j == status.row || (many && bad[j]))) fails(status, j);
  }
  std::sort(failures.begin(), failures.end(), [](const Status& a, const Status& b) { return a.row < b.row; });
  for (const Status& status : failures) {
    state.z().col(status.row).setConstant(std::numeric_limits<T>::quiet_NaN());
    state.q().col(status.row).setConstant(std::numeric_limits<T>::quiet_NaN());
  }
  return failures;
}

#define CNF_INSTANTIATE(T)                                                                                           \
  template struct State<T>;                                                                                          \
  template Status integrate(const Dynamics<T>&, double, double, State<T>&, const SolveOptions&, Scratch&, Counters&, \
                            Recording<T>*, std::span<const char>);                                                   \
  template Status integrate_on_grid(const Dynamics<T>&, double, double, std::span<const double>, const Tableau&,     \
                                    State<T>&, Scratch&, Counters&, Recording<T>*);                                  \
  template std::vector<Status> integrate_masked(const Dynamics<T>&, double, double, State<T>&, const SolveOptions&,  \
                                                Scratch&, Counters&, Recording<T>*, std::vector<char>&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
