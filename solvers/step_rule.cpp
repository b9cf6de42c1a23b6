// Invariants. Every weight is a polynomial of theta that is 0 at 0 and exactly the step's own weight at 1, where it is
// not evaluated but copied: a value at a step's end has the bits of the state there.
#include "solvers/step_rule.hpp"

#include <algorithm>

namespace cnf {

namespace {

/// The cubic Hermite polynomial, y + h (end - start slopes): the ends' difference is h sum_i b_i k_i.
struct Hermite {
  double b, first, last, bump;  ///< factors of the tableau's b, of the slopes at start and end, and of its `dense`
};

constexpr Hermite hermite(double x) {
  return {x * x * (3 - 2 * x), x * (1 - x) * (1 - x), x * x * (x - 1), x * x * (1 - x) * (1 - x)};
}
constexpr Hermite hermite_slope(double x) {
  return {6 * x * (1 - x), (1 - x) * (1 - 3 * x), x * (3 * x - 2), 2 * x * (1 - x) * (1 - 2 * x)};
}

void spread(const Tableau& m, const Hermite& at, double* w) {
  const int S = m.own_stages();
  for (int i = 0; i < S; ++i) w[i] = at.b * m.b[i] + at.bump * m.dense[i];
  w[S] = at.last + (S < m.stages ? at.bump * m.dense[S] : 0.0);
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
    spread(*own, hermite(theta), w);
    if (dw) spread(*own, hermite_slope(theta), dw);
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
