#include "datasets/baselines.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "datasets/toy.hpp"

namespace cnf {
namespace {

Batch moons(Index n, std::uint64_t first) { return find_toy("moons")->sample(Seed{8}, Purpose::data, 0, first, n); }

}  // namespace

TEST_CASE("the kernel estimate is the mean of its kernels", "[datasets][baselines]") {
  const Batch x = moons(300, 0), y = moons(40, 1000);
  KernelDensity kernel = fit_kernel_density(x, y);
  const Matrix<double>& L = kernel.standardisation.scale;
  const double h = kernel.bandwidth;
  const Vector<double> log_p = kernel.log_prob(y);
  for (Index i = 0; i < y.cols(); ++i) {
    double p = 0;
    for (Index j = 0; j < x.cols(); ++j) {
      const Vector<double> u = L.triangularView<Eigen::Lower>().solve(y.col(i) - x.col(j));
      p += std::exp(-0.5 * u.squaredNorm() / (h * h)) / (2 * std::numbers::pi * h * h * L(0, 0) * L(1, 1)) / 300;
    }
    CHECK(log_p[i] == Approx(std::log(p)).epsilon(1e-10));
  }
  CHECK(kernel.log_prob(y, 2) == log_p);
  CHECK(std::isfinite(kernel.log_prob(Batch::Constant(2, 1, 1e4))[0]));
}

TEST_CASE("the bandwidth chosen is the likeliest of its neighbours", "[datasets][baselines]") {
  const Batch x = moons(600, 0), y = moons(300, 5000);
  KernelDensity kernel = fit_kernel_density(x, y);
  const double chosen = kernel.bandwidth, best = kernel.log_prob(y).mean();
  for (const double factor : {1 / 1.1, 1.1, 0.5, 2.}) {
    kernel.bandwidth = factor * chosen;
    CHECK(kernel.log_prob(y).mean() < best);
  }
  // Leaving one out: the same by definition, from the estimate of all with the sample's own kernel taken away.
  KernelDensity alone = fit_kernel_density(x.leftCols(400), Batch(2, 0));
  const auto score = [&](double h) {
    alone.bandwidth = h;
    const double own = 1 / (2 * std::numbers::pi * h * h * std::exp(alone.standardisation.log_abs_det())) / 400;
    return (alone.log_prob(x.leftCols(400)).array().exp() - own).log().mean();
  };
  const double h = alone.bandwidth;
  CHECK(score(h) > score(h / 1.1));
  CHECK(score(h) > score(h * 1.1));
}

TEST_CASE("baselines on moons come in the order known and below the truth", "[datasets][baselines][statistics]") {
  const ToyDensity& toy = *find_toy("moons");
  const Batch train = moons(2500, 0), validation = moons(500, 10000), test = moons(2000, 20000);
  const std::vector<Baseline> baselines = fit_baselines(
      train, validation, test, Seed{1}, {.components = {4, 16}, .max_kernels = 2500, .mixture = {.starts = 1}});
  REQUIRE(baselines.size() == 3);
  CHECK(baselines[0].name == "gaussian");
  CHECK(baselines[1].name == "mixture");
  CHECK(baselines[1].detail == "16 components");
  CHECK(baselines[2].name == "kernel");
  CHECK(baselines[0].log_prob < baselines[1].log_prob - 0.3);
  CHECK(baselines[0].log_prob < baselines[2].log_prob - 0.3);
  // The excess over the truth on the same test points is the estimate's KL, and its noise is far below its size.
  const double truth = toy.log_prob(test).mean();
  for (const Baseline& b : baselines) {
    CAPTURE(b.name, b.detail);
    CHECK(b.log_prob < truth);
    CHECK(b.log_prob > truth - 1);
    CHECK(b.standard_error == Approx(0.016).margin(0.006));
  }
  CHECK(baselines[2].log_prob > truth - 0.1);
}

TEST_CASE("without validation a tenth of the training rows chooses", "[datasets][baselines]") {
  const Batch train = moons(400, 0), test = moons(100, 900);
  const auto a = fit_baselines(train, Batch(2, 0), test, Seed{1}, {.components = {2}, .mixture = {.starts = 1}});
  REQUIRE(a.size() == 3);
  CHECK(a[1].detail == "2 components");
  CHECK(fit_baselines(moons(15, 0), moons(5, 50), test, Seed{1}).size() == 2);  // too few rows for any mixture
  CHECK_THROWS_AS(fit_baselines(train, Batch(2, 0), Batch(3, 100), Seed{1}), std::invalid_argument);
}

}  // namespace cnf
