// Invariants. asked is the solve as it was asked for; shortened, if there, the same over spans that end at its events,
// and what is pulled back. Without it the way back is asked's: by its recorded steps where it has events, else by
// solve. Cotangents of what was seen beyond an event are the event's.
#include "solvers/gradients/trajectory_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "solvers/gradients/discrete_adjoint.hpp"
#include "solvers/watching/watched_solve.hpp"

namespace cnf {

namespace {

constexpr const char* kWho = "DifferentiableTrajectory";

void check_shape(const std::string& what, Index rows, Index cols, Index want_rows, Index want_cols) {
  if (rows == want_rows && cols == want_cols) return;
  throw std::invalid_argument(std::string(kWho) + ": " + what + " is " + std::to_string(rows) + " x " +
                              std::to_string(cols) + ", the solve asks for " + std::to_string(want_rows) + " x " +
                              std::to_string(want_cols));
}

}  // namespace

template <class T>
struct DifferentiableTrajectory<T>::Solves {
  const Dynamics<T>* f = nullptr;
  Spans spans{0, 0}, short_spans{0, 0};
  Watch<T> watch, short_watch;
  std::optional<WatchedSolve<T>> asked, shortened;
  GradientOptions how;
  DifferentiableSolve<T> solve;
  Recording<T> recording;
  bool by_steps = false, ready = false;
  StopFlag stop = nullptr;
  Matrix<T> z_end;
  std::vector<double> t_end;
  Scratch scratch;

