// Invariants. spans_[i] = t_n - t_{n-i} for the steps taken, spans_[0] = 0; psi_, beta_ and sigma_ are
// of the planned step, up to k + 1, and beta_[k + 1] is 0 where phi_{k+1} is not known. What is divided by is kept as
// its inverse: a step of order 8 would else divide 40 times.
#include "solvers/steppers/adams_grid.hpp"

#include <cmath>

namespace cnf {

namespace {

/// |gamma*_j|: the error of Adams-Moulton of order j on equal steps. Hairer, Norsett, Wanner I, (III.1.9).
constexpr auto kGamma = [] {
  std::array<double, AdamsGrid::kMost + 2> gamma{1};
  for (int m = 1; m < static_cast<int>(gamma.size()); ++m)
    for (int j = 0; j < m; ++j) gamma[m] -= gamma[j] / (m + 1 - j);
  for (double& g : gamma) g = g < 0 ? -g : g;
  return gamma;
}();

constexpr auto kShares = [] {
  std::array<double, AdamsGrid::kMost + 2> shares{};
  for (std::size_t m = 0; m < shares.size(); ++m) shares[m] = 1 / static_cast<double>(m + 1);
  return shares;
}();

}  // namespace

void AdamsGrid::plan(double h, int k, bool more) {
  order_ = k;
  psi_[1] = h;
  beta_[1] = sigma_[1] = 1;
  for (int i = 1; i <= k + 1; ++i) {
    by_psi_[i] = 1 / psi_[i];
    sigma_[i + 1] = i * (h * by_psi_[i]) * sigma_[i];
    psi_[i + 1] = h + spans_[i];
    beta_[i + 1] = i < k || (i == k && more) ? beta_[i] * (psi_[i] * by_spans_[i]) : 0;
  }
}

double AdamsGrid::error_weight(int j) const { return std::abs(psi_[1]) * sigma_[j + 1] * kGamma[j]; }

void AdamsGrid::weights(double theta, double* w, double* dw) const {
  const int k = order_;
  const double h = psi_[1];
  // q[m]: the integral from 0 to theta of (theta - x)^m c_i(x).
  std::array<double, kMost + 2> q;
  double power = theta;
  for (int m = 0; m <= k; ++m, power *= theta) q[m] = power * kShares[m];
  double c = 1;
  for (int i = 1; i <= k + 1; ++i) {
    const double beta = i <= k ? beta_[i] : 1;
    w[i - 1] = beta * q[0];
    if (dw) dw[i - 1] = beta * c;
    const double by = h * by_psi_[i], at = theta == 1 ? 1 : (theta * h + spans_[i - 1]) * by_psi_[i];
    double next = q[0];
    for (int m = 0; m <= k - i; ++m) {
      const double now = next;
      next = q[m + 1];
      q[m] = at * now - by * next;
    }
    c *= at;
  }
}

void adams_weights(const void* grid, double theta, double* w, double* dw) {
  static_cast<const AdamsGrid*>(grid)->weights(theta, w, dw);
}

}  // namespace cnf
