#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "flows/judge/levels.hpp"
#include "flows/judge/mass.hpp"
#include "flows/judge/scores.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A flow that stands still: x = mean + scale z is the Gaussian N(mean, scale scale^T), exactly.
Cnf gaussian() {
  Cnf model = small_flow(small_shape({8}));
  model.params.setZero();
  model.standardisation.mean[0] = 3, model.standardisation.mean[1] = -7;
  model.standardisation.scale(0, 0) = 0.5, model.standardisation.scale(1, 0) = 2, model.standardisation.scale(1, 1) = 4;
  return model;
}

EvaluationOptions in_double() {
  EvaluationOptions options;
  options.precision = Precision::double_float;
  options.threads = 1;
  return options;
}

}  // namespace

TEST_CASE("cells lie along rows from the lowest y", "[flows][judge]") {
  const Grid grid{{0, 3, 10, 12}, 3, 2};
  const Batch x = cell_centres(grid, 1, 4);
  const double expected[4][2] = {{1.5, 10.5}, {2.5, 10.5}, {0.5, 11.5}, {1.5, 11.5}};
  for (Index b = 0; b < 4; ++b)
    for (Index i = 0; i < 2; ++i) CHECK(std::abs(x(i, b) - expected[b][i]) < 1e-15);
  CHECK(grid.cell_area() == 1);
}

TEST_CASE("a Gaussian flow's grid holds the Gaussian's density", "[flows][judge]") {
  const Cnf model = gaussian();
  Evaluator evaluator(model, in_double());
  const Grid grid{{1, 5, -15, 3}, 150, 130};  // more cells than a block
  std::vector<Status> failures;
  const std::optional<Matrix<double>> density = density_grid(evaluator, grid, &failures);
  REQUIRE(density);
  REQUIRE(density->rows() == 130);
  REQUIRE(density->cols() == 150);
  CHECK(failures.empty());
  const Batch x = cell_centres(grid, 0, grid.cells());
  double worst = 0;
  for (Index k = 0; k < grid.cells(); ++k) {
    const double u = (x(0, k) - 3) / 0.5, v = (x(1, k) + 7 - 2 * u) / 4;
    const double p = std::exp(-0.5 * (u * u + v * v)) / (2 * std::numbers::pi * 0.5 * 4);
    worst = std::max(worst, std::abs((*density)(k / 150, k % 150) - p));
  }
  CHECK(worst < 1e-14);
}

