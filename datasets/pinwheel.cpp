#include "datasets/pinwheel.hpp"

#include <algorithm>

#include "datasets/toy_address.hpp"

namespace cnf::toy {
namespace {

constexpr double kRadialStd = 0.3, kTangentialStd = 0.1, kRate = 0.25;
constexpr int kArms = 5;

/// A point f = rho (cos a, sin a) of the Gaussian goes to radius 2 rho and angle h(a) - 2 pi k / 5 with
/// h(a) = a - rate exp(rho cos a); the map's determinant is 4 h'(a). So p(x) = sum over arms k and over the
/// solutions a of p_f(f) / (5 * 4 |h'(a)|). h' = 1 + rate rho sin(a) exp(rho cos a) has no zero or two, both in
/// (-pi, 0): the circle of a is one increasing branch, or one increasing and one decreasing.
struct Pinwheel {
  double rho;
  double h(double a) const { return a - kRate * std::exp(rho * std::cos(a)); }
  double slope(double a) const { return 1 + kRate * rho * std::sin(a) * std::exp(rho * std::cos(a)); }
  double log_gaussian(double a) const {
    const double u = (rho * std::cos(a) - 1) / kRadialStd, v = rho * std::sin(a) / kTangentialStd;
    return -0.5 * (u * u + v * v) - kLog2Pi - std::log(kRadialStd * kTangentialStd);
  }

  /// The zero of a monotone g with derivative dg between lo and hi: Newton, held inside by bisection.
  template <class G, class DG>
  static double zero(G g, DG dg, double lo, double hi, double start) {
    const bool rising = g(hi) > g(lo);
    double a = start;
    for (int iteration = 0; iteration < 100; ++iteration) {
      const double value = g(a);
      ((value < 0) == rising ? lo : hi) = a;
      double next = a - value / dg(a);
      if (!(next > lo && next < hi)) next = 0.5 * (lo + hi);
      if (std::abs(next - a) <= 4e-16 * (1 + std::abs(a))) return next;
      a = next;
    }
    return a;
  }

  /// Adds the solutions of h(a) = angle (mod 2 pi / 5) on a monotone branch to log p, those around a = 0 first. Beyond
  /// rho = 2 p_f falls with |a| over 22 rho nats, so that the rest is negligible once p_f is.
  void add_branch(double lo, double hi, double angle, double& most, double& sum) const {
    const double period = 2 * pi / kArms, h0 = h(lo), h1 = h(hi), middle = std::clamp(0., lo, hi);
    const double first = std::ceil((std::min(h0, h1) - angle) / period);
    const double last = std::ceil((std::max(h0, h1) - angle) / period) - 1;
    const double nearest = std::clamp(std::round((h(middle) - angle) / period), first, std::max(first, last));
    const auto add = [&](double k) {
      const double target = angle + k * period;
      const double a =
          zero([&](double s) { return h(s) - target; }, [&](double s) { return slope(s); }, lo, hi, middle);
      const double log_f = log_gaussian(a), log_term = log_f - std::log(std::max(std::abs(slope(a)), 1e-300));
      if (log_term > most) {
        sum *= std::exp(most - log_term);
        most = log_term;
      }
      sum += std::exp(log_term - most);
      return rho < 2 || log_f > most - 60;
    };
    for (double k = nearest; k <= last && add(k); ++k) {
    }
    for (double k = nearest - 1; k >= first && add(k); --k) {
    }
  }

  double log_prob(double angle) const {
    double most = kMinusInfinity, sum = 0;
    // sin(a) exp(rho cos a) is least where cos a = rho sin^2 a: the steepest fall of h.
    const double c = rho > 0 ? (std::sqrt(1 + 4 * rho * rho) - 1) / (2 * rho) : 0, steepest = -std::acos(c);
    if (slope(steepest) >= 0) {
      add_branch(-pi, pi, angle, most, sum);
    } else {
      const auto curvature = [&](double a) {
        return kRate * rho * std::exp(rho * std::cos(a)) * (std::cos(a) - rho * std::sin(a) * std::sin(a));
      };
      const auto rate = [&](double a) { return slope(a); };
      const double fold0 = zero(rate, curvature, -pi, steepest, 0.5 * (steepest - pi)),
                   fold1 = zero(rate, curvature, steepest, 0, 0.5 * steepest);
      add_branch(fold0, fold1, angle, most, sum);
      add_branch(fold1, fold0 + 2 * pi, angle, most, sum);
    }
    return most + std::log(sum / (4 * kArms));
  }
};

}  // namespace

void draw_pinwheel(const Address& at, double x[2]) {
  const double f0 = 1 + kRadialStd * normal_at(at, 0), f1 = kTangentialStd * normal_at(at, 1);
  const double angle = 2 * pi * index_at(at, 0, kArms) / kArms + kRate * std::exp(f0);
  x[0] = 2 * (f0 * std::cos(angle) + f1 * std::sin(angle));
  x[1] = 2 * (f1 * std::cos(angle) - f0 * std::sin(angle));
}

double log_pinwheel(double x, double y) {
  const double rho = std::hypot(x, y) / 2;
  if (rho > 8) {  // solutions too dense to list: the mean over the angle, by Laplace's method around a = 0
    const double u = (rho - 1) / kRadialStd;
    const double curvature = rho * rho / (kTangentialStd * kTangentialStd) - rho * u / kRadialStd;
    return -0.5 * u * u - kLog2Pi - std::log(kRadialStd * kTangentialStd) + 0.5 * (kLog2Pi - std::log(curvature)) -
           std::log(8 * pi);
  }
  return Pinwheel{rho}.log_prob(std::atan2(y, x));
}

}  // namespace cnf::toy
