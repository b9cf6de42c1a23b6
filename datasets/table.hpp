// A table of samples in memory, read from a file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "datasets/rows.hpp"

namespace cnf {

struct Table {
  Batch values;                      ///< D x N, one sample per column; all finite
  std::vector<std::string> columns;  ///< D names
  std::string source;                ///< the file, for messages
  LeftOut left_out;                  ///< of the file's rows
  std::vector<RowNote> notes;        ///< of its reader

  /// Where sample i stands in the file, as its reader counts: RowReader::place_of says it.
  Index number(Index i) const;
  /// A sample and its number where it is not the one before it and one more; the first one, always.
  struct Number {
    Index sample, number;
  };
  std::vector<Number> numbers;
};

/// Reads a whole file as open_rows does. InputError if no row is left; all invalid rows are counted.
Table read_table(const std::filesystem::path& path, const RowOptions& options = {});

/// All that is left to read.
Table read_table(RowReader& rows);

}  // namespace cnf
