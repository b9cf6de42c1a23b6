// Values between the ends of steps: their order, and gradients of what is seen there.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <string>

#include "solvers/gradients/continuous_adjoint.hpp"
#include "solvers/gradients/differentiate.hpp"
#include "solvers/span_dynamics.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/gradients.hpp"

using namespace cnf;

namespace {

constexpr double kTolerance = 1e-4;  // of a solver that is told no other

constexpr Index kD = 3, kB = 4;

/// Ragged: three of sample 0, none of sample 1, one of sample 2, two of sample 3, one at a time of sample 0.
const std::vector<Observation> kRagged{{0.4, 0}, {0.55, 3}, {0.7, 0}, {0.7, 3}, {0.83, 2}, {1.31, 0}};

/// loss = <w_z, z(t_end)> + <w_q, q(t_end)> + <w_seen, seen> of the tanh field, or of it over spans in [0, 1].
struct Loss {
  TanhField<double> field{kD, Seed{51}};
  Matrix<double> start = normals<double>(kD, kB, Seed{52}), w_z = normals<double>(kD, kB, Seed{53}),
                 w_q = normals<double>(1, kB, Seed{54}), w_seen = normals<double>(kD, 6, Seed{55});
  double t_begin = 0.3, t_end = 1.4;
  std::vector<Observation> observations = kRagged;
  std::vector<double> t0{}, t1{};  ///< not empty: spans

  Cotangents<double> cotangents() const { return {tile(w_z), tile(w_q), tile(w_seen)}; }
  void turn() {
    std::swap(t_begin, t_end);
    std::reverse(observations.begin(), observations.end());
  }
  template <class F>
  auto with_dynamics(const F& f) const {
    if (t0.empty()) return f(field);
    return f(SpanDynamics<double>(field, t0, t1));
  }
  /// Moves the observations well into steps of the solve: a difference across a step's end would see two polynomials.
  void place(const SolveOptions& options) {
    with_dynamics([&](const Dynamics<double>& f) {
      Recording<double> record;
      REQUIRE(solved(f, t_begin, t_end, start, options, {.record = &record}).status.ok());
      const auto count = std::ssize(observations);
      for (Index o = 0; o < count; ++o) {
        const Index n = o * std::max<Index>(record.steps() - 1, 1) / count;  // not the last: it may be short
        observations[static_cast<std::size_t>(o)].t =
            record.t(n) + (0.15 + 0.13 * static_cast<double>(o)) * record.h(n);
      }
      observations[3].t = observations[2].t;
      return 0;
    });
  }
  double operator()(const SolveOptions& options) const {
    return with_dynamics([&](const Dynamics<double>& f) {
      Matrix<double> seen(kD, w_seen.cols());
      Observer<double> observer(observations, f.blocks(), t_end > t_begin, out(seen), {});
      const Solved<double> s = solved(f, t_begin, t_end, start, options, {.listener = &observer});
      REQUIRE(s.status.ok());
      return (w_z.array() * s.z.array()).sum() + (w_q.array() * s.q.array()).sum() +
             (w_seen.array() * seen.array()).sum();
    });
  }
};

/// The gradient in one list: z, the dynamics' parameters, observation times, t_begin, t_end.
struct Gradient {
  std::vector<double> values, fractions;
  Matrix<double> seen;
  Counters back{};
};

Gradient gradient_of(const Loss& loss, const SolveOptions& solve, const GradientOptions& how,
                     DifferentiableSolve<double>&& of = {}) {
  return loss.with_dynamics([&](const Dynamics<double>& f) {
    Gradient g;
    g.seen.resize(kD, loss.w_seen.cols());
    Scratch scratch;
    Counters counters;
    State<double> state(f.blocks(), kB);
    state.z() = loss.start;
    const Look<double> look{loss.observations, out(g.seen)};
    REQUIRE(of.forward(f, loss.t_begin, loss.t_end, state, solve, how, scratch, counters, look).ok());
    Matrix<double> z_bar(kD, kB);
    std::vector<double> params_bar(static_cast<std::size_t>(f.gradient_size())), times(loss.observations.size());
    SolveGradient<double> gradient{.z_bar = out(z_bar), .params_bar = params_bar, .dloss_dtimes = times};
    REQUIRE(of.backward(f, loss.cotangents(), gradient, scratch, g.back).ok());
    g.values.assign(z_bar.data(), z_bar.data() + z_bar.size());
    g.values.insert(g.values.end(), params_bar.begin(), params_bar.end());
    g.values.insert(g.values.end(), times.begin(), times.end());
    g.values.insert(g.values.end(), {gradient.dloss_dt_begin, gradient.dloss_dt_end});
    g.fractions = of.recording().fractions();
    return g;
  });
}

/// The same by fourth-order central differences.
std::vector<double> differences(Loss& loss, const SolveOptions& options) {
  std::vector<double> g;
  const auto along = [&](double& x) { g.push_back(difference(x, [&] { return loss(options); })); };
  for (Index i = 0; i < loss.start.size(); ++i) along(loss.start(i));
  for (Index i = 0; i < loss.field.parameters(); ++i) along(loss.field.parameter(i));
  for (double& t : loss.t0) along(t);
  for (double& t : loss.t1) along(t);
  for (Observation& o : loss.observations) along(o.t);
  along(loss.t_begin);
  along(loss.t_end);
  return g;
}

const PointField<double> kWaves = wave_field<double>();

/// The error of values seen at the shares `inside` of steps first .. N - 1 of N from 0 to `end`.
double seen_error(const Method& m, int N, double end, const std::vector<double>& inside, int first = 0) {
  constexpr Index kSamples = 16;
  std::vector<Observation> at;
  for (int n = first; n < N; ++n)
    for (const double theta : inside)
      for (Index j = 0; j < kSamples; ++j) at.push_back({(n + theta) / N * end, j});
  Matrix<double> seen(2, std::ssize(at));
  SolveOptions options;
  options.method = m;
  options.fixed_steps = N;
  Observer<double> observer(at, kWaves.blocks(), end > 0, out(seen), {});
  REQUIRE(solved(kWaves, 0, end, waves(0, kSamples), options, {.listener = &observer}).status.ok());
  double square = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Matrix<double> truth = waves(at[i].t, kSamples);
    square += (seen.col(static_cast<Index>(i)) - truth.col(at[i].sample)).squaredNorm();
  }
  return std::sqrt(square / static_cast<double>(at.size()));
}

