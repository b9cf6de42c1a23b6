// Which rows train, which choose, which judge.
#pragma once

#include <span>
#include <vector>

#include "base/random.hpp"
#include "base/types.hpp"

namespace cnf {

/// Rows of a table by use, each list ascending; together every row once.
struct Split {
  std::vector<Index> train, validation, test;
};

struct SplitFractions {
  double train = 0.8, validation = 0.1, test = 0.1;
};

/// Rows 0 to n - 1 in an order that depends on (seed, n) alone: validation gets round(validation n), test
/// round(test n), train the rest. Throws std::invalid_argument unless the fractions are in [0, 1] and sum to 1
/// (to 1e-9), and train gets a row.
Split split_rows(Index n, const SplitFractions& fractions, Seed seed);

/// The columns of x with these numbers, in this order.   Shapes  x: D x N.  Returns: D x rows.size().
Batch take(const Eigen::Ref<const Batch>& x, std::span<const Index> rows);

}  // namespace cnf
