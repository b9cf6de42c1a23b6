// Methods whose steps can be taken back: their gradient needs the end of a solve, and no memory of the way.
#pragma once

#include <array>
#include <string_view>

#include "solvers/methods/tableau.hpp"

namespace cnf {

/// A step of a pair (x, companion) with a closed inverse.
///
/// With a base, a Runge-Kutta method whose increment over h is Psi_h(t, x), McCallum and Foster's coupling
///     x1 = c x + (1 - c) y + Psi_h(t, y),   y1 = y - Psi_{-h}(t1, x1),   y(t_begin) = x(t_begin),
/// of the base's order, at twice its cost, with the base's error estimate. Taking a step back multiplies rounding by
/// 1/c: at 0.999 by 2.7 every thousand steps. The difference of the pair is hardly damped, so that steps must be well
/// within the base's stability, and Euler's coupling is of no use on long ways.
/// Without one, the asynchronous leapfrog method, whose companion is the slope v = f(t_begin, x) at first:
///     u = f(t + h/2, x + h/2 v),   v1 = 2 u - v,   x1 = x + h/2 (v + v1),
/// of order 2, at one evaluation a step, in fixed steps.
///
/// Between its ends a step is the cubic Hermite polynomial, or x + h ((theta - theta^2 / 2) v + theta^2 / 2 v1).
/// Source  McCallum and Foster (2024), arXiv:2410.11648; Mutze (2013), arXiv:1311.6602; Zhuang et al. (2021),
///         arXiv:2102.04668 (MALI).
struct ReversibleMethod {
  std::string_view name;  ///< as spelled on the command line
  const Tableau* base = nullptr;
  double coupling = 1;  ///< c
  int order = 2, embedded_order = 0;
  std::string_view help = "at one evaluation a step, taken back without memory";

  constexpr int dense_order() const { return order < 3 ? order : 3; }
  constexpr int evaluations_per_step() const { return base ? 2 * base->own_stages() : 1; }
  constexpr bool has_transpose() const { return true; }
  constexpr bool needs_equal_steps() const { return false; }
  constexpr bool takes_grid() const { return true; }
  constexpr bool needs_jvp() const { return false; }
};

/// The coupling of any table, which it points to.
constexpr ReversibleMethod coupled(std::string_view name, const Tableau& base, double coupling = 0.999) {
  return {name, &base, coupling, base.order, base.embedded_order, "gradients without memory, at twice the cost"};
}

inline constexpr ReversibleMethod kLeapfrog{"leapfrog"};
inline constexpr std::array kAllCoupled{
    coupled("reversible-euler", kEuler),   coupled("reversible-midpoint", kMidpoint),
    coupled("reversible-heun", kHeun),     coupled("reversible-ralston", kRalston),
    coupled("reversible-rk4", kRk4),       coupled("reversible-rk4_38", kRk4_38),
    coupled("reversible-bosh3", kBosh3),   coupled("reversible-fehlberg45", kFehlberg45),
    coupled("reversible-dopri5", kDopri5), coupled("reversible-tsit5", kTsit5),
    coupled("reversible-dopri8", kDopri8)};
static_assert(kAllCoupled.size() == kAllTableaus.size());

}  // namespace cnf
