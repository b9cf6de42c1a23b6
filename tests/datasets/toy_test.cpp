#include "datasets/toy.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <numbers>

namespace cnf {
namespace {

using std::numbers::pi;

Batch draw(const ToyDensity& toy, Index n) { return toy.sample(Seed{20260}, Purpose::data, 0, 0, n); }

/// Simpson's rule with 2 m intervals.
double simpson(const std::function<double(double)>& f, double a, double b, int m) {
  const double h = (b - a) / (2 * m);
  double sum = f(a) + f(b);
  for (int i = 1; i < 2 * m; ++i) sum += (i % 2 == 1 ? 4 : 2) * f(a + i * h);
  return sum * h / 3;
}

double gaussian(double u, double v, double sigma) {
  return std::exp(-(u * u + v * v) / (2 * sigma * sigma)) / (2 * pi * sigma * sigma);
}

/// The density from its definition, by brute force, in `refine` times as many intervals as near the curve suffice.
double reference(std::string_view name, double x, double y, int refine) {
  if (name == "circles" || name == "rings") {
    const double sigma = name == "rings" ? 0.08 : 0.24, inner = name == "rings" ? 0.75 : 1.5;
    const int n = name == "rings" ? 4 : 2;
    double p = 0;
    for (int k = 0; k < n; ++k) {
      const double R = 3 - k * (name == "rings" ? 0.75 : inner);
      p += simpson([&](double a) { return gaussian(x - R * std::cos(a), y - R * std::sin(a), sigma); }, 0, 2 * pi,
                   4000 * refine);
    }
    return p / (2 * pi * n);
  }
  if (name == "moons")
    return simpson(
        [&](double a) {
          const double c = std::cos(a), s = std::sin(a);
          return 0.5 / pi *
                 (gaussian(x - (2 * c - 1), y - (2 * s - 0.2), 0.2) +
                  gaussian(x - (2 * (1 - c) - 1), y - (2 * (1 - s - 0.5) - 0.2), 0.2));
        },
        0, pi, 8000 * refine);
  if (name == "swissroll")
    return simpson([&](double t) { return gaussian(x - t * std::cos(t) / 5, y - t * std::sin(t) / 5, 0.2); }, 1.5 * pi,
                   4.5 * pi, 20000 * refine) /
           (3 * pi);
  const auto box = [](double u) {  // U(0, 1/6) + N(0, 0.01), seen from the side where nothing cancels
    const double v = std::abs(u - 1. / 12), s = 0.1 * std::numbers::sqrt2;
    return 3 * (std::erfc((v - 1. / 12) / s) - std::erfc((v + 1. / 12) / s));
  };
  const auto arm = [&](double sign) {
    return simpson(
        [&](double n) {
          return 2 * n / (9 * pi * pi) * box(sign * x + std::cos(n) * n / 3) * box(sign * y - std::sin(n) * n / 3);
        },
        0, 3 * pi, 20000 * refine);
  };
  return 0.5 * (arm(1) + arm(-1));
}

}  // namespace

TEST_CASE("every built-in set is found by its name and none by another", "[datasets][toy]") {
  CHECK(toy_names() == std::vector<std::string>{"2spirals", "8gaussians", "checkerboard", "circles", "moons",
                                                "pinwheel", "rings", "swissroll"});
  for (const std::string& name : toy_names()) {
    REQUIRE(find_toy(name) != nullptr);
    CHECK(find_toy(name)->name() == name);
  }
  CHECK(find_toy("spirals") == nullptr);
  CHECK(find_toy("") == nullptr);
}

TEST_CASE("every density integrates to one and has the entropy it declares", "[datasets][toy]") {
  const auto name = GENERATE(from_range(toy_names()));
  CAPTURE(name);
  const ToyDensity& toy = *find_toy(name);
  // The trapezoid rule: spectrally accurate for the smooth sets; for checkerboard the grid's cells fill its squares.
  const int n = 300;
  const double side = 6, h = 2 * side / n;
  double mass = 0, entropy = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      const double log_p = toy.log_prob(-side + (i + 0.5) * h, -side + (j + 0.5) * h);
      const double p = std::exp(log_p) * h * h;
      mass += p;
      if (p > 0) entropy -= p * log_p;
    }
  CHECK(mass == Approx(1).margin(2e-8));
  CHECK(entropy == Approx(toy.entropy()).epsilon(0).margin(2e-7));  // pinwheel's fold; the others 1e-9
  CHECK(toy.entropy_error() <= 1e-8);
}

