// The user's own functions as dynamics: by their word (function_dynamics) and by dual numbers (dual_dynamics).
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "solvers/dual_dynamics.hpp"
#include "solvers/function_dynamics.hpp"
#include "solvers/gradients/discrete_adjoint.hpp"
#include "solvers/gradients/recording.hpp"
#include "tests/laws.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

/// A damped, driven pendulum: x'' = -p0 sin x - p1 x' + p2 cos(2 t).
constexpr auto kPendulum = [](auto t, auto z, auto p, auto dz) {
  using std::cos, std::sin;
  dz[0] = z[1];
  dz[1] = -p[0] * sin(z[0]) - p[1] * z[1] + p[2] * cos(2 * t);
};

/// The pullback of kPendulum by hand.
struct PendulumPullback {
  std::vector<double> p;
  double operator()(double t, std::span<const double> z, std::span<const double> w, std::span<double> z_bar,
                    std::span<double> params_bar) const {
    z_bar[0] += -p[0] * std::cos(z[0]) * w[1];
    z_bar[1] += w[0] - p[1] * w[1];
    params_bar[0] += -std::sin(z[0]) * w[1];
    params_bar[1] += -z[1] * w[1];
    params_bar[2] += std::cos(2 * t) * w[1];
    return -2 * p[2] * std::sin(2 * t) * w[1];
  }
};

Matrix<double> pendulum_params(Index sets) {
  Matrix<double> p(3, sets);
  for (Index j = 0; j < sets; ++j) p.col(j) << 1.2 + 0.1 * double(j), 0.3 - 0.05 * double(j), 0.7 + 0.2 * double(j);
  return p;
}

auto by_hand(const Matrix<double>& params) {
  const std::vector<double> p(params.data(), params.data() + 3);
  const auto f = [p](double t, std::span<const double> z, std::span<double> dz) {
    kPendulum(t, z, std::span<const double>(p), dz);
  };
  return function_dynamics<double>(2, f, PendulumPullback{p}, 3);
}

/// dloss/dz0 and dloss/dparams of loss = sum(w o z(t_end)) through the steps taken.
struct Gradient {
  Matrix<double> z_bar;
  std::vector<double> params_bar;

  Gradient(const Dynamics<double>& f, const Matrix<double>& start, const Matrix<double>& w, const SolveOptions& options)
      : z_bar(start.rows(), start.cols()), params_bar(static_cast<std::size_t>(f.gradient_size())) {
    Recording<double> record;
    REQUIRE(solved(f, 0.2, 3, start, options, {.record = &record}).status.ok());
    Scratch scratch;
    Counters counters;
    SolveGradient<double> gradient{.z_bar = {z_bar.data(), z_bar.rows(), z_bar.cols()}, .params_bar = params_bar};
    discrete_adjoint(f, record, {}, {.z = tile(w), .q = {nullptr, 0, start.cols()}}, gradient, scratch, counters);
  }
};

}  // namespace

TEST_CASE("dual numbers find both derivatives of a user's function", "[solvers][laws]") {
  for (const Index B : {1, 5})
    for (const bool own_params : {false, true})
      for (const bool per_sample : {false, true}) {
        CAPTURE(B, own_params, per_sample);
        const auto f = dual_dynamics<2, 3, double>(kPendulum, pendulum_params(own_params ? B : 1));
        CHECK(f.gradient_size() == (own_params ? 3 * B : 3));
        CHECK(transpose_law_error(f, B, per_sample, Seed{1}) < 1e-14);
        CHECK(jvp_error(f, B, per_sample, Seed{1}) < 1e-9);
      }
}

TEST_CASE("a function without parameters has its derivatives too", "[solvers][laws]") {
  const auto f = dual_dynamics<3, 0, double>(
      [](auto t, auto z, auto, auto dz) {
        dz[0] = z[1] * z[2] * t;
        dz[1] = 2.5;  // a constant: no derivative
        dz[2] = z[0] / (1 + z[1] * z[1]);
      },
      Matrix<double>(0, 1));
  CHECK(f.gradient_size() == 0);
  CHECK(transpose_law_error(f, 4, true, Seed{3}) < 1e-14);
  CHECK(jvp_error(f, 4, true, Seed{3}) < 1e-9);
}

TEST_CASE("dual numbers and a pullback by hand give one gradient, and differences the same", "[solvers][adjoint]") {
  Matrix<double> start = normals<double>(2, 4, Seed{1}), params = pendulum_params(1);
  const Matrix<double> w = normals<double>(2, 4, Seed{2});
  SolveOptions options;
  options.fixed_steps = 40;
  const Gradient dual(dual_dynamics<2, 3, double>(kPendulum, params), start, w, options);
  const Gradient hand(by_hand(params), start, w, options);
  CHECK((dual.z_bar - hand.z_bar).cwiseAbs().maxCoeff() < 1e-13);
  for (std::size_t i = 0; i < 3; ++i) CHECK(dual.params_bar[i] == Approx(hand.params_bar[i]).epsilon(1e-13));

  const auto difference = [&](double& x) {
    const double at = x;
    const auto loss = [&](double value) {
      x = value;
      const auto f = dual_dynamics<2, 3, double>(kPendulum, params);
      return (w.array() * solved(f, 0.2, 3, start, options).z.array()).sum();
    };
    const auto slope = [&](double h) { return (loss(at + h) - loss(at - h)) / (2 * h); };
    const double richardson = (4 * slope(1e-3) - slope(2e-3)) / 3;
    x = at;
    return richardson;
  };
  for (Index i = 0; i < start.size(); ++i) CHECK(dual.z_bar(i) == Approx(difference(start(i))).epsilon(1e-8));
  for (Index i = 0; i < 3; ++i) CHECK(dual.params_bar[i] == Approx(difference(params(i))).epsilon(1e-8));
}

