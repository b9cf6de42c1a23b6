// Classic initial value problems with known ends: what tests and benchmarks of solvers measure against.
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "solvers/dual_dynamics.hpp"

namespace cnf {

/// Right-hand sides for any scalar, as dual_dynamics takes them: D values, P parameters p.
namespace equations {

/// z' = -p z.
struct LinearDecay {
  static constexpr int D = 1, P = 1;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S> p, std::span<S> dz) const {
    dz[0] = -p[0] * z[0];
  }
};

/// z' = -z^3 / 2.
struct CubicDecay {
  static constexpr int D = 1, P = 0;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S>, std::span<S> dz) const {
    dz[0] = -z[0] * z[0] * z[0] / 2;
  }
};

/// z' = z cos t.
struct CosineGrowth {
  static constexpr int D = 1, P = 0;
  template <class S>
  void operator()(const S& t, std::span<const S> z, std::span<const S>, std::span<S> dz) const {
    using std::cos;
    dz[0] = z[0] * cos(t);
  }
};

/// z' = r z (1 - z / K), p = (r, K).
struct Logistic {
  static constexpr int D = 1, P = 2;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S> p, std::span<S> dz) const {
    dz[0] = p[0] * z[0] * (1 - z[0] / p[1]);
  }
};

/// x'' = -p^2 x, z = (x, x').
struct HarmonicOscillator {
  static constexpr int D = 2, P = 1;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S> p, std::span<S> dz) const {
    dz[0] = z[1];
    dz[1] = -p[0] * p[0] * z[0];
  }
};

/// Prey x and predators y: x' = a x - b x y, y' = -c y + d x y, p = (a, b, c, d).
struct LotkaVolterra {
  static constexpr int D = 2, P = 4;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S> p, std::span<S> dz) const {
    const S meetings = z[0] * z[1];
    dz[0] = p[0] * z[0] - p[1] * meetings;
    dz[1] = -p[2] * z[1] + p[3] * meetings;
  }
};

/// x' = a + x^2 y - (b + 1) x, y' = b x - x^2 y, p = (a, b).
struct Brusselator {
  static constexpr int D = 2, P = 2;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S> p, std::span<S> dz) const {
    const S reaction = z[0] * z[0] * z[1];
    dz[0] = p[0] + reaction - (p[1] + 1) * z[0];
    dz[1] = p[1] * z[0] - reaction;
  }
};

/// x'' = p (1 - x^2) x' - x, z = (x, x').
struct VanDerPol {
  static constexpr int D = 2, P = 1;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S> p, std::span<S> dz) const {
    dz[0] = z[1];
    dz[1] = p[0] * (1 - z[0] * z[0]) * z[1] - z[0];
  }
};

/// Kepler's: (x, y)'' = -(x, y) / |(x, y)|^3, z = (x, y, x', y').
struct TwoBody {
  static constexpr int D = 4, P = 0;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S>, std::span<S> dz) const {
    using std::sqrt;
    const S square = z[0] * z[0] + z[1] * z[1];
    const S pull = 1 / (square * sqrt(square));
    dz[0] = z[2];
    dz[1] = z[3];
    dz[2] = -pull * z[0];
    dz[3] = -pull * z[1];
  }
};

/// A small body near the earth (mass 1 - p, at -p) and the moon (mass p, at 1 - p), in axes that turn with them,
/// z = (x, y, x', y').
struct RestrictedThreeBody {
  static constexpr int D = 4, P = 1;
  template <class S>
  void operator()(const S&, std::span<const S> z, std::span<const S> p, std::span<S> dz) const {
    using std::sqrt;
    const S earth = z[0] + p[0], moon = z[0] - (1 - p[0]);
    const S to_earth = earth * earth + z[1] * z[1], to_moon = moon * moon + z[1] * z[1];
    const S by_earth = (1 - p[0]) / (to_earth * sqrt(to_earth)), by_moon = p[0] / (to_moon * sqrt(to_moon));
    dz[0] = z[2];
    dz[1] = z[3];
    dz[2] = z[0] + 2 * z[3] - by_earth * earth - by_moon * moon;
    dz[3] = z[1] - 2 * z[2] - (by_earth + by_moon) * z[1];
  }
};

}  // namespace equations

using Equation =
    std::variant<equations::LinearDecay, equations::CubicDecay, equations::CosineGrowth, equations::Logistic,
                 equations::HarmonicOscillator, equations::LotkaVolterra, equations::Brusselator, equations::VanDerPol,
                 equations::TwoBody, equations::RestrictedThreeBody>;

/// An initial value problem: z(t_begin) = begin, and z(t_end) = end is known.
struct Problem {
  std::string_view name;
  Equation equation;
  Vector<double> params{}, begin{};
  double t_begin = 0, t_end = 0;
  Vector<double> end{};
  std::string_view end_source{};  ///< where `end` is from
  /// Of `end`, where begin, params and t_end are rounded to double: at most, relative to max(1, |end|).
  double end_error = 1e-12;
  bool stiff = false;         ///< stability, not accuracy, limits an explicit method's steps at 1e-6
  std::string_view source{};  ///< of the problem

  Blocks blocks() const { return {begin.size(), 0, 0}; }
  /// A DualDynamics of the equation with these parameters. T: float or double.
  template <class T>
  std::unique_ptr<Dynamics<T>> dynamics() const;
};

/// Decays, growth, oscillators, orbits: DETEST's A1 to A4, B1, D1 to D5 and E2 (Hull, Enright, Fellen and Sedgwick
/// 1972, SIAM J. Numer. Anal. 9(4), 603-637), the Brusselator and Arenstorf's orbit (Hairer, Norsett, Wanner I), and
/// van der Pol's equation where it becomes stiff.
std::vector<Problem> all_problems();

std::optional<Problem> find_problem(std::string_view name);

}  // namespace cnf
