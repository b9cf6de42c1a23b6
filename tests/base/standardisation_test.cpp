#include "base/standardisation.hpp"

#include <Eigen/LU>
#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"
#include "tests/normals.hpp"

namespace cnf {
namespace {

Matrix<double> covariance(const Batch& x) {
  const Batch c = x.colwise() - x.rowwise().mean().eval();
  return c * c.transpose() / static_cast<double>(x.cols());
}

std::string message_of(const Batch& x, const std::vector<std::string>& columns = {}) {
  try {
    fit_standardisation(x, columns, "data.csv");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("standardised data have mean 0 and covariance I, wherever and however scaled", "[base][standardise]") {
  const Matrix<double> A = normals(4, 4, Seed{1});
  const double scale = GENERATE(1., 1e-150, 1e150);
  const Batch x = ((A * normals(4, 5000, Seed{2})).colwise() + 100 * normals(4, 1, Seed{3}).col(0)) * scale;
  const Standardisation s = fit_standardisation(x);
  const Batch u = s.apply(x);
  CHECK(u.rowwise().mean().cwiseAbs().maxCoeff() < 1e-12);
  CHECK((covariance(u) - Matrix<double>::Identity(4, 4)).cwiseAbs().maxCoeff() < 1e-11);
  CHECK((s.invert(u) - x).cwiseAbs().maxCoeff() < 1e-12 * x.cwiseAbs().maxCoeff());
  CHECK(s.scale.isLowerTriangular());
  CHECK((s.scale.diagonal().array() > 0).all());
  CHECK(s.log_abs_det() == Approx(std::log(std::abs((s.scale / scale).determinant())) + 4 * std::log(scale)));
}

TEST_CASE("an affine map of the data leaves the standardised data the same up to a rotation", "[base][standardise]") {
  const Batch x = normals(3, 400, Seed{5}).array().cube();
  const Matrix<double> A = normals(3, 3, Seed{6});
  const Batch y = (A * x).colwise() + Vector<double>::Constant(3, 7);
  const Batch u = fit_standardisation(x).apply(x), v = fit_standardisation(y).apply(y);
  CHECK((u.transpose() * u - v.transpose() * v).cwiseAbs().maxCoeff() < 1e-11 * u.squaredNorm());
}

TEST_CASE("a covariance without full rank falls back to each column's own deviation", "[base][standardise]") {
  Batch x = normals(3, 500, Seed{7});
  x.row(2) = 2 * x.row(0) - x.row(1) + 5e-5 * x.row(2);  // eigenvalue about 1e-9
  const Standardisation diagonal = fit_standardisation(x);
  CHECK(diagonal.scale.isDiagonal());
  CHECK(diagonal.scale.diagonal().cwiseAbs2().isApprox(covariance(x).diagonal(), 1e-12));
  x.row(2) = x.row(2) + 1e-2 * normals(3, 500, Seed{8}).row(0);
  CHECK_FALSE(fit_standardisation(x).scale.isDiagonal());
  CHECK(fit_standardisation(normals(5, 5, Seed{9})).scale.isDiagonal());  // N <= D
}

TEST_CASE("constant columns and too few rows are named", "[base][standardise]") {
  Batch x = normals(3, 50, Seed{10});
  x.row(1).setConstant(0.1);
  CHECK(message_of(x, {"a", "b", "c"}) ==
        "data.csv: column 2, 'b', is constant, all 50 values are 0.1; a density needs columns that vary");
  CHECK(message_of(x) == "data.csv: column 2 is constant, all 50 values are 0.1; a density needs columns that vary");
  x.row(1).setZero();
  CHECK(message_of(x).starts_with("data.csv: column 2 is constant, all 50 values are 0;"));
  CHECK(message_of(x.leftCols(1)) == "data.csv: 1 row to fit to, expected at least 2");
  CHECK(message_of(Batch(3, 0)) == "data.csv: 0 rows to fit to, expected at least 2");
  CHECK(unvarying_columns(x) == std::vector<Index>{1});
  x.row(2).setConstant(-3);
  CHECK(message_of(x, {"a", "b", "c"}) ==
        "data.csv: 2 of 3 columns are constant: 'b', 'c'; a density needs columns that vary");
  x.row(2) = 4 * normals(1, 50, Seed{15}).array() + 1e16;
  CHECK(message_of(x) ==
        "data.csv: 2 of 3 columns are constant or vary by rounding alone: 2, 3; a density needs columns that vary");
  Batch wide = Batch::Zero(9, 50);
  wide.row(4) = x.row(0);
  CHECK(message_of(wide) ==
        "data.csv: 8 of 9 columns are constant: 1, 2, 3, 4, 6, 7 and 2 more; a density needs columns that vary");
  CHECK(unvarying_columns(wide) == std::vector<Index>{0, 1, 2, 3, 5, 6, 7, 8});
  CHECK_THROWS_AS(fit_standardisation(x, {"a"}), std::invalid_argument);
  CHECK_THROWS_AS(Standardisation::identity(2).apply(x), std::invalid_argument);
  CHECK_THROWS_AS(Standardisation::identity(2).invert(x), std::invalid_argument);
}

TEST_CASE("numbers near the ends of a double's range are not called constant", "[base][standardise]") {
  Batch x = normals(2, 200, Seed{13});
  x.row(1) = 3e307 * x.row(1).array().tanh();
  const Standardisation s = fit_standardisation(x);  // the sum of squares, and of values, overflows
  CHECK(s.apply(x).rowwise().mean().cwiseAbs().maxCoeff() < 1e-9);
  CHECK(covariance(s.apply(x)).isIdentity(1e-6));
  x.row(1).array() += 3e307;
  CHECK(covariance(fit_standardisation(x).apply(x)).isIdentity(1e-6));
  x(1, 0) = 1.7e308, x(1, 1) = -1.7e308;
  CHECK(message_of(x).starts_with("data.csv: column 2 reaches from -1.7e+308 to 1.7e+308, further than a double"));
  x = normals(1, 10, Seed{14}).array() * 4 + 1e16;
  CHECK(message_of(x).starts_with("data.csv: column 1 varies by rounding alone, from "));
}

TEST_CASE("a small spread far from zero is still whitened", "[base][standardise]") {
  Batch x = normals(2, 4000, Seed{11});
  x.row(0).array() = 1e6 + 1e-3 * x.row(0).array();
  const Standardisation s = fit_standardisation(x);
  CHECK(s.apply(x).rowwise().mean().cwiseAbs().maxCoeff() < 1e-6);
  CHECK(covariance(s.apply(x)).isIdentity(1e-6));
}

TEST_CASE("the identity changes nothing", "[base][standardise]") {
  const Batch x = normals(3, 10, Seed{12});
  const Standardisation s = Standardisation::identity(3);
  CHECK(s.apply(x) == x);
  CHECK(s.invert(x) == x);
  CHECK(s.log_abs_det() == 0);
}

}  // namespace cnf
