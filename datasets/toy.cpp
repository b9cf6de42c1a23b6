#include "datasets/toy.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include "datasets/pinwheel.hpp"
#include "datasets/toy_address.hpp"

namespace cnf {
namespace {

using namespace toy;

template <std::size_t N>
double log_mean_exp(const std::array<double, N>& a) {
  const double most = *std::max_element(a.begin(), a.end());
  double sum = 0;
  for (const double ai : a) sum += std::exp(ai - most);
  return most + std::log(sum / N);
}

// ---- Circles with Gaussian noise: closed form -------------------------------------------------------------------

/// log(exp(-z) I0(z)), z >= 0, to 1e-14: power series (all terms positive), then Hankel's expansion (DLMF 10.40.1).
double log_bessel_i0_scaled(double z) {
  double term = 1, sum = 1;
  if (z < 30) {
    for (int k = 1; term > 1e-17 * sum; ++k) sum += term *= z * z / (4. * k * k);
    return std::log(sum) - z;
  }
  for (int k = 1; k < 30 && term > 1e-17; ++k) sum += term *= (2. * k - 1) * (2. * k - 1) / (8. * k * z);
  return std::log(sum) - 0.5 * (kLog2Pi + std::log(z));
}

/// A uniform angle on the circle of radius R, plus N(0, sigma^2 I), seen at distance r from the centre.
double log_ring(double r, double R, double sigma) {
  const double d = (r - R) / sigma;
  return -0.5 * d * d - kLog2Pi - 2 * std::log(sigma) + log_bessel_i0_scaled(r * R / (sigma * sigma));
}

void draw_ring(const Address& at, double R, double sigma, double x[2]) {
  const double angle = 2 * pi * uniform_at(at, 1);
  x[0] = R * std::cos(angle);
  x[1] = R * std::sin(angle);
  add_noise(at, sigma, x);
}

constexpr std::array kCircles{3.0, 1.5};
constexpr double kCirclesNoise = 0.24;  // 0.08, scaled by 3 with the circles
void draw_circles(const Address& at, double x[2]) {
  draw_ring(at, kCircles[static_cast<std::size_t>(index_at(at, 0, 2))], kCirclesNoise, x);
}
double log_circles(double x, double y) {
  const double r = std::hypot(x, y);
  return log_mean_exp(std::array{log_ring(r, kCircles[0], kCirclesNoise), log_ring(r, kCircles[1], kCirclesNoise)});
}

constexpr std::array kRings{3.0, 2.25, 1.5, 0.75};
constexpr double kRingsNoise = 0.08;  // added after the scaling
void draw_rings(const Address& at, double x[2]) {
  draw_ring(at, kRings[static_cast<std::size_t>(index_at(at, 0, 4))], kRingsNoise, x);
}
double log_rings(double x, double y) {
  const double r = std::hypot(x, y);
  std::array<double, 4> a;
  for (std::size_t k = 0; k < 4; ++k) a[k] = log_ring(r, kRings[k], kRingsNoise);
  return log_mean_exp(a);
}

// ---- Curves with Gaussian noise: Gauss-Legendre along the curve -------------------------------------------------

/// Nodes and weights of the 16-point Gauss-Legendre rule on [-1, 1], by Newton on P_16.
constexpr int kNodes = 16;
struct GaussLegendre {
  std::array<double, kNodes> node, weight;
  GaussLegendre() {
    for (std::size_t i = 0; i < kNodes; ++i) {
      double u = std::cos(pi * (static_cast<double>(i) + 0.75) / (kNodes + 0.5)), slope = 1;
      for (int iteration = 0; iteration < 20; ++iteration) {
        double p0 = 1, p1 = u;
        for (int k = 2; k <= kNodes; ++k) {
          const double p2 = ((2 * k - 1) * u * p1 - (k - 1) * p0) / k;
          p0 = p1;
          p1 = p2;
        }
        slope = kNodes * (u * p1 - p0) / (u * u - 1);
        u -= p1 / slope;
      }
      node[i] = u;
      weight[i] = 2 / ((1 - u * u) * slope * slope);
    }
  }
};

struct CurvePoint {
  double x, y, speed;  ///< speed = |d(x, y)/ds|
  double density;      ///< of the parameter s
};

/// A curve cut into panels about two noise widths long, each with 16 nodes: density(x) = sum_j w_j K(x - node_j). On
/// such a panel the rule has an error of 1e-16 where the Gaussian is not small and of 1e-9 seen from 30 widths away.
struct Curve {
  using Nodes = Eigen::Array<double, kNodes, 1>;
  struct Panel {
    Nodes x, y, w;
    double centre_x, centre_y, radius;
  };
  std::vector<Panel> panels;

