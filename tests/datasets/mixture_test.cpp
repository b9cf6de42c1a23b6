#include "base/error.hpp"
#include "datasets/mixture_density.hpp"

#include <Eigen/LU>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "datasets/toy.hpp"

namespace cnf {
namespace {

GaussianMixture example() {
  GaussianMixture m{Vector<double>(3), Batch(2, 3), {}};
  m.weights << 0.5, 0.2, 0.3;
  m.means << 0, 3, -3, 0, 1, 2;
  for (const auto& [a, b, c] : {std::tuple{1., 0.5, 0.3}, {0.2, -0.1, 0.4}, {0.7, 0., 0.7}})
    m.scales.push_back((Matrix<double>(2, 2) << a, 0, b, c).finished());
  return m;
}

Batch draw(const GaussianMixture& m, Index n, Seed seed) {
  Batch x(m.dim(), n);
  m.sample(seed, Purpose::data, 0, 0, Out<double>(x.data(), m.dim(), n));
  return x;
}

}  // namespace

TEST_CASE("a mixture's log-density is the sum of its Gaussians", "[datasets][mixture]") {
  const GaussianMixture m = example();
  const Batch x = 3 * Batch::Random(2, 700);
  const Vector<double> log_p = m.log_prob(x);
  for (Index i = 0; i < x.cols(); i += 97) {
    double p = 0;
    for (Index k = 0; k < 3; ++k) {
      const Matrix<double> C =
          m.scales[static_cast<std::size_t>(k)] * m.scales[static_cast<std::size_t>(k)].transpose();
      const Vector<double> d = x.col(i) - m.means.col(k);
      p += m.weights[k] * std::exp(-0.5 * d.dot(C.inverse() * d)) / (2 * std::numbers::pi * std::sqrt(C.determinant()));
    }
    CHECK(log_p[i] == Approx(std::log(p)).epsilon(1e-12));
  }
  CHECK(std::isfinite(m.log_prob(Batch::Constant(2, 1, 1e6))[0]));
  CHECK_THROWS_AS(m.log_prob(Batch::Zero(3, 1)), std::invalid_argument);
}

TEST_CASE("eight Gaussians written as a mixture are the built-in set", "[datasets][mixture]") {
  GaussianMixture m{Vector<double>::Constant(8, 0.125), Batch(2, 8), {}};
  for (Index k = 0; k < 8; ++k) {
    const double angle = std::numbers::pi / 4 * static_cast<double>(k);
    m.means.col(k) << 4 / 1.414 * std::cos(angle), 4 / 1.414 * std::sin(angle);
    m.scales.push_back(0.5 / 1.414 * Matrix<double>::Identity(2, 2));
  }
  const Batch x = 6 * Batch::Random(2, 100);
  CHECK(m.log_prob(x).isApprox(find_toy("8gaussians")->log_prob(x), 1e-13));
}

TEST_CASE("draws of a mixture have its moments, and draw i is always the same", "[datasets][mixture][statistics]") {
  const GaussianMixture m = example();
  const Index n = 50000;
  const Batch x = draw(m, n, Seed{3});
  const Vector<double> mean = m.means * m.weights;
  Matrix<double> C = Matrix<double>::Zero(2, 2);
  for (Index k = 0; k < 3; ++k) {
    const Matrix<double>& L = m.scales[static_cast<std::size_t>(k)];
    const Vector<double> d = m.means.col(k) - mean;
    C += m.weights[k] * (L * L.transpose() + d * d.transpose());
  }
  for (Index a = 0; a < 2; ++a) {
    CHECK(std::abs(x.row(a).mean() - mean[a]) < 4.5 * std::sqrt(C(a, a) / n));  // by chance once in 150 000, each
    for (Index b = 0; b <= a; ++b) {
      const Eigen::ArrayXd products = (x.row(a).array() - mean[a]) * (x.row(b).array() - mean[b]);
      const double se = std::sqrt((products - products.mean()).square().mean() / n);
      CHECK(std::abs(products.mean() - C(a, b)) < 4.5 * se);
    }
  }
  Batch tail(2, 5);
  m.sample(Seed{3}, Purpose::data, 0, 100, Out<double>(tail.data(), 2, 5));
  CHECK(tail == x.middleCols(100, 5));
}

TEST_CASE("the fitted Gaussian has the data's mean and covariance", "[datasets][mixture]") {
  const Batch x = draw(example(), 500, Seed{4});
  const GaussianMixture fit = fit_gaussian(x);
  const Batch c = x.colwise() - x.rowwise().mean().eval();
  CHECK(fit.means.col(0).isApprox(x.rowwise().mean(), 1e-13));
  CHECK((fit.scales[0] * fit.scales[0].transpose()).isApprox(c * c.transpose() / 500., 1e-12));
  // Its mean log-likelihood is the negative entropy of that Gaussian, exactly.
  const double entropy = 1 + std::log(2 * std::numbers::pi) + 0.5 * std::log((c * c.transpose() / 500.).determinant());
  CHECK(fit.log_prob(x).mean() == Approx(-entropy).epsilon(1e-12));
}

TEST_CASE("EM finds the mixture that the data come from", "[datasets][mixture][statistics]") {
  const GaussianMixture truth = example();
  const Index n = 20000;
  const Batch x = draw(truth, n, Seed{5});
  const FittedMixture fit = fit_mixture(x, 3, Seed{1});
  CHECK(fit.converged);
  const double gain = fit.mean_log_prob - truth.log_prob(x).mean();
  // The likelihood of the best fit exceeds the truth's by chi2(17) / 2n: beyond 60 by chance once in 10^6.
  CHECK(gain > -1e-5);
  CHECK(gain < 60. / (2. * n));
  CHECK(fit.mixture.log_prob(x).mean() == Approx(fit.mean_log_prob).epsilon(1e-10));
  CHECK(fit.mixture.weights.sum() == Approx(1).epsilon(1e-12));
}

TEST_CASE("EM does not see an affine map of the data", "[datasets][mixture]") {
  const Batch x = draw(example(), 2000, Seed{6});
  const Vector<double> scale = (Vector<double>(2) << 1e-3, 40).finished();
  const Batch y = (scale.asDiagonal() * x).colwise() + Vector<double>::Constant(2, 5);
  const FittedMixture a = fit_mixture(x, 3, Seed{1}), b = fit_mixture(y, 3, Seed{1});
  CHECK(a.mean_log_prob - b.mean_log_prob == Approx(std::log(0.04)).epsilon(1e-7));
  CHECK(a.iterations == b.iterations);
}

TEST_CASE("more components than distinct points still give a finite mixture", "[datasets][mixture]") {
  Batch x(2, 60);
  for (Index i = 0; i < 60; ++i) x.col(i) << static_cast<double>(i % 3), static_cast<double>(i % 2);
  const FittedMixture fit = fit_mixture(x, 20, Seed{1});
  CHECK(std::isfinite(fit.mean_log_prob));
  CHECK(fit.mixture.means.allFinite());
  CHECK_THROWS_AS(fit_mixture(x, 61, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(fit_mixture(x, 0, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(fit_mixture(x, 2, Seed{1}, {.starts = 0}), std::invalid_argument);
}

TEST_CASE("the built-in mixture is a density in every dimension", "[datasets][mixture]") {
  for (const char* name : {"mixture:1", "mixture:3:4"}) {
    const auto set = find_mixture(name);
    REQUIRE(set != nullptr);
    const int n = 20000;
    const Batch x = set->sample(Seed{5}, Purpose::data, 0, 0, n);
    CHECK(x.rows() == set->dim());
    const Vector<double> nll = -set->log_prob(x);
    const double error = std::sqrt((nll.array() - nll.mean()).square().mean() / n);
    CHECK(std::abs(nll.mean() - set->entropy()) < 4.5 * std::hypot(error, set->entropy_error()));  // 1 in 150 000 seeds
  }
  CHECK(find_mixture("mixture:3")->mixture().components() == 8);
  CHECK(find_mixture("moons") == nullptr);
  for (const char* name : {"mixture:", "mixture:0", "mixture:65", "mixture:2:", "mixture:2:x", "mixture:2:3:4"})
    CHECK_THROWS_AS(find_mixture(name), InputError);
}

}  // namespace cnf
