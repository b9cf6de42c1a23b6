// The affine map between the user's units and coordinates of mean 0 and covariance I.
#pragma once

#include <string>
#include <vector>

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

/// Fits mean and L by Cholesky of the covariance (divisor N): the same u, up to a rotation, for any affine image of
/// the data. L is diagonal (the standard deviations) if the covariance cannot be trusted to have full rank: N <= D, or
/// the correlation matrix has an eigenvalue below 1e-8 (columns that are affine functions of others, to 1e-4).
///
/// Shapes  x: D x N, finite.
/// Errors  InputError: fewer than 2 rows; columns that do not vary, all of them, or one that reaches further than a
///         double can say, named from `columns`: "data.csv: column 3, 'c', is constant ..." with `source`.
/// Cost    N D^2 + 10 D^3 operations.
Standardisation fit_standardisation(const Eigen::Ref<const Batch>& x, const std::vector<std::string>& columns = {},
                                    const std::string& source = "data");

/// The columns, from 0, that do not vary: constant, or by rounding alone.   Shapes  x: D x N, finite, N >= 1.
std::vector<Index> unvarying_columns(const Eigen::Ref<const Batch>& x);

}  // namespace cnf
