// Many samples in one call: spans, times and events of their own, and the gradients of all of it.
#include "solvers/watching/trajectory.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "solvers/dual_dynamics.hpp"
#include "solvers/gradients/trajectory_gradient.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/gradients.hpp"

using namespace cnf;

namespace {

constexpr double kTolerance = 1e-7;  // of a solver that is told no other

constexpr Index kD = 3, kB = 5;
const Spans kOwn({0.2, 1.5, -2, 0.7, 0}, {1.4, 0.3, 3, 0.7, 1});
const std::vector<std::vector<double>> kRagged{{0.2, 0.5, 1.4}, {1.1}, {-1.9, 0, 0.1, 2.2, 3}, {0.7}, {}};

/// tanh(A z + b t) without quadratures, for events.
class PlainField final : public Dynamics<double> {
 public:
  TanhField<double> inner{kD, Seed{51}};
  Blocks blocks() const override { return {kD, 0, 0}; }
  Index gradient_size() const override { return inner.parameters(); }
  Index tape_size(Index B) const override { return inner.tape_size(B); }
  Derivatives derivatives() const override { return Derivatives::vjp; }
  void forward(Times<double> t, Tile<double> z, Out<double> dz, Out<double>, std::span<double> ds, double* tape,
               Scratch& scratch) const override {
    const Scratch::Frame frame(scratch);
    inner.forward(t, z, dz, Out<double>(scratch.take<double>(z.cols()), 1, z.cols()), ds, tape, scratch);
  }
  void vjp(const double* tape, Tile<double> w_z, Tile<double>, Out<double> z_bar, std::span<double> t_bar,
           std::span<double> params_bar, Scratch& scratch) const override {
    const Scratch::Frame frame(scratch);
    double* const none = scratch.take<double>(w_z.cols());
    std::fill_n(none, w_z.cols(), 0.0);
    inner.vjp(tape, w_z, Tile<double>(none, 1, w_z.cols()), z_bar, t_bar, params_bar, scratch);
  }
};

/// loss = <w, all that solve_at gives>, and everything it is a function of.
struct Loss {
  PlainField field;
  Matrix<double> start = normals<double>(kD, kB, Seed{52}), w_z = normals<double>(kD, kB, Seed{53}),
                 w_t = normals<double>(1, kB, Seed{54});
  Spans spans = kOwn;
  Watch<double> watch{.times = kRagged};
  double level = 0;  ///< by which the first event's surface moves

