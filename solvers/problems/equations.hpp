// Right-hand sides of the classic problems, for any scalar S: f(t, z, params, dz), as dual_dynamics takes them too.
// Private to solvers/problems.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace cnf::equations {

template <class S>
using Values = std::span<const S>;
template <class S>
using Slopes = std::span<S>;

/// z' = -z.
struct Decay {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    dz[0] = -z[0];
  }
};

/// z' = -z^3 / 2.
struct CubicDecay {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    dz[0] = -z[0] * z[0] * z[0] / 2;
  }
};

/// z' = z cos t.
struct CosineGrowth {
  template <class S>
  void operator()(const S& t, Values<S> z, Values<S>, Slopes<S> dz) const {
    using std::cos;
    dz[0] = z[0] * cos(t);
  }
};

/// z' = z / 4 (1 - z / 20).
struct Logistic {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    dz[0] = z[0] / 4 * (1 - z[0] / 20);
  }
};

/// z' = (z - t) / (z + t).
struct Spiral {
  template <class S>
  void operator()(const S& t, Values<S> z, Values<S>, Slopes<S> dz) const {
    dz[0] = (z[0] - t) / (z[0] + t);
  }
};

/// x'' = -p^2 x, z = (x, x').
struct HarmonicOscillator {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S> p, Slopes<S> dz) const {
    dz[0] = z[1];
    dz[1] = -p[0] * p[0] * z[0];
  }
};

/// Prey x and predators y: x' = a x - b x y, y' = -c y + d x y, p = (a, b, c, d).
struct LotkaVolterra {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S> p, Slopes<S> dz) const {
    const S meetings = z[0] * z[1];
    dz[0] = p[0] * z[0] - p[1] * meetings;
    dz[1] = -p[2] * z[1] + p[3] * meetings;
  }
};

/// A <-> B <-> C, all rates 1.
struct LinearReaction {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    dz[0] = -z[0] + z[1];
    dz[1] = z[0] - 2 * z[1] + z[2];
    dz[2] = z[1] - z[2];
  }
};

/// A -> B, B + B -> C.
struct QuadraticReaction {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    const S square = z[1] * z[1];
    dz[0] = -z[0];
    dz[1] = z[0] - square;
    dz[2] = square;
  }
};

/// A curve on a torus.
struct Torus {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    using std::sqrt;
    const S radius = sqrt(z[0] * z[0] + z[1] * z[1]);
    dz[0] = -z[1] - z[0] * z[2] / radius;
    dz[1] = z[0] - z[1] * z[2] / radius;
    dz[2] = z[0] / radius;
  }
};

/// Euler's equations of a rigid body left to itself: Jacobi's elliptic functions sn, cn, dn of parameter 0.51.
struct RigidBody {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    dz[0] = z[1] * z[2];
    dz[1] = -z[0] * z[2];
    dz[2] = -0.51 * z[0] * z[1];
  }
};

/// Each decays into the next, the last is stable: at rate 1, or at rate 1, 2, 3, ...
template <bool kRising>
struct DecayChain {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    S arriving = 0;
    for (std::size_t i = 0; i + 1 < z.size(); ++i) {
      const S leaving = kRising ? static_cast<double>(i + 1) * z[i] : z[i];
      dz[i] = arriving - leaving;
      arriving = leaving;
    }
    dz[z.size() - 1] = arriving;
  }
};

/// The heat equation on a row of points with cold ends: z_i' = z_{i-1} - 2 z_i + z_{i+1}.
struct Heat {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    for (std::size_t i = 0; i < z.size(); ++i) {
      S sum = -2 * z[i];
      if (i > 0) sum += z[i - 1];
      if (i + 1 < z.size()) sum += z[i + 1];
      dz[i] = sum;
    }
  }
};