  WatchedSolve<T>& way() { return shortened ? *shortened : *asked; }
  Status pull_through(const SolveOptions& options, State<T>& state, Counters& counters);
  void shorten(const SolvedAt<T>& r);
  SolvedCotangents<T> filled(const SolvedCotangents<T>& w) const;
  Status through_events(SolvedCotangents<T>& w, Matrix<T>& w_event, TrajectoryGradient<T>& g);
};

/// The forward half of the way that solve pulls back.
template <class T>
Status DifferentiableTrajectory<T>::Solves::pull_through(const SolveOptions& options, State<T>& state,
                                                         Counters& counters) {
  const Clock& clock = way().clock();
  return solve.forward(way().dynamics(), clock.begin(), clock.end(), state, clock.translate(kWho, options), how,
                       scratch, counters, {way().looks().observations, way().seen()});
}

/// The way with events as one without, where every sample's span ends at its event.
template <class T>
void DifferentiableTrajectory<T>::Solves::shorten(const SolvedAt<T>& r) {
  short_watch.times.clear();
  std::vector<double> begins;
  for (Index b = 0; b < r.z_end.cols(); ++b) {
    const auto k = static_cast<std::size_t>(b);
    begins.push_back(spans.begin_of(b));
    short_watch.times.emplace_back();
    if (watch.times.empty()) continue;
    const bool forwards = r.t_end[k] >= begins[k];
    for (const double t : watch.times[watch.times.size() > 1 ? k : 0])
      if (forwards ? t <= r.t_end[k] : t >= r.t_end[k]) short_watch.times.back().push_back(t);
  }
  short_spans = Spans(std::move(begins), r.t_end);
  shortened.emplace(kWho, *f, short_spans, short_watch, r.z_end.cols());
}

/// Cotangents of full shapes, 0 where none were given.
template <class T>
SolvedCotangents<T> DifferentiableTrajectory<T>::Solves::filled(const SolvedCotangents<T>& w) const {
  const Index D = z_end.rows(), B = z_end.cols(), Q = f->blocks().q;
  const std::vector<Index>& counts = asked->looks().counts;
  SolvedCotangents<T> full = w;
  if (full.z_end.size() == 0) full.z_end = Matrix<T>::Zero(D, B);
  if (full.q_end.size() == 0) full.q_end = Matrix<T>::Zero(Q, B);
  if (full.t_end.empty()) full.t_end.assign(static_cast<std::size_t>(B), 0.0);
  if (full.seen.empty())
    for (const Index count : counts) full.seen.push_back(Matrix<T>::Zero(D, count));
  check_shape("w.z_end", full.z_end.rows(), full.z_end.cols(), D, B);
  check_shape("w.q_end", full.q_end.rows(), full.q_end.cols(), Q, B);
  check_shape("w.t_end", 1, std::ssize(full.t_end), 1, B);
  check_shape("w.seen", 1, std::ssize(full.seen), 1, B);
  for (std::size_t b = 0; b < counts.size(); ++b)
    check_shape("w.seen[" + std::to_string(b) + "]", full.seen[b].rows(), full.seen[b].cols(), D, counts[b]);
  return full;
}

/// Moves what w says of ended samples, at their ends and beyond them, to cotangents of z there at a fixed time.
template <class T>
Status DifferentiableTrajectory<T>::Solves::through_events(SolvedCotangents<T>& w, Matrix<T>& w_event,
                                                           TrajectoryGradient<T>& g) {
  const Index D = z_end.rows(), B = z_end.cols();
  w_event = Matrix<T>::Zero(D, B);
  g.level.assign(static_cast<std::size_t>(B), 0.0);
  const EventFinder<T>* const finder = asked->finder();
  if (!finder || finder->found().empty()) return {};
  for (std::size_t o = 0; o < asked->looks().places.size(); ++o) {
    const auto& [sample, number] = asked->looks().places[o];
    if (asked->beyond(o)) w.z_end.col(sample) += w.seen[static_cast<std::size_t>(sample)].col(number);
  }
  Matrix<T> slope = finder->slope();
  if (!by_steps) {
    const Scratch::Frame frame(scratch);
    std::vector<T> times(t_end.begin(), t_end.end());
    Matrix<T> dq(f->blocks().q, B);
    f->forward(Times<T>(times), Tile<T>(z_end.data(), D, B), Out<T>(slope.data(), D, B),
               Out<T>(dq.data(), dq.rows(), B), {}, nullptr, scratch);
    ++g.counters.evaluations;
  }
  Vector<T> g_z(D);
  Status status;
  for (const auto& [b, event, at, where] : finder->found()) {
    const auto k = static_cast<std::size_t>(b);
    const T* const z = z_end.data() + b * D;
    const double g_t = watch.events[static_cast<std::size_t>(event)].gradient(
        t_end[k], {z, static_cast<std::size_t>(D)}, {g_z.data(), static_cast<std::size_t>(D)});
    const double unit = by_steps ? asked->clock().unit(b) : 1;
    const T* const p = slope.data() + b * D;
    const double rate = g_t + dot(g_z.data(), p, D) / unit;
    const double m = -(dot(w.z_end.data() + b * D, p, D) / unit + w.t_end[k]) / rate;
    if (!std::isfinite(m) && status.ok()) status = {.code = Status::Code::non_finite, .row = b, .t = t_end[k]};
    g.level[k] = m;
    w_event.col(b) = w.z_end.col(b) + static_cast<T>(m) * g_z;
    w.z_end.col(b).setZero();
    if (by_steps && asked->clock().own()) {
      const double moved = w.t_end[k] + m * g_t;
      g.t0[k] += (1 - at) * moved;
      g.t1[k] += at * moved;
    }
    w.t_end[k] = 0;
  }
  return status;
}

template <class T>
DifferentiableTrajectory<T>::DifferentiableTrajectory() : solves_(std::make_unique<Solves>()) {}
template <class T>
DifferentiableTrajectory<T>::~DifferentiableTrajectory() = default;

template <class T>
const Recording<T>& DifferentiableTrajectory<T>::recording() const {
  return solves_->by_steps ? solves_->recording : solves_->solve.recording();
}

template <class T>
SolvedAt<T> DifferentiableTrajectory<T>::forward(const Dynamics<T>& f, const Spans& spans, const Matrix<T>& z0,
                                                 const Watch<T>& watch, const SolveOptions& options,
                                                 const GradientOptions& how) {
  Solves& s = *solves_;
  s.ready = false;
  check_has_vjp(kWho, f);
  check_events(kWho, std::span<const Event<T>>(watch.events), true);
  if (!watch.events.empty() && f.blocks().q > 0)
    throw std::invalid_argument(std::string(kWho) + ": the dynamics has quadratures, and events have no gradient " +
                                "through those; make them rows of z");
  s.f = &f;
  s.spans = spans;
  s.watch = watch;
  s.how = how;
  s.stop = options.stop;
  s.shortened.reset();
  s.asked.emplace(kWho, f, s.spans, s.watch, z0.cols());
  const Clock& clock = s.asked->clock();
  const bool events = !watch.events.empty() && clock.begin() != clock.end();
  s.by_steps = events && (how.mode == GradientMode::discrete || how.mode == GradientMode::reversible);
  State<T> state = s.asked->start(z0);
  Counters counters;
  s.recording.set_budget(how.memory, how.reserve);
  if (events) check_gradient(how.mode, options.method);
  SolveOptions watched = options;
  watched.method = method_of(how.mode, options.method);
  Status status = events
                      ? s.asked->run(state, watched, s.scratch, counters, {}, {}, s.by_steps ? &s.recording : nullptr)
                      : s.pull_through(options, state, counters);
  SolvedAt<T> r = s.asked->result(state);
  clock.translate(status);
  if (s.by_steps && !s.recording.reversible())
    for (const auto& found : s.asked->finder()->found()) s.recording.rest({found.sample, found.where.step});
  if (status.ok() && events && !s.by_steps) {
    s.shorten(r);
    State<T> again = s.asked->start(z0);
    status = s.pull_through(options, again, counters);
    s.shortened->clock().translate(status);
  }
  s.z_end = r.z_end;
  s.t_end = r.t_end;
  r.counters = counters;
  s.ready = status.ok();
  if (s.ready) return r;
  r.failures = {status};
  r.z_end.setConstant(std::numeric_limits<T>::quiet_NaN());
  r.q_end.setConstant(std::numeric_limits<T>::quiet_NaN());
  for (Matrix<T>& seen : r.seen) seen.setConstant(std::numeric_limits<T>::quiet_NaN());
  std::fill(r.t_end.begin(), r.t_end.end(), std::numeric_limits<double>::quiet_NaN());
  std::fill(r.ended_by.begin(), r.ended_by.end(), -1);
  return r;
}

template <class T>
TrajectoryGradient<T> DifferentiableTrajectory<T>::backward(const SolvedCotangents<T>& given) {
  Solves& s = *solves_;
  if (!s.ready) throw std::logic_error(std::string(kWho) + ": backward() without a forward() that ended well");
  const Index D = s.z_end.rows(), B = s.z_end.cols();
  const auto samples = static_cast<std::size_t>(B);
  SolvedCotangents<T> w = s.filled(given);
  TrajectoryGradient<T> g;
  g.t0.assign(samples, 0.0);
  g.t1.assign(samples, 0.0);
  for (const Index count : s.asked->looks().counts) g.times.emplace_back(static_cast<std::size_t>(count), 0.0);
  Matrix<T> w_event;
  g.status = s.through_events(w, w_event, g);
  if (!g.status.ok()) return g;

  // What the way back looks at: places of asked's observations, or of events (number -1).
  WatchedSolve<T>& way = s.way();
  const Clock& clock = way.clock();
  std::vector<Observation> observations;
  std::vector<StepPoint> where;
  std::vector<Looks::Place> places;
  auto found = s.by_steps ? s.asked->finder()->found() : std::span<const typename EventFinder<T>::Found>{};
  const auto add_events = [&](Index before) {
    for (; !found.empty() && found.front().where.step < before; found = found.subspan(1)) {
      observations.push_back({found.front().at, found.front().sample});
      where.push_back(found.front().where);
      places.push_back({found.front().sample, -1});
    }
  };
  for (std::size_t o = 0; o < way.looks().observations.size(); ++o) {
    if (way.beyond(o)) continue;
    if (s.by_steps) {
      add_events(way.where()[o].step);
      where.push_back(way.where()[o]);
    }
    observations.push_back(way.looks().observations[o]);
    places.push_back(way.looks().places[o]);
  }
  add_events(std::numeric_limits<Index>::max());
  Matrix<T> w_seen(D, std::ssize(places));
  for (std::size_t o = 0; o < places.size(); ++o) {
    const auto& [sample, number] = places[o];
    w_seen.col(static_cast<Index>(o)) =
        number < 0 ? w_event.col(sample) : w.seen[static_cast<std::size_t>(sample)].col(number);
  }
  if (s.shortened)
    for (Index b = 0; b < B; ++b)
      if (s.asked->end_of(b)) w.z_end.col(b) = w_event.col(b);

  const Dynamics<T>& dynamics = way.dynamics();
  g.z0.resize(D, B);
  g.params.assign(static_cast<std::size_t>(dynamics.gradient_size()), T{0});
  std::vector<double> by_place(places.size());
  SolveGradient<T> pulled{.z_bar = {g.z0.data(), D, B}, .params_bar = g.params, .dloss_dtimes = by_place};
  const Cotangents<T> cotangents{
      .z = {w.z_end.data(), D, B}, .q = {w.q_end.data(), w.q_end.rows(), B}, .seen = {w_seen.data(), D, w_seen.cols()}};
  g.status = s.by_steps ? discrete_adjoint(dynamics, s.recording, {observations, where}, cotangents, pulled, s.scratch,
                                           g.counters, s.stop)
                        : s.solve.backward(dynamics, cotangents, pulled, s.scratch, g.counters);
  clock.translate(g.status);
  if (!g.status.ok()) return g;

  for (std::size_t b = 0; b < samples; ++b) g.t1[b] += w.t_end[b];
  const std::size_t own = g.params.size() - (clock.own() ? 2 * samples : 0);
  for (std::size_t b = 0; clock.own() && b < samples; ++b) {
    g.t0[b] += static_cast<double>(g.params[own + b]);
    g.t1[b] += static_cast<double>(g.params[own + samples + b]);
  }
  g.params.resize(own);
  for (std::size_t o = 0; o < places.size(); ++o) {
    const auto& [sample, number] = places[o];
    const auto b = static_cast<std::size_t>(sample);
    const double unit = clock.unit(sample);
    if (number < 0 || unit == 0) continue;
    const double by_time = by_place[o] / unit;
    g.times[b][static_cast<std::size_t>(number)] = by_time;
    if (!clock.own()) continue;
    g.t0[b] -= (1 - observations[o].t) * by_time;
    g.t1[b] -= observations[o].t * by_time;
  }
  if (s.shortened)
    for (Index b = 0; b < B; ++b)
      if (s.asked->end_of(b)) g.t1[static_cast<std::size_t>(b)] = 0;
  const auto sum = [](std::vector<double>& x) { x = {std::accumulate(x.begin(), x.end(), 0.0)}; };
  if (s.spans.shared()) {
    sum(g.t0);
    sum(g.t1);
    if (!clock.own()) g.t0[0] += pulled.dloss_dt_begin;
    if (!clock.own() && !(s.shortened && s.asked->end_of(0))) g.t1[0] += pulled.dloss_dt_end;
  }
  if (s.watch.times.size() <= 1) {
    for (std::size_t b = 1; b < samples; ++b)
      for (std::size_t i = 0; i < g.times[b].size(); ++i) g.times[0][i] += g.times[b][i];
    g.times.resize(std::min(s.watch.times.size(), samples));
  }
  return g;
}

template class DifferentiableTrajectory<float>;
template class DifferentiableTrajectory<double>;

}  // namespace cnf