  SolvedCotangents<double> cotangents(const SolvedAt<double>& r) const {
    SolvedCotangents<double> w{.z_end = w_z, .q_end = {}, .seen = {}, .t_end = {w_t.data(), w_t.data() + kB}};
    for (std::size_t b = 0; b < kB; ++b) w.seen.push_back(normals<double>(kD, r.seen[b].cols(), Seed{60 + b}));
    return w;
  }
  double operator()(const SolveOptions& options) const {
    const SolvedAt<double> r = solve_at(field, spans, start, watch, options);
    REQUIRE(r.ok());
    const SolvedCotangents<double> w = cotangents(r);
    double sum = (w.z_end.array() * r.z_end.array()).sum();
    for (std::size_t b = 0; b < kB; ++b) sum += (w.seen[b].array() * r.seen[b].array()).sum() + w.t_end[b] * r.t_end[b];
    return sum;
  }
  /// z[0] + 0.4 sin t, moved; and z[1] = 0.3, on its way up.
  void end_at_events() {
    watch.events = {{.g = [this](double t, auto z) { return z[0] + 0.4 * std::sin(t) + level; },
                     .gradient =
                         [](double t, auto, auto g_z) {
                           std::fill(g_z.begin(), g_z.end(), 0.0);
                           g_z[0] = 1;
                           return 0.4 * std::cos(t);
                         }},
                    level_event<double>(1, 0.3, Crossing::rising)};
    watch.scan = 6;
  }
};

struct Pulled {
  std::vector<double> values;  ///< z0, params, t0, t1, times
  std::vector<double> fractions;
  SolvedAt<double> solved;
  double level = 0;
};

Pulled pulled(const Loss& loss, const SolveOptions& options, const GradientOptions& how,
              DifferentiableTrajectory<double>& of) {
  Pulled p;
  p.solved = of.forward(loss.field, loss.spans, loss.start, loss.watch, options, how);
  REQUIRE(p.solved.ok());
  const TrajectoryGradient<double> g = of.backward(loss.cotangents(p.solved));
  REQUIRE(g.status.ok());
  p.values.assign(g.z0.data(), g.z0.data() + g.z0.size());
  p.values.insert(p.values.end(), g.params.begin(), g.params.end());
  p.values.insert(p.values.end(), g.t0.begin(), g.t0.end());
  p.values.insert(p.values.end(), g.t1.begin(), g.t1.end());
  for (const auto& list : g.times) p.values.insert(p.values.end(), list.begin(), list.end());
  for (std::size_t b = 0; b < g.level.size(); ++b)
    if (p.solved.ended_by[b] == 0) p.level += g.level[b];
  p.fractions = of.recording().fractions();
  if (p.fractions.back() < 1) p.fractions.push_back(1);  // it was ended before
  return p;
}

/// As difference(), of smaller steps: an event moves fast, and must not leave its step of the solve.
template <class Value>
double small_difference(double& x, const Value& value) {
  double tenths = 0;
  const double at = x;
  const double by_tenths = difference(tenths, [&] {
    x = at + tenths / 10;
    return value();
  });
  x = at;
  return 10 * by_tenths;
}

std::vector<double> differences(Loss& loss, const SolveOptions& options) {
  std::vector<double> g;
  const auto along = [&](double& x) { g.push_back(small_difference(x, [&] { return loss(options); })); };
  for (Index i = 0; i < loss.start.size(); ++i) along(loss.start(i));
  for (Index i = 0; i < loss.field.inner.parameters(); ++i) along(loss.field.inner.parameter(i));
  for (double& t : loss.spans.begin) along(t);
  for (double& t : loss.spans.end) along(t);
  for (auto& list : loss.watch.times)
    for (double& t : list) along(t);
  return g;
}

}  // namespace

TEST_CASE("over spans and at times of their own samples are what each is alone, to its tolerance",
          "[solvers][trajectory][spans]") {
  const TanhField<double> f(kD, Seed{51});
  const Matrix<double> start = normals<double>(kD, kB, Seed{52});
  for (const char* text : {"dopri5", "tsit5", "bosh3", "dopri8", "adams", "rk4:60"})
    for (const double tolerance : {1e-4, 1e-8}) {
      CAPTURE(text, tolerance);
      const SolvedAt<double> r = solve_at(f, kOwn, start, {.times = kRagged}, solver(text, tolerance));
      REQUIRE(r.ok());
      const double margin = std::string(text) == "rk4:60" ? 1e-5 : std::max(40 * tolerance, 1e-7);
      for (Index b = 0; b < kB; ++b) {
        const auto k = static_cast<std::size_t>(b);
        CAPTURE(b);
        const Matrix<double> from = start.col(b);
        const Spans own(kOwn.begin[k], kOwn.end[k]);
        const SolvedAt<double> alone = solve_at(f, own, from, {.times = {kRagged[k]}}, solver(text, tolerance));
        const SolvedAt<double> exact =
            solve_at(f, own, from, {.times = {kRagged[k]}}, solver("dopri5:400", kTolerance));
        REQUIRE(alone.ok());
        CHECK((r.z_end.col(b) - alone.z_end.col(0)).cwiseAbs().maxCoeff() < margin);
        CHECK((r.z_end.col(b) - exact.z_end.col(0)).cwiseAbs().maxCoeff() < margin);
        CHECK((r.q_end.col(b) - exact.q_end.col(0)).cwiseAbs().maxCoeff() < 5 * margin);
        CHECK(r.t_end[k] == kOwn.end[k]);
        CHECK(r.ended_by[k] == -1);
        REQUIRE(r.seen[k].cols() == std::ssize(kRagged[k]));
        if (std::string(text) == "dopri8") continue;  // its steps are long, and say less between their ends
        for (Index i = 0; i < r.seen[k].cols(); ++i)
          CHECK((r.seen[k].col(i) - exact.seen[0].col(i)).cwiseAbs().maxCoeff() < 3 * margin);
      }
    }
}

