// The affine map between the user's units and coordinates of mean 0 and covariance I.
#pragma once

#include "base/types.hpp"

namespace cnf {

/// x = mean + L u with L lower triangular and a positive diagonal: u is what a flow sees, x is in the user's units.
/// log p(x) = log p(u) - log_abs_det().
struct Standardisation {
  Vector<double> mean;   ///< D
  Matrix<double> scale;  ///< L: D x D

  static Standardisation identity(Index D);
  Index dim() const { return mean.size(); }
  /// A sample's bits do not depend on how many are mapped at once. Cost  N D^2 / 2.
  Batch apply(const Eigen::Ref<const Batch>& x) const;   ///< u = L^-1 (x - mean), D x N
  Batch invert(const Eigen::Ref<const Batch>& u) const;  ///< x = mean + L u, D x N
  double log_abs_det() const;                            ///< log |det dx/du| = sum log L_ii
};

}  // namespace cnf
