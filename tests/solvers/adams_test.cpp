#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "solvers/gradients/recording.hpp"
#include "solvers/steppers/adams_grid.hpp"
#include "solvers/steppers/adams_order.hpp"
#include "solvers/watching/observation.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

constexpr int kMost = VariableAdams::kMost;

SolveOptions adams(double tol, const VariableAdams& method = kAdams) {
  SolveOptions options;
  options.method = &method;
  options.rtol = options.atol = tol;
  return options;
}

double largest(const Matrix<double>& x) { return x.cwiseAbs().maxCoeff(); }

/// Divided differences of f by the recursion of the steps: what a stepper keeps, for one function of time.
struct Differences {
  std::array<double, kMost + 2> phi{};

  /// After a step planned by `grid`: the slope at its end is f.
  void update(const AdamsGrid& grid, double f) {
    for (int i = 1; i <= grid.order(); ++i) {
      const double before = phi[i];
      phi[i] = f;
      f -= grid.beta(i) * before;
    }
    phi[grid.order() + 1] = f;
  }
  double predicted(const AdamsGrid& grid) const {
    double sum = 0;
    for (int i = 1; i <= grid.order(); ++i) sum += grid.beta(i) * phi[i];
    return sum;
  }
  /// The integral over theta of a step of the last order, which saw the slope f at its end.
  double step(const AdamsGrid& grid, double theta, double f) const { return grid.h() * weighed(grid, theta, f, false); }
  /// What is integrated there.
  double slope(const AdamsGrid& grid, double theta, double f) const { return weighed(grid, theta, f, true); }

 private:
  double weighed(const AdamsGrid& grid, double theta, double f, bool slope) const {
    std::array<double, kMost + 1> integral, derivative;
    grid.weights(theta, integral.data(), derivative.data());
    const std::array<double, kMost + 1>& w = slope ? derivative : integral;
    double sum = w[grid.order()] * (f - predicted(grid));
    for (int i = 1; i <= grid.order(); ++i) sum += w[i - 1] * phi[i];
    return sum;
  }
};

}  // namespace

TEST_CASE("an Adams step integrates polynomials up to its order exactly, at its end and within, on any grid",
          "[solvers][adams]") {
  for (const double direction : {1.0, -1.0})
    for (int degree = 0; degree <= kMost + 1; ++degree) {
      const auto f = [=](double t) { return degree == 0 ? 1.0 : std::pow(t / 4, degree); };
      const auto integral = [=](double a, double b) {
        return 4 * (std::pow(b / 4, degree + 1) - std::pow(a / 4, degree + 1)) / (degree + 1);
      };
      AdamsGrid grid;
      Differences differences;
      double t = -3 * direction;
      differences.phi[1] = f(t);
      for (int n = 0; n < 3 * kMost; ++n) {
        const int k = std::min({n + 1, kMost, 3 * kMost - n});  // up to the highest order and down again
        const double h = direction * 0.1 * (1 + 0.8 * std::sin(5.0 * n));
        grid.plan(h, k, n > 0);
        for (const double theta : {1.0, 0.3, 0.71, 0.0}) {
          CAPTURE(direction, degree, n, k, theta);
          const double error = std::abs(differences.step(grid, theta, f(t + h)) - integral(t, t + theta * h));
          if (degree <= k) {
            CHECK(error < 1e-14);
            CHECK(std::abs(differences.slope(grid, theta, f(t + h)) - f(t + theta * h)) < 1e-13);
          }
          if (degree == k + 1 && k < 6 && theta == 1) CHECK(error > 1e-13);
        }
        differences.update(grid, f(t + h));
        grid.advance();
        t += h;
      }
    }
}