TEST_CASE("parameters of each sample have gradients of their own", "[solvers][adjoint]") {
  const Matrix<double> start = normals<double>(2, 3, Seed{1}), w = normals<double>(2, 3, Seed{2}),
                       params = pendulum_params(3);
  SolveOptions options;
  options.fixed_steps = 20;
  const Gradient all(dual_dynamics<2, 3, double>(kPendulum, params), start, w, options);
  for (Index j = 0; j < 3; ++j) {
    const Gradient one(dual_dynamics<2, 3, double>(kPendulum, Matrix<double>(params.col(j))), start.col(j), w.col(j),
                       options);
    CHECK(one.z_bar == all.z_bar.col(j));
    for (std::size_t i = 0; i < 3; ++i) CHECK(one.params_bar[i] == all.params_bar[3 * std::size_t(j) + i]);
  }
}

TEST_CASE("dual numbers work in float", "[solvers][laws]") {
  const auto exact = dual_dynamics<2, 3, double>(kPendulum, pendulum_params(1));
  const auto f = dual_dynamics<2, 3, float>(kPendulum, Matrix<float>(pendulum_params(1).cast<float>()));
  const Matrix<float> z = normals<float>(2, 4, Seed{1});
  const float t = 0.4f;
  std::vector<float> tape(static_cast<std::size_t>(f.tape_size(4)));
  std::vector<double> tape_exact(tape.size());
  Matrix<float> dz(2, 4);
  Matrix<double> dz_exact(2, 4), z_exact = z.cast<double>();
  Scratch scratch;
  f.forward(Times<float>(&t, 1), {z.data(), 2, 4}, {dz.data(), 2, 4}, {nullptr, 0, 4}, {}, tape.data(), scratch);
  const double t_exact = t;
  exact.forward(Times<double>(&t_exact, 1), tile(z_exact), {dz_exact.data(), 2, 4}, {nullptr, 0, 4}, {},
                tape_exact.data(), scratch);
  CHECK((dz.cast<double>() - dz_exact).cwiseAbs().maxCoeff() < 1e-6);
  for (std::size_t i = 0; i < tape.size(); ++i) CHECK(double(tape[i]) == Approx(tape_exact[i]).margin(1e-6));
}

TEST_CASE("a function may know its sample", "[solvers]") {
  const auto f = function_dynamics<double>(
      1, [](double, std::span<const double>, std::span<double> dz, Index j) { dz[0] = static_cast<double>(j); });
  SolveOptions options;
  options.fixed_steps = 1;
  const Solved<double> s = solved<double>(f, 0, 2, Matrix<double>::Zero(1, 3), options);
  for (Index j = 0; j < 3; ++j) CHECK(s.z(0, j) == Approx(2.0 * static_cast<double>(j)));
}

TEST_CASE("a function of t and z that returns its slope is a dynamics, with and without a pullback", "[solvers]") {
  const auto f = [](double t, std::span<const double> z) { return std::array<double, 2>{z[1], t - z[0]}; };
  const auto pullback = [](double, std::span<const double>, std::span<const double> w, std::span<double> z_bar,
                           std::span<double>) {
    z_bar[0] -= w[1];
    z_bar[1] += w[0];
    return w[1];
  };
  const Matrix<double> start = normals<double>(2, 3, Seed{1});
  const auto into = function_dynamics<double>(2, [&](double t, std::span<const double> z, std::span<double> dz) {
    std::copy_n(f(t, z).begin(), 2, dz.begin());
  });
  CHECK(solved(function_dynamics<double>(2, f), 0, 2, start, {}).z == solved(into, 0, 2, start, {}).z);
  const auto both = function_dynamics<double>(2, f, pullback);
  CHECK(both.derivatives() == Derivatives::vjp);
  CHECK(solved(both, 0, 2, start, {}).z == solved(into, 0, 2, start, {}).z);
}

TEST_CASE("what a user's function lacks is named", "[solvers][arguments]") {
  using Catch::Matchers::Contains;
  const auto decay = [](double, std::span<const double> z, std::span<double> dz) { dz[0] = -z[0]; };
  const auto f = function_dynamics<double>(1, decay);
  Scratch scratch;
  Matrix<double> x = Matrix<double>::Ones(1, 2);
  const Out<double> out(x.data(), 1, 2);
  CHECK(f.tape_size(2) == 0);
  CHECK_THROWS_WITH(f.vjp(nullptr, tile(x), tile(x), out, {}, {}, scratch), Contains("vjp"));
  CHECK_THROWS_WITH(f.jvp(nullptr, tile(x), {}, out, out, scratch), Contains("jvp"));
  CHECK_THROWS_WITH(function_dynamics<double>(0, decay), Contains("D is 0"));

  CHECK_THROWS_WITH((dual_dynamics<2, 3, double>(kPendulum, Matrix<double>(2, 1))), Contains("2 x 1") && Contains("3"));
  const auto own = dual_dynamics<2, 3, double>(kPendulum, pendulum_params(2));
  CHECK_THROWS_WITH(solved<double>(own, 0, 1, Matrix<double>::Ones(2, 3), {}),
                    Contains("3 x 2") && Contains("3 samples"));
}