/// z at the start of every step.
struct Starts final : StepListener<double> {
  std::vector<Matrix<double>> z;
  bool wants(double, double) override { return true; }
  Next look(const DenseStep<double>& step, double*) override {
    z.push_back(Tile<double>(step.y, kD, kB));
    return Next::go_on;
  }
};

}  // namespace

TEST_CASE("inside a step the local error has the dense order of the method and one", "[solvers][dense][order]") {
  for (const Tableau* m : kAllTableaus)
    for (const double direction : {1.0, -1.0}) {
      CAPTURE(std::string(m->name), direction);
      double coarse = seen_error(m, 1, direction / 4, {0.21, 0.58, 0.83}), slope = 0;
      for (int k = 3; k <= 8; ++k) {
        const double fine = seen_error(m, 1, direction * std::ldexp(1.0, -k), {0.21, 0.58, 0.83});
        if (fine < 1e-14) break;
        slope = std::log2(coarse / fine);
        coarse = fine;
      }
      CHECK(slope > m->dense_order() + 1 - 0.15);
      CHECK(slope < m->dense_order() + 1 + 0.25);
    }
}

TEST_CASE("inside the steps of a solve values are of the method's order, or one above their own",
          "[solvers][dense][order]") {
  for (const Method& m : all_methods())
    for (const double end : {6.0, -6.0}) {
      if (!m.takes_grid()) continue;
      if (m.needs_jvp()) continue;  // implicit_test.cpp
      CAPTURE(std::string(m.name()), end);
      const int order = std::min(m.order(), m.dense_order() + 1), most = order == 1 ? 4096 : 1024;
      const bool multistep = m.needs_equal_steps();
      const int start = multistep ? 7 : 0;  // the first steps of a multistep method have another's polynomial
      const int coarsest = multistep || m.order() < 8 ? 32 : 8;
      double coarse = seen_error(m, coarsest, end, {0.37}, start), slope = 0;
      for (int N = 2 * coarsest; N <= most; N *= 2) {
        const double fine = seen_error(m, N, end, {0.37}, start);
        if (fine < 1e-13) break;
        slope = std::log2(coarse / fine);
        coarse = fine;
      }
      CHECK(slope > order - 0.2);
    }
}

