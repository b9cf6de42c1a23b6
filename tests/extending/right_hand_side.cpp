#include <catch2/catch.hpp>

#include "solvers/discrete_adjoint.hpp"
#include "solvers/dual_dynamics.hpp"
#include "solvers/integrate.hpp"
#include "solvers/recording.hpp"

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
  Recording<double> steps;
  REQUIRE(integrate(cooling, 0, 3, state, {.rtol = 1e-9, .atol = 1e-9}, scratch, counters, &steps).ok());
  CHECK(state.z()(0, 0) == Approx(20 + 70 * std::exp(-1.5)));

  // loss = z of the first sample at the end: its gradient by every start, rate and room.
  Matrix<double> w(1, 2), z_bar(1, 2);
  w << 1, 0;
  std::vector<double> params_bar(2);
  discrete_adjoint(cooling, steps, Tile<double>(w.data(), 1, 2), Tile<double>(nullptr, 0, 2),
                   Out<double>(z_bar.data(), 1, 2), std::span<double>(params_bar), scratch);
  CHECK(z_bar(0, 0) == Approx(std::exp(-1.5)));
  CHECK(z_bar(0, 1) == 0);
  CHECK(params_bar[0] == Approx(-3 * 70 * std::exp(-1.5)));
  CHECK(params_bar[1] == Approx(1 - std::exp(-1.5)));
}

}  // namespace cnf
