// The way back of an adjoint that is solved, from observation to observation: shared by those that differ in z alone.
#pragma once

#include <span>

#include "solvers/gradients/gradient.hpp"
#include "solvers/integrate.hpp"
#include "solvers/step.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf {

/// a starts from w.z at t_end and is carried back to t_begin, with a jump by w.seen at each observation.
///
/// With every sample's own observations in their order, all samples go from their i-th last to the one before in one
/// solve, a leg (SpanDynamics, unless the times are the same for all): as many legs as the most of them, and one. At
/// each of the options' jumps, which are in the order of the way back, a leg ends for the samples that it lies ahead
/// of, and the next begins on its other side.
///     dloss_dtimes_i = w.seen_i . f(t_i),   dloss_dt_end = w.z . f + w.q . q',   dloss_dt_begin = -a . f - w.q . q'.
template <class T>
class AdjointLegs {
 public:
  struct Way {
    double t_begin, t_end;
    std::span<const Observation> observations;  ///< as check_observations wants them
  };

  /// Throws std::invalid_argument, "WHO: ...", for what does not fit together.
  AdjointLegs(const char* who, const Dynamics<T>& dynamics, Index B, const Way& way, const Cotangents<T>& w,
              const SolveOptions& options, SolveGradient<T>& gradient, Scratch& scratch, Counters& counters);

  /// The first trouble; its counts of steps are all legs', its time the sample's own, or if it is about no sample the
  /// one of the longest leg.
  Status operator()();

 protected:
  static constexpr Index kNone = -1;
  ~AdjointLegs() = default;

  /// Sets z_ to z at at_, where a sample comes to observation next_[b] (kNone: to none).
  virtual void arrive() = 0;
  bool at_observation(std::size_t b) const {
    return next_[b] != kNone && at_[b] == way_.observations[static_cast<std::size_t>(next_[b])].t;
  }
  /// Carries a_ from t to t_next, times of `f`, adding to gradient_.params_bar. Of a leg over spans `f` is over them
  /// too, from to_ (its time 0) to at_ (1), else `spans` is false.
  virtual Status carry(const Dynamics<T>& f, double t, double t_next, const SolveOptions& options, bool spans) = 0;

  template <class V>
  std::span<V> take(Index n) {
    return {scratch_.take<V>(n), static_cast<std::size_t>(n)};
  }

  const Dynamics<T>& f_;
  const Way way_;
  const Cotangents<T>& w_;
  SolveOptions options_;  ///< of a leg: without jumps
  SolveGradient<T>& gradient_;
  Scratch& scratch_;
  Counters& counters_;
  const Shape shape_;
  std::span<T> z_, a_;         ///< every sample's state and adjoint between two legs
  std::span<double> at_, to_;  ///< times: every sample's own, and in a leg where it goes
  std::span<Index> next_;      ///< every sample's next observation, whose jump is not yet in a_

 private:
  bool leg();
  bool is_jump(double t) const;
  void step_off();
  void over_spans();
  void solve(const Dynamics<T>& f, double t, double t_next, const SolveOptions& options, bool spans);
  void jump(T* k);
  void slopes(T* k);

  std::span<Index> earlier_;             ///< the observation of the same sample before another
  const std::span<const double> jumps_;  ///< the caller's
  Status status_;
};

}  // namespace cnf
