// Which rows train, which choose, which judge; and whether a row has been seen.
#pragma once

#include <cstdint>
#include <filesystem>
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

/// The split a .npy file of n values lists, row by row: 0 train, 1 validation, 2 test. InputError for another number
/// of values, for another value, or if no row is 0.
Split read_split(const std::filesystem::path& path, Index n);

/// The columns of x with these numbers, in this order.   Shapes  x: D x N.  Returns: D x rows.size().
Batch take(const Eigen::Ref<const Batch>& x, std::span<const Index> rows);

/// XXH3-64 of each sample's float64 bytes, sorted.   Shapes  x: D x N.  Returns: N.
std::vector<std::uint64_t> row_digests(const Eigen::Ref<const Batch>& x);

/// How many samples of x have a digest among `known`, which is sorted. Chance: N known.size() / 2^64.
Index seen_rows(std::span<const std::uint64_t> known, const Eigen::Ref<const Batch>& x);

}  // namespace cnf
