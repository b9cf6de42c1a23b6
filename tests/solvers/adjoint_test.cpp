#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "solvers/function_dynamics.hpp"
#include "solvers/gradients/continuous_adjoint.hpp"
#include "solvers/gradients/differentiate.hpp"
#include "solvers/gradients/discrete_adjoint.hpp"
#include "solvers/method.hpp"
#include "tests/laws.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/gradients.hpp"

using namespace cnf;

namespace {

constexpr Index kD = 3, kB = 4;

/// loss = sum(w_z z(t_end)) + sum(w_q q(t_end)) of the tanh field, and all its derivatives.
struct Gradient {
  Matrix<double> z_bar = Matrix<double>::Zero(kD, kB);
  std::vector<double> params_bar = std::vector<double>(kD * kD + kD, 0.0);
  struct {
    double begin = 0, end = 0;
  } time;

  double largest_difference(const Gradient& other) const {
    double d = (z_bar - other.z_bar).cwiseAbs().maxCoeff();
    for (std::size_t i = 0; i < params_bar.size(); ++i) d = std::max(d, std::abs(params_bar[i] - other.params_bar[i]));
    return std::max({d, std::abs(time.begin - other.time.begin), std::abs(time.end - other.time.end)});
  }
  double size() const {
    double s = std::max({z_bar.cwiseAbs().maxCoeff(), std::abs(time.begin), std::abs(time.end)});
    for (double p : params_bar) s = std::max(s, std::abs(p));
    return s;
  }
};

struct Setting {
  TanhField<double> field{kD, Seed{21}};
  Matrix<double> start = normals<double>(kD, kB, Seed{22}), w_z = normals<double>(kD, kB, Seed{23}),
                 w_q = normals<double>(1, kB, Seed{24});
  double t_begin = 0.3, t_end = 1.4;

  double loss(const Matrix<double>& z, const Matrix<double>& q) const {
    return (w_z.array() * z.array()).sum() + (w_q.array() * q.array()).sum();
  }
  double loss_on(const std::vector<double>& fractions, const Method& m) const {
    Scratch scratch;
    Counters counters;
    State<double> state(field.blocks(), kB);
    state.z() = start;
    SolveOptions options;
    options.method = m;
    options.fractions = fractions;
    REQUIRE(integrate(field, t_begin, t_end, state, options, scratch, counters).ok());
    return loss(state.z(), state.q());
  }

  Gradient discrete(const SolveOptions& options, Recording<double>& record) const {
    REQUIRE(solved(field, t_begin, t_end, start, options, {.record = &record}).status.ok());
    Gradient g;
    add_discrete(record, g);
    return g;
  }
  void add_discrete(Recording<double>& record, Gradient& g) const {
    Scratch scratch;
    Counters counters;
    SolveGradient<double> gradient{.z_bar = out(g.z_bar), .params_bar = g.params_bar};
    discrete_adjoint(field, record, {}, {.z = tile(w_z), .q = tile(w_q)}, gradient, scratch, counters);
    g.time = {gradient.dloss_dt_begin, gradient.dloss_dt_end};
  }
  Gradient continuous(const SolveOptions& options) const {
    const Solved<double> s = solved(field, t_begin, t_end, start, options);
    Gradient g;
    Scratch scratch;
    Counters counters;
    SolveGradient<double> gradient{.z_bar = out(g.z_bar), .params_bar = g.params_bar};
    const Path<double> path{t_begin, t_end, tile(s.z)};
    const Cotangents<double> w{.z = tile(w_z), .q = tile(w_q)};
    REQUIRE(continuous_adjoint(field, path, w, options, gradient, scratch, counters).ok());
    g.time = {gradient.dloss_dt_begin, gradient.dloss_dt_end};
    return g;
  }
};

/// Richardson's central difference of loss along x.
template <class F>
double central(double& x, const F& loss) {
  const double at = x;
  const auto slope = [&](double h) {
    x = at + h;
    const double up = loss();
    x = at - h;
    const double down = loss();
    x = at;
    return (up - down) / (2 * h);
  };
  const double h = 2e-3;
  return (4 * slope(h / 2) - slope(h)) / 3;
}

template <class F>
Gradient differences(Setting& s, const F& loss) {
  Gradient g;
  for (Index i = 0; i < g.z_bar.size(); ++i) g.z_bar(i) = central(s.start(i), loss);
  for (Index i = 0; i < s.field.parameters(); ++i) g.params_bar[i] = central(s.field.parameter(i), loss);
  g.time.begin = central(s.t_begin, loss);
  g.time.end = central(s.t_end, loss);
  return g;
}

}  // namespace

TEST_CASE("the test field keeps the laws of a dynamics", "[solvers][laws]") {
  const TanhField<double> f(5, Seed{1});
  for (const Index B : {1, 6})
    for (const bool per_sample : {false, true}) {
      CHECK(transpose_law_error(f, B, per_sample, Seed{2}) < 1e-14);
      CHECK(jvp_error(f, B, per_sample, Seed{2}) < 1e-9);
    }
}

