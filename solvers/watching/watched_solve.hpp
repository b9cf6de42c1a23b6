// Private to trajectory.cpp and trajectory_gradient.cpp: one solve whose samples have spans, times and events.
#pragma once

#include <optional>
#include <string>

#include "solvers/span_dynamics.hpp"
#include "solvers/watching/trajectory.hpp"

namespace cnf {

/// The samples' times as the solve's: it goes from 0 to 1 where spans are the samples' own, else it is the same clock.
class Clock {
 public:
  /// Throws std::invalid_argument, "WHO: ...", for spans that are not finite, or not of B samples.
  Clock(const char* who, const Spans& spans, Index B);

  bool own() const { return !t0_.empty(); }
  double begin() const { return begin_; }
  double end() const { return end_; }
  std::span<const double> t0() const { return t0_; }  ///< of each sample, or empty
  std::span<const double> t1() const { return t1_; }
  /// The unit of sample b's clock on the solve's: the length of its span, or 1.
  double unit(Index b) const;
  double solve_time(Index b, double t) const;
  double sample_time(Index b, double at) const;
  /// A status in the time of its sample, or if it is about none in that of the longest span.
  void translate(Status& status) const;
  SolveOptions translate(const char* who, SolveOptions options) const;

 private:
  Index longest() const;

  std::vector<double> t0_, t1_;
  double begin_ = 0, end_ = 1;
};

/// Every time that is looked at, sorted along the solve.
struct Looks {
  struct Place {
    Index sample, number;  ///< which of the sample's times
  };
  std::vector<Observation> observations;
  std::vector<Place> places;  ///< of each observation
  std::vector<Index> counts;  ///< of each sample

  Looks(const char* who, const Clock& clock, const Spans& spans, std::span<const std::vector<double>> times, Index B);
};

/// One solve: its dynamics, what it looks at, and what came of it.
template <class T>
class WatchedSolve final : private StepListener<T> {
 public:
  /// All must outlive this.
  WatchedSolve(const char* who, const Dynamics<T>& f, const Spans& spans, const Watch<T>& watch, Index B);

  const Clock& clock() const { return clock_; }
  const Looks& looks() const { return looks_; }
  const Dynamics<T>& dynamics() const { return over_ ? static_cast<const Dynamics<T>&>(*over_) : f_; }
  State<T> start(const Matrix<T>& z0) const;
  Out<T> seen() { return {seen_.data(), seen_.rows(), seen_.cols()}; }  ///< a column an observation

  /// integrate() of `state` and, of samples whose flag is not 0 in `active`, what is watched on the way.
  Status run(State<T>& state, const SolveOptions& options, Scratch& scratch, Counters& counters,
             std::span<const char> active, std::span<char> bad, Recording<T>* record);

  /// Of the last run: places of the observations it came by, and the events, each in the order of their steps.
  std::span<const StepPoint> where() const { return where_; }
  const EventFinder<T>* finder() const { return finder_ ? &*finder_ : nullptr; }
  /// The event that sample b ended by, or null; and whether observation o, after it, was not seen on the way.
  const typename EventFinder<T>::Found* end_of(Index b) const;
  bool beyond(std::size_t o) const;
  /// What came of it, without failures: `state` as run() left it.
  SolvedAt<T> result(const State<T>& state) const;

 private:
  bool wants(double t, double t_next) override;
  bool inside(double t, double t_next) override;
  Next look(const DenseStep<T>& step, T* y) override;

  const char* who_;
  const Dynamics<T>& f_;
  const Watch<T>& watch_;
  Index B_;
  Clock clock_;
  Looks looks_;
  std::optional<SpanDynamics<T>> over_;
  Matrix<T> seen_;  ///< a column an observation
  std::vector<StepPoint> where_;
  std::vector<char> active_;
  std::optional<Observer<T>> observer_;
  std::optional<EventFinder<T>> finder_;
  bool observes_ = false;
  std::vector<Index> ended_;  ///< of each sample: its place in the finder's list, or -1
};

}  // namespace cnf