TEST_CASE("entropies agree with values estimated elsewhere from samples", "[datasets][toy]") {
  struct Known {
    const char* name;
    double entropy, margin;
  };
  const Known known[] = {{"checkerboard", std::log(32.), 1e-14},
                         {"8gaussians", 2.833, 0.0015},
                         {"circles", 3.272, 0.005},
                         {"moons", 2.390, 0.0045},
                         {"pinwheel", 2.321, 0.009},
                         {"rings", 2.624, 0.005},
                         {"swissroll", 2.667, 0.003},
                         {"2spirals", 2.642, 0.0045}};
  for (const Known& k : known) {
    CAPTURE(k.name);
    CHECK(find_toy(k.name)->entropy() == Approx(k.entropy).epsilon(0).margin(k.margin));
  }
}

TEST_CASE("densities of noisy curves equal brute-force integrals of their definition", "[datasets][toy]") {
  const std::string name = GENERATE("circles", "rings", "moons", "swissroll", "2spirals");
  CAPTURE(name);
  const ToyDensity& toy = *find_toy(name);
  Batch x(2, 40);
  x.leftCols(24) = draw(toy, 24);
  for (Index i = 24; i < 40; ++i)  // and anywhere in the window, between the curves too
    for (Index k = 0; k < 2; ++k)
      x(k, i) =
          10 * uniform(Seed{3}, Purpose::data, 1, static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(k)) - 5;
  for (Index i = 0; i < x.cols(); ++i) {
    const double p = reference(name, x(0, i), x(1, i), i < 24 ? 1 : 4);
    CAPTURE(x(0, i), x(1, i), p);
    if (p < 1e-250) continue;  // underflows
    CHECK(toy.log_prob(x(0, i), x(1, i)) == Approx(std::log(p)).epsilon(0).margin(p > 1e-50 ? 1e-10 : 1e-9));
  }
}

TEST_CASE("the mean of -log p over draws is the entropy", "[datasets][toy][statistics]") {
  const auto name = GENERATE(from_range(toy_names()));
  CAPTURE(name);
  const ToyDensity& toy = *find_toy(name);
  const Index n = 100000;
  const Eigen::ArrayXd nll = -toy.log_prob(draw(toy, n)).array();
  const double mean = nll.mean(), se = std::sqrt((nll - mean).square().mean() / static_cast<double>(n));
  CHECK(std::abs(mean - toy.entropy()) < 4.5 * se + 1e-12);  // by chance once in 20 000 seeds, over the sets
}

TEST_CASE("draws fill the cells of a grid as the density says", "[datasets][toy][statistics]") {
  const auto name = GENERATE(from_range(toy_names()));
  CAPTURE(name);
  const ToyDensity& toy = *find_toy(name);
  const int cells = 16, fine = 12;
  const Index n = 100000;
  const double side = 8. / cells;
  Eigen::ArrayXXd expected = Eigen::ArrayXXd::Zero(cells, cells), seen = expected;
  for (int i = 0; i < cells * fine; ++i)
    for (int j = 0; j < cells * fine; ++j)
      expected(i / fine, j / fine) +=
          std::exp(toy.log_prob(-4 + (i + 0.5) * side / fine, -4 + (j + 0.5) * side / fine)) * side * side /
          (fine * fine);
  const Batch x = draw(toy, n);
  for (Index i = 0; i < n; ++i) {
    const int a = static_cast<int>(std::floor((x(0, i) + 4) / side)),
              b = static_cast<int>(std::floor((x(1, i) + 4) / side));
    if (a >= 0 && a < cells && b >= 0 && b < cells) seen(a, b) += 1;
  }
  expected *= static_cast<double>(n);
  // Everything outside, and every cell that expects fewer than 10, is one cell.
  double chi2 = 0, expected_inside = 0, seen_inside = 0;
  int degrees = 0;
  for (int k = 0; k < cells * cells; ++k) {
    const double e = expected(k), s = seen(k);
    if (e < 10) continue;
    chi2 += (s - e) * (s - e) / e;
    expected_inside += e;
    seen_inside += s;
    ++degrees;
  }
  const double rest = static_cast<double>(n) - expected_inside;
  if (rest > 10) {
    const double d = static_cast<double>(n) - seen_inside - rest;
    chi2 += d * d / rest;
  } else {
    CHECK(static_cast<double>(n) - seen_inside < 40);
    --degrees;
  }
  // Wilson and Hilferty (1931): the cube root is nearly normal.
  const double spread = 2. / (9. * degrees), z = (std::cbrt(chi2 / degrees) - 1 + spread) / std::sqrt(spread);
  CHECK(z < 4.5);  // by chance once in 35 000 seeds, over the sets
  CHECK(z > -4.5);
}

