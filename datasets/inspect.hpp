// What a person wants to be told of a table before a density is fitted to it.
#pragma once

#include <vector>

#include "base/types.hpp"

namespace cnf {

/// What is odd. A density is finite where no value comes twice; where values repeat, its likelihood has no bound, and
/// grows for as long as a model is trained.
enum class Oddity {
  few_values,     ///< the column takes only `count` values: 32 at most, or 95 % of the rows have one that 1 % have
  spike,          ///< `count` rows, 1 % of all or more, hold `value`, five times as many as hold any other
  rounded,        ///< the column takes `count` values; two rows agree as if a 40th of a deviation lay between values
  repeated_rows,  ///< `count` rows equal an earlier one, 2 % of all or more (of one column: half)
  far_rows,       ///< `count` rows are over 1000 deviations from the median; the farthest is `row`, by `value` of them
  extreme_scale,  ///< numbers of the size of `value`, whose squares are beyond a double: outside 1e-150 to 1e150
};

struct Finding {
  Oddity kind;
  Index column = -1;  ///< from 0; -1: of whole rows
  Index count = 0;
  double value = 0;
  Index row = -1;  ///< from 0

  bool operator==(const Finding&) const = default;
};

/// What is odd about the columns, in their order, then about the rows. A spike hides that other values are rounded.
/// Constant columns are passed over: fit_standardisation refuses them. A deviation is what the values between the 5 %
/// and the 95 % quantile would have in a normal distribution, so that far rows do not hide each other.
///
/// Shapes  x: D x N, finite.
/// Error   of more than 65,536 rows (fewer if D > 64) a sample of so many judges the columns, by rows that depend on N
///         alone. What is counted is counted over all, but the rows that repeat: to about 1 % of N.
/// Cost    of 10^7 rows of two columns 0.5 s and 6 MB.
std::vector<Finding> inspect(const Eigen::Ref<const Batch>& x);

/// A column that others before it determine, to 1e-4 of its deviation: offset + sum_k factors[k] x_on[k].
struct Dependence {
  Index column;
  std::vector<Index> on;  ///< those that count for more than a thousandth of its deviation
  std::vector<double> factors;
  double offset = 0;
  bool copy = false;  ///< it is x_on[0] in every row
};

/// The first column that depends on those before it, and the next, and so on: without them, none does. For tables with
/// more rows than columns and up to 1024 columns, else nothing; by a sample of the rows.
/// Cost    2e9 operations at most.
std::vector<Dependence> dependent_columns(const Eigen::Ref<const Batch>& x);

}  // namespace cnf
