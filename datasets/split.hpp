// A split of rows as a file, and whether a row has been seen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/split.hpp"

namespace cnf {

/// The split a .npy file of n values lists, row by row: 0 train, 1 validation, 2 test. InputError for another number
/// of values, for another value, or if no row is 0.
Split read_split(const std::filesystem::path& path, Index n);

/// XXH3-64 of sample i's float64 bytes.   Shapes  x: D x N.
std::uint64_t row_digest(const Eigen::Ref<const Batch>& x, Index i);

/// XXH3-64 of each sample's float64 bytes, sorted.   Shapes  x: D x N.  Returns: N.
std::vector<std::uint64_t> row_digests(const Eigen::Ref<const Batch>& x);

/// Which samples of x have a digest among `known`, which is sorted: 1, else 0. Chance: N known.size() / 2^64.
std::vector<char> seen_rows(std::span<const std::uint64_t> known, const Eigen::Ref<const Batch>& x);

}  // namespace cnf