TEST_CASE("one span for all is the solve of integrate, and one list of times serves every sample",
          "[solvers][trajectory]") {
  const TanhField<double> f(kD, Seed{51});
  const Matrix<double> start = normals<double>(kD, kB, Seed{52});
  for (const bool forwards : {true, false}) {
    const double begin = forwards ? 0.3 : 2, end = forwards ? 2 : 0.3;
    const std::vector<double> times = forwards ? std::vector<double>{0.3, 0.8, 2} : std::vector<double>{2, 0.8, 0.3};
    const SolvedAt<double> r = solve_at(f, {begin, end}, start, {.times = {times}}, solver("dopri5", kTolerance));
    const Solved<double> plain = solved(f, begin, end, start, solver("dopri5", kTolerance));
    CHECK(r.z_end == plain.z);
    CHECK(r.q_end == plain.q);
    CHECK(r.counters.evaluations <= plain.counters.evaluations + 1);
    for (Index b = 0; b < kB; ++b) {
      const Matrix<double>& seen = r.seen[static_cast<std::size_t>(b)];
      REQUIRE(seen.cols() == 3);
      CHECK(seen.col(0) == start.col(b));
      CHECK(seen.col(2) == plain.z.col(b));
    }
  }
  // A user's own function, in float, of no time and of no samples.
  const auto decay = function_dynamics<float>(1, [](float, auto z, auto dz) { dz[0] = -z[0]; });
  CHECK(solve_at(decay, {1, 1}, Matrix<float>::Ones(1, 2), {.times = {{1, 1}}}).seen[1](0, 1) == 1);
  CHECK(solve_at(decay, {0, 1}, Matrix<float>(1, 0)).ok());
  CHECK(solve_at(decay, {0, 1}, Matrix<float>::Ones(1, 1)).z_end(0) == Approx(std::exp(-1)).epsilon(1e-5));
}

TEST_CASE("a sample that fails is named in its own time, and the others are what they are without it",
          "[solvers][trajectory]") {
  const auto f = function_dynamics<double>(
      1, [](double, std::span<const double> z, std::span<double> dz) { dz[0] = z[0] * z[0]; });  // z0 / (1 - z0 t)
  Matrix<double> start(1, 3);
  start << 0.3, 2, 0.5;
  const Spans spans({0, 10, 0}, {1, 13, 1});
  const SolvedAt<double> r =
      solve_at(f, spans, start, {.times = {{0.5}, {10.1, 12}, {}}}, solver("dopri5", kTolerance));
  REQUIRE(r.failures.size() == 1);
  CHECK(r.failures[0].row == 1);
  CHECK(r.failures[0].t == Approx(10.5).margin(1e-3));
  CHECK(std::isnan(r.z_end(0, 1)));
  CHECK(std::isnan(r.t_end[1]));
  CHECK(std::isnan(r.seen[1](0, 0)));
  CHECK(r.z_end(0, 0) == Approx(0.3 / 0.7).epsilon(1e-6));
  CHECK(r.seen[0](0, 0) == Approx(0.3 / 0.85).epsilon(1e-6));
  CHECK(r.z_end(0, 2) == Approx(1).epsilon(1e-6));
  // What lies beyond an event need not exist.
  const SolvedAt<double> ended =
      solve_at(f, spans, start, {.times = {{0.5}, {10.1, 12}, {}}, .events = {level_event<double>(0, 100)}});
  REQUIRE(ended.ok());
  CHECK(ended.ended_by == std::vector<int>{-1, 0, -1});
  CHECK(ended.t_end[1] == Approx(10.49));
  CHECK(ended.z_end(0, 1) == Approx(100));
  CHECK(ended.seen[1](0, 1) == ended.z_end(0, 1));
  CHECK(ended.seen[1](0, 0) == Approx(2.5).epsilon(1e-4));
}

TEST_CASE("times at ends of steps alone cost no stage beyond a step's own", "[solvers][dense]") {
  const auto f = function_dynamics<double>(1, [](double t, auto z) { return std::array{std::cos(t) * z[0]}; });
  const Matrix<double> start = Matrix<double>::Ones(1, 2);
  const SolveOptions options{.method = &kDopri8};
  const auto evaluations = [&](const Watch<double>& watch) {
    return solve_at(f, {0, 2}, start, watch, options).counters.evaluations;
  };
  const std::int64_t plain = evaluations({});
  CHECK(evaluations({.times = {{0, 2}}}) == plain + 1);  // the slope at the end
  CHECK(evaluations({.times = {{0, 1.9, 2}}}) == plain + 1 + 3);
}