  template <class Point>
  void add(Point point, double s0, double s1, double sigma) {
    static const GaussLegendre rule;
    for (double s = s0; s < s1;) {
      const double ahead = std::min(s1, s + 2 * sigma / std::max(point(s).speed, sigma));
      const double end = std::min(s1, s + 2 * sigma / std::max(point(ahead).speed, sigma));
      Panel panel;
      for (int i = 0; i < kNodes; ++i) {
        const std::size_t j = static_cast<std::size_t>(i);
        const CurvePoint at = point(0.5 * (s + end) + 0.5 * (end - s) * rule.node[j]);
        panel.x[i] = at.x;
        panel.y[i] = at.y;
        panel.w[i] = 0.5 * (end - s) * rule.weight[j] * at.density;
      }
      panel.centre_x = panel.x.mean();
      panel.centre_y = panel.y.mean();
      panel.radius = std::sqrt(((panel.x - panel.centre_x).square() + (panel.y - panel.centre_y).square()).maxCoeff());
      panels.push_back(panel);
      s = end;
    }
  }

  /// log sum_j w_j exp(log_kernel(x - node_j)). The kernel falls off as exp(-d^2 / (2 sigma^2)) beyond `reach`;
  /// panels that cannot add 1e-16 of the sum are passed over.
  template <class LogKernel>
  double log_density(double x, double y, double sigma, double reach, LogKernel log_kernel) const {
    double nearest = std::numeric_limits<double>::infinity();
    for (const Panel& panel : panels)
      nearest = std::min(nearest, std::hypot(x - panel.centre_x, y - panel.centre_y) + panel.radius);
    const double far = std::sqrt((nearest + reach) * (nearest + reach) + 2 * 40 * sigma * sigma) + reach;
    double most = kMinusInfinity, sum = 0;
    for (const Panel& panel : panels) {
      const double dx = x - panel.centre_x, dy = y - panel.centre_y, range = far + panel.radius;
      if (dx * dx + dy * dy > range * range) continue;
      const Nodes a = log_kernel(Nodes(x - panel.x), Nodes(y - panel.y));
      const double top = a.maxCoeff();
      if (top > most) {
        sum *= std::exp(most - top);
        most = top;
      }
      sum += (panel.w * (a - most).exp()).sum();
    }
    return most + std::log(sum);
  }

  double log_density(double x, double y, double sigma) const {
    return log_density(x, y, sigma, 0,
                       [&](const Nodes& u, const Nodes& v) -> Nodes {
                         return -(u.square() + v.square()) / (2 * sigma * sigma);
                       }) -
           kLog2Pi - 2 * std::log(sigma);
  }
};

constexpr double kMoonsNoise = 0.2;  // 0.1, scaled by 2
CurvePoint moon(double angle, int which) {
  const double c = 2 * std::cos(angle), s = 2 * std::sin(angle);
  return which == 0 ? CurvePoint{c - 1, s - 0.2, 2, 0.5 / pi} : CurvePoint{1 - c, 0.8 - s, 2, 0.5 / pi};
}
void draw_moons(const Address& at, double x[2]) {
  const CurvePoint point = moon(pi * uniform_at(at, 1), index_at(at, 0, 2));
  x[0] = point.x;
  x[1] = point.y;
  add_noise(at, kMoonsNoise, x);
}
double log_moons(double x, double y) {
  static const Curve curve = [] {
    Curve c;
    for (const int which : {0, 1}) c.add([=](double s) { return moon(s, which); }, 0, pi, kMoonsNoise);
    return c;
  }();
  return curve.log_density(x, y, kMoonsNoise);
}

constexpr double kRollNoise = 0.2;  // 1, scaled by 1/5
CurvePoint roll(double t) { return {t * std::cos(t) / 5, t * std::sin(t) / 5, std::hypot(1, t) / 5, 1 / (3 * pi)}; }
void draw_swissroll(const Address& at, double x[2]) {
  const CurvePoint point = roll(1.5 * pi * (1 + 2 * uniform_at(at, 1)));
  x[0] = point.x;
  x[1] = point.y;
  add_noise(at, kRollNoise, x);
}
double log_swissroll(double x, double y) {
  static const Curve curve = [] {
    Curve c;
    c.add(roll, 1.5 * pi, 4.5 * pi, kRollNoise);
    return c;
  }();
  return curve.log_density(x, y, kRollNoise);
}

// ---- Spirals: a curve with box noise and Gaussian noise ---------------------------------------------------------

constexpr double kSpiralNoise = 0.1, kSpiralBox = 0.5 / 3;
constexpr double kSpiralEnd = 3 * pi;  // 540 degrees
CurvePoint spiral(double n) {          // the lower corner of the box; n = sqrt(U) * end has density 2 n / end^2
  return {-std::cos(n) * n / 3, std::sin(n) * n / 3, std::hypot(1, n) / 3, 2 * n / (kSpiralEnd * kSpiralEnd)};
}
void draw_2spirals(const Address& at, double x[2]) {
  const CurvePoint point = spiral(std::sqrt(uniform_at(at, 1)) * kSpiralEnd);
  const double sign = index_at(at, 0, 2) == 0 ? 1 : -1;
  x[0] = sign * (point.x + kSpiralBox * uniform_at(at, 2));
  x[1] = sign * (point.y + kSpiralBox * uniform_at(at, 3));
  add_noise(at, kSpiralNoise, x);
}

/// log of the density of U(-w/2, w/2) + N(0, sigma^2), w = box, sigma = noise of the spirals, at v >= 0; and slope.
struct BoxKernel {
  static constexpr int kPerSigma = 256;
  static constexpr int kSize = 24 * kPerSigma;  // 24 sigma; without the table beyond
  std::array<double, kSize + 1> value, slope;   // slope per table step

