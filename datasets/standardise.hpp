// Fits the affine map that gives data mean 0 and covariance I.
#pragma once

#include <string>
#include <vector>

#include "base/standardisation.hpp"
#include "datasets/table.hpp"

namespace cnf {

/// Fits mean and L by Cholesky of the covariance (divisor N): the same u, up to a rotation, for any affine image of
/// the data. L is diagonal (the standard deviations) if the covariance cannot be trusted to have full rank: N <= D, or
/// the correlation matrix has an eigenvalue below 1e-8 (columns that are affine functions of others, to 1e-4).
///
/// Shapes  x: D x N, finite.
/// Errors  InputError: fewer than 2 rows; a constant column (all values equal, or a spread lost in rounding), named
///         from `columns`, "data.csv: column 3, 'c', is constant ..." with `source`.
/// Cost    N D^2 + 10 D^3 operations.
Standardisation fit_standardisation(const Eigen::Ref<const Batch>& x, const std::vector<std::string>& columns = {},
                                    const std::string& source = "data");
Standardisation fit_standardisation(const Table& table);

}  // namespace cnf