TEST_CASE("sizes of steps are told and asked for in the time of the samples, whoever's spans they are",
          "[solvers][trajectory]") {
  const auto f = function_dynamics<double>(
      1, [](double, std::span<const double> z, std::span<double> dz) { dz[0] = 1 - z[0] * z[0]; });
  const Matrix<double> start = Matrix<double>::Constant(1, 2, 0.1);
  const Spans own({0, 0}, {20, 20});
  for (const double first_step : {0.03, 0.2}) {
    SolveOptions options = solver("dopri5", kTolerance);
    options.first_step = first_step;
    const SolvedAt<double> shared = solve_at(f, {0, 20}, start, {}, options);
    const SolvedAt<double> each = solve_at(f, own, start, {}, options);
    CHECK(each.counters.evaluations == shared.counters.evaluations);
    CHECK(each.z_end(0) == Approx(shared.z_end(0)).epsilon(1e-12));
    options.max_step = 0.5;
    CHECK(solve_at(f, own, start, {}, options).counters.accepted ==
          solve_at(f, {0, 20}, start, {}, options).counters.accepted);
    CHECK(solve_at(f, own, start, {}, options).counters.accepted >= 40);
    options.max_steps = 6;
    const Status stopped = solve_at(f, {0, 20}, start, {}, options).failures.at(0);
    const Status of_own = solve_at(f, own, start, {}, options).failures.at(0);
    CHECK(of_own.code == Status::Code::step_limit);
    CHECK(of_own.t == Approx(stopped.t).epsilon(1e-9));
    CHECK(of_own.h == Approx(stopped.h).epsilon(1e-9));
  }
}

TEST_CASE("events in one call are each sample's alone", "[solvers][trajectory][events]") {
  Loss loss;
  loss.end_at_events();
  for (const Spans& spans : {kOwn, Spans(-1, 2), Spans(2, -1)}) {
    loss.spans = spans;
    const SolvedAt<double> r =
        solve_at(loss.field, spans, loss.start, {.events = loss.watch.events}, solver("dopri5", 1e-10));
    CHECK(std::count(r.ended_by.begin(), r.ended_by.end(), -1) < 5);
    for (Index b = 0; b < kB; ++b) {
      const auto k = static_cast<std::size_t>(b);
      CAPTURE(b);
      const SolvedAt<double> alone = solve_at(loss.field, {spans.begin_of(b), spans.end_of(b)}, loss.start.col(b),
                                              {.events = loss.watch.events}, solver("dopri5", 1e-10));
      CHECK(r.ended_by[k] == alone.ended_by[0]);
      CHECK(r.t_end[k] == Approx(alone.t_end[0]).epsilon(1e-8));
      CHECK((r.z_end.col(b) - alone.z_end.col(0)).norm() < 1e-8);
    }
  }
}

TEST_CASE("balls bounce: a solve goes on from its samples' events", "[solvers][trajectory][events]") {
  const auto fall = function_dynamics<double>(2, [](double, auto z) { return std::array{z[1], -2.0}; });
  const Watch<double> ground{.events = {level_event<double>(0, 0, Crossing::falling)}};
  Matrix<double> z(2, 3);
  z << 0, 0, 1, 1, 2, 0;  // heights, then speeds: up for `speed`, and down
  std::vector<double> t{0, 0, 0}, flight{1, 2, 1};
  for (int bounce = 0; bounce < 4; ++bounce) {
    const SolvedAt<double> r = solve_at(fall, Spans(t, {10}), z, ground, solver("dopri5", 1e-10));
    for (std::size_t b = 0; b < 3; ++b) {
      CAPTURE(bounce, b);
      CHECK(r.ended_by[b] == 0);
      CHECK(r.t_end[b] - t[b] == Approx(flight[b]).epsilon(1e-12));
      flight[b] = b == 2 && bounce == 0 ? 1 : flight[b] / 2;  // the third fell from rest: it comes back to half its way
    }
    t = r.t_end;
    z = r.z_end;
    z.row(1) *= -0.5;
  }
}