TEST_CASE("a value at a step's end has the bits of the state, and looking changes none", "[solvers][dense]") {
  const TanhField<double> f(kD, Seed{1});
  const Matrix<double> start = normals<double>(kD, kB, Seed{2});
  for (const char* text : {"euler:9", "rk4:9", "dopri5:9", "dopri5", "fehlberg45", "bosh3", "dopri8", "abm5:20",
                           "leapfrog:9", "reversible-rk4:9", "reversible-dopri5"})
    for (const bool forwards : {true, false}) {
      CAPTURE(text, forwards);
      const SolveOptions options = solver(text, 1e-7);
      const double begin = forwards ? 0.2 : 2.0, end = forwards ? 2.0 : 0.2;
      const Solved<double> plain = solved(f, begin, end, start, options);
      Recording<double> record;
      Starts starts;
      solved(f, begin, end, start, options, {.record = &record, .listener = &starts});
      std::vector<Observation> at{{begin, 1}};
      for (Index n = 1; n <= record.steps(); ++n) at.push_back({record.t(n), n % kB});
      Matrix<double> seen(kD, std::ssize(at));
      std::vector<StepPoint> where(at.size());
      Observer<double> observer(at, f.blocks(), forwards, out(seen), where);
      Recording<double> watched;
      const Solved<double> s = solved(f, begin, end, start, options, {.record = &watched, .listener = &observer});
      CHECK(s.z == plain.z);
      CHECK(s.q == plain.q);
      CHECK(s.counters.evaluations <= plain.counters.evaluations + 1);
      CHECK(watched.fractions() == record.fractions());
      CHECK(seen.col(0) == start.col(1));
      for (Index n = 1; n < record.steps(); ++n)
        CHECK(seen.col(n) == starts.z[static_cast<std::size_t>(n)].col(n % kB));
      CHECK(seen.col(record.steps()) == plain.z.col(record.steps() % kB));
    }
}

TEST_CASE("dopri8 evaluates its three extra stages only for steps that are looked into", "[solvers][dense]") {
  const TanhField<double> f(kD, Seed{1});
  const Matrix<double> start = normals<double>(kD, kB, Seed{2});
  const SolveOptions options = solver("dopri8:10", kTolerance);
  const auto evaluations = [&](const std::vector<Observation>& at) {
    Matrix<double> seen(kD, std::ssize(at));
    Observer<double> observer(at, f.blocks(), true, out(seen), {});
    return solved(f, 0, 2, start, options, {.listener = &observer}).counters.evaluations;
  };
  const auto plain = solved(f, 0, 2, start, options).counters.evaluations;
  CHECK(plain == 130);
  CHECK(evaluations({{0, 1}, {0.2, 1}, {2, 2}}) == plain + 1);  // at ends alone: the slope at the solve's end
  CHECK(evaluations({{0.3, 1}, {0.31, 0}, {1.1, 2}}) == plain + 2 * 3);
  CHECK(evaluations({{0, 1}, {1.9, 2}}) == plain + 3 + 1);
}

