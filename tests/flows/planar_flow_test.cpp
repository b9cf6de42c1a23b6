#include "flows/planar_flow.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

using namespace cnf;

namespace {

Matrix<double> normals(Index rows, Index cols) {
  Matrix<double> z(rows, cols);
  draw_normals(Seed{5}, Purpose::data, 0, 0, Out<double>(z.data(), rows, cols));
  return z;
}

/// Parameters of size 1, so that every term of the gradient counts.
Vector<double> some_params(const PlanarFlowShape& shape) { return 8 * shape.initial_parameters(Seed{3}); }

}  // namespace

TEST_CASE("a planar flow's log-determinant is that of its Jacobian by differences", "[planar_flow]") {
  const PlanarFlowShape shape{.dim = 3, .layers = 4};
  const PlanarFlow flow(shape, some_params(shape));
  const Matrix<double> z = normals(3, 5);
  Matrix<double> x = z;
  const Vector<double> log_det = flow.push(x, nullptr);
  const double e = 1e-5;
  for (Index b = 0; b < z.cols(); ++b) {
    Matrix<double> jacobian(3, 3);
    for (Index j = 0; j < 3; ++j) {
      Matrix<double> ends = z.col(b).replicate(1, 2);
      ends(j, 0) += e, ends(j, 1) -= e;
      flow.push(ends, nullptr);
      jacobian.col(j) = (ends.col(0) - ends.col(1)) / (2 * e);
    }
    CHECK(log_det[b] == Approx(std::log(jacobian.determinant())).margin(1e-8));  // > 0: it has an inverse
  }
}

TEST_CASE("a planar flow's pull is the gradient of its push, in points and parameters", "[planar_flow]") {
  const PlanarFlowShape shape{.dim = 3, .layers = 4};
  const Vector<double> params = some_params(shape);
  const Matrix<double> z = normals(3, 6), by_x = normals(3, 9).rightCols(6);
  const Vector<double> by_det = normals(1, 20).rightCols(6).transpose();
  const auto loss = [&](const Vector<double>& at, Matrix<double> point) {
    const Vector<double> log_det = PlanarFlow(shape, at).push(point, nullptr);
    return point.cwiseProduct(by_x).sum() + log_det.dot(by_det);
  };
  PlanarFlow::Tape tape;
  Matrix<double> x = z, z_bar = by_x;
  const PlanarFlow flow(shape, params);
  flow.push(x, &tape);
  const Vector<double> gradient = flow.pull(tape, z_bar, by_det);
  const double e = 1e-5;
  for (const TensorSlice& tensor : shape.layout().tensors)
    for (Index i = tensor.offset; i < tensor.offset + tensor.size(); ++i) {
      Vector<double> up = params, down = params;
      up[i] += e, down[i] -= e;
      INFO(tensor.name << " " << i - tensor.offset);
      CHECK(gradient[i] == Approx((loss(up, z) - loss(down, z)) / (2 * e)).margin(2e-8));
    }
  for (Index i = 0; i < z.size(); ++i) {
    Matrix<double> up = z, down = z;
    up.data()[i] += e, down.data()[i] -= e;
    CHECK(z_bar.data()[i] == Approx((loss(params, up) - loss(params, down)) / (2 * e)).margin(2e-8));
  }
}

TEST_CASE("a planar flow refuses what makes no sense", "[planar_flow]") {
  CHECK_THROWS_AS((PlanarFlowShape{.dim = 2, .layers = 0}.layout()), std::invalid_argument);
  CHECK_THROWS_AS(PlanarFlow(PlanarFlowShape{}, Vector<double>::Zero(3)), std::invalid_argument);
}
