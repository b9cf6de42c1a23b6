// Slopes that jump at known times: both sides seen as they are, forwards, backwards and in the transpose.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "solvers/gradients/differentiate.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

constexpr double kFirst = 0.62, kSecond = 1.15;

template <class T>
T switched(T t) {
  return t < T(kFirst) ? T(1) : t < T(kSecond) ? T(-2) : T(0.5);
}

/// z' = c(t) (p0 sin(z1) + t, p1 z0 z1), c of three pieces.
auto field(double p0, double p1) {
  const auto f = [p0, p1](double t, std::span<const double> z, std::span<double> dz) {
    const double c = switched(t);
    dz[0] = c * (p0 * std::sin(z[1]) + t);
    dz[1] = c * p1 * z[0] * z[1];
  };
  const auto vjp = [p0, p1](double t, std::span<const double> z, std::span<const double> w, std::span<double> z_bar,
                            std::span<double> params_bar) {
    const double c = switched(t);
    z_bar[0] += c * p1 * z[1] * w[1];
    z_bar[1] += c * (p0 * std::cos(z[1]) * w[0] + p1 * z[0] * w[1]);
    params_bar[0] += c * std::sin(z[1]) * w[0];
    params_bar[1] += c * z[0] * z[1] * w[1];
    return c * w[0];
  };
  return function_dynamics<double>(2, f, vjp, 2);
}

struct Loss {
  double p0 = 0.7, p1 = -0.4, t_begin = 0.1, t_end = 1.7;
  Matrix<double> start = normals<double>(2, 3, Seed{31}), w_z = normals<double>(2, 3, Seed{32}),
                 w_seen = normals<double>(2, 7, Seed{33});
  std::vector<Observation> at{{0.3, 0}, {0.55, 1}, {kFirst, 2}, {0.7, 0}, {1.1, 1}, {1.4, 2}, {1.69, 0}};
  std::vector<double> jumps{kFirst, kSecond};

  void turn() {
    std::swap(t_begin, t_end);
    std::reverse(at.begin(), at.end());
    std::reverse(jumps.begin(), jumps.end());
  }
  double operator()(const SolveOptions& options) {
    Matrix<double> seen(2, 7);
    const auto f = field(p0, p1);
    Observer<double> observer(at, f.blocks(), t_end > t_begin, out(seen), {});
    const Solved<double> s = solved<double>(f, t_begin, t_end, start, options, {.listener = &observer});
    REQUIRE(s.status.ok());
    return (w_z.array() * s.z.array()).sum() + (w_seen.array() * seen.array()).sum();
  }
};

/// The loss's gradient by the start, the parameters, the observations' times, t_begin and t_end, in this order.
std::vector<double> gradient(DifferentiableSolve<double>& of, const Loss& loss, const SolveOptions& options,
                             const GradientOptions& how, Counters& back) {
  Scratch scratch;
  Counters counters;
  const auto f = field(loss.p0, loss.p1);
  State<double> state(f.blocks(), 3);
  state.z() = loss.start;
  Matrix<double> seen(2, 7), z_bar(2, 3);
  REQUIRE(of.forward(f, loss.t_begin, loss.t_end, state, options, how, scratch, counters, {loss.at, out(seen)}).ok());
  std::vector<double> params_bar(2), time_bar(7);
  const Matrix<double> none(0, 3);
  SolveGradient<double> g{.z_bar = out(z_bar), .params_bar = params_bar, .dloss_dtimes = time_bar};
  REQUIRE(of.backward(f, {tile(loss.w_z), tile(none), tile(loss.w_seen)}, g, scratch, back).ok());
  std::vector<double> all(z_bar.data(), z_bar.data() + 6);
  all.insert(all.end(), params_bar.begin(), params_bar.end());
  all.insert(all.end(), time_bar.begin(), time_bar.end());
  all.insert(all.end(), {g.dloss_dt_begin, g.dloss_dt_end});
  return all;
}

}  // namespace

