#include "datasets/baselines.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "base/split.hpp"
#include "datasets/toy.hpp"

namespace cnf {
namespace {

Batch moons(Index n, std::uint64_t first) { return find_toy("moons")->sample(Seed{8}, Purpose::data, 0, first, n); }

}  // namespace

TEST_CASE("the kernel estimate is the mean of its kernels", "[datasets][baselines]") {
  const Batch x = moons(300, 0), y = moons(40, 1000);
  KernelDensity kernel = fit_kernel_density(x, y, Seed{1});
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
  KernelDensity kernel = fit_kernel_density(x, y, Seed{1});
  const double chosen = kernel.bandwidth, best = kernel.log_prob(y).mean();
  for (const double factor : {1 / 1.1, 1.1, 0.5, 2.}) {
    kernel.bandwidth = factor * chosen;
    CHECK(kernel.log_prob(y).mean() < best);
  }
  // Leaving one out: the same by definition, from the estimate of all with the sample's own kernel taken away.
  KernelDensity alone = fit_kernel_density(x.leftCols(400), Batch(2, 0), Seed{1});
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
  const std::vector<Baseline> baselines =
      fit_baselines(train, validation, Seed{1}, {.most_components = 16, .max_kernels = 2500});
  REQUIRE(baselines.size() == 3);
  for (std::size_t k = 0; k < 3; ++k) CHECK(baselines[k].kind == kAllBaselines[k]);
  CHECK((name(BaselineKind::gaussian) == "gaussian" && name(BaselineKind::mixture) == "mixture"));
  CHECK(baselines[1].detail == "16 components, the most tried");
  CHECK(name(BaselineKind::kde) == "kde");
  const auto mean = [&](std::size_t k) { return baselines[k].log_prob(test).mean(); };
  CHECK(mean(0) < mean(1) - 0.3);
  CHECK(mean(0) < mean(2) - 0.3);
  // The excess over the truth on the same test points is the estimate's KL, and its noise is far below its size.
  const double truth = toy.log_prob(test).mean();
  for (std::size_t k = 0; k < 3; ++k) {
    CAPTURE(name(baselines[k].kind), baselines[k].detail);
    CHECK(mean(k) < truth);
    CHECK(mean(k) > truth - 1);
  }
  CHECK(mean(2) > truth - 0.1);
  // In blocks, on threads, and alone they are the same.
  const auto some = fit_baselines(train, validation, Seed{1}, {.kinds = {BaselineKind::kde, BaselineKind::gaussian}});
  REQUIRE(some.size() == 2);
  CHECK(some[0].log_prob(test, 2) == baselines[2].log_prob(test));
  CHECK(some[1].log_prob(test) == baselines[0].log_prob(test));
  for (const Baseline& baseline : baselines)
    CHECK((baseline.log_prob(test.leftCols(100)) - baseline.log_prob(test).head(100)).cwiseAbs().maxCoeff() < 1e-12);
}

TEST_CASE("without validation a tenth of the training rows chooses", "[datasets][baselines]") {
  const Batch train = moons(400, 0);
  const auto a = fit_baselines(train, Batch(2, 0), Seed{1}, {.most_components = 2});
  REQUIRE(a.size() == 3);
  CHECK(a[1].detail == "2 components, the most tried");
  CHECK(fit_baselines(moons(15, 0), moons(5, 50), Seed{1}).size() == 2);  // too few rows for any mixture
  CHECK_THROWS_AS(fit_baselines(train, Batch(3, 100), Seed{1}), std::invalid_argument);
}

TEST_CASE("of too many rows a random part is fitted, so that their order does not matter", "[datasets][baselines]") {
  Batch train = moons(4000, 0);
  const Batch validation = moons(300, 10000), test = moons(500, 20000);
  const BaselineOptions few{.most_components = 8, .max_rows = 1000, .max_kernels = 1000};
  const auto shuffled = fit_baselines(train, validation, Seed{1}, few);
  std::vector<Index> order(4000);
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return train(0, a) < train(0, b); });
  train = take(train, order);
  const auto sorted = fit_baselines(train, validation, Seed{1}, few);
  REQUIRE(sorted.size() == 3);
  // The left quarter alone would make the others' log-density some tens less.
  for (std::size_t k = 0; k < 3; ++k)
    CHECK(sorted[k].log_prob(test).mean() == Approx(shuffled[k].log_prob(test).mean()).margin(0.05));
  CHECK(sorted[2].detail.ends_with(" of 1000 training rows drawn at random"));
  // So it is with the samples that judge a bandwidth: 512 of these are the left half's.
  Batch judges = moons(4096, 30000);
  order.resize(4096);
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return judges(0, a) < judges(0, b); });
  const double h = fit_kernel_density(train, take(judges, order), Seed{1}).bandwidth;
  CHECK(h == Approx(fit_kernel_density(train, judges, Seed{2}).bandwidth).epsilon(0.2));
}

TEST_CASE("a mixture grows while validation improves, within a bound of work", "[datasets][baselines]") {
  // 24 narrow Gaussians on a circle: two or four components each gain little, 32 nearly all.
  Batch x(2, 6000);
  for (Index i = 0; i < x.cols(); ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i % 24) / 24;
    const auto noise = [&](std::uint32_t c) {
      return 0.02 * normal(Seed{4}, Purpose::data, 0, static_cast<std::uint64_t>(i), c);
    };
    x.col(i) << 3 * std::cos(angle) + noise(0), 3 * std::sin(angle) + noise(1);
  }
  const Batch train = x.leftCols(4800), validation = x.middleCols(4800, 600), test = x.rightCols(600);
  int fitted = 0;
  BaselineOptions options{.most_components = 128, .progress = [&](int done) { fitted = done; }};
  const auto grown = fit_baselines(train, validation, Seed{1}, options);
  const Index K = std::stol(grown[1].detail);
  CHECK((K == 32 || K == 64));
  CHECK(grown[1].detail == std::to_string(K) + " components");  // larger ones were tried, and no better
  CHECK(grown[1].log_prob(test).mean() > grown[0].log_prob(test).mean() + 1.5);
  options.most_work = 4800. * 8 * 58 * 5;
  const auto bounded = fit_baselines(train, validation, Seed{1}, options);
  CHECK(std::stol(bounded[1].detail) < 32);
  CHECK(bounded[1].detail.ends_with(" components, the most tried"));
  CHECK(fitted < 10);
}

}  // namespace cnf
