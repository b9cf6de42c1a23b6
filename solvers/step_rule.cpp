// Invariants. Every weight is a polynomial of theta that is 0 at 0 and exactly the step's own weight at 1, where it is
// not evaluated but copied: a value at a step's end has the bits of the state there.
#include "solvers/step_rule.hpp"

#include <algorithm>

#include "solvers/methods/hermite.hpp"

namespace cnf {

namespace {

/// x^2 (1 - x)^2 p(x).
double bump(const std::array<double, kMaxBumps>& p, double x) {
  double sum = 0;
  for (int d = kMaxBumps - 1; d >= 0; --d) sum = sum * x + p[d];
  return bubble(x) * sum;
}
double bump_slope(const std::array<double, kMaxBumps>& p, double x) {
  double sum = 0, slope = 0;
  for (int d = kMaxBumps - 1; d >= 0; --d) slope = slope * x + sum, sum = sum * x + p[d];
  return bubble_slope(x) * sum + bubble(x) * slope;
}

template <class Bump>
void spread(const Tableau& m, const Hermite& at, const Bump& bump, double* w) {
  const int S = m.own_stages(), terms = S + 1 + m.extra_stages();
  for (int i = 0; i < terms; ++i) {
    w[i] = i < S ? at.b * m.b[i] : i == S ? at.last : 0.0;
    if (m.dense) w[i] += bump(m.dense->bump[i]);
  }
  w[0] += at.first;
}

double horner(const std::array<double, kMaxHistory + 1>& c, double x) {
  double sum = 0;
  for (int d = kMaxHistory; d >= 0; --d) sum = (sum + c[d]) * x;
  return sum;
}
double horner_slope(const std::array<double, kMaxHistory + 1>& c, double x) {
  double sum = 0;
  for (int d = kMaxHistory; d >= 0; --d) sum = sum * x + (d + 1) * c[d];
  return sum;
}

template <class Value>
void spread(const PastWeights& past, const Value& value, double* w) {
  w[0] = past.history > 0 ? value(past.dense[1]) : 0.0;
  w[1] = value(past.dense[0]);
  w[2] = 0;
  for (int m = 1; m <= past.history; ++m)
    w[2 + m] = m < past.history ? value(past.dense[static_cast<std::size_t>(m) + 1]) : 0.0;
}

}  // namespace

void StepRule::dense(double theta, double* w, double* dw) const {
  if (past) {
    spread(
        *past, [theta](const auto& c) { return horner(c, theta); }, w);
    if (dw)
      spread(
          *past, [theta](const auto& c) { return horner_slope(c, theta); }, dw);
  } else {
    spread(
        *own, hermite(theta), [theta](const auto& p) { return bump(p, theta); }, w);
    if (dw)
      spread(
          *own, hermite_slope(theta), [theta](const auto& p) { return bump_slope(p, theta); }, dw);
  }
  if (theta != 1) return;
  std::fill_n(w, terms(), 0.0);
  std::copy_n(own->b.begin(), stages(), w);
  for (int m = 1; m <= history(); ++m) w[stages() + m] = past->correct[static_cast<std::size_t>(m)];
}

void rule_weights(const void* rule, double theta, double* w, double* dw) {
  static_cast<const StepRule*>(rule)->dense(theta, w, dw);
}

}  // namespace cnf
