#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "solvers/dual_dynamics.hpp"
#include "solvers/function_dynamics.hpp"
#include "solvers/gradients/trajectory_gradient.hpp"
#include "solvers/watching/dual_event.hpp"

namespace cnf {

TEST_CASE("an equation of your own is integrated, seen, ended and differentiated", "[extending]") {
  // Integrated: a lambda suffices. Balls thrown upwards, z = (height, speed); three throws, a column each.
  const auto fall = [](double, auto z) { return std::array{z[1], -9.81}; };
  const auto ball = function_dynamics<double>(2, fall);
  Matrix<double> throws(2, 3);
  throws << 0, 1, 2, 5, 6, 7;
  const SolvedAt<double> flown = solve_at(ball, {0, 0.5}, throws);
  CHECK(flown.z_end(0, 1) == Approx(1 + 6 * 0.5 - 9.81 / 8));
  CHECK(flown.ok());  // if not, flown.failures say which ball, where and why

  // Seen: at any times, each ball at its own and over its own span, forwards or back.
  const Spans spans({0, 0, 1}, {0.5, 0.8, 0});
  const SolvedAt<double> seen = solve_at(ball, spans, throws, {.times = {{0.1, 0.2}, {}, {0.9}}}, {.rtol = 1e-8});
  CHECK(seen.seen[0](0, 1) == Approx(5 * 0.2 - 9.81 * 0.02));
  CHECK(seen.seen[2](0, 0) == Approx(2 - 7 * 0.1 - 9.81 * 0.005));

  // Ended: each where it comes down on a slope, height = 0.1 t. An event is a function of t and z that becomes 0.
  const auto ground = dual_event<2, double>([](auto t, auto z) { return z[0] - 0.1 * t; }, Crossing::falling);
  const SolvedAt<double> landed = solve_at(ball, {0, 10}, throws, {.events = {ground}});
  CHECK(landed.t_end[0] == Approx(2 * 4.9 / 9.81));
  CHECK(landed.ended_by[0] == 0);

  // Differentiated: dual numbers find the derivatives of a generic lambda, by z, t and parameters; here gravity.
  const auto pulled = dual_dynamics<2, 1, double>(
      [](auto, auto z, auto p, auto dz) {
        dz[0] = z[1];
        dz[1] = -p[0];
      },
      Matrix<double>::Constant(1, 1, 9.81));
  DifferentiableTrajectory<double> path;
  path.forward(pulled, {0, 10}, throws, {.events = {ground}});
  const TrajectoryGradient<double> gradient = path.backward({.t_end = {1, 0, 0}});  // of when the first comes down
  CHECK(gradient.params[0] == Approx(-2 * 4.9 / (9.81 * 9.81)));
  CHECK(gradient.z0(1, 0) == Approx(2 / 9.81));
  CHECK(gradient.z0(0, 1) == 0);
}

}  // namespace cnf