  static double exact(double v) {
    const double a = (v - kSpiralBox / 2) / kSpiralNoise, b = (v + kSpiralBox / 2) / kSpiralNoise;
    const double upper = 0.5 * std::erfc(b * std::numbers::sqrt2 / 2);
    if (a <= 0) return std::log((1 - upper - 0.5 * std::erfc(-a * std::numbers::sqrt2 / 2)) / kSpiralBox);
    if (a < 12) return std::log((0.5 * std::erfc(a * std::numbers::sqrt2 / 2) - upper) / kSpiralBox);
    // The upper edge adds exp(-(b^2 - a^2) / 2) < 1e-9 of the lower: log1p of the ratio of the leading terms.
    double series = 1, term = 1;
    for (int k = 1; k < 9; ++k) series += term *= -(2 * k - 1) / (a * a);
    return -0.5 * a * a - 0.5 * kLog2Pi - std::log(a * kSpiralBox) + std::log(series) +
           std::log1p(-a / b * std::exp(-0.5 * (b * b - a * a)));
  }
  BoxKernel() {
    for (int i = 0; i <= kSize; ++i) {
      const double v = i * kSpiralNoise / kPerSigma;
      const double a = (v - kSpiralBox / 2) / kSpiralNoise, b = (v + kSpiralBox / 2) / kSpiralNoise;
      const std::size_t j = static_cast<std::size_t>(i);
      value[j] = exact(v);
      slope[j] = (std::exp(-0.5 * b * b - value[j]) - std::exp(-0.5 * a * a - value[j])) /
                 (std::sqrt(2 * pi) * kSpiralBox * kPerSigma);
    }
  }
  /// Cubic Hermite interpolation: error (1 / 256)^4 / 384 times the fourth derivative per sigma^4, 1e-12.
  double operator()(double u) const {
    const double at = std::abs(u) * (kPerSigma / kSpiralNoise);
    if (!(at < kSize)) return exact(std::abs(u));
    const std::size_t i = static_cast<std::size_t>(at);
    const double s = at - static_cast<double>(i), rise = value[i + 1] - value[i];
    return value[i] +
           s * (slope[i] + s * ((3 * rise - 2 * slope[i] - slope[i + 1]) + s * (slope[i] + slope[i + 1] - 2 * rise)));
  }
};

double log_2spirals(double x, double y) {
  static const BoxKernel kernel;
  static const Curve curve = [] {
    Curve c;
    const auto middle = [](double n) {
      CurvePoint point = spiral(n);
      point.x += kSpiralBox / 2;
      point.y += kSpiralBox / 2;
      return point;
    };
    c.add(middle, 0, kSpiralEnd, kSpiralNoise);
    return c;
  }();
  const auto log_kernel = [](const Curve::Nodes& u, const Curve::Nodes& v) {
    Curve::Nodes a;
    for (int i = 0; i < kNodes; ++i) a[i] = kernel(u[i]) + kernel(v[i]);
    return a;
  };
  const auto arm = [&](double sign) {
    return curve.log_density(sign * x, sign * y, kSpiralNoise, kSpiralBox / std::numbers::sqrt2, log_kernel);
  };
  return log_mean_exp(std::array{arm(1), arm(-1)});
}

// ---- Squares and Gaussians --------------------------------------------------------------------------------------

void draw_checkerboard(const Address& at, double x[2]) {
  x[0] = 8 * uniform_at(at, 1) - 4;
  const bool odd = static_cast<int>(std::floor(x[0] / 2)) % 2 != 0;
  x[1] = 2 * uniform_at(at, 2) - 4 * index_at(at, 0, 2) + (odd ? 2 : 0);
}
double log_checkerboard(double x, double y) {
  const bool inside = std::abs(x) < 4 && std::abs(y) < 4;
  if (!inside) return kMinusInfinity;
  const int parity = static_cast<int>(std::floor(x / 2)) + static_cast<int>(std::floor(y / 2));
  return parity % 2 == 0 ? -5 * std::numbers::ln2 : kMinusInfinity;
}

constexpr double kGaussiansNoise = 0.5 / 1.414, kGaussiansRadius = 4 / 1.414;  // sic: FFJORD writes 1.414
void draw_8gaussians(const Address& at, double x[2]) {
  const double angle = pi / 4 * index_at(at, 0, 8);
  x[0] = kGaussiansRadius * std::cos(angle);
  x[1] = kGaussiansRadius * std::sin(angle);
  add_noise(at, kGaussiansNoise, x);
}
double log_8gaussians(double x, double y) {
  std::array<double, 8> a;
  for (int k = 0; k < 8; ++k) {
    const double u = (x - kGaussiansRadius * std::cos(pi / 4 * k)) / kGaussiansNoise;
    const double v = (y - kGaussiansRadius * std::sin(pi / 4 * k)) / kGaussiansNoise;
    a[static_cast<std::size_t>(k)] = -0.5 * (u * u + v * v);
  }
  return log_mean_exp(a) - kLog2Pi - 2 * std::log(kGaussiansNoise);
}

// Entropies: trapezoid rule for -p log p on [-7, 7]^2, which converges faster than any power of the spacing h for
// densities as smooth as these. h = 0.02; the errors are the change from h = 0.04, rounded up, but pinwheel's, whose
// density has a fold where p is about 1e-8: h = 0.01, change from 0.02. A test repeats it on a coarser grid.
std::span<const ToyDensity> all_toys() {
  static const std::array toys{
      ToyDensity({"2spirals", 2.645450284, 1e-9, draw_2spirals, log_2spirals}),
      ToyDensity({"8gaussians", 2.83188040614, 1e-11, draw_8gaussians, log_8gaussians}),
      ToyDensity({"checkerboard", 5 * std::numbers::ln2, 0, draw_checkerboard, log_checkerboard}),
      ToyDensity({"circles", 3.26813571171, 1e-11, draw_circles, log_circles}),
      ToyDensity({"moons", 2.39387919597, 1e-11, draw_moons, log_moons}),
      ToyDensity({"pinwheel", 2.31778803, 1e-8, draw_pinwheel, log_pinwheel}),
      ToyDensity({"rings", 2.623182770, 1e-9, draw_rings, log_rings}),
      ToyDensity({"swissroll", 2.66964617388, 1e-11, draw_swissroll, log_swissroll})};
  return toys;
}

}  // namespace

void ToyDensity::sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const {
  if (out.rows() != 2)
    throw std::invalid_argument("ToyDensity::sample: out has " + std::to_string(out.rows()) +
                                " rows, expected 2: points are columns");
  for (Index i = 0; i < out.cols(); ++i)
    definition_.draw({seed, purpose, step, first + static_cast<std::uint64_t>(i)}, out.col(i).data());
}

Vector<double> ToyDensity::log_prob(const Eigen::Ref<const Batch>& x) const {
  if (x.rows() != 2)
    throw std::invalid_argument("ToyDensity::log_prob: x has " + std::to_string(x.rows()) +
                                " rows, expected 2: points are columns");
  Vector<double> out(x.cols());
  for (Index i = 0; i < x.cols(); ++i) out[i] = definition_.log_prob(x(0, i), x(1, i));
  return out;
}

const ToyDensity* find_toy(std::string_view name) {
  for (const ToyDensity& toy : all_toys())
    if (toy.name() == name) return &toy;
  return nullptr;
}

std::vector<std::string> toy_names() {
  std::vector<std::string> names;
  for (const ToyDensity& toy : all_toys()) names.push_back(toy.name());
  return names;
}

}  // namespace cnf
