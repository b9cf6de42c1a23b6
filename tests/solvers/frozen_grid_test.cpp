// Adams methods along grids of fixed times (frozen_grid.hpp): their order, and that a sample knows of no other.
#include "solvers/frozen_grid.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

template <class T>
struct WalkedTo {
  Matrix<T> z, q;
  std::vector<double> corrections;
  Counters counters;
};

template <class T>
WalkedTo<T> walked(const Dynamics<T>& f, double t_begin, double t_end, const Matrix<T>& z, const FrozenGrid& grid) {
  Scratch scratch;
  State<T> state(f.blocks(), z.cols());
  state.z() = z;
  WalkedTo<T> result;
  result.corrections.assign(static_cast<std::size_t>(z.cols()), 0);
  REQUIRE(walk_grid(f, t_begin, t_end, state, grid, nullptr, scratch, result.counters, result.corrections).ok());
  result.z = state.z();
  result.q = state.q();
  return result;
}

/// Steps that begin small enough for a start by low orders: the cubes of equal parts.
FrozenGrid cubes(int order, double lead, int steps) {
  FrozenGrid grid{order, lead, {}};
  for (int n = 0; n <= steps; ++n) grid.fractions.push_back(std::pow(static_cast<double>(n) / steps, 3));
  return grid;
}

SolveOptions tight() {
  SolveOptions options;
  options.method = &kDopri8;
  options.rtol = options.atol = 1e-14;
  return options;
}

}  // namespace

TEST_CASE("along a frozen grid the error falls by one order more than its slopes of the past, either way in time",
          "[solvers][order]") {
  const TanhField<double> f(3, Seed{5});
  const Matrix<double> start = normals<double>(3, 4, Seed{6});
  for (const auto& [from, to] : {std::pair{0.0, 0.8}, std::pair{0.8, 0.0}}) {
    const Solved<double> truth = solved(f, from, to, start, tight());
    for (int order = 1; order <= 6; ++order)
      for (const double lead : {0.0, 0.5}) {
        const int steps = order < 4 ? 300 : 120;  // errors of 1e-6 to 1e-12
        const auto error = [&](int n) {
          const WalkedTo<double> got = walked(f, from, to, start, cubes(order, lead, n));
          return (got.z - truth.z).norm() + (got.q - truth.q).norm();
        };
        const double slope = std::log2(error(steps) / error(2 * steps));
        CAPTURE(from, order, lead, error(steps), slope);
        CHECK(slope == Approx(order + 1).margin(0.25));
      }
  }
}

TEST_CASE("a frozen grid takes one evaluation a step and one more", "[solvers]") {
  const TanhField<double> f(3, Seed{5});
  const WalkedTo<double> got = walked(f, 0, 1, normals<double>(3, 4, Seed{6}), graded_grid(4, 0, 20));
  CHECK(got.counters.evaluations == 21);
  CHECK(got.counters.accepted == 20);
}

TEMPLATE_TEST_CASE("along a frozen grid a sample has the bits and the correction that it has alone", "[solvers]", float,
                   double) {
  using T = TestType;
  const TanhField<T> f(3, Seed{5});
  const Matrix<T> start = normals<T>(3, 9, Seed{6});
  const FrozenGrid grid = graded_grid(5, 0.5, 20);
  const WalkedTo<T> all = walked(f, 0, 2, start, grid);
  for (const Index j : {0, 3, 8}) {
    const WalkedTo<T> alone = walked(f, 0, 2, Matrix<T>(start.col(j)), grid);
    CHECK(std::memcmp(alone.z.data(), all.z.col(j).eval().data(), sizeof(T) * 3) == 0);
    CHECK(alone.q(0, 0) == all.q(0, j));
    CHECK(alone.corrections[0] == all.corrections[static_cast<std::size_t>(j)]);
  }
}