TEST_CASE("the discrete gradient of what is seen equals central differences on the frozen grid",
          "[solvers][adjoint][dense]") {
  const std::vector<std::string> transposed{"euler:5",    "ralston:4", "rk4:3",  "dopri5:3", "bosh3",
                                            "fehlberg45", "dopri5",    "tsit5",  "dopri8",   "dopri8:1",
                                            "abm1:6",     "abm2:7",    "abm4:9", "abm5:11",  "abm8:12"};
  const std::vector<std::string> taken_back{"leapfrog:7",       "reversible-euler:5", "reversible-rk4:3",
                                            "reversible-bosh3", "reversible-dopri5",  "reversible-fehlberg45",
                                            "reversible-dopri8"};
  for (const auto& methods : {transposed, taken_back})
    for (const std::string& text : methods)
      for (const bool forwards : {true, false}) {
        CAPTURE(text, forwards);
        Loss loss;
        if (!forwards) loss.turn();
        loss.place(solver(text, kTolerance));
        const Gradient g = gradient_of(loss, solver(text, kTolerance), {});
        check_equal(g.values, differences(loss, frozen(solver(text, kTolerance), g.fractions)), 1e-9);
        const std::size_t least = least_memory(loss.field, kB, solver(text, kTolerance));
        for (const std::size_t memory : {least, least + 6'000}) {
          const Gradient again = gradient_of(loss, solver(text, kTolerance), {.memory = memory});
          CHECK(again.values == g.values);
          CHECK(again.seen == g.seen);
        }
      }
}

TEST_CASE("the adjoints that are solved go to the truth with the tolerance, of what is seen too",
          "[solvers][adjoint][dense]") {
  for (const bool forwards : {true, false}) {
    Loss loss;
    if (!forwards) loss.turn();
    const std::vector<double> truth = differences(loss, solver("dopri8:400", kTolerance));
    for (const double tolerance : {1e-5, 1e-7, 1e-9}) {
      const SolveOptions options = solver("dopri5", tolerance);
      for (const bool reset : {true, false}) {
        CAPTURE(forwards, tolerance, reset);
        const GradientOptions how{.mode = GradientMode::continuous, .backward = options, .reset = reset};
        check_equal(gradient_of(loss, options, how).values, truth, 30 * tolerance);
      }
      CAPTURE(forwards, tolerance);
      const GradientOptions how{.mode = GradientMode::interpolated, .backward = options};
      check_equal(gradient_of(loss, options, how).values, truth, 30 * tolerance);
    }
    // Between dopri8's long steps what is seen is as good as their ends: z may be set to it.
    for (const bool reset : {true, false}) {
      const SolveOptions options = solver("dopri8", 1e-9);
      const GradientOptions how{.mode = GradientMode::continuous, .backward = options, .reset = reset};
      check_equal(gradient_of(loss, options, how).values, truth, 1e-7);
    }
  }
}

TEST_CASE("the adjoint may have a tolerance of its own", "[solvers][adjoint]") {
  Loss loss;
  const std::vector<double> truth = differences(loss, solver("dopri8:400", kTolerance));
  const auto gradient = [&](GradientMode mode, double tolerance, std::optional<Tolerance> of_a) {
    return gradient_of(loss, solver("dopri5", 1e-10),
                       {.mode = mode, .backward = solver("dopri5", tolerance), .tolerance_a = of_a});
  };
  const Tolerance loose{1e-4, 1e-4}, tight{1e-9, 1e-9};
  for (const GradientMode mode : {GradientMode::continuous, GradientMode::interpolated}) {
    CAPTURE(name(mode));
    const Gradient both_loose = gradient(mode, 1e-4, {}), both_tight = gradient(mode, 1e-9, {}),
                   a_tight = gradient(mode, 1e-4, tight), a_loose = gradient(mode, 1e-9, loose);
    CHECK(a_tight.back.evaluations > 2 * both_loose.back.evaluations);
    const std::int64_t saved = both_tight.back.evaluations - a_loose.back.evaluations;
    CHECK(saved >= (mode == GradientMode::interpolated ? 100 : 0));  // where z is solved again it has a say
    check_equal(a_loose.values, truth, 30 * 1e-4);
    check_equal(gradient(mode, 1e-4, loose).values, both_loose.values, 1e-12);
    if (mode == GradientMode::interpolated) CHECK(a_tight.values == both_tight.values);
  }
}

TEST_CASE("the interpolated gradient's memory is bounded, and too little of it is said", "[solvers][adjoint][memory]") {
  const Loss loss;
  const auto run = [&](const SolveOptions& options, std::size_t memory) {
    DifferentiableSolve<double> of;
    State<double> state(loss.field.blocks(), kB);
    state.z() = loss.start;
    Scratch scratch;
    Counters counters;
    const GradientOptions how{.mode = GradientMode::interpolated, .memory = memory, .backward = options};
    const Status status = of.forward(loss.field, 0.3, 1.4, state, options, how, scratch, counters);
    if (!status.ok()) CHECK(!state.z().array().isNaN().any());
    return status;
  };
  const SolveOptions options = solver("dopri5", 1e-10);
  CHECK(run(options, 1 << 20).ok());
  const Status few = run(options, 8'000);
  CHECK(few.code == Status::Code::memory_limit);
  CHECK((few.t > 0.3 && few.t < 1.4));
  CHECK_THAT(few.message(), Catch::Matchers::Contains("take the discrete gradient"));
  CHECK_THROWS_WITH(run(solver("rk4:100", kTolerance), 8'000),
                    Catch::Matchers::Contains("100 steps as functions of time take"));
}

TEST_CASE("a method that a gradient cannot serve is refused by name, with those that can", "[solvers][adjoint]") {
  for (const Method& m : all_methods())
    for (const GradientMode mode : kAllGradientModes) {
      CAPTURE(std::string(m.name()), name(mode));
      const bool back =
          std::holds_alternative<const Tableau*>(m.row()) || std::holds_alternative<const ReversibleMethod*>(m.row());
      if (mode == GradientMode::reversible ? back : mode != GradientMode::discrete || m.has_transpose())
        CHECK_NOTHROW(check_gradient(mode, m));
      else
        CHECK_THROWS_WITH(check_gradient(mode, m),
                          Catch::Matchers::Contains(std::string(m.name())) && Catch::Matchers::Contains("; take the "));
    }
}

TEST_CASE("what is seen at an end is the end, and its cotangent is the end's", "[solvers][adjoint][dense]") {
  std::vector<std::pair<GradientMode, std::size_t>> ways{
      {GradientMode::discrete, least_memory(Loss().field, kB, solver("dopri5", 1e-10))}};
  for (const GradientMode mode : kAllGradientModes) ways.emplace_back(mode, Recording<double>::kDefaultBudget);
  for (const auto& [mode, memory] : ways) {
    CAPTURE(name(mode), memory);
    Loss at_ends;
    at_ends.observations = {{0.3, 2}, {1.4, 0}, {1.4, 1}};
    at_ends.w_seen = normals<double>(kD, 3, Seed{60});
    Loss plain;
    plain.observations.clear();
    plain.w_z.col(0) += at_ends.w_seen.col(1);
    plain.w_z.col(1) += at_ends.w_seen.col(2);
    plain.w_seen.resize(kD, 0);
    const GradientOptions how{.mode = mode, .memory = memory, .backward = solver("dopri5", 1e-10)};
    const std::vector<double> a = gradient_of(at_ends, solver("dopri5", 1e-10), how).values;
    std::vector<double> b = gradient_of(plain, solver("dopri5", 1e-10), how).values;
    for (Index r = 0; r < kD; ++r) b[static_cast<std::size_t>(2 * kD + r)] += at_ends.w_seen(r, 0);
    const std::size_t own = kD * kB + kD * kD + kD;
    check_equal({a.begin(), a.begin() + own}, {b.begin(), b.begin() + own}, 1e-9);
    // dloss/dt_o is w . f, and what moves with the ends is less by as much.
    const std::size_t ends = a.size() - 2;
    CHECK(a[own] != 0);
    CHECK(a[ends] + a[own] == Approx(b[own]).epsilon(1e-8));
    CHECK(a[ends + 1] + a[own + 1] + a[own + 2] == Approx(b[own + 1]).epsilon(1e-8));
  }
}

TEST_CASE("over spans of their own samples are seen at times of their own, with gradients of all",
          "[solvers][adjoint][dense][spans]") {
  Loss loss;
  loss.t_begin = 0, loss.t_end = 1;
  loss.t0 = {0.2, 1.5, -2, 0.7};
  loss.t1 = {1.4, 0.3, 1, 0.9};
  for (const char* text : {"rk4:4", "dopri5", "dopri8", "abm3:8", "leapfrog:8", "reversible-dopri5"}) {
    CAPTURE(text);
    loss.place(solver(text, kTolerance));
    const Gradient g = gradient_of(loss, solver(text, kTolerance), {});
    check_equal(g.values, differences(loss, frozen(solver(text, kTolerance), g.fractions)), 1e-8);
  }
  const SolveOptions tight = solver("dopri5", 1e-11);
  const std::vector<double> truth = differences(loss, solver("dopri5:400", kTolerance));
  for (const GradientMode mode : {GradientMode::continuous, GradientMode::interpolated}) {
    CAPTURE(name(mode));
    check_equal(gradient_of(loss, tight, {.mode = mode, .backward = tight}).values, truth, 1e-8);
  }
}

TEST_CASE("a path without length is the identity, and its times have gradients", "[solvers][adjoint][dense]") {
  Loss loss;
  loss.t_end = loss.t_begin;
  loss.observations = {{0.3, 2}, {0.3, 2}, {0.3, 0}};
  loss.w_seen = normals<double>(kD, 3, Seed{61});
  const Gradient discrete = gradient_of(loss, solver("dopri5", kTolerance), {});
  for (const GradientMode mode : kAllGradientModes)
    CHECK(gradient_of(loss, solver("dopri5", kTolerance), {.mode = mode}).values == discrete.values);
  Matrix<double> z_bar = loss.w_z;
  z_bar.col(2) += loss.w_seen.col(0) + loss.w_seen.col(1);
  z_bar.col(0) += loss.w_seen.col(2);
  for (Index i = 0; i < z_bar.size(); ++i) CHECK(discrete.values[static_cast<std::size_t>(i)] == z_bar(i));
  CHECK(discrete.seen.col(1) == loss.start.col(2));
  Matrix<double> f(kD, kB), q(1, kB);
  Scratch scratch;
  loss.field.forward(std::span<const double>(&loss.t_end, 1), tile(loss.start), out(f), out(q), {}, nullptr, scratch);
  const double end = (loss.w_z.array() * f.array()).sum() + (loss.w_q.array() * q.array()).sum();
  const std::size_t at = discrete.values.size() - 5;
  double all = end;
  for (Index o = 0; o < 3; ++o) {
    const double own = loss.w_seen.col(o).dot(f.col(loss.observations[static_cast<std::size_t>(o)].sample));
    CHECK(discrete.values[at + static_cast<std::size_t>(o)] == Approx(own));
    all += own;
  }
  CHECK(discrete.values[at + 3] == Approx(-all));
  CHECK(discrete.values[at + 4] == Approx(end));
}

TEST_CASE("a solve used again keeps nothing of its first", "[solvers][adjoint][dense]") {
  for (const GradientMode mode : kAllGradientModes) {
    DifferentiableSolve<double> of;
    const auto again = [&](const Loss& loss, const SolveOptions& options, std::size_t memory) {
      const GradientOptions how{.mode = mode, .memory = memory, .backward = options};
      const Gradient g = gradient_of(loss, options, how, std::move(of));
      CHECK(g.values == gradient_of(loss, options, how).values);
    };
    Loss first, second;
    second.turn();
    second.observations.resize(2);
    second.w_seen = normals<double>(kD, 2, Seed{62});
    if (mode == GradientMode::reversible)
      again(first, solver("bosh3", kTolerance), 1 << 20);
    else
      again(first, solver("abm4:9", kTolerance), least_memory(first.field, kB, solver("abm4:9", kTolerance)) + 4'000);
    again(second, solver("dopri5", kTolerance), least_memory(first.field, kB, solver("dopri5", kTolerance)) + 6'000);
    again(first, solver("rk4:3", kTolerance), std::size_t{1} << 20);
  }
}

TEST_CASE("what is seen in float is seen at the time that was asked for", "[solvers][dense]") {
  const TanhField<double> f(kD, Seed{1});
  const TanhField<float> g(kD, Seed{1});
  const Matrix<double> start = normals<double>(kD, kB, Seed{2});
  // Far from t = 0, where float has 6e-5 between its times.
  const std::vector<Observation> at{{1000.20001, 0}, {1000.20004, 0}, {1000.9, 3}};
  Matrix<double> seen(kD, 3);
  Matrix<float> seen_float(kD, 3);
  Observer<double> observer(at, f.blocks(), true, out(seen), {});
  Observer<float> observer_float(at, g.blocks(), true, Out<float>(seen_float.data(), kD, 3), {});
  solved(f, 1000, 1001, start, solver("rk4:9", kTolerance), {.listener = &observer});
  solved<float>(g, 1000, 1001, start.cast<float>(), solver("rk4:9", kTolerance), {.listener = &observer_float});
  CHECK((seen - seen_float.cast<double>()).cwiseAbs().maxCoeff() < 1e-3);
  CHECK(seen_float.col(0) != seen_float.col(1));
}

TEST_CASE("what is seen of a sample does not depend on one that is masked", "[solvers][dense][masked]") {
  const PointField<double> f(1, [](double, std::span<const double> z, std::span<double> dz, Index row) {
    dz[0] = row == 1 ? 1e300 * std::exp(z[0]) : -z[0];
  });
  const std::vector<Observation> at{{0.4, 0}, {0.7, 2}};
  const auto run = [&](const std::vector<char>& active, Index B) {
    Matrix<double> seen(1, 2);
    std::vector<Observation> own = at;
    if (B == 2) own[1].sample = 1;
    Observer<double> observer(own, f.blocks(), true, out(seen), {});
    const PointField<double> rest(
        1, [](double, std::span<const double> z, std::span<double> dz, Index) { dz[0] = -z[0]; });
    const SolveExtras<double> extras{.listener = &observer, .active = active};
    const Matrix<double> start = Matrix<double>::Ones(1, B);
    const Dynamics<double>& dynamics = B == 3 ? static_cast<const Dynamics<double>&>(f) : rest;
    const Solved<double> s = solved(dynamics, 0, 1, start, solver("rk4:3", kTolerance), extras);
    CHECK(s.status.ok());
    return seen;
  };
  CHECK(run({1, 0, 1}, 3) == run({}, 2));
}

TEST_CASE("a value seen that is not finite is a status of its sample and time", "[solvers][dense][status]") {
  // A step of the midpoint rule never evaluates at its end, where this slope is infinite.
  const auto f = function_dynamics<double>(
      1, [](double t, std::span<const double>, std::span<double> dz) { dz[0] = 0.5 / std::sqrt(1 - t); },
      [](double, std::span<const double>, std::span<const double>, std::span<double>, std::span<double>) {
        return 0.0;
      });
  const auto run = [&](double t) {
    const std::vector<Observation> at{{t, 1}};
    Matrix<double> seen(1, 1);
    DifferentiableSolve<double> of;
    State<double> state(f.blocks(), 2);
    Scratch scratch;
    Counters counters;
    const Status status =
        of.forward(f, 0, 1, state, solver("midpoint:8", kTolerance), {}, scratch, counters, {at, out(seen)});
    Matrix<double> w = Matrix<double>::Ones(1, 2), w_seen = Matrix<double>::Ones(1, 1), z_bar(1, 2);
    SolveGradient<double> gradient{.z_bar = out(z_bar), .params_bar = {}};
    const Cotangents<double> cotangents{.z = tile(w), .seen = tile(w_seen)};
    if (status.ok()) {
      CHECK(of.backward(f, cotangents, gradient, scratch, counters).ok());
      CHECK(z_bar.allFinite());
    } else {
      CHECK_THROWS_AS(of.backward(f, cotangents, gradient, scratch, counters), std::logic_error);
    }
    return status;
  };
  const Status inside = run(0.99);
  CHECK(inside.code == Status::Code::non_finite);
  CHECK(inside.row == 1);
  CHECK(inside.t == 0.99);
  CHECK(run(1).ok());
}

TEST_CASE("trouble in a leg over spans names the sample's own time, and steps of all legs are counted",
          "[solvers][adjoint][status]") {
  Loss loss;
  loss.t_begin = 10, loss.t_end = 20;
  loss.observations = {{12, 0}, {13, 3}, {17, 0}, {17.5, 3}, {18, 2}, {19, 0}};
  loss.with_dynamics([&](const Dynamics<double>& f) {
    const Solved<double> s = solved(f, 10, 20, loss.start, solver("dopri5", 1e-6));
    Matrix<double> z_bar(kD, kB);
    std::vector<double> params_bar(static_cast<std::size_t>(f.gradient_size()));
    SolveGradient<double> gradient{.z_bar = out(z_bar), .params_bar = params_bar};
    const Path<double> path{10, 20, tile(s.z), loss.observations};
    Scratch scratch;
    Counters counters;
    SolveOptions options = solver("dopri5", 1e-6);
    const Status all = continuous_adjoint(f, path, loss.cotangents(), options, gradient, scratch, counters);
    CHECK(all.ok());
    CHECK(all.t == 10);
    CHECK(all.accepted == counters.accepted);
    options.max_steps = 3;
    const Status few = continuous_adjoint(f, path, loss.cotangents(), options, gradient, scratch, counters);
    CHECK(few.code == Status::Code::step_limit);
    CHECK((few.t > 10 && few.t <= 20));
    options.stops = {12};
    CHECK_THROWS_WITH(continuous_adjoint(f, path, loss.cotangents(), options, gradient, scratch, counters),
                      Catch::Matchers::Contains("stops"));
    return 0;
  });
}

TEST_CASE("Adams' dense output integrates polynomials below the order exactly", "[solvers][dense]") {
  for (const AdamsMethod* m : kAllAdams)
    for (int degree = 0; degree < m->order; ++degree)
      for (const double theta : {0.17, 0.5, 0.9, 1.0}) {
        CAPTURE(std::string(m->name), degree, theta);
        const StepRule rule{&m->step, &m->past};
        std::array<double, kMaxTerms> w{}, dw{};
        rule.dense(theta, w.data(), dw.data());
        const auto power = [degree](double s) { return degree == 0 ? 1.0 : std::pow(s, degree); };
        double value = w[0] * power(0) + w[1] * power(1), slope = dw[0] * power(0) + dw[1] * power(1);
        for (int k = 1; k <= rule.history(); ++k) {
          value += w[static_cast<std::size_t>(2 + k)] * power(-k);
          slope += dw[static_cast<std::size_t>(2 + k)] * power(-k);
        }
        CHECK(value == Approx(std::pow(theta, degree + 1) / (degree + 1)).margin(1e-12));
        CHECK(slope == Approx(power(theta)).margin(1e-11));
      }
}

TEST_CASE("an adaptive solve steps onto its stops, and goes on as if it had not been cut", "[solvers][stops]") {
  const TanhField<double> f(kD, Seed{1});
  const Matrix<double> start = normals<double>(kD, kB, Seed{2});
  for (const bool forwards : {true, false}) {
    CAPTURE(forwards);
    SolveOptions options = solver("dopri5", 1e-8);
    const double begin = forwards ? 0 : 3, end = forwards ? 3 : 0;
    const Solved<double> free = solved(f, begin, end, start, options);
    options.stops = {begin, 0.5, 0.5, 0.500001, 2.25};
    if (!forwards) std::sort(options.stops.begin() + 1, options.stops.end(), std::greater<>());
    Recording<double> record;
    const Solved<double> s = solved(f, begin, end, start, options, {.record = &record});
    for (const double stop : options.stops) {
      bool on = false;
      for (Index n = 0; n <= record.steps(); ++n) on = on || record.t(n) == stop;
      CHECK(on);
    }
    CHECK(record.t(record.steps()) == end);
    CHECK((s.z - free.z).cwiseAbs().maxCoeff() < 1e-7);
    CHECK(s.status.accepted + s.status.rejected <= free.status.accepted + free.status.rejected + 6);
  }
}

TEST_CASE("observations and stops that make no sense are refused", "[solvers][dense][arguments]") {
  using Catch::Matchers::Contains;
  const TanhField<double> f(kD, Seed{1});
  const auto check = [](const std::vector<Observation>& at, double begin, double end) {
    check_observations("test", at, begin, end, kB);
  };
  CHECK_NOTHROW(check({{0, 0}, {0, 3}, {1, 0}}, 0, 1));
  CHECK_NOTHROW(check({{1, 0}, {0.5, 3}, {0.5, 1}}, 1, 0));
  CHECK_THROWS_WITH(check({{0, 4}}, 0, 1), Contains("observation 0 is of sample 4 of 4"));
  CHECK_THROWS_WITH(check({{0.5, 0}, {0.2, 0}}, 0, 1), Contains("observation 1 is at t = 0.2") && Contains("sorted"));
  CHECK_THROWS_WITH(check({{1.5, 0}}, 0, 1), Contains("t = 1.5"));
  CHECK_THROWS_WITH(check({{std::nan(""), 0}}, 0, 1), Contains("nan"));
  const std::vector<Observation> one{{0.5, 0}};
  Matrix<double> narrow(kD - 1, 1);
  DifferentiableSolve<double> of;
  State<double> state(f.blocks(), kB);
  Scratch scratch;
  Counters counters;
  CHECK_THROWS_WITH(of.forward(f, 0, 1, state, {}, {}, scratch, counters, {one, out(narrow)}),
                    Contains("seen is 2 x 1 for 1 observations of 3 values"));

  SolveOptions options;
  const Matrix<double> start = normals<double>(kD, kB, Seed{2});
  options.stops = {0.5, 0.2};
  CHECK_THROWS_WITH(solved(f, 0, 1, start, options), Contains("stops[1] is 0.2") && Contains("0.5"));
  options.stops = {0.5};
  options.fixed_steps = 3;
  CHECK_THROWS_WITH(solved(f, 0, 1, start, options), Contains("stops are for adaptive steps"));
}