TEST_CASE("point i is the same however many are asked for", "[datasets][toy]") {
  const auto name = GENERATE(from_range(toy_names()));
  const ToyDensity& toy = *find_toy(name);
  const Batch all = toy.sample(Seed{5}, Purpose::batch, 7, 0, 100);
  CHECK(all.middleCols(40, 20) == toy.sample(Seed{5}, Purpose::batch, 7, 40, 20));
  CHECK(all != toy.sample(Seed{6}, Purpose::batch, 7, 0, 100));
  CHECK(all != toy.sample(Seed{5}, Purpose::batch, 8, 0, 100));
  CHECK(all != toy.sample(Seed{5}, Purpose::data, 7, 0, 100));
}

TEST_CASE("log p is finite far away and falls there", "[datasets][toy]") {
  for (const std::string& name : toy_names()) {
    CAPTURE(name);
    const ToyDensity& toy = *find_toy(name);
    if (name == "checkerboard") {
      CHECK(toy.log_prob(1, 1) == Approx(-std::log(32.)).epsilon(1e-15));
      CHECK(toy.log_prob(1, 3) == -INFINITY);
      CHECK(toy.log_prob(5, 5) == -INFINITY);
      CHECK(toy.log_prob(-4.0001, 1) == -INFINITY);
      continue;
    }
    double before = 0;
    for (const double r : {10., 20., 100., 1000.}) {
      const double log_p = toy.log_prob(0.6 * r, -0.8 * r);
      CAPTURE(r, log_p);
      CHECK(std::isfinite(log_p));
      CHECK(log_p < before);
      before = log_p;
    }
    CHECK(std::isfinite(toy.log_prob(0, 0)));
  }
}

TEST_CASE("pinwheel far away is the mean over the angle of what it is nearer", "[datasets][toy]") {
  const ToyDensity& toy = *find_toy("pinwheel");
  const double r0 = 15.999, r1 = 16.001;
  double mean = 0;
  const int n = 4000;  // angles over one fifth of the turn
  for (int i = 0; i < n; ++i) {
    const double angle = 2 * pi / 5 * i / n;
    mean += std::exp(toy.log_prob(r0 * std::cos(angle), r0 * std::sin(angle)) + 300) / n;
  }
  const double slope = (8 - 1) / 0.09 / 2;  // of -log p in r
  CHECK(std::log(mean) - 300 - toy.log_prob(r1, 0) == Approx(slope * (r1 - r0)).margin(0.01));
}

TEST_CASE("a batch that is not of the plane is refused with its shape", "[datasets][toy]") {
  const ToyDensity& toy = *find_toy("moons");
  CHECK_THROWS_WITH(toy.log_prob(Batch::Zero(3, 5)), Catch::Contains("3 rows, expected 2"));
  Batch out(4, 2);
  CHECK_THROWS_AS(toy.sample(Seed{1}, Purpose::data, 0, 0, Out<double>(out.data(), 4, 2)), std::invalid_argument);
}

}  // namespace cnf
