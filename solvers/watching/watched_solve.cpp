// Invariants. In a step the observer is asked before the finder, so that what is seen has the step's own y. A sample
// that an event has ended is at rest from there on: what is seen of it later is not the dense step's but its end.
#include "solvers/watching/watched_solve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {

namespace {

[[noreturn]] void refuse(const char* who, const std::string& what) {
  throw std::invalid_argument(std::string(who) + ": " + what);
}

}  // namespace

Clock::Clock(const char* who, const Spans& spans, Index B) {
  const auto check = [&](const char* what, const std::vector<double>& t) {
    if (t.size() != 1 && std::ssize(t) != B)
      refuse(who, "spans have " + std::to_string(t.size()) + " times to " + what + ", expected 1 or one a sample, " +
                      std::to_string(B));
    for (std::size_t b = 0; b < t.size(); ++b)
      if (!std::isfinite(t[b]))
        refuse(who,
               "span " + std::to_string(b) + " is to " + what + " at " + shortest(t[b]) + ", expected a finite time");
  };
  check("begin", spans.begin);
  check("end", spans.end);
  if (spans.shared()) {
    begin_ = spans.begin[0];
    end_ = spans.end[0];
    return;
  }
  for (Index b = 0; b < B; ++b) {
    t0_.push_back(spans.begin_of(b));
    t1_.push_back(spans.end_of(b));
  }
}

double Clock::unit(Index b) const {
  const auto k = static_cast<std::size_t>(b);
  return own() ? t1_[k] - t0_[k] : 1;
}

double Clock::solve_time(Index b, double t) const {
  if (!own()) return t;
  const auto k = static_cast<std::size_t>(b);
  if (t == t0_[k]) return 0;
  return t == t1_[k] ? 1 : std::clamp((t - t0_[k]) / (t1_[k] - t0_[k]), 0.0, 1.0);
}

double Clock::sample_time(Index b, double at) const {
  if (!own()) return at;
  const auto k = static_cast<std::size_t>(b);
  return at == 1 ? t1_[k] : t0_[k] + at * (t1_[k] - t0_[k]);
}

Index Clock::longest() const {
  Index most = 0;
  for (Index b = 1; b < std::ssize(t0_); ++b)
    if (std::abs(unit(b)) > std::abs(unit(most))) most = b;
  return most;
}

void Clock::translate(Status& status) const {
  if (!own() || t0_.empty()) return;
  const Index b = status.row >= 0 ? status.row : longest();
  status.t = sample_time(b, status.t);
  status.h *= unit(b);
}

SolveOptions Clock::translate(const char* who, SolveOptions options) const {
  if (!own() || t0_.empty()) return options;
  if (!options.stops.empty())
    refuse(who, "options has stops, which are no one time where samples have their own spans");
  if (!options.jumps.empty())
    refuse(who, "options has jumps, which are no one time where samples have their own spans");
  const double length = std::abs(unit(longest()));
  if (length > 0)
    for (double* size : {&options.first_step, &options.min_step, &options.max_step}) *size /= length;
  return options;
}

Looks::Looks(const char* who, const Clock& clock, const Spans& spans, std::span<const std::vector<double>> times,
             Index B) {
  if (times.size() > 1 && std::ssize(times) != B)
    refuse(who, std::to_string(times.size()) + " lists of times for " + std::to_string(B) +
                    " samples, expected one for all or one a sample");
  for (Index b = 0; b < B; ++b) {
    if (times.empty()) {
      counts.push_back(0);
      continue;
    }
    const std::vector<double>& list = times[times.size() > 1 ? static_cast<std::size_t>(b) : 0];
    counts.push_back(std::ssize(list));
    const double end = spans.end_of(b);
    double before = spans.begin_of(b);
    const bool forwards = end >= before;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const double t = list[i];
      if (!(forwards ? before <= t && t <= end : end <= t && t <= before))
        refuse(who, "time " + std::to_string(i) + " of sample " + std::to_string(b) + " is " + shortest(t) +
                        ", expected from " + shortest(before) + " to " + shortest(end) + ": sorted along its span");
      observations.push_back({clock.solve_time(b, t), b});
      places.push_back({b, static_cast<Index>(i)});
      before = t;
    }
  }
  std::vector<std::size_t> order(observations.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const double direction = clock.end() >= clock.begin() ? 1 : -1;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    return direction * observations[i].t < direction * observations[j].t;
  });
  const std::vector<Observation> unsorted = observations;
  const std::vector<Place> of = places;
  for (std::size_t o = 0; o < order.size(); ++o) {
    observations[o] = unsorted[order[o]];
    places[o] = of[order[o]];
  }
}

