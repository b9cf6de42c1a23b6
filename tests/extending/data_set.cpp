#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "datasets/toy.hpp"

namespace cnf {

constexpr double kWidth = 4, kNoise = 0.2;

/// A sine wave with noise across: x uniform over 4, y from N(sin(pi x), 0.2^2). A point is a function of its address.
void draw_wave(const ToyDensity::Address& at, double x[2]) {
  x[0] = kWidth * (uniform(at.seed, at.purpose, at.step, at.sample, 0) - 0.5);
  x[1] = std::sin(std::numbers::pi * x[0]) + kNoise * normal(at.seed, at.purpose, at.step, at.sample, 2);
}
double log_wave(double x, double y) {
  if (std::abs(x) > kWidth / 2) return -std::numeric_limits<double>::infinity();
  const double u = (y - std::sin(std::numbers::pi * x)) / kNoise;
  return -u * u / 2 - std::log(kWidth * kNoise * std::sqrt(2 * std::numbers::pi));
}

TEST_CASE("a data set is drawn, evaluated, and knows its entropy", "[extending]") {
  const double entropy = std::log(kWidth * kNoise * std::sqrt(2 * std::numbers::pi * std::numbers::e));
  const ToyDensity wave({"wave", entropy, 1e-15, draw_wave, log_wave});
  const Index n = 20'000;
  const Vector<double> log_prob = wave.log_prob(wave.sample(Seed{1}, Purpose::data, 0, 0, n));
  // -log p = entropy + (u^2 - 1) / 2, of variance 1 / 2. By chance once in 150 000 seeds.
  CHECK(std::abs(-log_prob.mean() - wave.entropy()) < 4.5 * std::sqrt(0.5 / static_cast<double>(n)));

  double mass = 0;  // on a grid of spacing 0.02
  for (int i = -100; i < 100; ++i)
    for (int j = -150; j <= 150; ++j) mass += std::exp(wave.log_prob(0.02 * (i + 0.5), 0.02 * j)) * 0.02 * 0.02;
  CHECK(mass == Approx(1).margin(1e-9));
}

}  // namespace cnf