TEST_CASE("the density of a Gaussian flow integrates to one, in any units", "[flows][judge]") {
  const Cnf model = gaussian();
  Evaluator evaluator(model, in_double());
  const Mass mass = total_mass(evaluator, model, Seed{1});
  CHECK(mass.resolved());
  CHECK(std::abs(mass.value - 1) < 1e-6);
  CHECK(mass.evaluations < 200'000);
}

TEST_CASE("a model that moves points keeps the mass it began with", "[flows][judge]") {
  for (const Index dim : {1, 2}) {
    const Cnf model = small_flow(small_shape({8, 8}, Activation::tanh, false, TimeConditioning::concatsquash, dim));
    Evaluator evaluator(model, in_double());
    const Mass mass = total_mass(evaluator, model, Seed{1});
    CHECK(mass.resolved());
    CHECK(std::abs(mass.value - 1) < 1e-4);
  }
}

namespace {

/// 1 / K of the mass in a Gaussian of each centre's own width.   Shapes  centres: D x K.
struct Spots {
  Batch centres;
  double width = 1;

  Vector<double> log_prob(const Batch& x) const {
    Vector<double> p(x.cols());
    const double peak = std::pow(2 * std::numbers::pi * width * width, -0.5 * static_cast<double>(x.rows()));
    for (Index b = 0; b < x.cols(); ++b)
      p[b] =
          peak * (-0.5 / (width * width) * (centres.colwise() - x.col(b)).colwise().squaredNorm().array()).exp().mean();
    return p.array().log();
  }
  ScoredDraws draws(Index n) const {
    ScoredDraws drawn{normal_batch(centres.rows(), n, Seed{4}), {}};
    for (Index b = 0; b < n; ++b)
      drawn.points.col(b) = centres.col(b * 7 % centres.cols()) + width * drawn.points.col(b);
    drawn.log_prob = log_prob(drawn.points);
    return drawn;
  }
};

Mass mass_of(const Spots& spots, Index n) {
  return integral([&](const Batch& x, Index) { return spots.log_prob(x); }, spots.draws(n));
}

}  // namespace

TEST_CASE("the mass in narrow spikes far apart is found, or said to be unresolved", "[flows][judge]") {
  Spots dice{Batch(2, 36), 1e-3};
  for (Index k = 0; k < 36; ++k)
    dice.centres(0, k) = static_cast<double>(k % 6), dice.centres(1, k) = static_cast<double>(k / 6);
  const Mass mass = mass_of(dice, 4096);
  CHECK(mass.resolved());
  CHECK(std::abs(mass.value - 1) < 1e-4);
  dice.centres = dice.centres.leftCols(6).eval();  // on a line, and in a line
  CHECK(std::abs(mass_of(dice, 1000).value - 1) < 1e-4);
  dice.centres = dice.centres.row(0).eval();
  const Mass line = mass_of(dice, 1000);
  CHECK(std::abs(line.value - 1) < 1e-4);
  CHECK(line.resolved());

  const Mass dust = mass_of({normal_batch(2, 1000, Seed{8}), 1e-9}, 1000);  // each draw has a spike of its own
  CHECK_FALSE(dust.resolved());
}

TEST_CASE("long tails and ridges have their mass", "[flows][judge]") {
  // exp(1.5 z) on both axes, and half of the mass within 1e-4 of x = 0.
  const Index n = 16384;
  ScoredDraws drawn{normal_batch(2, n, Seed{6}), Vector<double>(n)};
  const auto log_normal = [](const Batch& x, Index) {
    Vector<double> log_p = Vector<double>::Constant(x.cols(), -std::numeric_limits<double>::infinity());
    for (Index b = 0; b < x.cols(); ++b) {
      if (x.col(b).minCoeff() <= 0) continue;
      const auto z = x.col(b).array().log() / 1.5;
      log_p[b] = -0.5 * z.square().sum() - std::log(2 * std::numbers::pi * 2.25) - x.col(b).array().log().sum();
    }
    return log_p;
  };
  drawn.points = (1.5 * drawn.points.array()).exp();
  drawn.log_prob = log_normal(drawn.points, 0);
  const Mass tails = integral(log_normal, drawn);
  CHECK(tails.resolved());
  CHECK(std::abs(tails.value - 1) < 3e-4);

  const auto ridge = [](const Batch& x, Index) {
    const auto gauss = [](double v, double s) {
      return std::exp(-0.5 * v * v / (s * s)) / (std::sqrt(2 * std::numbers::pi) * s);
    };
    Vector<double> log_p(x.cols());
    for (Index b = 0; b < x.cols(); ++b)
      log_p[b] = std::log(0.5 * (gauss(x(0, b), 1e-4) + gauss(x(0, b), 1)) * gauss(x(1, b), 1));
    return log_p;
  };
  drawn.points = normal_batch(2, n, Seed{6});
  drawn.points.row(0).head(n / 2) *= 1e-4;
  drawn.log_prob = ridge(drawn.points, 0);
  const Mass both = integral(ridge, drawn);
  CHECK(both.resolved());
  CHECK(std::abs(both.value - 1) < 3e-4);
}

TEST_CASE("a mass is of the plane, and what is stopped throws", "[flows][judge]") {
  const Cnf line = small_flow(small_shape({8}, Activation::tanh, false, TimeConditioning::concatsquash, 3));
  Evaluator of_space(line, in_double());
  CHECK_THROWS_AS(total_mass(of_space, line, Seed{1}), std::invalid_argument);

  std::atomic<bool> stop{true};
  const Cnf model = gaussian();
  EvaluationOptions options = in_double();
  options.solve.stop = &stop;
  Evaluator evaluator(model, options);
  CHECK_THROWS_AS(total_mass(evaluator, model, Seed{1}), Stopped);
  CHECK_THROWS_AS(density_grid(evaluator, {{0, 1, 0, 1}, 150, 130}), Stopped);

  stop = false;
  Index blocks = 0;
  const auto flat = [&](const Batch& x, Index) {
    stop = ++blocks == 2;
    return Vector<double>(Vector<double>::Zero(x.cols()));
  };
  CHECK_THROWS_AS(density_grid(flat, Grid{{0, 1, 0, 1}, 250, 230}, &stop), Stopped);
  CHECK(blocks == 2);
}

TEST_CASE("finite samples are the model's stream without what failed", "[flows][judge]") {
  Cnf model = gaussian();
  {
    Evaluator evaluator(model, in_double());
    CHECK(finite_samples(evaluator, Seed{5}, 100) == evaluator.sample(Seed{5}, 0, 100, false).points);
  }
  model = small_flow(small_shape({8, 8}));
  EvaluationOptions options = in_double();
  options.solve.max_steps = 1;  // no sample gets through
  Evaluator evaluator(model, options);
  CHECK(finite_samples(evaluator, Seed{5}, 100).cols() == 0);
  CHECK(finite_samples(evaluator, Seed{5}, 100).rows() == 2);
  CHECK_FALSE(total_mass(evaluator, model, Seed{5}).resolved());

  options.failing_steps = 0;  // the first that fails is the end of it
  Evaluator strict(model, options);
  std::vector<Status> failures;
  CHECK(finite_samples(strict, Seed{5}, 100, &failures).cols() == 0);
  REQUIRE(failures.size() == 1);
  failures.clear();
  CHECK_FALSE(density_grid(strict, {{-1, 1, -1, 1}, 150, 110}, &failures));
  REQUIRE(failures.size() == 1);
  CHECK((failures[0].row < 64 && failures[0].code == Status::Code::step_limit));  // the worst of the first tile
}

TEST_CASE("cells that failed are NaN and named by their number in the grid", "[flows][judge]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  EvaluationOptions options = in_double();
  options.solve.max_steps = 1;  // no cell gets through
  Evaluator evaluator(model, options);
  std::vector<Status> failures;
  const Matrix<double> density = density_grid(evaluator, {{-1, 1, -1, 1}, 150, 110}, &failures).value();
  CHECK(density.array().isNaN().all());
  REQUIRE(std::ssize(failures) == 150 * 110);  // more than a block
  for (std::size_t k = 0; k < failures.size(); ++k) REQUIRE(failures[k].row == static_cast<Index>(k));
}

TEST_CASE("a box of quantiles is as wide as the points wherever they lie, and never empty", "[flows][judge]") {
  Batch x(2, 101);
  for (const double far : {0.0, 1e3, 1e9, 1e14}) {
    CAPTURE(far);
    for (Index b = 0; b < x.cols(); ++b) x(0, b) = far + static_cast<double>(b), x(1, b) = far;
    const Box box = quantile_box(x);
    CHECK(box.x1 - box.x0 < 120);
    CHECK(box.x1 - box.x0 > 110);
    CHECK(box.y1 > box.y0);
    CHECK(box.y1 - box.y0 <= far * 1e-14 + 1e-300);
  }
}

TEST_CASE("a box leaves out outliers and far tails, and keeps hills of their own in sight", "[flows][judge]") {
  static constexpr Index n = 4000;
  const auto box_of = [](const std::function<double(Index b, double z, double u)>& value) {
    Batch x(2, n);
    for (Index b = 0; b < n; ++b) {
      const auto row = static_cast<std::uint64_t>(b);
      x.col(b).setConstant(value(b, normal({7}, Purpose::data, 0, row, 0), uniform({7}, Purpose::data, 0, row, 8)));
    }
    return quantile_box(x);
  };
  const auto share = [](Index b, int percent) { return b % 100 < percent; };
  const Box outliers = box_of([&](Index b, double z, double) { return share(b, 1) ? (b % 200 ? 500 : -500) + z : z; });
  CHECK(outliers.x0 > -6);
  CHECK(outliers.x1 < 6);
  const Box one_side = box_of([&](Index b, double z, double) { return share(b, 1) ? 500 + z : z; });
  CHECK(one_side.x1 < 6);
  const Box hill = box_of([&](Index b, double z, double) { return share(b, 4) ? 60 + z : z; });
  CHECK(hill.x0 < -2);
  CHECK(hill.x1 > 62);
  CHECK(hill.x1 < 70);
  const Box two = box_of([&](Index b, double z, double) { return b % 2 ? 1e6 + z : z; });
  CHECK((two.x0 < -2 && two.x1 > 1e6));
  const Box cauchy = box_of([](Index, double, double u) { return std::tan(3.14159265 * (u - 0.5)); });
  CHECK(cauchy.x1 - cauchy.x0 < 70);  // the middle half is 2 wide
  CHECK(cauchy.x1 - cauchy.x0 > 20);
  const Box gauss = box_of([](Index, double z, double) { return z; });
  CHECK(gauss.x1 - gauss.x0 == Approx(5.15 * 7 / 6).epsilon(0.06));
  const Box zeros = box_of([&](Index b, double z, double) { return share(b, 95) ? 0 : 3 + z; });
  CHECK(zeros.x1 > 4);
}

TEST_CASE("a box of quantiles leaves out one percent and widens by a sixth", "[flows][judge]") {
  Batch x(2, 1001);
  for (Index b = 0; b < 1001; ++b) x(0, b) = static_cast<double>((b * 8) % 1001), x(1, b) = -2 * x(0, b);
  const Box box = quantile_box(x);
  CHECK(std::abs(box.x0 - (5 - 82.5)) < 1e-9);
  CHECK(std::abs(box.x1 - (995 + 82.5)) < 1e-9);
  CHECK(std::abs(box.y0 - 2 * (-995 - 82.5)) < 1e-9);
  CHECK(std::abs(box.y1 - 2 * (-5 + 82.5)) < 1e-9);
  CHECK_THROWS_AS(quantile_box(x.leftCols(1)), std::invalid_argument);
  CHECK_THROWS_AS(quantile_box(Batch::Zero(3, 5)), std::invalid_argument);
}

TEST_CASE("a histogram is a share per area, and points outside count in the whole alone", "[flows][judge]") {
  Batch x(2, 5);
  x << 0.5, 2.5, 2.9, 3.0, -0.1,  //
      0.2, 1.5, 1.9, 1.0, 1.0;
  const Matrix<double> cells = histogram(x, {{0, 3, 0, 2}, 3, 2});
  Matrix<double> expected = Matrix<double>::Zero(2, 3);
  expected(0, 0) = 0.2, expected(1, 2) = 0.4;
  CHECK((cells - expected).cwiseAbs().maxCoeff() < 1e-15);
}

TEST_CASE("a histogram's cells are square in the picture, and hold about four points", "[flows][judge]") {
  const Box range{-1, 1, 0, 8};
  const Grid grid = histogram_grid(4 * 30 * 45, range, 200, 1.5);
  CHECK((grid.nx == 30 && grid.ny == 45 && grid.range.y1 == 8));
  CHECK((histogram_grid(1, range, 200, 0.01).nx == 16 && histogram_grid(1, range, 200, 0.01).ny == 1));
  CHECK(histogram_grid(1'000'000, range, 200, 1).ny == 200);
}

TEST_CASE("the scores of a Gaussian by a Gaussian are its cross entropy and its divergence", "[flows][judge]") {
  // q = N(0, I), p = N((1, 0), I): KL(q || p) = 1/2; log q - log p = 1/2 - x_0 has standard deviation 1.
  constexpr Index kPoints = 40'000;
  const Batch x = normal_batch(2, kPoints, Seed{11});
  Vector<double> truth(kPoints), log_prob(kPoints);
  for (Index b = 0; b < kPoints; ++b) {
    truth[b] = -0.5 * x.col(b).squaredNorm() - std::log(2 * std::numbers::pi);
    log_prob[b] = truth[b] + x(0, b) - 0.5;
  }
  Scores scores;
  scores.add(log_prob.head(15'000), truth.head(15'000));
  scores.add(log_prob.tail(25'000), truth.tail(25'000));
  CHECK(scores.kl().count() == kPoints);
  // Five standard errors: fails by chance once in 1.7 million seeds, and the seed is fixed.
  CHECK(std::abs(scores.kl().value() - 0.5) < 5 * scores.kl().standard_error());
  CHECK(std::abs(scores.kl().standard_error() * std::sqrt(static_cast<double>(kPoints)) - 1) < 0.02);
  CHECK(std::abs(scores.nll().value() + log_prob.mean()) < 1e-12);
}

TEST_CASE("points that failed are in no score, and without a truth there is no divergence", "[flows][judge]") {
  Vector<double> log_prob(3), truth(3);
  log_prob << -1, kNaN, -3;
  truth << -0.5, -100, -2;
  Scores scores;
  scores.add(log_prob, truth);
  CHECK(scores.nll().count() == 2);
  CHECK(scores.nll().value() == 2);
  CHECK(scores.kl().value() == 0.75);
  CHECK_THROWS_AS(scores.add(log_prob, truth.head(2)), std::invalid_argument);
  Scores blind;
  blind.add(log_prob);
  CHECK(blind.nll().value() == 2);
  CHECK(std::isnan(blind.kl().value()));
}

TEST_CASE("a Gaussian flow's levels enclose the shares that a Gaussian's do", "[flows][judge]") {
  const Cnf model = gaussian();
  Evaluator evaluator(model, in_double());
  const ScoredDraws drawn = draws_with_density(evaluator, Seed{3}, 65'536);
  REQUIRE(drawn.points.cols() == 65'536);
  const DensityLevels levels(drawn.log_prob);
  const double peak = -std::log(2 * std::numbers::pi * 0.5 * 4);
  for (const double share :
       {0.1, 0.5, 0.9, 0.99}) {  // r^2 / 2 is exponential: outside p = peak e^-u lies the mass e^-u
    CAPTURE(share);
    const double standard_error = std::sqrt(share * (1 - share) / 65'536);
    CHECK(std::abs((1 - std::exp(levels.level(share) - peak)) - share) < 3 * standard_error);
    CHECK(std::abs(levels.mass_below(peak + std::log1p(-share)) - (1 - share)) < 3 * standard_error);
  }
  CHECK(levels.mass_below(peak + 1e-9) == 1);
  CHECK(levels.mass_below(-1e300) == 0);
}

TEST_CASE("levels are quantiles of what is known", "[flows][judge]") {
  Vector<double> log_prob(6);
  log_prob << 3, kNaN, 1, 0, 4, 2;
  const DensityLevels levels(log_prob);
  CHECK(levels.draws() == 5);
  CHECK((levels.level(0) == 4 && levels.level(1) == 0 && levels.level(0.5) == 2 && levels.level(0.375) == 2.5));
  CHECK((levels.mass_below(2) == 0.4 && levels.mass_below(5) == 1 && levels.mass_below(0) == 0));
  CHECK_THROWS_AS(DensityLevels(Vector<double>::Constant(2, kNaN)), std::invalid_argument);
}
