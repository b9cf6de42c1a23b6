// Numbers that stand for no value, -200, -9999 and their like, found in a table.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/types.hpp"

namespace cnf {

/// A value that may mark what is missing.
struct Sentinel {
  Index column = 0;  ///< from 0
  double value = 0;
  Index count = 0;                    ///< samples that have it there
  double rest_min = 0, rest_max = 0;  ///< of the others
};

/// A column's least or greatest value is one if the next value is further from it than from the median of the others
/// and than half of them lie apart (or, if they take less than 20 values, than twice their range), and it stands there
/// three times or more; or, however often, if it is all nines, 99 or longer, or the least 16-bit number, and lies ten
/// times the others' range from them. What is one in one column is one in every other where it is the least or greatest
/// value three times. Where the others are one value, there is none.
///
/// Shapes  x: D x N, finite.   Cost  about 3 N D, and a sort of at most 4096 values for a column with a candidate.
std::vector<Sentinel> find_sentinels(const Eigen::Ref<const Batch>& x);

/// A line for each value: "-200 in 'CO' (1683 of 9357 rows, the others from 0.1 to 11.9), 'NOx' (...)".
std::vector<std::string> sentinel_lines(std::span<const Sentinel> found, const std::vector<std::string>& columns,
                                        Index rows);

/// The fewest digits that say a value, of a float if it is one: as --missing takes it.
std::string sentinel_text(double value);

}  // namespace cnf
