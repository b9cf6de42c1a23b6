// Invariants. y_ is the state at t_, y_next_ work space for the next one; they change places at every accepted step,
// so a solve of an odd number of steps is copied back at its end. last_ belongs to the last attempt, or to what was
// found not finite: it names the sample of a failure. Nothing is allocated between the first step and the end.
#include "solvers/integrate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "solvers/control/cause.hpp"
#include "solvers/control/error_norm.hpp"
#include "solvers/control/first_step.hpp"
#include "solvers/control/step_control.hpp"
#include "solvers/solve_options.hpp"
#include "solvers/steppers/steppers.hpp"

namespace cnf {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("integrate: " + what); }

std::string shape_text(const Blocks& b) {
  return "z " + std::to_string(b.z) + ", q " + std::to_string(b.q) + ", s " + std::to_string(b.s);
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

template <class T>
void check_derivatives(const Dynamics<T>& dynamics, const Method& method) {
  if (!method.needs_jvp()) return;
  const std::string name(method.name());
  if (dynamics.derivatives() != Derivatives::all)
    refuse(name + " solves its steps by the Jacobian, but the dynamics has no jvp (Dynamics::derivatives()); take an " +
           "explicit method, or a dynamics with one (dual_dynamics)");
  if (dynamics.blocks().s > 0 && !std::holds_alternative<const DirkTableau*>(method.row()))
    refuse(name + " has no steps for an s block; take an explicit method or kvaerno5");
}

constexpr double kHopeless = 10;  // tolerances in the rounding of a value: no steps would meet them, or few lucky ones

/// The loop over steps of one solve of one tile: time, acceptance, budget and trouble. The arithmetic is the stepper's.
template <class T>
class Loop {
 public:
  /// `window` is the slope's.
  Loop(const Slope<T>& slope, Window& window, const ErrorNorm<T>& norm, const SolveOptions& options,
       const SolveExtras<T>& extras, double t_begin, double t_end, T* y, T* y_next)
      : slope_(slope),
        window_(window),
        norm_(norm),
        options_(options),
        record_(extras.record),
        listener_(extras.listener),
        jumps_(options.jumps),
        t_begin_(t_begin),
        t_end_(t_end),
        y_(y),
        y_next_(y_next),
        t_(t_begin) {
    see_as_far_as_next_jump();
  }

  /// From here on the steps are `stepper`'s: until the solve ends, or goes on with another.
  void take(Stepper<T>& stepper) {
    stepper_ = &stepper;
    next_ = Next::go_on;
  }
  bool restarts() const { return next_ == Next::restart; }
  double t() const { return t_; }

  /// Steps n = 0 ... N - 1 from fraction(n) to fraction(n + 1) of the way.
  template <class Fraction>
  Status on_grid(Index N, const Fraction& fraction) {
    if (!sound(y_)) return fail(Status::Code::non_finite);
    for (bool fresh = true; grid_ < N && next_ == Next::go_on; ++grid_, fresh = false) {
      if (stop_asked(options_.stop)) return stopped();
      const double s = fraction(grid_ + 1);
      if (s == fraction(grid_)) {
        jump(s);
        continue;
      }
      const bool last = grid_ + 1 == N, to_jump = !last && s == fraction(grid_ + 2);
      const double t_next = last ? t_end_ : to_jump ? jumps_.front() : t_begin_ + s * (t_end_ - t_begin_);
      h_ = t_next - t_;
      const T* const slope = stepper_->open(t_, y_);
      if (fresh && !sound(slope)) return fail(Status::Code::non_finite);
      if (!stepper_->attempt(t_next, y_next_, nullptr)) {
        last_ = {0, stepper_->unsolved_row(), true};
        return fail(Status::Code::unsolved);
      }
      if (!sound(y_next_)) return fail(Status::Code::non_finite);
      accept(t_next, s);
    }
    return end();
  }

  /// `first` gives a first step from the slope at y() and memory for a state; `stops` lie between the ends, in order.
  template <class First>
  Status adaptive(std::span<const double> stops, T* error, const First& first) {
    if (!sound(y_)) return fail(Status::Code::non_finite);
    last_ = norm_.roughest(y_, kHopeless);
    if (last_.value > kHopeless) return fail(Status::Code::too_fine, error);
    while (t_ != t_end_ && next_ == Next::go_on) {
      const std::int64_t before = status_.accepted;
      const T* const slope = stepper_->open(t_, y_);
      if (slope && !sound(slope)) return fail(Status::Code::non_finite);
      if (h_ == 0) h_ = bounded(first(slope, y_next_));
      while (!stops.empty() && !ahead(stops.front())) stops = stops.subspan(1);
      target_ = stops.empty() ? t_end_ : stops.front();
      if (!jumps_.empty() && std::abs(jumps_.front() - t_) < std::abs(target_ - t_)) target_ = jumps_.front();
      while (status_.accepted == before) {
        if (stop_asked(options_.stop)) return stopped();
        if (status_.accepted + status_.rejected >= options_.max_steps) return exhausted(error);
        if (shortest_failed_) return stuck(error);
        if (underflows(h_, t_, t_end_ - t_begin_) && std::abs(target_ - t_) > std::abs(h_)) return stuck(error);
        attempt(error);
      }
      if (!jumps_.empty() && t_ == jumps_.front() && next_ != Next::stop) jump((t_ - t_begin_) / (t_end_ - t_begin_));
    }
    return end();
  }

  /// Where the state ended: y or y_next.
  const T* y() const { return y_; }

 private:
  void attempt(T* error) {
    const double left = std::abs(target_ - t_), most = options_.max_step;
    const bool last = left <= 1.01 * std::abs(h_) && !(most > 0 && left > most);  // DOPRI5: no sliver is left over
    const double t_next = last ? target_ : t_ + h_, tried = t_next - t_, proposed = h_;
    h_ = tried;
    StepSizes& sizes = stepper_->sizes();
    if (!stepper_->attempt(t_next, y_next_, error)) {
      last_ = {0, stepper_->unsolved_row(), true};
      unsolved_ = true;
      reject(tried, sizes.reject_unsolved());
      return;
    }
    unsolved_ = false;
    last_ = norm_(error, y_, y_next_);
    if (last_.finite && last_.value <= 1) {
      accept(t_next, (t_next - t_begin_) / (t_end_ - t_begin_));
      h_ = bounded(tried * sizes.accept(last_.value));
      const bool cut = last && target_ != t_end_ && std::abs(tried) < std::abs(proposed);
      if (cut && std::abs(h_) < std::abs(proposed)) h_ = proposed;  // the stop alone made it small
      return;
    }
    reject(tried, last_.finite ? sizes.reject(last_.value) : sizes.reject_non_finite());
    if (last_.finite) return;
    barrier_row_ = last_.row;
    barrier_try_ = status_.accepted + status_.rejected;
  }

  /// The slope jumps at t_, s of the way. A recording gets a step without length, whose stage is the slope before; what
  /// comes after is another stepper's, which knows nothing of it.
  void jump(double s) {
    if (record_) {
      record_->open(y_, {&kJump, nullptr}, {});
      record_->mark_jump();
      const Index n = record_->steps();
      if (record_->holds(n)) slope_(t_, y_, record_->k(n, 0), record_->tape(n, 0));
      record_->accept(t_, s);
    }
    if (listener_) listener_->wants(t_, t_);
    (t_end_ > t_begin_ ? window_.low : window_.high) = t_;
    jumps_ = jumps_.subspan(1);
    see_as_far_as_next_jump();
    next_ = Next::restart;
    h_ = 0;
  }
  void see_as_far_as_next_jump() {
    constexpr double inf = std::numeric_limits<double>::infinity();
    const bool forwards = t_end_ > t_begin_;
    (forwards ? window_.high : window_.low) = !jumps_.empty() ? jumps_.front() : forwards ? inf : -inf;
  }

  void reject(double tried, double factor) {
    ++status_.rejected;
    shortest_failed_ = std::abs(tried) <= options_.min_step;
    h_ = bounded(tried * factor);
  }

  /// A step of the direction of h, of a size that the options allow.
  double bounded(double h) const {
    double size = std::max(std::abs(h), options_.min_step);
    if (options_.max_step > 0) size = std::min(size, options_.max_step);
    return std::copysign(size, h);
  }

  void accept(double t_next, double s) {
    if (listener_ && listener_->wants(t_, t_next)) {
      const bool inside = listener_->inside(t_, t_next);
      next_ = listener_->look(inside ? stepper_->dense(t_next, y_next_) : stepper_->ends(t_next, y_next_), y_next_);
    }
    if (record_ && restarts()) refuse("the listener changed the state, but a recording cannot hold that");
    std::swap(y_, y_next_);
    t_ = t_next;
    ++status_.accepted;
    stepper_->accept(t_next, s);
  }

  /// Whether time t is yet to come.
  bool ahead(double t) const { return t_end_ > t_begin_ ? t > t_ : t < t_; }

  /// Whether values are finite; if not, last_ says whose are not.
  bool sound(const T* y) {
    const Size size = norm_.finite(y);
    if (!size.finite) last_ = size;
    return size.finite;
  }

  Status end() {
    status_.t = t_;
    status_.h = h_;
    return status_;
  }
  Status fail(Status::Code code) {
    status_.code = code;
    status_.row = last_.row;
    return end();
  }
  Status stopped() {
    last_.row = -1;
    return fail(Status::Code::stopped);
  }
  /// No shorter step can be tried.
  Status stuck(const T* error) {
    return last_.finite ? fail(Status::Code::step_underflow, error) : fail(Status::Code::non_finite);
  }
  /// The same for `error`, the last try's, of a solve that was held back.
  Status fail(Status::Code code, const T* error) {
    fail(code);
    find_cause(status_, slope_, norm_, options_, t_end_ - t_begin_, y_, unsolved_ ? nullptr : error);
    return status_;
  }
  /// The budget is spent. Where the steps creep up to a barrier of values that are not finite, accepted ones among the
  /// rejected, the barrier is the cause to name.
  Status exhausted(const T* error) {
    constexpr std::int64_t kRecent = 10;
    if (barrier_try_ == 0 || status_.accepted + status_.rejected - barrier_try_ >= kRecent)
      return fail(Status::Code::step_limit, error);
    last_.row = barrier_row_;
    return fail(Status::Code::non_finite);
  }

  Stepper<T>* stepper_ = nullptr;
  const Slope<T>& slope_;
  Window& window_;
  const ErrorNorm<T>& norm_;
  const SolveOptions& options_;
  Recording<T>* const record_;
  StepListener<T>* const listener_;
  std::span<const double> jumps_;  // yet to come
  const double t_begin_, t_end_;
  T *y_, *y_next_;
  double t_, h_ = 0;  // h_ = 0: to be found from the slope
  Next next_ = Next::go_on;
  Index grid_ = 0;                // the step of a grid at hand
  double target_ = 0;             // the next stop or jump, or t_end
  bool shortest_failed_ = false;  // the last try was not taken, and could not be shorter
  bool unsolved_ = false;         // the last try: no error tells of it
  Size last_;                     // of the last try, or of what was not finite
  Index barrier_row_ = -1;        // last_.row of the last try that was not finite
  std::int64_t barrier_try_ = 0;  // the number of that try, from 1; 0: none
  Status status_;
};

template <class T>
Status on_grid(Loop<T>& loop, const SolveOptions& options) {
  const std::vector<double>& given = options.fractions;
  const auto N = given.empty() ? static_cast<Index>(options.fixed_steps) : std::ssize(given) - 1;
  return loop.on_grid(N, [&](Index i) {
    return given.empty() ? static_cast<double>(i) / static_cast<double>(N) : given[static_cast<std::size_t>(i)];
  });
}

template <class T>
Status solve(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state, const SolveOptions& options,
             Scratch& scratch, Counters& counters, const SolveExtras<T>& extras) {
  const Shape shape{state.blocks, state.B};
  const Index n = shape.size();
  if (extras.record) extras.record->begin(shape, dynamics.tape_size(shape.B), t_begin, t_end, options);
  Status status;
  status.t = t_end;
  if (t_begin == t_end || n == 0) return status;

  const Scratch::Frame frame(scratch);
  const bool adaptive = options.fixed_steps == 0 && options.fractions.empty();
  Window window;
  const Slope<T> slope{dynamics, shape, extras.active, scratch, counters, &window};
  T* const y_next = scratch.take<T>(n);
  T* const error = adaptive ? scratch.take<T>(n) : nullptr;
  if (error) std::fill_n(error, n, T{0});  // a method may never make a try
  const ErrorNorm<T> norm(shape, options, extras.active, extras.bad, adaptive ? scratch.take<T>(n) : nullptr);
  Loop<T> loop(slope, window, norm, options, extras, t_begin, t_end, state.values.data(), y_next);
  const auto run = [&](Stepper<T>& stepper) {
    loop.take(stepper);
    if (!adaptive) {
      status = on_grid(loop, options);
      return;
    }
    status = loop.adaptive(options.stops, error, [&](const T* k0, T* work) {
      const Reach reach{loop.t(), std::abs(t_end - loop.t()), t_end > t_begin ? 1.0 : -1.0};
      if (options.first_step > 0) return reach.direction * std::min(options.first_step, reach.span);
      return first_step(slope, norm, reach, loop.y(), k0, stepper.sizes().exponent(), work, error);
    });
  };
  do {
    const Scratch::Frame steppers(scratch);
    with_stepper(Solve<T>{slope, norm, options, adaptive, extras.record}, run);
  } while (status.ok() && loop.restarts());
  if (status.ok() && loop.y() != state.values.data()) std::copy_n(loop.y(), n, state.values.data());
  counters.accepted += status.accepted;
  counters.rejected += status.rejected;
  if (!status.ok()) counters.failing += status.accepted + status.rejected + 1;
  return status;
}

template <class T>
void check_arguments(const Dynamics<T>& dynamics, double t_begin, double t_end, const State<T>& state,
                     const SolveOptions& options, const SolveExtras<T>& extras) {
  check(options, t_begin, t_end);
  check_state(dynamics, state);
  if (!options.tolerance_z.empty() && std::ssize(options.tolerance_z) != state.blocks.z)
    refuse("tolerance_z has " + std::to_string(options.tolerance_z.size()) + " tolerances, z " +
           std::to_string(state.blocks.z) + " rows");
  check_derivatives(dynamics, options.method);
  const auto check_flags = [&state](const char* name, std::size_t flags) {
    if (flags > 0 && static_cast<Index>(flags) != state.B)
      refuse(std::string(name) + " has " + std::to_string(flags) + " flags, the state " + std::to_string(state.B) +
             " samples");
  };
  if (extras.record && !options.method.has_transpose())
    refuse(std::string(options.method.name()) +
           " takes steps that cannot be recorded and transposed; take the continuous gradient, or an explicit method");
  if (extras.record && !options.jumps.empty() && std::holds_alternative<const ReversibleMethod*>(options.method.row()))
    refuse(std::string(options.method.name()) + "'s steps cannot be taken back over jumps; take a method that is not " +
           "reversible, and the discrete gradient");
  check_flags("active", extras.active.size());
  check_flags("bad", extras.bad.size());
}

}  // namespace

template <class T>
State<T>::State(Blocks rows, Index samples)
    : blocks(rows), B(samples), values(Vector<T>::Zero((rows.z + rows.q) * samples + rows.s)) {}

template <class T>
Status integrate(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state,
                 const SolveOptions& options, Scratch& scratch, Counters& counters, const SolveExtras<T>& extras) {
  check_arguments(dynamics, t_begin, t_end, state, options, extras);
  return solve(dynamics, t_begin, t_end, state, options, scratch, counters, extras);
}

#define CNF_INSTANTIATE(T)                                                                                           \
  template struct State<T>;                                                                                          \
  template Status integrate(const Dynamics<T>&, double, double, State<T>&, const SolveOptions&, Scratch&, Counters&, \
                            const SolveExtras<T>&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
