// Linear multistep methods of Adams as tables of numbers, for steps of one size.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "solvers/step_rule.hpp"

namespace cnf {

inline constexpr int kMaxAdamsOrder = 8;

/// Adams-Bashforth-Moulton of order p as PECE, on steps of equal size h. With f_m the slope at the start of step m,
///
///   x* = x_n + h (a f_n + sum_{m=1}^{p-1} predict_m f_{n-m})                       Adams-Bashforth of order p
///   x_{n+1} = x_n + h (b_0 f_n + b_1 f(t_{n+1}, x*) + sum_{m=1}^{p-2} correct_m f_{n-m})     Adams-Moulton of order p
///
/// Two evaluations a step, whatever the order. The first p - 1 steps are of `start`, a Runge-Kutta method of at least
/// the same order, so that the whole solve has order p.
///
/// Dense output  x_n plus the integral of the polynomial that Adams-Moulton integrates: of order p, within the first
///               p - 1 steps of their method's.
/// Source  Hairer, Norsett, Wanner I, sec. III.1 (1.5), (1.9); PECE: sec. III.1, after (1.11).
struct AdamsMethod {
  static constexpr int embedded_order = 0;
  static constexpr std::string_view help = "where an evaluation is dear: two a step at any order";
  std::string_view name;  ///< as spelled on the command line
  int order;
  const Tableau* start;
  Tableau step;  ///< the two stages: a = a[1][0], b
  PastWeights past;

  constexpr int evaluations_per_step() const { return 2; }
  constexpr int dense_order() const { return order; }
  constexpr bool has_transpose() const { return true; }
  constexpr bool takes_grid() const { return true; }
  constexpr bool needs_jvp() const { return false; }
  constexpr bool needs_equal_steps() const { return order > 1; }
};
static_assert(kMaxAdamsOrder - 1 == kMaxHistory);

namespace detail {

/// The integral from 0 to theta of node j's Lagrange polynomial among `count` nodes first, first - 1, first - 2, ...: a
/// polynomial with whole coefficients over a common denominator until one division, so each is right to its last digit.
struct LagrangeIntegral {
  std::array<std::int64_t, kMaxAdamsOrder> coefficients{};  ///< of theta, theta^2, ...
  std::int64_t denominator = 1;

  constexpr double at_one() const {
    std::int64_t sum = 0;
    for (std::int64_t c : coefficients) sum += c;
    return static_cast<double>(sum) / static_cast<double>(denominator);
  }
  constexpr double coefficient(std::size_t d) const {
    return static_cast<double>(coefficients[d]) / static_cast<double>(denominator);
  }
};
constexpr LagrangeIntegral lagrange_integral(int first, int count, int j) {
  constexpr std::int64_t kMultiple = 840;  // of 1, 2, ... 8
  std::array<std::int64_t, kMaxAdamsOrder + 1> polynomial{1};
  LagrangeIntegral result{.denominator = kMultiple};
  for (int m = 0, degree = 0; m < count; ++m) {
    if (m == j) continue;
    const int node = first - m;
    ++degree;
    for (int d = degree; d >= 0; --d) polynomial[d] = (d > 0 ? polynomial[d - 1] : 0) - node * polynomial[d];
    result.denominator *= (first - j) - node;
  }
  for (int d = 0; d < count; ++d) result.coefficients[d] = polynomial[d] * (kMultiple / (d + 1));
  return result;
}

constexpr AdamsMethod adams(std::string_view name, int p, const Tableau& start) {
  AdamsMethod m{name,
                p,
                &start,
                {.name = name, .stages = 2, .order = p, .embedded_order = 0, .c = {0, 1}, .b = {}, .e = {}, .a = {}},
                {.history = p - 1}};
  m.step.a[1][0] = lagrange_integral(0, p, 0).at_one();
  for (int k = 1; k < p; ++k) m.past.predict[k] = lagrange_integral(0, p, k).at_one();
  m.step.b[1] = lagrange_integral(1, p, 0).at_one();
  if (p > 1) m.step.b[0] = lagrange_integral(1, p, 1).at_one();
  for (int k = 1; k + 1 < p; ++k) m.past.correct[k] = lagrange_integral(1, p, k + 1).at_one();
  for (int node = 0; node < p; ++node)
    for (std::size_t d = 0; d < kMaxAdamsOrder; ++d)
      m.past.dense[node][d] = lagrange_integral(1, p, node).coefficient(d);
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
    for (int k = 1; k < kMaxAdamsOrder; ++k) predict += m->past.predict[k], correct += m->past.correct[k];
    const double error = (predict - 1) * (predict - 1) + (correct - 1) * (correct - 1);
    if (error > 1e-28 || m->start->order < m->order) return false;
  }
  return true;
}());

}  // namespace cnf