TEST_CASE("a jump is stepped onto, and each side sees its own slope alone", "[solvers][jump]") {
  for (const char* method : {"bosh3", "fehlberg45", "dopri5", "dopri8"})
    for (const bool forwards : {true, false}) {
      CAPTURE(method, forwards);
      std::vector<double> times;
      const PointField<double> f(1, [&times](double t, std::span<const double>, std::span<double> dz, Index) {
        times.push_back(t);
        dz[0] = switched(t) * std::cos(t);
      });
      SolveOptions options;
      options.method = *find_method(method);
      options.rtol = options.atol = 1e-7;
      options.jumps = forwards ? std::vector{kFirst, kSecond} : std::vector{kSecond, kFirst};
      const auto solve = [&] {
        return solved<double>(f, forwards ? 0 : 2, forwards ? 2 : 0, Matrix<double>::Zero(1, 1), options);
      };
      const Solved<double> s = solve();
      REQUIRE(s.status.ok());
      const double truth =
          std::sin(kFirst) - 2 * (std::sin(kSecond) - std::sin(kFirst)) + 0.5 * (std::sin(2.0) - std::sin(kSecond));
      CHECK(std::abs(s.z(0, 0) - (forwards ? truth : -truth)) < 1e-6);
      CHECK(s.status.rejected <= 3);
      for (const double jump : {kFirst, kSecond})
        for (const double side : {-1.0, 1.0}) {
          CHECK(std::count(times.begin(), times.end(), std::nextafter(jump, side * 9)) > 0);
          CHECK(std::count(times.begin(), times.end(), jump) == 0);
        }
      const std::int64_t evaluations = s.counters.evaluations;
      options.jumps.clear();
      CHECK(evaluations < solve().counters.evaluations);
    }
}

TEST_CASE("in float too a jump is between two times, wherever float rounds it to", "[solvers][jump]") {
  for (const double jump : {1.0 / 3, 0.5, 2.0 / 3}) {
    std::vector<float> times;
    const PointField<float> f(1, [&times](float t, std::span<const float>, std::span<float> dz, Index) {
      times.push_back(t);
      dz[0] = 1;
    });
    SolveOptions options;
    options.jumps = {jump};
    REQUIRE(solved<float>(f, 0, 1, Matrix<float>::Zero(1, 1), options).status.ok());
    bool before = true;
    for (const float t : times) {
      CHECK(static_cast<double>(t) != jump);
      if (before && static_cast<double>(t) > jump) before = false;
    }
    CHECK_FALSE(before);
    const auto last = std::find_if(times.begin(), times.end(), [&](float t) { return static_cast<double>(t) > jump; });
    CHECK(std::all_of(last, times.end(), [&](float t) { return static_cast<double>(t) > jump; }));
  }
}

TEST_CASE("over jumps the discrete gradient equals central differences, within any memory",
          "[solvers][jump][adjoint]") {
  for (const char* method : {"bosh3", "fehlberg45", "dopri5", "dopri8"})
    for (const bool forwards : {true, false}) {
      CAPTURE(method, forwards);
      Loss loss;
      if (!forwards) loss.turn();
      SolveOptions options;
      options.method = *find_method(method);
      options.rtol = options.atol = 1e-4;
      options.jumps = loss.jumps;
      std::vector<double> times, grid;
      std::vector<std::vector<double>> gradients;
      for (const std::size_t memory : {Recording<double>::kDefaultBudget, std::size_t{260'000}, std::size_t{230'000}}) {
        DifferentiableSolve<double> of;
        Counters back;
        gradients.push_back(gradient(of, loss, options, {.memory = memory}, back));
        grid.clear();
        for (Index n = 0; n <= of.recording().steps(); ++n) grid.push_back(of.recording().t(n));
      }
      CHECK(gradients[1] == gradients[0]);
      CHECK(gradients[2] == gradients[0]);

      // The steps of each leg keep their shares of it when an end moves; the jumps stay.
      const double begin = loss.t_begin, end = loss.t_end;
      const auto value = [&] {
        SolveOptions frozen = options;
        for (double t : grid) {
          if (forwards ? t <= loss.jumps.front() : t >= loss.jumps.front())
            t = loss.t_begin + (t - begin) / (loss.jumps.front() - begin) * (loss.jumps.front() - loss.t_begin);
          else if (forwards ? t > loss.jumps.back() : t < loss.jumps.back())
            t = loss.jumps.back() +
                (t - loss.jumps.back()) / (end - loss.jumps.back()) * (loss.t_end - loss.jumps.back());
          frozen.fractions.push_back((t - loss.t_begin) / (loss.t_end - loss.t_begin));
        }
        frozen.fractions.back() = 1;
        for (std::size_t n = 1; n < grid.size(); ++n)
          if (grid[n] == grid[n - 1]) frozen.fractions[n] = frozen.fractions[n - 1];
        return loss(frozen);
      };
      // Observations well inside steps: a difference across a step's end would see two polynomials.
      std::vector<double> truth;
      for (Index i = 0; i < 6; ++i) truth.push_back(difference(loss.start(i), value));
      truth.push_back(difference(loss.p0, value));
      truth.push_back(difference(loss.p1, value));
      for (Observation& o : loss.at) truth.push_back(difference(o.t, value));
      truth.push_back(difference(loss.t_begin, value));
      truth.push_back(difference(loss.t_end, value));
      const auto near_end = [&](double t) {
        return std::any_of(grid.begin(), grid.end(), [t](double n) { return std::abs(n - t) < 3e-3; });
      };
      double size = 0;
      for (double x : truth) size = std::max(size, std::abs(x));
      for (std::size_t i = 0; i < truth.size(); ++i) {
        if (i >= 8 && i < 15 && near_end(loss.at[i - 8].t)) continue;
        CAPTURE(i, gradients[0][i], truth[i]);
        CHECK(std::abs(gradients[0][i] - truth[i]) < 1e-8 * size);
      }
    }
}