TEST_CASE("on equal steps an Adams step is Adams-Bashforth's and Moulton's, and its errors are theirs",
          "[solvers][adams]") {
  // Hairer, Norsett, Wanner I, table III.1.2: gamma*_j.
  constexpr std::array<double, 9> kGamma{1,        1. / 2,       1. / 12,      1. / 24,         19. / 720,
                                         3. / 160, 863. / 60480, 275. / 24192, 33953. / 3628800};
  const auto f = [](int n) { return std::cos(3.0 * n); };
  const double h = -0.25;
  AdamsGrid grid;
  Differences differences;
  differences.phi[1] = f(0);
  for (int n = 0; n < 20; ++n) {
    const int k = std::min(n + 1, kMaxAdamsOrder);
    CAPTURE(n, k);
    grid.plan(h, k, n > 0);
    const AdamsMethod& m = *kAllAdams[static_cast<std::size_t>(k) - 1];
    double bashforth = m.step.a[1][0] * f(n);
    for (int i = 1; i < k; ++i) bashforth += m.past.predict[static_cast<std::size_t>(i)] * f(n - i);
    CHECK(differences.step(grid, 1, differences.predicted(grid)) == Approx(h * bashforth).margin(1e-14));
    if (n >= k) {  // the corrector is of the next order
      const AdamsMethod& next = *kAllAdams[static_cast<std::size_t>(std::min(k, kMaxAdamsOrder - 1))];
      double moulton = next.step.b[1] * f(n + 1) + next.step.b[0] * f(n);
      for (int i = 1; i < k; ++i) moulton += next.past.correct[static_cast<std::size_t>(i)] * f(n - i);
      if (k < kMaxAdamsOrder) CHECK(differences.step(grid, 1, f(n + 1)) == Approx(h * moulton).margin(1e-14));
      for (int j = 1; j <= k; ++j) CHECK(grid.error_weight(j) == Approx(-h * kGamma[static_cast<std::size_t>(j)]));
    }
    differences.update(grid, f(n + 1));
    grid.advance();
  }
}

TEST_CASE("the order of an Adams step follows the errors", "[solvers][adams]") {
  OrderControl control(4);
  CHECK(control.order() == 1);
  CHECK(control.accept({.same = 0.5}) == 3);  // starting: an order and a factor of three a step
  CHECK(control.order() == 2);
  CHECK(control.accept({.lower = 0.9, .same = 0.4}) == 3);
  CHECK(control.order() == 3);
  CHECK_FALSE(control.may_rise());
  CHECK(control.reject({.two_lower = 9, .lower = 8, .same = 4}) == Approx(0.9 * std::pow(0.2 / 4, 0.25)));
  CHECK(control.order() == 3);
  CHECK(control.may_rise());
  CHECK(control.accept({.two_lower = 9, .lower = 8, .same = 0.28}) == 1);  // kept: it may grow by less than a fifth
  CHECK(control.accept({.two_lower = 9, .lower = 8, .same = 0.35}) == 0.9);
  CHECK(control.accept({.two_lower = 9, .lower = 8, .same = 0.3 / 16 / 16}) == 2);
  CHECK(control.order() == 3);
  CHECK(control.accept({.two_lower = 9, .lower = 8, .same = 0.5, .higher = 0.3 / std::pow(1.5, 5)}) == Approx(1.5));
  CHECK(control.order() == 4);
  CHECK_FALSE(control.may_rise());
  CHECK(control.accept({.two_lower = 0.2, .lower = 0.3 / std::pow(1.5, 4), .same = 0.5}) == Approx(1.5));
  CHECK(control.order() == 3);
  for (const int order : {3, 3, 1}) {  // what came before is not believed after three failures
    CHECK(control.reject({.two_lower = 9e9, .lower = 8e9, .same = 7e9}) < 0.21);
    CHECK(control.order() == order);
  }
}

TEST_CASE("with a highest order, variable Adams converges at one more, forwards and backwards",
          "[solvers][adams][order]") {
  for (const int most : {1, 2, 3, 4, 5})
    for (const bool forwards : {true, false}) {
      const VariableAdams method{"capped", most};
      const double begin = forwards ? 0 : 6, end = forwards ? 6 : 0;
      std::vector<Observation> at;
      for (int i = 1; i < 12; ++i) at.push_back({begin + (end - begin) * i / 12, i % 4});
      // Errors at the end and between steps against the number of steps.
      std::array<double, 2> ends{}, inside{}, steps{};
      for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        SolveOptions options = adams(i == 0 ? 1e-4 : 1e-7, method);
        options.max_steps = 1'000'000;
        Matrix<double> seen(2, std::ssize(at));
        Observer<double> observer(at, {2, 0, 0}, forwards, out(seen), {});
        const Solved<double> s =
            solved(wave_field<double>(), begin, end, waves(begin, 4), options, {.listener = &observer});
        REQUIRE(s.status.ok());
        steps[i] = static_cast<double>(s.status.accepted);
        ends[i] = largest(s.z - waves(end, 4));
        for (Index n = 0; n < seen.cols(); ++n) {
          const Observation& o = at[static_cast<std::size_t>(n)];
          inside[i] = std::max(inside[i], largest(seen.col(n) - waves(o.t, 4).col(o.sample)));
        }
      }
      const double refined = std::log(steps[1] / steps[0]);
      CAPTURE(most, forwards, refined);
      CHECK(std::log(ends[0] / ends[1]) / refined > method.order - 0.1);
      CHECK(std::log(ends[0] / ends[1]) / refined < method.order + 0.3);
      CHECK(std::log(inside[0] / inside[1]) / refined > method.dense_order() - 0.25);
    }
}

