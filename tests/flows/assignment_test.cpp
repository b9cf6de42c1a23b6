// The assignment solver against brute force, and by the proof that its prices are.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "flows/objectives/assignment.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

double cost_of(const Matrix<double>& cost, const std::vector<int>& column_of) {
  double sum = 0;
  for (std::size_t i = 0; i < column_of.size(); ++i) sum += cost(column_of[i], static_cast<Index>(i));
  return sum;
}

/// How far the prices are from proving that the assignment is the best one, as a share of the largest cost.
double doubt(const Matrix<double>& cost, const Assignment& of) {
  double worst = 0, prices = 0;
  for (Index i = 0; i < cost.cols(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    prices += of.row_price()[row] + of.column_price()[row];
    for (Index j = 0; j < cost.rows(); ++j)
      worst = std::max(worst, of.row_price()[row] + of.column_price()[static_cast<std::size_t>(j)] - cost(j, i));
  }
  std::vector<int> sorted = of.column_of();
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t k = 0; k < sorted.size(); ++k) REQUIRE(sorted[k] == static_cast<int>(k));
  worst = std::max(worst, std::abs(prices - cost_of(cost, of.column_of())));
  return worst / std::max(cost.cwiseAbs().maxCoeff(), 1e-300);
}

Matrix<double> distances(const Batch& x, const Batch& y) {
  Matrix<double> cost(y.cols(), x.cols());
  for (Index i = 0; i < x.cols(); ++i) cost.col(i) = (y.colwise() - x.col(i)).colwise().squaredNorm();
  return cost;
}

}  // namespace

TEST_CASE("an assignment is the best of all permutations", "[flows][assignment]") {
  Assignment of;
  for (Index n = 1; n <= 7; ++n)
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      Matrix<double> cost = normal_batch(n, n, Seed{seed});
      if (seed % 3 == 1) cost = (2 * cost).array().round();  // ties
      if (seed % 3 == 2) cost = cost.cwiseAbs2() * 1e12;
      of.solve(cost);
      std::vector<int> permutation(static_cast<std::size_t>(n));
      std::iota(permutation.begin(), permutation.end(), 0);
      double best = cost_of(cost, permutation);
      while (std::next_permutation(permutation.begin(), permutation.end()))
        best = std::min(best, cost_of(cost, permutation));
      CAPTURE(n, seed);
      CHECK(cost_of(cost, of.column_of()) == Approx(best).epsilon(1e-12).margin(1e-12 * cost.cwiseAbs().maxCoeff()));
      CHECK(doubt(cost, of) < 1e-13);
    }
}

TEST_CASE("the prices of a large assignment prove that it is the best", "[flows][assignment]") {
  Assignment of;
  for (const Index n : {64, 256, 500}) {
    const Batch x = normal_batch(2, n, Seed{1}), y = normal_batch(2, n, Seed{2});
    Batch far = 0.05 * y, repeated = y;
    far.row(0).array() += 40;
    for (Index i = 0; i < n; ++i) repeated.col(i) = y.col(i % 7);
    for (const Matrix<double>& cost :
         {distances(x, y), distances(x, x), distances(x, far), distances(x, repeated), distances(repeated, repeated),
          Matrix<double>(normal_batch(n, n, Seed{3})), Matrix<double>(Matrix<double>::Constant(n, n, 3)),
          Matrix<double>((4 * normal_batch(n, n, Seed{4})).array().round()), distances(1e8 * x, 1e8 * y)}) {
      of.solve(cost);
      CHECK(doubt(cost, of) < 1e-15 * static_cast<double>(n) * 4);
    }
  }
}

TEST_CASE("an assignment refuses costs that are not square or not finite", "[flows][assignment][errors]") {
  Assignment of;
  CHECK_THROWS_WITH(of.solve(Matrix<double>::Zero(2, 3)), Catch::Contains("2 x 3"));
  CHECK_THROWS_WITH(of.solve(Matrix<double>()), Catch::Contains("at least one"));
  Matrix<double> cost = Matrix<double>::Zero(2, 2);
  cost(1, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(of.solve(cost), Catch::Contains("not finite"));
}
