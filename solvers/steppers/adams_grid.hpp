// The numbers of one Adams step on a grid of uneven steps.
#pragma once

#include <array>

#include "solvers/methods/variable_adams.hpp"

namespace cnf {

/// Newton's polynomial of the slopes f_n, f_{n-1}, ... in modified divided differences phi_1 = f_n, phi_2, ... (Krogh):
/// with spans_i = t_n - t_{n-i}, psi_i = h + spans_{i-1} and theta in [0, 1],
///
///   P(t_n + theta h) = sum_i c_i(theta) beta_i phi_i,   c_1 = 1,  c_{i+1} = c_i (theta h + spans_{i-1}) / psi_i,
///
/// and a step of order k is y + h (sum_{i <= k} g_i(1) beta_i phi_i + g_{k+1}(1) d), with g_i the integral of c_i from
/// 0 to theta and d the slope at the predicted end less P(t_n + h). On equal steps phi are backward differences.
/// Source  Hairer, Norsett, Wanner I, sec. III.5; the integrals by Krogh's recursion.
class AdamsGrid {
 public:
  static constexpr int kMost = VariableAdams::kMost;
  using Row = std::array<double, kMost + 3>;  ///< [i], i from 1

  /// A step of size h, of either sign, and order k; phi_1 ... phi_k are known, and phi_{k+1} too if `more`.
  void plan(double h, int k, bool more);
  /// The planned step is taken.
  void advance() { spans_ = psi_, by_spans_ = by_psi_; }

  double h() const { return psi_[1]; }
  int order() const { return order_; }
  double beta(int i) const { return beta_[i]; }  ///< i <= k, or k + 1 if `more`
  /// What phi's size is times for it to be the error that a corrector of order j makes on equal steps of this size:
  /// |h| gamma*_j j! / (what a difference on this grid counts for); j <= k + 1.
  double error_weight(int j) const;
  /// w_{i-1} = beta_i g_i(theta) for i = 1 ... k, w_k = g_{k+1}(theta), and if not null
  /// their derivatives by theta.
  void weights(double theta, double* w, double* dw = nullptr) const;

 private:
  int order_ = 1;
  Row spans_{}, psi_{}, by_spans_{}, by_psi_{}, beta_{}, sigma_{};
};

/// AdamsGrid::weights for whom a step is only a function of time (DenseStep): `grid` is an AdamsGrid.
void adams_weights(const void* grid, double theta, double* w, double* dw);

}  // namespace cnf