TEST_CASE("the discrete gradient equals central differences on the frozen grid", "[solvers][adjoint]") {
  const std::vector<std::string> transposed{
      "euler:5", "ralston:4", "rk4:3",  "rk4_38:3", "dopri5:3", "bosh3",   "fehlberg45", "dopri5",  "tsit5", "dopri8",
      "abm1:6",  "abm2:7",    "abm3:8", "abm4:9",   "abm5:11",  "abm6:12", "abm7:15",    "abm8:20", "abm8:5"};
  const std::vector<std::string> taken_back{"leapfrog:6",          "leapfrog:1000",        "reversible-rk4:1000",
                                            "reversible-euler:5",  "reversible-ralston:4", "reversible-rk4:3",
                                            "reversible-rk4_38:3", "reversible-bosh3",     "reversible-dopri5",
                                            "reversible-tsit5",    "reversible-dopri8"};
  for (const auto& methods : {transposed, taken_back})
    for (const std::string& method : methods)
      for (const bool forwards : {true, false}) {
        CAPTURE(method, forwards);
        Setting s;
        if (!forwards) std::swap(s.t_begin, s.t_end);
        SolveOptions options = solver(method, 1e-4);
        Recording<double> record;
        const Gradient exact = s.discrete(options, record);
        const std::vector<double> fractions = record.fractions();
        const Gradient by_differences = differences(s, [&] { return s.loss_on(fractions, options.method); });
        CHECK(exact.largest_difference(by_differences) <= 1e-9 * exact.size());
      }
}

TEST_CASE("the discrete gradient is added to params_bar and of a solve of no steps is the identity",
          "[solvers][adjoint]") {
  Setting s;
  SolveOptions options;
  Recording<double> record;
  const Gradient once = s.discrete(options, record);
  Gradient twice = once;
  s.add_discrete(record, twice);
  CHECK(twice.z_bar == once.z_bar);
  for (std::size_t i = 0; i < once.params_bar.size(); ++i)
    CHECK(twice.params_bar[i] == Approx(2 * once.params_bar[i]).epsilon(1e-13));

  s.t_end = s.t_begin;
  const Gradient none = s.discrete(options, record);
  CHECK(none.z_bar == s.w_z);
  CHECK(none.time.begin == 0);
  CHECK(none.time.end == 0);
}

TEST_CASE("recording does not change the solve", "[solvers][recording]") {
  const Setting s;
  for (const char* method : {"dopri5", "fehlberg45", "rk4:8", "tsit5:8", "abm3:12"}) {
    SolveOptions options = solver(method, 1e-7);
    Recording<double> all, nothing(least_memory(s.field, kB, options));
    const Solved<double> plain = solved(s.field, 0, 3, s.start, options);
    for (Recording<double>* record : {&all, &nothing}) {
      const Solved<double> recorded = solved(s.field, 0, 3, s.start, options, {.record = record});
      CHECK(recorded.z == plain.z);
      CHECK(recorded.q == plain.q);
      CHECK(recorded.counters.evaluations == plain.counters.evaluations);
    }
  }
}

TEST_CASE("the continuous gradient goes to the discrete one with the tolerance", "[solvers][adjoint]") {
  for (const bool forwards : {true, false}) {
    Setting s;
    if (!forwards) std::swap(s.t_begin, s.t_end);
    SolveOptions tight;
    tight.method = &kDopri8;
    tight.rtol = tight.atol = 1e-13;
    Recording<double> record;
    const Gradient exact = s.discrete(tight, record);
    for (const double tol : {1e-4, 1e-6, 1e-8, 1e-10}) {
      CAPTURE(forwards, tol);
      SolveOptions options;
      options.rtol = options.atol = tol;
      CHECK(s.continuous(options).largest_difference(exact) <= 10 * tol * exact.size());
      options.control_s = false;
      CHECK(s.continuous(options).largest_difference(exact) <= 10 * tol * exact.size());
    }
  }
}

TEST_CASE("the float gradient agrees with the double one", "[solvers][adjoint]") {
  const Setting s;
  TanhField<float> f(kD, Seed{21});
  Recording<double> record;
  Recording<float> record_f;
  SolveOptions options;
  options.fixed_steps = 6;
  const Gradient exact = s.discrete(options, record);
  const Matrix<float> start = s.start.cast<float>(), w_z = s.w_z.cast<float>(), w_q = s.w_q.cast<float>();
  REQUIRE(solved(f, s.t_begin, s.t_end, start, options, {.record = &record_f}).status.ok());
  Matrix<float> z_bar(kD, kB);
  std::vector<float> params_bar(kD * kD + kD, 0.0f);
  Scratch scratch;
  Counters counters;
  SolveGradient<float> time{.z_bar = {z_bar.data(), kD, kB}, .params_bar = params_bar};
  const Cotangents<float> w{.z = {w_z.data(), kD, kB}, .q = {w_q.data(), 1, kB}};
  discrete_adjoint(f, record_f, {}, w, time, scratch, counters);
  const double margin = 1e-5 * exact.size();
  CHECK((z_bar.cast<double>() - exact.z_bar).cwiseAbs().maxCoeff() < margin);
  for (std::size_t i = 0; i < params_bar.size(); ++i)
    CHECK(double(params_bar[i]) == Approx(exact.params_bar[i]).margin(margin));
  CHECK(time.dloss_dt_begin == Approx(exact.time.begin).margin(margin));
  CHECK(time.dloss_dt_end == Approx(exact.time.end).margin(margin));
}