TEST_CASE("a correction tells the sample that a grid is too coarse for, and one that is not finite", "[solvers]") {
  // Sample j turns j times as fast as sample 1, and sample 4 runs into a logarithm's end.
  const auto f = function_dynamics<double>(2, [](double, std::span<const double> z, std::span<double> dz, Index j) {
    dz[0] = j == 4 ? std::log(0.3 - z[0]) + 2 : static_cast<double>(j) * z[1];
    dz[1] = -static_cast<double>(j) * z[0];
  });
  Matrix<double> start(2, 5);
  start.setZero();
  start.row(0).head(4).setOnes();
  const WalkedTo<double> got = walked<double>(f, 0, 2, start, graded_grid(4, 0, 24));
  Vector<double> errors(4);
  for (Index j = 0; j < 4; ++j)
    errors[j] = std::hypot(got.z(0, j) - std::cos(2.0 * double(j)), got.z(1, j) + std::sin(2.0 * double(j)));
  CHECK(got.corrections[0] == 0);
  for (std::size_t j = 1; j < 4; ++j) {
    CAPTURE(j, errors[Index(j)], got.corrections[j]);
    CHECK(got.corrections[j] > 16 * got.corrections[j - 1]);
    CHECK(std::sqrt(got.corrections[j]) > errors[Index(j)]);
  }
  CHECK_FALSE(std::isfinite(got.corrections[4]));
  CHECK(got.z.leftCols(4).allFinite());
}

TEST_CASE("a graded grid follows a density, begins with smaller steps, and halves", "[solvers]") {
  const FrozenGrid even = graded_grid(3, 0, 8, 0);
  for (std::size_t n = 0; n <= 8; ++n) CHECK(even.fractions[n] == Approx(double(n) / 8).margin(1e-15));

  const std::vector<double> density{3, 3, 1, 1};
  const FrozenGrid denser = graded_grid(3, 0, 8, 0, density);  // 6 steps to the first half, 2 to the second
  CHECK(denser.fractions[6] == Approx(0.5).margin(1e-15));
  CHECK(denser.fractions[3] == Approx(0.25).margin(1e-15));
  CHECK(denser.fractions[7] == Approx(0.75).margin(1e-15));

  const FrozenGrid rising = graded_grid(3, 0, 8, 1);
  const double whole = rising.fractions[8] - rising.fractions[7];
  for (std::size_t n = 0; n < 8; ++n)
    CHECK(rising.fractions[n + 1] - rising.fractions[n] ==
          Approx(whole * std::min(1.0, double(n + 1) / 4)).margin(1e-14));

  const FrozenGrid finer = halved(denser);
  REQUIRE(finer.fractions.size() == 17);
  for (std::size_t n = 0; n <= 8; ++n) CHECK(finer.fractions[2 * n] == denser.fractions[n]);
  CHECK(finer.order == 3);
  CHECK(halved(graded_grid(3, 0.5, 8)).lead == 0.5);
}

TEST_CASE("a frozen grid that makes no sense is refused by name", "[solvers][errors]") {
  const auto refused = [](const FrozenGrid& grid, const std::string& why) {
    CHECK_THROWS_WITH(check(grid), "frozen grid: " + why);
  };
  refused({0, 0, {0, 1}}, "order is 0, expected 1 to 8");
  refused({9, 0, {0, 1}}, "order is 9, expected 1 to 8");
  refused({4, -0.1, {0, 1}}, "lead is -0.1, expected 0 to 1");
  refused({4, 1.5, {0, 1}}, "lead is 1.5, expected 0 to 1");
  refused({4, 0, {0, 0.5}}, "fractions do not go from 0 to 1");
  refused({4, 0, {}}, "fractions do not go from 0 to 1");
  refused({4, 0, {0, 0.5, 0.5, 1}}, "fractions do not ascend at 1");
  refused({4, 0, {0, std::numeric_limits<double>::quiet_NaN(), 1}}, "fractions do not ascend at 0");
  CHECK_THROWS_WITH(graded_grid(4, 0, 0), "frozen grid: 0 steps, expected at least 1");
  CHECK_THROWS_WITH(graded_grid(4, 0, 5, -1), Catch::Contains("a rise of -1"));
  const std::vector<double> nothing{1, 0};
  CHECK_THROWS_WITH(graded_grid(4, 0, 5, 1, nothing), Catch::Contains("a density of 0"));
}
