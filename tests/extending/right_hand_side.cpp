#include <catch2/catch.hpp>

#include "solvers/dual_dynamics.hpp"
#include "solvers/gradients/differentiate.hpp"

namespace cnf {

TEST_CASE("a right-hand side is a function, and has its gradient", "[extending]") {
  // Newton's cooling, dz/dt = -rate (z - room), from two temperatures at once: a sample is a column.
  const Matrix<double> params = Eigen::Vector2d(0.5, 20);
  const auto cooling =
      dual_dynamics<1, 2, double>([](auto, auto z, auto p, auto dz) { dz[0] = -p[0] * (z[0] - p[1]); }, params);

  State<double> state(cooling.blocks(), 2);
  state.z() << 90, 5;
  Scratch scratch;
  Counters counters;
  const std::vector<Observation> when{{1.0, 1}};  // on the way, the second sample is looked at
  Matrix<double> seen(1, 1);
  DifferentiableSolve<double> solve;
  REQUIRE(solve
              .forward(cooling, 0, 3, state, {.rtol = 1e-9, .atol = 1e-9}, {}, scratch, counters,
                       {when, Out<double>(seen.data(), 1, 1)})
              .ok());
  CHECK(state.z()(0, 0) == Approx(20 + 70 * std::exp(-1.5)));
  CHECK(seen(0) == Approx(20 - 15 * std::exp(-0.5)));

  // loss = z of the first sample at the end + twice what was seen: its gradient by every start, rate and room.
  Matrix<double> w(1, 2), w_seen(1, 1), z_bar(1, 2);
  w << 1, 0;
  w_seen << 2;
  std::vector<double> params_bar(2);
  SolveGradient<double> gradient{.z_bar = {z_bar.data(), 1, 2}, .params_bar = params_bar};
  const Cotangents<double> of_loss{.z = {w.data(), 1, 2}, .q = {nullptr, 0, 2}, .seen = {w_seen.data(), 1, 1}};
  REQUIRE(solve.backward(cooling, of_loss, gradient, scratch, counters).ok());
  CHECK(z_bar(0, 0) == Approx(std::exp(-1.5)));
  CHECK(z_bar(0, 1) == Approx(2 * std::exp(-0.5)));
  CHECK(params_bar[0] == Approx(-3 * 70 * std::exp(-1.5) + 2 * 15 * std::exp(-0.5)));
  CHECK(params_bar[1] == Approx(1 - std::exp(-1.5) + 2 * (1 - std::exp(-0.5))));
}

}  // namespace cnf