TEST_CASE("trouble in the backward solve is a status", "[solvers][adjoint][status]") {
  const Setting s;
  SolveOptions options;
  options.max_steps = 2;
  options.rtol = options.atol = 1e-12;
  Gradient g;
  Scratch scratch;
  Counters counters;
  SolveGradient<double> gradient{.z_bar = out(g.z_bar), .params_bar = g.params_bar};
  const Path<double> path{0, 5, tile(s.start)};
  const Cotangents<double> w{.z = tile(s.w_z), .q = tile(s.w_q)};
  const Status status = continuous_adjoint(s.field, path, w, options, gradient, scratch, counters);
  CHECK(status.code == Status::Code::step_limit);
}

TEST_CASE("shapes that disagree are named by both adjoints", "[solvers][adjoint][arguments]") {
  using Catch::Matchers::Contains;
  const Setting s;
  SolveOptions options;
  Recording<double> record;
  Gradient g = s.discrete(options, record);
  Scratch scratch;
  Counters counters;
  Matrix<double> wide(kD, kB + 1);
  std::vector<double> few(2);
  const auto both = [&](const Matrix<double>& w_z, const Matrix<double>& w_q, Matrix<double>& z_bar,
                        std::span<double> params_bar, const std::string& text) {
    SolveGradient<double> gradient{.z_bar = out(z_bar), .params_bar = params_bar};
    const Cotangents<double> w{.z = tile(w_z), .q = tile(w_q)};
    const Path<double> path{0, 1, tile(s.start)};
    CHECK_THROWS_WITH(discrete_adjoint(s.field, record, {}, w, gradient, scratch, counters), Contains(text));
    CHECK_THROWS_WITH(continuous_adjoint(s.field, path, w, options, gradient, scratch, counters), Contains(text));
  };
  both(wide, s.w_q, g.z_bar, g.params_bar, "w.z is 3 x 5, the solve asks for 3 x 4");
  both(s.w_z, wide, g.z_bar, g.params_bar, "w.q is 3 x 5, the solve asks for 1 x 4");
  both(s.w_z, s.w_q, wide, g.params_bar, "z_bar is 3 x 5");
  both(s.w_z, s.w_q, g.z_bar, few, "params_bar has 2 values, the dynamics 12");
}

TEST_CASE("a dynamics without a pullback can be integrated, and its gradient is refused by name",
          "[solvers][adjoint][arguments]") {
  using Catch::Matchers::Contains;
  const auto f = function_dynamics<double>(kD, [](double, std::span<const double> z, std::span<double> dz) {
    for (std::size_t i = 0; i < z.size(); ++i) dz[i] = -z[i];
  });
  const Setting s;
  Recording<double> record;
  const Solved<double> end = solved(f, 0, 1, s.start, {}, {.record = &record});
  CHECK(end.status.ok());
  Gradient g;
  Scratch scratch;
  Counters counters;
  SolveGradient<double> gradient{.z_bar = out(g.z_bar), .params_bar = {}};
  const Cotangents<double> w{.z = tile(s.w_z), .q = {nullptr, 0, kB}};
  CHECK_THROWS_WITH(discrete_adjoint(f, record, {}, w, gradient, scratch, counters),
                    Contains("the dynamics has no vjp"));
  CHECK_THROWS_WITH(continuous_adjoint(f, {0, 1, tile(end.z)}, w, {}, gradient, scratch, counters),
                    Contains("the dynamics has no vjp"));
  DifferentiableSolve<double> solve;
  State<double> state(f.blocks(), kB);
  CHECK_THROWS_WITH(solve.forward(f, 0, 1, state, {}, {}, scratch, counters), Contains("the dynamics has no vjp"));

  const AdjointDynamics<double> augmented(s.field, tile(s.w_q));
  CHECK(augmented.derivatives() == Derivatives::none);
  Matrix<double> x(2 * kD, kB);
  CHECK_THROWS_AS(augmented.jvp(nullptr, tile(x), {}, out(x), out(x), scratch), std::logic_error);
  CHECK_THROWS_AS(augmented.vjp(nullptr, tile(x), tile(x), out(x), {}, {}, scratch), std::logic_error);
}