TEST_CASE("over jumps the adjoints that are solved go to the truth with the tolerance", "[solvers][jump][adjoint]") {
  for (const bool forwards : {true, false}) {
    Loss loss;
    loss.at[2].t = 0.63;  // at a jump itself a time has a gradient on each side
    if (!forwards) loss.turn();
    SolveOptions tight;
    tight.method = &kDopri8;
    tight.rtol = tight.atol = 1e-13;
    tight.jumps = loss.jumps;
    const auto value = [&] { return loss(tight); };
    std::vector<double> truth;
    for (Index i = 0; i < 6; ++i) truth.push_back(difference(loss.start(i), value));
    for (double* x : {&loss.p0, &loss.p1}) truth.push_back(difference(*x, value));
    for (Observation& o : loss.at) truth.push_back(difference(o.t, value));
    for (double* x : {&loss.t_begin, &loss.t_end}) truth.push_back(difference(*x, value));
    double size = 0;
    for (double x : truth) size = std::max(size, std::abs(x));

    for (const GradientMode mode : {GradientMode::continuous, GradientMode::interpolated})
      for (const double tolerance : {1e-5, 1e-8, 1e-11}) {
        SolveOptions options;
        options.rtol = options.atol = tolerance;
        GradientOptions how{.mode = mode, .backward = options};
        options.jumps = loss.jumps;
        DifferentiableSolve<double> of;
        Counters back;
        const std::vector<double> found = gradient(of, loss, options, how, back);
        CHECK(back.rejected <= 2 * 10);  // a leg or two for each observation and jump, its first step as it comes
        for (std::size_t i = 0; i < truth.size(); ++i) {
          CAPTURE(forwards, name(mode), tolerance, i, found[i], truth[i]);
          CHECK(std::abs(found[i] - truth[i]) < (20 * tolerance + 1e-9) * size);
        }
      }
  }
}

TEST_CASE("jumps that cannot be are refused by name", "[solvers][jump][arguments]") {
  using Catch::Matchers::Contains;
  const PointField<double> f(1, [](double, std::span<const double> z, std::span<double> dz, Index) { dz[0] = -z[0]; });
  const auto refused = [&f](const SolveOptions& options, const char* text) {
    CAPTURE(text);
    CHECK_THROWS_WITH(solved<double>(f, 0, 1, Matrix<double>::Ones(1, 1), options), Contains(text));
  };
  refused({.jumps = {0.5, 0.4}}, "jumps[1] is 0.4, expected from 0.5 to 1");
  refused({.jumps = {2}}, "jumps[0] is 2, expected from 0 to 1");
  refused({.jumps = {std::nan("")}}, "jumps[0] is nan");
  refused({.jumps = {0}}, "jumps[0] is 0, as is the start");
  refused({.jumps = {1}}, "jumps[0] is 1, as is the end");
  refused({.jumps = {0.5, 0.5}}, "jumps[1] is 0.5, as is the one before");
  refused({.fixed_steps = 4, .jumps = {0.5}}, "but fixed_steps is given");
  refused({.fractions = {0, 0.5, 1}, .jumps = {0.5}}, "fractions repeat 0 times");
  refused({.fractions = {0, 0.5, 0.5, 1}}, "fractions repeat 1 times");
  refused({.fractions = {0, 0.5, 0.5, 0.5, 1}, .jumps = {0.5}}, "fractions do not ascend at 2");
  refused({.fractions = {0, 0, 1}, .jumps = {0.5}}, "fractions do not ascend at 0");
}