TEST_CASE("an Adams step costs two evaluations, and the other direction of time gives the same bits",
          "[solvers][adams]") {
  const PointField<double> turned(2, [](double, std::span<const double> y, std::span<double> dy, Index) {
    dy[0] = -y[0] * std::log(y[1]);
    dy[1] = y[1] * std::log(y[0]);
  });
  for (const double tol : {1e-3, 1e-6, 1e-10}) {
    const Solved<double> s = solved(wave_field<double>(), 0, 12, waves(0, 3), adams(tol));
    REQUIRE(s.status.ok());
    CHECK(s.counters.evaluations == 2 * s.status.accepted + s.status.rejected + 1);
    CHECK(largest(s.z - waves(12, 3)) < 2 * tol);
    const Solved<double> back = solved(turned, 0, -12, waves(0, 3), adams(tol));
    CHECK(back.z == s.z);
    CHECK(back.counters.evaluations == s.counters.evaluations);
  }
}

TEST_CASE("a value at an Adams step's ends has the bits of the states there", "[solvers][adams][dense]") {
  struct Ends final : StepListener<double> {
    int steps = 0, equal = 0;
    bool wants(double, double) override { return true; }
    Next look(const DenseStep<double>& step, double* y) override {
      std::array<double, 6> begin, end;
      step(0, 0, 6, begin.data());
      step(1, 0, 6, end.data());
      ++steps;
      equal += std::equal(begin.begin(), begin.end(), step.y) && std::equal(end.begin(), end.end(), y);
      return Next::go_on;
    }
  } ends;
  const Solved<double> seen = solved(wave_field<double>(), 0, 12, waves(0, 3), adams(1e-9), {.listener = &ends});
  CHECK(ends.steps > 50);
  CHECK(ends.equal == ends.steps);
  const Solved<double> plain = solved(wave_field<double>(), 0, 12, waves(0, 3), adams(1e-9));
  CHECK(seen.z == plain.z);
  CHECK(seen.counters.evaluations == plain.counters.evaluations);
}

TEST_CASE("variable Adams in float is as good as its tolerance", "[solvers][adams]") {
  for (const double tol : {1e-2, 1e-4, 1e-6}) {
    const Solved<float> s = solved<float>(wave_field<float>(), 0, 6, waves(0, 3).cast<float>(), adams(tol));
    REQUIRE(s.status.ok());
    CAPTURE(tol, s.counters.evaluations, s.status.rejected);
    CHECK(largest(s.z.cast<double>() - waves(6, 3)) < 5 * tol);
    CHECK(s.counters.evaluations <
          2 * solved(wave_field<double>(), 0, 6, waves(0, 3), adams(tol)).counters.evaluations);
  }
}

TEST_CASE("variable Adams starts again at a jump it is told of", "[solvers][adams]") {
  // At the jump itself the field belongs to one side or the other: neither step may see the wrong one.
  for (const bool forwards : {true, false})
    for (const bool before : {true, false}) {
      CAPTURE(forwards, before);
      const PointField<double> f(1, [=](double t, std::span<const double> z, std::span<double> dz, Index) {
        dz[0] = -z[0] + ((before ? t <= 1 : t < 1) ? 5 : -5);
      });
      const double start = 1, jump = 5 - 4 * std::exp(-1.0), end = -5 + (jump + 5) * std::exp(-1.0);
      SolveOptions options = adams(1e-9);
      const auto run = [&] {
        const Matrix<double> z = Matrix<double>::Constant(1, 1, forwards ? start : end);
        return solved(f, forwards ? 0 : 2, forwards ? 2 : 0, z, options);
      };
      const Solved<double> blind = run();
      options.jumps = {1};
      const Solved<double> told = run();
      CHECK(std::abs(told.z(0) - (forwards ? end : start)) < 1e-9);
      CHECK(told.status.rejected <= 4);
      CHECK(2 * told.counters.evaluations < blind.counters.evaluations);
    }
}