TEST_CASE("gradients through events in float are those of double to its rounding",
          "[solvers][trajectory][adjoint][events]") {
  const auto swing = [](auto, auto z, auto p, auto dz) {
    using std::sin;
    dz[0] = z[1];
    dz[1] = -p[0] * sin(z[0]);
  };
  const auto by = [&]<class T>(T tolerance) {
    const auto f = dual_dynamics<2, 1, T>(swing, Matrix<T>::Constant(1, 1, T(3)));
    Matrix<T> start(2, 2);
    start << T(1), T(-0.5), T(0), T(0.2);
    const Watch<T> watch{.times = {{T(0.2)}}, .events = {level_event<T>(0)}};
    DifferentiableTrajectory<T> of;
    SolveOptions options;
    options.rtol = options.atol = tolerance;
    REQUIRE(of.forward(f, {0, 5}, start, watch, options).ok());
    const TrajectoryGradient<T> g = of.backward({.z_end = Matrix<T>::Ones(2, 2), .t_end = {1, 1}});
    return std::vector<double>{g.z0(0, 0), g.z0(1, 0), g.z0(0, 1), g.z0(1, 1), g.params[0], g.level[0], g.t0[0]};
  };
  const std::vector<double> exact = by(1e-10), rounded = by(1e-5f);
  for (std::size_t i = 0; i < exact.size(); ++i) CHECK(rounded[i] == Approx(exact[i]).margin(3e-4));
}

TEST_CASE("the discrete gradient by spans and times equals central differences on the frozen grid",
          "[solvers][trajectory][adjoint]") {
  for (const char* text : {"rk4:7", "dopri5", "abm4:11", "leapfrog:17", "reversible-dopri5"}) {
    CAPTURE(text);
    Loss loss;
    loss.watch.times = {{0.3, 0.52, 1.1}, {1.13}, {-1.9, 0.05, 0.15, 2.2}, {}, {0.47}};
    loss.spans.end[3] = 0.95;
    DifferentiableTrajectory<double> of;
    const Pulled p = pulled(loss, solver(text, 1e-4), {}, of);
    check_equal(p.values, differences(loss, frozen(solver(text, kTolerance), p.fractions)), 1e-8);
  }
}

TEST_CASE("the discrete gradient through events' times equals central differences on the frozen grid",
          "[solvers][trajectory][adjoint][events]") {
  for (const char* text : {"euler:9", "rk4:7", "dopri5:5", "dopri5", "tsit5", "bosh3", "dopri8", "abm4:11",
                           "leapfrog:26", "reversible-rk4:7", "reversible-dopri5", "reversible-tsit5:9"})
    for (const bool own : {true, false})
      for (const bool forwards : {true, false}) {
        CAPTURE(text, own, forwards);
        Loss loss;
        loss.end_at_events();
        loss.spans = own ? Spans({0.2, 1.5, -2, -1, 0}, {1.4, 0.3, 3, 2, 1}) : Spans(-1.03, 2.1);
        loss.watch.times = {{0.3, 0.52, 1.1}, {1.13}, {-1.9, 0.05, 0.15, 2.2}, {-0.77, 1.9}, {0.47}};
        if (!own) loss.watch.times = {{-0.9, -0.33, 0.87, 1.9}};
        if (!forwards) {
          std::swap(loss.spans.begin, loss.spans.end);
          for (auto& list : loss.watch.times) std::reverse(list.begin(), list.end());
        }
        DifferentiableTrajectory<double> of;
        const Pulled p = pulled(loss, solver(text, 1e-4), {}, of);
        CHECK(std::count(p.solved.ended_by.begin(), p.solved.ended_by.end(), -1) < 4);
        const SolveOptions replay = frozen(solver(text, kTolerance), p.fractions);
        check_equal(p.values, differences(loss, replay), 1e-7);
        CHECK(p.level == Approx(small_difference(loss.level, [&] { return loss(replay); })).epsilon(1e-7).margin(1e-8));
        for (const std::size_t memory : {std::size_t{235'000}, std::size_t{260'000}})
          CHECK(pulled(loss, solver(text, 1e-4), {.memory = memory}, of).values == p.values);
      }
}

