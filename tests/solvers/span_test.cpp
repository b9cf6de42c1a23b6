// Spans of a sample's own: answers and gradients.
#include <catch2/catch.hpp>
#include <limits>

#include "solvers/gradients/continuous_adjoint.hpp"
#include "solvers/gradients/discrete_adjoint.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/method.hpp"
#include "solvers/span_dynamics.hpp"
#include "tests/laws.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/gradients.hpp"

using namespace cnf;

namespace {

constexpr Index kD = 3, kB = 5;
/// Forwards, backwards, far, nowhere, and one over [0, 1].
const std::vector<double> kBegin{0.2, 1.5, -2, 0.7, 0}, kEnd{1.4, 0.3, 3, 0.7, 1};

struct Loss {
  TanhField<double> field{kD, Seed{41}};
  std::vector<double> t0 = kBegin, t1 = kEnd;
  Matrix<double> start = normals<double>(kD, kB, Seed{42}), w_z = normals<double>(kD, kB, Seed{43}),
                 w_q = normals<double>(1, kB, Seed{44});

  double operator()(const SolveOptions& options) const {
    const SpanDynamics<double> spans(field, t0, t1);
    const Solved<double> s = solved(spans, 0, 1, start, options);
    return (w_z.array() * s.z.array()).sum() + (w_q.array() * s.q.array()).sum();
  }
};

struct Gradient {
  Matrix<double> z_bar = Matrix<double>::Zero(kD, kB);
  std::vector<double> params_bar;  ///< the field's, then t0's, then t1's
};

Gradient discrete(const Loss& loss, const SolveOptions& options, std::vector<double>& fractions) {
  const SpanDynamics<double> spans(loss.field, loss.t0, loss.t1);
  Recording<double> record;
  REQUIRE(solved(spans, 0, 1, loss.start, options, {.record = &record}).status.ok());
  fractions = record.fractions();
  Gradient g;
  g.params_bar.assign(static_cast<std::size_t>(spans.gradient_size()), 0.0);
  Scratch scratch;
  Counters counters;
  SolveGradient<double> gradient{.z_bar = {g.z_bar.data(), kD, kB}, .params_bar = g.params_bar};
  discrete_adjoint(spans, record, {}, {.z = tile(loss.w_z), .q = tile(loss.w_q)}, gradient, scratch, counters);
  return g;
}

Gradient continuous(const Loss& loss, const SolveOptions& options) {
  const SpanDynamics<double> spans(loss.field, loss.t0, loss.t1);
  const Solved<double> s = solved(spans, 0, 1, loss.start, options);
  Gradient g;
  g.params_bar.assign(static_cast<std::size_t>(spans.gradient_size()), 0.0);
  Scratch scratch;
  Counters counters;
  SolveGradient<double> gradient{.z_bar = {g.z_bar.data(), kD, kB}, .params_bar = g.params_bar};
  const Path<double> path{0, 1, tile(s.z)};
  const Cotangents<double> w{.z = tile(loss.w_z), .q = tile(loss.w_q)};
  REQUIRE(continuous_adjoint(spans, path, w, options, gradient, scratch, counters).ok());
  return g;
}

void check_against_differences(const Gradient& g, Loss& loss, const SolveOptions& options, double margin) {
  const auto value = [&] { return loss(options); };
  for (Index i = 0; i < g.z_bar.size(); ++i)
    CHECK(g.z_bar(i) == Approx(difference(loss.start(i), value)).epsilon(margin).margin(margin));
  const auto n = static_cast<std::size_t>(loss.field.parameters());
  for (std::size_t i = 0; i < n; ++i)
    CHECK(g.params_bar[i] ==
          Approx(difference(loss.field.parameter(static_cast<Index>(i)), value)).epsilon(margin).margin(margin));
  for (std::size_t b = 0; b < loss.t0.size(); ++b) {
    CAPTURE(b);
    CHECK(g.params_bar[n + b] == Approx(difference(loss.t0[b], value)).epsilon(margin).margin(margin));
    CHECK(g.params_bar[n + kB + b] == Approx(difference(loss.t1[b], value)).epsilon(margin).margin(margin));
  }
}

}  // namespace

TEST_CASE("a dynamics over spans keeps the laws of a dynamics", "[solvers][spans][laws]") {
  const TanhField<double> f(kD, Seed{1});
  const SpanDynamics<double> spans(f, kBegin, kEnd);
  for (const bool per_sample : {false, true}) {
    CHECK(transpose_law_error(spans, kB, per_sample, Seed{2}) < 1e-14);
    CHECK(jvp_error(spans, kB, per_sample, Seed{2}) < 1e-8);
  }
}

TEST_CASE("a sample over its own span has the bits it has alone, on a fixed grid", "[solvers][spans]") {
  for (const char* text : {"rk4:7", "dopri5:5", "abm4:12"}) {
    CAPTURE(text);
    SolveOptions options = solver(text, 1e-5);
    const Loss all;
    const Solved<double> together = solved(SpanDynamics<double>(all.field, kBegin, kEnd), 0, 1, all.start, options);
    for (Index b = 0; b < kB; ++b) {
      const auto k = static_cast<std::size_t>(b);
      const SpanDynamics<double> one(all.field, {&kBegin[k], 1}, {&kEnd[k], 1});
      const Solved<double> alone = solved<double>(one, 0, 1, all.start.col(b), options);
      CHECK(alone.z.col(0) == together.z.col(b));
      CHECK(alone.q.col(0) == together.q.col(b));
      const Solved<double> plain = solved<double>(all.field, kBegin[k], kEnd[k], all.start.col(b), options);
      CHECK((plain.z.col(0) - together.z.col(b)).norm() < 1e-13);
      CHECK(std::abs(plain.q(0) - together.q(b)) < 1e-12);
    }
  }
}

TEST_CASE("spans' gradients equal differences: of the steps taken on their grid, of the adjoint to its tolerance",
          "[solvers][spans][adjoint]") {
  for (const char* text : {"rk4:4", "dopri5", "dopri8", "abm3:8"}) {
    CAPTURE(text);
    Loss loss;
    SolveOptions options = solver(text, 1e-4);
    std::vector<double> fractions;
    const Gradient g = discrete(loss, options, fractions);
    options.fixed_steps = 0;
    options.fractions = fractions;
    check_against_differences(g, loss, options, 1e-8);
  }
  Loss loss;
  SolveOptions tight;
  tight.rtol = tight.atol = 1e-11;
  check_against_differences(continuous(loss, tight), loss, tight, 1e-7);
}

TEST_CASE("spans that make no sense are refused", "[solvers][spans][arguments]") {
  using Catch::Matchers::Contains;
  const TanhField<double> f(kD, Seed{1});
  const std::vector<double> one{0}, nan{std::numeric_limits<double>::quiet_NaN()};
  CHECK_THROWS_WITH(SpanDynamics<double>(f, kBegin, one), Contains("5 times to begin and 1 to end"));
  CHECK_THROWS_WITH(SpanDynamics<double>(f, one, nan), Contains("span 0 goes from"));
  const Matrix<double> w_q = Matrix<double>::Zero(1, 1);
  const AdjointDynamics<double> adjoint(f, tile(w_q));
  CHECK_THROWS_WITH(SpanDynamics<double>(adjoint, one, one), Contains("s block"));
  const SpanDynamics<double> spans(f, kBegin, kEnd);
  CHECK_THROWS_WITH(solved(spans, 0, 1, normals<double>(kD, 2, Seed{3}), {}), Contains("2 samples for 5 spans"));
}