/// Jupiter, Saturn, Uranus, Neptune and Pluto about the sun, which stays at 0 and gives way: their places, body by
/// body, then their velocities.
struct OuterPlanets {
  static constexpr double kGravity = 2.95912208286, kSun = 1.00000597682;
  static constexpr std::array<double, 5> kMasses{0.000954786104043, 0.000285583733151, 0.0000437273164546,
                                                 0.0000517759138449, 0.00000277777777778};
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    constexpr std::size_t kBodies = 5, kHalf = 3 * kBodies;
    std::array<S, kBodies> to_sun;  // m / r^3
    for (std::size_t j = 0; j < kBodies; ++j) {
      const S* const y = &z[3 * j];
      to_sun[j] = inverse_cube(y[0], y[1], y[2]);
      for (std::size_t i = 0; i < 3; ++i) {
        dz[3 * j + i] = z[kHalf + 3 * j + i];
        dz[kHalf + 3 * j + i] = -(kSun + kMasses[j]) * kGravity * y[i] * to_sun[j];
      }
    }
    for (std::size_t j = 0; j < kBodies; ++j)
      for (std::size_t k = 0; k < kBodies; ++k) {
        if (k == j) continue;
        const S *const y = &z[3 * j], *const other = &z[3 * k];
        const S between = inverse_cube(other[0] - y[0], other[1] - y[1], other[2] - y[2]);
        for (std::size_t i = 0; i < 3; ++i)
          dz[kHalf + 3 * j + i] += kGravity * kMasses[k] * ((other[i] - y[i]) * between - other[i] * to_sun[k]);
      }
  }

 private:
  template <class S>
  static S inverse_cube(const S& x, const S& y, const S& z) {
    using std::sqrt;
    const S square = x * x + y * y + z * z;
    return 1 / (square * sqrt(square));
  }
};

/// Kepler's: (x, y)'' = -(x, y) / |(x, y)|^3, z = (x, y, x', y').
struct TwoBody {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
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
  template <class S>
  void operator()(const S&, Values<S> z, Values<S> p, Slopes<S> dz) const {
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

/// x'' = -x' / (t + 1) - (1 - 1 / (4 (t + 1)^2)) x: Bessel's functions of order 1/2 at t + 1.
struct Bessel {
  template <class S>
  void operator()(const S& t, Values<S> z, Values<S>, Slopes<S> dz) const {
    const S s = t + 1;
    dz[0] = z[1];
    dz[1] = -z[1] / s - (1 - 0.25 / (s * s)) * z[0];
  }
};

/// x'' = p (1 - x^2) x' - x, z = (x, x').
struct VanDerPol {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S> p, Slopes<S> dz) const {
    dz[0] = z[1];
    dz[1] = p[0] * (1 - z[0] * z[0]) * z[1] - z[0];
  }
};

/// x'' = x^3 / 6 - x + 2 sin(2.78535 t).
struct Duffing {
  template <class S>
  void operator()(const S& t, Values<S> z, Values<S>, Slopes<S> dz) const {
    using std::sin;
    dz[0] = z[1];
    dz[1] = z[0] * z[0] * z[0] / 6 - z[0] + 2 * sin(2.78535 * t);
  }
};

/// x'' = 0.032 - 0.4 x'^2.
struct FallingBody {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S>, Slopes<S> dz) const {
    dz[0] = z[1];
    dz[1] = 0.032 - 0.4 * z[1] * z[1];
  }
};

/// x'' = sqrt(1 + x'^2) / (25 - t).
struct Pursuit {
  template <class S>
  void operator()(const S& t, Values<S> z, Values<S>, Slopes<S> dz) const {
    using std::sqrt;
    dz[0] = z[1];
    dz[1] = sqrt(1 + z[1] * z[1]) / (25 - t);
  }
};

/// A -> B at p_0, B + B -> B + C at p_1, B + C -> A + C at p_2.
struct Robertson {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S> p, Slopes<S> dz) const {
    const S slow = p[0] * z[0], fast = p[1] * z[1] * z[1], back = p[2] * z[1] * z[2];
    dz[0] = -slow + back;
    dz[1] = slow - fast - back;
    dz[2] = fast;
  }
};

/// x' = a + x^2 y - (b + 1) x, y' = b x - x^2 y, p = (a, b).
struct Brusselator {
  template <class S>
  void operator()(const S&, Values<S> z, Values<S> p, Slopes<S> dz) const {
    const S reaction = z[0] * z[0] * z[1];
    dz[0] = p[0] + reaction - (p[1] + 1) * z[0];
    dz[1] = p[1] * z[0] - reaction;
  }
};

}  // namespace cnf::equations