TEST_CASE("the gradient through events goes to the truth with the tolerance, in the other modes",
          "[solvers][trajectory][adjoint][events]") {
  for (const bool own : {true, false}) {
    Loss loss;
    loss.end_at_events();
    loss.spans.end[3] += own ? 0.3 : 0;
    if (!own) loss.spans = Spans(-1.03, 2.1);
    loss.watch.times = {{0.3, 0.52, 1.1}, {1.13}, {-1.9, 0.05, 0.15, 2.2}, {}, {0.47}};
    if (!own) loss.watch.times = {{-0.9, -0.33, 0.87, 1.9}};
    const std::vector<double> truth = differences(loss, solver("dopri5:600", kTolerance));
    const double by_level = small_difference(loss.level, [&] { return loss(solver("dopri5:600", kTolerance)); });
    DifferentiableTrajectory<double> of;
    for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous, GradientMode::interpolated})
      for (const double tolerance : {1e-5, 1e-8}) {
        CAPTURE(own, name(mode), tolerance);
        const SolveOptions options = solver("dopri5", tolerance);
        const Pulled p = pulled(loss, options, {.mode = mode, .backward = options}, of);
        check_equal(p.values, truth, 300 * tolerance);
        CHECK(p.level == Approx(by_level).margin(1000 * tolerance));
        const SolvedAt<double> plain = solve_at(loss.field, loss.spans, loss.start, loss.watch, options);
        CHECK(p.solved.z_end == plain.z_end);
        CHECK(p.solved.t_end == plain.t_end);
      }
  }
}

TEST_CASE("the reversible gradient through events is that of the coupling's own steps",
          "[solvers][trajectory][adjoint][events]") {
  Loss loss;
  loss.end_at_events();
  DifferentiableTrajectory<double> of;
  const Pulled coupled = pulled(loss, solver("reversible-dopri5", 1e-5), {}, of);
  const Pulled by_mode = pulled(loss, solver("dopri5", 1e-5), {.mode = GradientMode::reversible}, of);
  CHECK(by_mode.values == coupled.values);
  CHECK(by_mode.solved.t_end == coupled.solved.t_end);
  CHECK_THROWS_WITH(pulled(loss, solver("adams", 1e-5), {.mode = GradientMode::reversible}, of),
                    Catch::Matchers::Contains("cannot take back adams's steps"));
}

