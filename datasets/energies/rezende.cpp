#include "datasets/energies/rezende.hpp"

#include <algorithm>

namespace cnf {

namespace {

using std::numbers::pi;

constexpr double kWall = 4, kSoft = 0.5;
// By the midpoint rule on [-8, 8]^2 with 1600 and 3200 points a side, which agree in the digits given.
constexpr double kLogZ1 = 1.87750162611;
constexpr double kEntropies[] = {2.6600125359, 2.79535201998, 2.81583992737, 3.03109519203};

/// A value and its derivative by x.
struct Curve {
  double value, slope;
};
Curve w1(double x) { return {std::sin(pi / 2 * x), pi / 2 * std::cos(pi / 2 * x)}; }
Curve w2(double x) {
  const double d = (x - 1) / 0.6, w = 3 * std::exp(-d * d / 2);
  return {w, -w * d / 0.6};
}
Curve w3(double x) {
  const double s = 1 / (1 + std::exp(-(x - 1) / 0.3));
  return {3 * s, 3 * s * (1 - s) / 0.3};
}

/// The ridges of u2 to u4: y ~ N(middle, scale^2) for each x.
struct Ridges {
  int count;
  Curve middle[2];
  double scale[2];
};
Ridges ridges(int number, double x) {
  const Curve a = w1(x), off = number == 3 ? w2(x) : w3(x);
  const double first = number == 3 ? 0.35 : 0.4;
  return {number == 2 ? 1 : 2, {a, {a.value - off.value, a.slope - off.slope}}, {first, 0.35}};
}

/// log(exp(a) + exp(b)) and the share of the first.
struct Pair {
  double log_sum, first;
};
Pair add(double a, double b) {
  const double most = std::max(a, b), sum = std::exp(a - most) + std::exp(b - most);
  return {most + std::log(sum), std::exp(a - most) / sum};
}

double log_u1(double x, double y, std::span<double> slope) {
  const double r = std::hypot(x, y), d = (r - 2) / 0.4, left = (x + 2) / 0.6, right = (x - 2) / 0.6;
  const Pair both = add(-right * right / 2, -left * left / 2);
  if (!slope.empty()) {
    const double along = r > 0 ? -d / 0.4 / r : 0;  // a cusp at the origin, of height e^-18
    slope[0] = along * x - (both.first * right + (1 - both.first) * left) / 0.6;
    slope[1] = along * y;
  }
  return -d * d / 2 + both.log_sum;
}

double log_ridges(int number, double x, double y, std::span<double> slope) {
  const Ridges at = ridges(number, x);
  double log_p[2], by[2];
  for (int k = 0; k < at.count; ++k) {
    by[k] = (y - at.middle[k].value) / at.scale[k];
    log_p[k] = -by[k] * by[k] / 2;
  }
  const Pair both = at.count == 2 ? add(log_p[0], log_p[1]) : Pair{log_p[0], 1};
  const double out = std::max(0.0, std::abs(x) - kWall) / kSoft;
  if (!slope.empty()) {
    slope[0] = -std::copysign(out / kSoft, x);
    slope[1] = 0;
    for (int k = 0; k < at.count; ++k) {
      const double pull = (k == 0 ? both.first : 1 - both.first) * by[k] / at.scale[k];
      slope[0] += pull * at.middle[k].slope;
      slope[1] -= pull;
    }
  }
  return both.log_sum - out * out / 2;
}

}  // namespace

double RezendeEnergy::log_unnormalised(std::span<const double> x, std::span<double> slope) const {
  return number_ == 1 ? log_u1(x[0], x[1], slope) : log_ridges(number_, x[0], x[1], slope);
}

// Of u2 to u4 the integral over y is the same for every x, sqrt(2 pi) times the sum of the scales.
double RezendeEnergy::log_z() const {
  if (number_ == 1) return kLogZ1;
  const Ridges at = ridges(number_, 0);
  const double scales = at.scale[0] + (at.count == 2 ? at.scale[1] : 0), root = std::sqrt(2 * pi);
  return std::log(root * scales * (2 * kWall + root * kSoft));
}

double RezendeEnergy::entropy() const { return kEntropies[static_cast<std::size_t>(number_ - 1)]; }

void RezendeEnergy::draw(const Draw& at, std::span<double> x) const {
  if (number_ == 1) {
    // From a ring with a normal radius, accepted by what is left of the density: r times the two factors in x, whose
    // sum is at most 1 + 1e-9. Beyond r = 6, ten scales out, there is nothing.
    constexpr double kMost = 6 * (1 + 1e-9);
    for (std::uint32_t n = 0;; ++n) {
      const double r = 2 + 0.4 * at.normal(n), angle = 2 * pi * at.uniform(2 * n);
      x[0] = r * std::cos(angle);
      x[1] = r * std::sin(angle);
      const double left = (x[0] + 2) / 0.6, right = (x[0] - 2) / 0.6;
      if (at.uniform(2 * n + 1) * kMost < r * (std::exp(-left * left / 2) + std::exp(-right * right / 2))) return;
    }
  }
  const double flat = 2 * kWall, side = at.uniform(0) * (flat + std::sqrt(2 * pi) * kSoft);
  const double out = kSoft * at.normal(0);
  x[0] = side < flat ? side - kWall : out + std::copysign(kWall, out);
  const Ridges on = ridges(number_, x[0]);
  const int k = on.count == 2 && at.uniform(1) * (on.scale[0] + on.scale[1]) > on.scale[0] ? 1 : 0;
  x[1] = on.middle[k].value + on.scale[k] * at.normal(1);
}

}  // namespace cnf