template <class T>
WatchedSolve<T>::WatchedSolve(const char* who, const Dynamics<T>& f, const Spans& spans, const Watch<T>& watch, Index B)
    : who_(who),
      f_(f),
      watch_(watch),
      B_(B),
      clock_(who, spans, B),
      looks_(who, clock_, spans, watch.times, B),
      seen_(f.blocks().z, std::ssize(looks_.observations)),
      where_(looks_.observations.size()),
      ended_(static_cast<std::size_t>(B), -1) {
  if (f.blocks().s > 0) refuse(who, "the dynamics has an s block, whose rates are summed over samples");
  if (watch.scan < 0) refuse(who, "scan is " + std::to_string(watch.scan) + ", expected 0 or more");
  check_events(who, std::span<const Event<T>>(watch.events), false);
  if (clock_.own()) over_.emplace(f, clock_.t0(), clock_.t1());
}

template <class T>
State<T> WatchedSolve<T>::start(const Matrix<T>& z0) const {
  if (z0.rows() != f_.blocks().z)
    refuse(who_, "z0 has " + std::to_string(z0.rows()) + " rows, the dynamics " + std::to_string(f_.blocks().z) +
                     "; a sample is a column");
  State<T> state(f_.blocks(), B_);
  state.z() = z0;
  return state;
}

template <class T>
Status WatchedSolve<T>::run(State<T>& state, const SolveOptions& options, Scratch& scratch, Counters& counters,
                            std::span<const char> active, std::span<char> bad, Recording<T>* record) {
  active_.assign(active.begin(), active.end());
  std::fill(ended_.begin(), ended_.end(), Index{-1});
  for (Index o = 0; o < seen_.cols(); ++o)
    seen_.col(o) = state.z().col(looks_.observations[static_cast<std::size_t>(o)].sample);
  observer_.emplace(looks_.observations, state.blocks, clock_.end() >= clock_.begin(),
                    Out<T>(seen_.data(), seen_.rows(), seen_.cols()), where_);
  finder_.reset();
  if (!watch_.events.empty()) {
    if (active_.empty()) active_.assign(static_cast<std::size_t>(B_), 1);
    finder_.emplace(std::span<const Event<T>>(watch_.events), watch_.scan, Shape{state.blocks, B_}, clock_.end(),
                    std::span<char>(active_), clock_.t0(), clock_.t1());
  }
  SolveExtras<T> extras{.record = record, .active = active_, .bad = bad};
  if (finder_ || !looks_.observations.empty()) extras.listener = this;
  Status status = integrate(dynamics(), clock_.begin(), clock_.end(), state, clock_.translate(who_, options), scratch,
                            counters, extras);
  if (finder_)
    for (std::size_t i = 0; i < finder_->found().size(); ++i)
      ended_[static_cast<std::size_t>(finder_->found()[i].sample)] = static_cast<Index>(i);
  for (Index o = 0; o < seen_.cols(); ++o) {
    const auto& [t, sample] = looks_.observations[static_cast<std::size_t>(o)];
    if (beyond(static_cast<std::size_t>(o))) seen_.col(o) = finder_->z().col(sample);
    const bool masked = !active.empty() && !active[static_cast<std::size_t>(sample)];
    if (!status.ok() || masked || seen_.col(o).allFinite()) continue;
    status.code = Status::Code::non_finite;
    status.row = sample;
    status.t = t;
  }
  return status;
}

template <class T>
bool WatchedSolve<T>::wants(double t, double t_next) {
  observes_ = observer_->wants(t, t_next);
  return (finder_ && finder_->wants(t, t_next)) || observes_;
}

template <class T>
bool WatchedSolve<T>::inside(double t, double t_next) {
  return finder_ || (observes_ && observer_->inside(t, t_next));
}
template <class T>
Next WatchedSolve<T>::look(const DenseStep<T>& step, T* y) {
  if (observes_) observer_->look(step, y);
  return finder_ ? finder_->look(step, y) : Next::go_on;
}

template <class T>
const typename EventFinder<T>::Found* WatchedSolve<T>::end_of(Index b) const {
  const Index i = ended_[static_cast<std::size_t>(b)];
  return i < 0 ? nullptr : &finder_->found()[static_cast<std::size_t>(i)];
}

template <class T>
bool WatchedSolve<T>::beyond(std::size_t o) const {
  const auto& [t, sample] = looks_.observations[o];
  const auto* const end = end_of(sample);
  return end && (clock_.end() >= clock_.begin() ? t > end->at : t < end->at);
}

template <class T>
SolvedAt<T> WatchedSolve<T>::result(const State<T>& state) const {
  SolvedAt<T> r{.z_end = state.z(), .q_end = state.q(), .t_end = {}, .ended_by = {}, .seen = {}};
  for (Index b = 0; b < B_; ++b) {
    const auto* const end = end_of(b);
    r.t_end.push_back(clock_.sample_time(b, end ? end->at : clock_.end()));
    r.ended_by.push_back(end ? end->event : -1);
    r.seen.emplace_back(state.blocks.z, looks_.counts[static_cast<std::size_t>(b)]);
  }
  for (Index o = 0; o < seen_.cols(); ++o) {
    const auto& [sample, number] = looks_.places[static_cast<std::size_t>(o)];
    r.seen[static_cast<std::size_t>(sample)].col(number) = seen_.col(o);
  }
  return r;
}

template class WatchedSolve<float>;
template class WatchedSolve<double>;

}  // namespace cnf