TEST_CASE("what lies beyond an event is not met where steps are computed again",
          "[solvers][trajectory][events][memory]") {
  // z' = z^2 of the first sample has a pole at t = 0.5, beyond its event; the second goes on to t = 8.
  const auto f = dual_dynamics<1, 1, double>([](auto, auto z, auto p, auto dz) { dz[0] = p[0] * z[0] * z[0]; },
                                             Matrix<double>::Constant(1, 1, 1));
  Matrix<double> start(1, 2);
  start << 2, 0.1;
  const Watch<double> watch{.events = {level_event<double>(0, 4)}};
  const auto by = [&](std::size_t memory) {
    DifferentiableTrajectory<double> of;
    REQUIRE(of.forward(f, {0, 8}, start, watch, solver("rk4:800", kTolerance), {.memory = memory}).ok());
    CHECK(of.recording().holds(790) == (memory > 1'000'000));
    const TrajectoryGradient<double> g = of.backward({.z_end = Matrix<double>::Ones(1, 2), .t_end = {1, 1}});
    return std::vector<double>{g.z0(0), g.z0(1), g.params[0], g.t0[0], g.t1[0], g.level[0], g.level[1]};
  };
  const std::vector<double> all = by(std::size_t{64} << 20);
  CHECK(all[0] == Approx(-0.25).epsilon(1e-6));  // t = 1 / z0 - 1 / 4
  CHECK(by(60'000) == all);
  for (const char* method : {"leapfrog:800", "reversible-rk4:800"}) {
    CAPTURE(method);
    DifferentiableTrajectory<double> of;
    REQUIRE(of.forward(f, {0, 8}, start, watch, solver(method, kTolerance)).ok());
    const TrajectoryGradient<double> g = of.backward({.z_end = Matrix<double>::Ones(1, 2), .t_end = {1, 1}});
    REQUIRE(g.status.ok());
    CHECK(g.z0(0) == Approx(-0.25).epsilon(2e-3));
    CHECK(g.z0(1) == Approx(all[1]).epsilon(1e-3));
    CHECK(g.params[0] == Approx(all[2]).epsilon(1e-3));
  }
}

TEST_CASE("an event that only touches has no gradient, and says so", "[solvers][trajectory][events]") {
  // z = -t^2 / 2, which midpoint steps give without rounding, touches 0 at t = 0.
  const auto f = function_dynamics<double>(
      1, [](double t, std::span<const double>, std::span<double> dz) { dz[0] = -t; },
      [](double, std::span<const double>, std::span<const double> w, std::span<double>, std::span<double>) {
        return -w[0];
      });
  const Watch<double> watch{.events = {level_event<double>(0)}};
  DifferentiableTrajectory<double> of;
  const SolvedAt<double> r =
      of.forward(f, {-1, 1}, Matrix<double>::Constant(1, 1, -0.5), watch, solver("midpoint:2", kTolerance));
  REQUIRE(r.t_end[0] == 0);
  const TrajectoryGradient<double> g = of.backward({.z_end = Matrix<double>::Ones(1, 1), .t_end = {1}});
  CHECK(g.status.code == Status::Code::non_finite);
  CHECK(g.status.row == 0);
}

TEST_CASE("what makes no sense of spans, times, events and cotangents is named", "[solvers][trajectory][arguments]") {
  using Catch::Matchers::Contains;
  const PlainField f;
  const TanhField<double> with_q(kD, Seed{51});
  const Matrix<double> z0 = normals<double>(kD, 2, Seed{1});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(solve_at(f, Spans({0, 1, 2}, {3}), z0),
                    Contains("solve_at: spans have 3 times to begin") && Contains("2"));
  CHECK_THROWS_WITH(solve_at(f, Spans({0, nan}, {3}), z0), Contains("span 1 is to begin at nan"));
  CHECK_THROWS_WITH(solve_at(f, {0, 1}, z0, {.times = {{0.1}, {0.2}, {0.3}}}),
                    Contains("3 lists of times for 2 samples"));
  CHECK_THROWS_WITH(solve_at(f, Spans({0, 1}, {3}), z0, {.times = {{0.5, 2}}}),
                    Contains("time 0 of sample 1 is 0.5, expected from 1 to 3"));
  CHECK_THROWS_WITH(solve_at(f, {0, 1}, z0, {.times = {{0.5, 0.4}}}),
                    Contains("time 1 of sample 0 is 0.4, expected from 0.5"));
  CHECK_THROWS_WITH(solve_at(f, {0, 1}, z0, {.times = {{nan}}}), Contains("is nan"));
  CHECK_THROWS_WITH(solve_at(f, {0, 1}, z0.transpose()), Contains("z0 has 2 rows, the dynamics 3"));
  CHECK_THROWS_WITH(solve_at(f, {0, 1}, z0, {.events = {{}}}), Contains("event 0 has no g"));
  CHECK_THROWS_WITH(solve_at(f, {0, 1}, z0, {.scan = -1}), Contains("scan is -1"));
  CHECK_THROWS_WITH(solve_at(f, Spans({0, 1}, {3}), z0, {}, {.stops = {2}}), Contains("stops"));
  CHECK_THROWS_WITH(solve_at(f, Spans({0, 1}, {3}), z0, {}, {.jumps = {0.5}}), Contains("jumps"));
  DifferentiableTrajectory<double> of;
  CHECK_THROWS_WITH(of.forward(f, {0, 1}, z0, {.events = {{.g = [](double, auto z) { return z[0]; }}}}),
                    Contains("event 0 has no gradient"));
  CHECK_THROWS_WITH(of.forward(with_q, {0, 1}, z0, {.events = {level_event<double>(0)}}), Contains("quadratures"));
  CHECK_THROWS_WITH(of.backward({}), Contains("without a forward"));
  REQUIRE(of.forward(f, {0, 1}, z0, {.times = {{0.5}}}).ok());
  CHECK_THROWS_WITH(of.backward({.seen = {z0, z0}}), Contains("w.seen[0] is 3 x 2, the solve asks for 3 x 1"));
  CHECK_THROWS_WITH(of.backward({.t_end = {1}}), Contains("w.t_end"));
  CHECK(of.backward({}).z0.isZero());
}
