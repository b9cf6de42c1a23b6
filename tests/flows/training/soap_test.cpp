#include <catch2/catch.hpp>
#include <cmath>
#include <stdexcept>

#include "base/random.hpp"
#include "flows/training/optimizers.hpp"
#include "flows/training/soap.hpp"

using namespace cnf;

namespace {

template <class T>
Matrix<T> normals(Index rows, Index cols, std::uint32_t which) {
  Matrix<T> x(rows, cols);
  for (Index i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<T>(normal(Seed{9}, Purpose::initialisation, which, static_cast<std::uint64_t>(i), 0));
  return x;
}

Matrix<double> orthogonal(Index n, std::uint32_t which) {
  Matrix<double> q = normals<double>(n, n, which);
  for (Index k = 0; k < n; ++k) {
    for (Index twice = 0; twice < 2; ++twice)
      for (Index j = 0; j < k; ++j) q.col(k) -= q.col(j).dot(q.col(k)) * q.col(j);
    q.col(k).normalize();
  }
  return q;
}

/// A layer of a network: a weight, its bias, and a vector that belongs to no weight.
Layout layer(Index rows, Index cols) {
  Layout layout;
  layout.add("weight", rows, cols, false);
  layout.add("bias", rows, 1, true);
  layout.add("other", 3, 1, true);
  return layout;
}

template <class T>
double stepped(Weights<T>& weights, const Layout& layout, const Optimizer<T>& rule, const Vector<T>& g, double rate) {
  return update<T>(weights, layout, rule, {g.data(), static_cast<std::size_t>(g.size())}, rate);
}

template <class T>
Weights<T> fresh(const Layout& layout, const Optimizer<T>& rule) {
  return Weights<T>(Vector<T>(Vector<T>::Zero(layout.size)), rule.slots(layout));
}

/// |turn^T (W - target) other|^2 weighed by values of ratios of a thousand, at W and its gradient.
struct TurnedBowl {
  Matrix<double> rows = orthogonal(8, 1), cols = orthogonal(5, 2), target = normals<double>(8, 5, 3);
  Matrix<double> weight =
      Vector<double>::LinSpaced(8, 0, 3).array().unaryExpr([](double e) { return std::pow(10, -e); }).matrix() *
      Vector<double>::LinSpaced(5, 0, 3)
          .array()
          .unaryExpr([](double e) { return std::pow(10, -e); })
          .matrix()
          .transpose();

  double loss(const Matrix<double>& W, Matrix<double>& gradient) const {
    const Matrix<double> off = rows.transpose() * (W - target) * cols;
    gradient = rows * weight.cwiseProduct(off) * cols.transpose();
    return 0.5 * weight.cwiseProduct(off).cwiseProduct(off).sum();
  }
};

double lost(const Optimizer<double>& rule, int steps) {
  const TurnedBowl bowl;
  Layout layout;
  layout.add("weight", 8, 5, false);
  Weights<double> weights = fresh(layout, rule);
  Matrix<double> g;
  double loss = 0;
  for (int k = 0; k <= steps; ++k) {
    loss = bowl.loss(Eigen::Map<const Matrix<double>>(weights.params.data(), 8, 5), g);
    Vector<double> flat = Vector<double>::Zero(layout.size);
    flat.head(40) = Eigen::Map<const Vector<double>>(g.data(), 40);
    stepped(weights, layout, rule, flat, 0.05 * (1 - k / (steps + 1.0)));
  }
  return loss;
}

}  // namespace

TEST_CASE("soap that turns no side is Adam", "[flows][optimizer][soap]") {
  const Layout layout = layer(6, 4);
  const AdamOptions adam{.weight_decay = 0.1};
  const Adam<double> plain(adam);
  const Soap<double> soap({.adam = adam, .most_side = 0});
  Weights<double> a = fresh(layout, plain), b = fresh(layout, soap);
  for (std::uint32_t k = 0; k < 25; ++k) {
    Vector<double> g = Vector<double>::Zero(layout.size);
    for (const TensorSlice& t : layout.tensors) g.segment(t.offset, t.size()) = normals<double>(t.size(), 1, 10 + k);
    stepped(a, layout, plain, g, 0.1);
    stepped(b, layout, soap, g, 0.1);
  }
  CHECK((a.params - b.params).cwiseAbs().maxCoeff() < 1e-12);
}

TEST_CASE("in a bowl that is steep in turned directions soap gets to where Adam does not", "[flows][optimizer][soap]") {
  const double by_adam = lost(Adam<double>(), 400), by_soap = lost(Soap<double>(), 400);
  CAPTURE(by_adam, by_soap);
  CHECK(by_soap < by_adam / 100);
}

TEST_CASE("soap's bases stay orthonormal and near the means' eigenvectors", "[flows][optimizer][soap]") {
  const Layout layout = layer(6, 4);
  const Soap<double> soap({.refresh = 3});
  Weights<double> weights = fresh(layout, soap);
  const Matrix<double> turn = orthogonal(6, 4);
  for (std::uint32_t k = 0; k < 300; ++k) {
    Vector<double> g = Vector<double>::Zero(layout.size);
    Matrix<double> all = normals<double>(6, 5, 100 + k);
    for (Index i = 0; i < 6; ++i) all.row(i) *= std::pow(3, -static_cast<double>(i));
    all = turn * all;
    g.segment(layout.tensors[0].offset, 24) = Eigen::Map<const Vector<double>>(all.data(), 24);
    g.segment(layout.tensors[1].offset, 6) = all.col(4);
    stepped(weights, layout, soap, g, 0.01);
  }
  // Slots: the weight and its bias are one matrix of 6 x 5; the vector that belongs to none is the second.
  const Layout sides = soap.slots(layout)[2].layout;
  REQUIRE((sides.tensors.size() == 2 && sides.tensors[0].rows == 6 && sides.tensors[1].rows == 3));
  const Eigen::Map<const Matrix<double>> mean(weights.slots[2].data(), 6, 6), basis(weights.slots[4].data(), 6, 6);
  CHECK((basis.transpose() * basis - Matrix<double>::Identity(6, 6)).cwiseAbs().maxCoeff() < 1e-14);
  Matrix<double> diagonal = basis.transpose() * mean * basis;
  const double most = diagonal.diagonal().maxCoeff();
  diagonal.diagonal().setZero();
  CHECK(diagonal.cwiseAbs().maxCoeff() < 0.02 * most);
  CHECK((basis.col(0).cwiseAbs() - turn.col(0).cwiseAbs()).cwiseAbs().maxCoeff() < 0.1);
}

TEST_CASE("a refresh leaves soap's mean gradient where it was", "[flows][optimizer][soap]") {
  Layout layout;
  layout.add("weight", 4, 3, false);
  const Soap<double> often({.refresh = 1}), never({.refresh = 1000});
  Weights<double> a = fresh(layout, often), b = fresh(layout, never);
  for (std::uint32_t k = 0; k < 20; ++k) {
    Vector<double> g = Vector<double>::Zero(layout.size);
    g.head(12) = normals<double>(12, 1, 500 + k);
    stepped(a, layout, often, g, 0.1);
    stepped(b, layout, never, g, 0.1);
  }
  const auto in_place = [](const Weights<double>& w) {
    const Eigen::Map<const Matrix<double>> left(w.slots[4].data(), 4, 4), right(w.slots[5].data(), 3, 3),
        m(w.slots[0].data(), 4, 3);
    return Matrix<double>(left * m * right.transpose());
  };
  CHECK((in_place(a) - in_place(b)).cwiseAbs().maxCoeff() < 1e-14);
  CHECK(a.slots[1].minCoeff() >= 0);
}

TEST_CASE("soap's steps stay of Adam's size when the gradients' directions change", "[flows][optimizer][soap]") {
  Layout layout;
  layout.add("weight", 8, 8, false);
  const Soap<double> soap({.refresh = 2});
  Weights<double> weights = fresh(layout, soap);
  double largest = 0;
  for (std::uint32_t k = 0; k < 400; ++k) {
    // Of rank one, in directions that are others after every 5 updates.
    const Matrix<double> g = normals<double>(8, 1, 2000 + k / 5) * normals<double>(1, 8, 3000 + k / 5);
    const Vector<double> flat = Eigen::Map<const Vector<double>>(g.data(), 64), before = weights.params;
    stepped(weights, layout, soap, flat, 0.1);
    largest = std::max(largest, (weights.params - before).norm());
  }
  CHECK(largest < 0.1 * 8);  // as if every value of the 64 moved by the rate
}

TEMPLATE_TEST_CASE("soap makes no steps of what is no gradient", "[flows][optimizer][soap]", float, double) {
  using T = TestType;
  const Layout layout = layer(20, 30);
  for (const bool turned : {false, true}) {
    const Soap<T> soap;
    Weights<T> weights = fresh(layout, soap);
    const Matrix<T> turn = turned ? Matrix<T>(orthogonal(20, 7).template cast<T>()) : Matrix<T>::Identity(20, 20);
    double nothing = 0;
    for (std::uint32_t k = 0; k < 400; ++k) {
      Matrix<T> g = normals<T>(20, 30, 1000 + k);
      g.bottomRows(12).setZero();
      g.col(3).setZero();
      g = (turn * g).eval();
      Vector<T> flat = Vector<T>::Zero(layout.size);
      flat.segment(layout.tensors[0].offset, 600) = Eigen::Map<const Vector<T>>(g.data(), 600);
      stepped(weights, layout, soap, flat, 0.1);
    }
    REQUIRE(weights.params.allFinite());
    const Eigen::Map<const Matrix<T>> W(weights.params.data() + layout.tensors[0].offset, 20, 30);
    nothing = static_cast<double>(
        std::max((turn.transpose() * W).bottomRows(12).cwiseAbs().maxCoeff(), W.col(3).cwiseAbs().maxCoeff()));
    CAPTURE(turned, W.cwiseAbs().maxCoeff(), nothing);
    CHECK(nothing < 0.02 * static_cast<double>(W.cwiseAbs().maxCoeff()));
    CHECK(weights.params.segment(layout.tensors[2].offset, 3).isZero(0));
  }
}

TEST_CASE("optimizers are found by their names, and soap refuses what makes no sense", "[flows][optimizer][soap]") {
  for (const OptimizerKind kind : kAllOptimizers) {
    CHECK(find_optimizer(name(kind)) == kind);
    CHECK(make_optimizer<float>({.kind = kind})->name() == name(kind));
  }
  CHECK(!find_optimizer("muon"));
  CHECK_THROWS_AS(Soap<float>({.statistics = 1}), std::invalid_argument);
  CHECK_THROWS_AS(Soap<float>({.refresh = 0}), std::invalid_argument);
}
