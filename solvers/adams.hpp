// Linear multistep methods of Adams as tables of numbers, for steps of one size.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "solvers/tableau.hpp"

namespace cnf {

inline constexpr int kMaxAdamsOrder = 8;

/// Adams-Bashforth-Moulton of order p as PECE, on steps of equal size h. With f_m the slope at the start of step m,
///
///   x* = x_n + h (a f_n + sum_{m=1}^{p-1} predict_m f_{n-m})                       Adams-Bashforth of order p
///   x_{n+1} = x_n + h (b_0 f_n + b_1 f(t_{n+1}, x*) + sum_{m=1}^{p-2} correct_m f_{n-m})     Adams-Moulton of order p
///
/// Two evaluations a step, whatever the order. The first p - 1 steps are of `start`, a Runge-Kutta method of at least
/// the same order, so that the whole solve has order p.
/// Source  Hairer, Norsett, Wanner I, sec. III.1 (1.5), (1.9); PECE: sec. III.1, after (1.11).
struct AdamsMethod {
  std::string_view name;  ///< as spelled on the command line
  int order;
  const Tableau* start;
  Tableau step;                                         ///< the two stages: a = a[1][0], b
  std::array<double, kMaxAdamsOrder> predict, correct;  ///< by m; 0 and what is above the order are 0

  constexpr int history() const { return order - 1; }  ///< earlier slopes that a step reads
};

namespace detail {

/// The integral over [0, 1] of node j's Lagrange polynomial among `count` nodes first, first - 1, first - 2, ...: whole
/// numbers until one division, so each weight is right to its last digit.
constexpr double lagrange_integral(int first, int count, int j) {
  constexpr std::int64_t kMultiple = 840;  // of 1, 2, ... 8
  std::array<std::int64_t, kMaxAdamsOrder + 1> polynomial{1};
  std::int64_t denominator = 1;
  for (int m = 0, degree = 0; m < count; ++m) {
    if (m == j) continue;
    const int node = first - m;
    ++degree;
    for (int d = degree; d >= 0; --d) polynomial[d] = (d > 0 ? polynomial[d - 1] : 0) - node * polynomial[d];
    denominator *= (first - j) - node;
  }
  std::int64_t sum = 0;
  for (int d = 0; d < count; ++d) sum += polynomial[d] * (kMultiple / (d + 1));
  return static_cast<double>(sum) / static_cast<double>(kMultiple * denominator);
}

constexpr AdamsMethod adams(std::string_view name, int p, const Tableau& start) {
  AdamsMethod m{
      name,   p,
      &start, {.name = name, .stages = 2, .order = p, .embedded_order = 0, .c = {0, 1}, .b = {}, .e = {}, .a = {}},
      {},     {}};
  m.step.a[1][0] = lagrange_integral(0, p, 0);
  for (int k = 1; k < p; ++k) m.predict[k] = lagrange_integral(0, p, k);
  m.step.b[1] = lagrange_integral(1, p, 0);
  if (p > 1) m.step.b[0] = lagrange_integral(1, p, 1);
  for (int k = 1; k + 1 < p; ++k) m.correct[k] = lagrange_integral(1, p, k + 1);
  return m;
}

}  // namespace detail

inline constexpr AdamsMethod kAbm1 = detail::adams("abm1", 1, kRk4), kAbm2 = detail::adams("abm2", 2, kRk4),
                             kAbm3 = detail::adams("abm3", 3, kRk4), kAbm4 = detail::adams("abm4", 4, kRk4),
                             kAbm5 = detail::adams("abm5", 5, kDopri5), kAbm6 = detail::adams("abm6", 6, kDopri8),
                             kAbm7 = detail::adams("abm7", 7, kDopri8), kAbm8 = detail::adams("abm8", 8, kDopri8);

/// Every Adams method; the command line and the tests loop over this.
inline constexpr std::array kAllAdams{&kAbm1, &kAbm2, &kAbm3, &kAbm4, &kAbm5, &kAbm6, &kAbm7, &kAbm8};

/// Both formulas' weights sum to 1, and the start is no worse than the method.
static_assert([] {
  for (const AdamsMethod* m : kAllAdams) {
    double predict = m->step.a[1][0], correct = m->step.b[0] + m->step.b[1];
    for (int k = 1; k < kMaxAdamsOrder; ++k) predict += m->predict[k], correct += m->correct[k];
    const double error = (predict - 1) * (predict - 1) + (correct - 1) * (correct - 1);
    if (error > 1e-28 || m->start->order < m->order) return false;
  }
  return true;
}());

}  // namespace cnf