TEST_CASE("variable Adams goes on at a time that it steps onto", "[solvers][adams]") {
  SolveOptions options = adams(1e-9);
  const Solved<double> plain = solved(wave_field<double>(), 0, 12, waves(0, 3), options);
  for (int i = 1; i < 12; ++i) options.stops.push_back(i);
  const Solved<double> s = solved(wave_field<double>(), 0, 12, waves(0, 3), options);
  CHECK(largest(s.z - waves(12, 3)) < 1e-9);
  CHECK(s.status.accepted < plain.status.accepted + 40);  // a restart takes about ten steps
}

TEST_CASE("a masked sample is nobody's business in variable Adams", "[solvers][adams][masked]") {
  const Index B = 5, bad = 2;
  const auto rate = [](Index j) { return static_cast<double>(j + 1); };
  const auto field = [rate](double wrong) {
    return PointField<double>(1, [=](double t, std::span<const double> z, std::span<double> dz, Index j) {
      dz[0] = j == bad ? wrong : std::cos(t * rate(j)) * z[0];
    });
  };
  const Matrix<double> start = Matrix<double>::Ones(1, B);
  const std::vector<char> active{1, 1, 0, 1, 1};
  const Solved<double> a = solved(field(1e9), 0, 5, start, adams(1e-8), {.active = active});
  const Solved<double> b =
      solved(field(std::numeric_limits<double>::quiet_NaN()), 0, 5, start, adams(1e-8), {.active = active});
  REQUIRE(a.status.ok());
  CHECK(a.z == b.z);
  CHECK(a.z(0, bad) == 1);
  for (Index j = 0; j < B; ++j)
    if (j != bad) CHECK(a.z(0, j) == Approx(std::exp(std::sin(5 * rate(j)) / rate(j))).epsilon(1e-8));
  const Solved<double> named = solved(field(std::numeric_limits<double>::quiet_NaN()), 0, 5, start, adams(1e-8));
  CHECK(named.status.code == Status::Code::non_finite);
  CHECK(named.status.row == bad);
}

TEST_CASE("the tolerance of variable Adams is each sample's own", "[solvers][adams]") {
  // One sample turns twenty times as fast as the other sixty-three.
  const PointField<double> f(2, [](double, std::span<const double> z, std::span<double> dz, Index j) {
    const double turn = j == 7 ? 20 : 1;
    dz[0] = turn * z[1];
    dz[1] = -turn * z[0];
  });
  Matrix<double> start = Matrix<double>::Zero(2, 64);
  start.row(1).setOnes();
  const auto run = [&](const Matrix<double>& z, Norm norm) {
    SolveOptions options = adams(1e-6);
    options.norm = norm;
    return solved(f, 0, 3, z, options);
  };
  const Solved<double> own = run(start, Norm::sample), tile = run(start, Norm::tile);
  const auto error = [](const Solved<double>& s) { return std::abs(s.z(0, 7) - std::sin(60.0)); };
  CHECK(error(own) < 1e-6);
  CHECK(error(tile) > 3 * error(own));
  CHECK(tile.counters.evaluations < own.counters.evaluations);
}

TEST_CASE("what variable Adams cannot do is refused by name", "[solvers][adams][arguments]") {
  using Catch::Matchers::Contains;
  CHECK(parse_method("adams").method == Method(&kAdams));
  CHECK_THROWS_WITH(parse_method("adams:8"), Contains("adams") && Contains("abm8:N"));
  CHECK_THROWS_WITH(parse_method("adam"), Contains("; adams (order 13, adaptive: "));
  SolveOptions options = adams(1e-6);
  options.fixed_steps = 8;
  CHECK_THROWS_WITH(check(options), Contains("fixed_steps is 8") && Contains("adams"));
  options.fixed_steps = 0;
  options.fractions = {0, 1};
  CHECK_THROWS_WITH(check(options), Contains("fractions") && Contains("adams"));
  Recording<double> record;
  CHECK_THROWS_WITH(solved(wave_field<double>(), 0, 1, waves(0, 1), adams(1e-6), {.record = &record}),
                    Contains("adams") && Contains("recorded"));
}
