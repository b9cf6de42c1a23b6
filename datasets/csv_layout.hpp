// What the first lines of a text table say about all of it. Private to datasets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datasets/cell_cutter.hpp"
#include "datasets/cell_number.hpp"
#include "datasets/rows.hpp"
#include "datasets/text_lines.hpp"

namespace cnf {

struct CsvLayout {
  CellCutter cutter;
  bool comments = true;  ///< lines that begin with a comment's mark are comments
  Index lines = 0;       ///< to be passed over before rows begin
  Index passed = 0;      ///< comments among those, without one of names
  bool header = false;
  std::vector<std::string> names;      ///< of the columns
  std::size_t first_cell = 0;          ///< where in a row the columns begin: after row names, or an empty cell
  std::size_t more_cells = 0;          ///< empty ones that may follow them
  Index counted_line = 0;              ///< has as many cells as every row
  std::string help;                    ///< for rows that have another number of them
  std::vector<ColumnWriting> writing;  ///< of the columns
  std::optional<Index> index;          ///< a column that is an index, perhaps,
  std::string index_is;                ///< and why
  std::vector<RowNote> notes;
};

/// Looks at the first lines, up to 4096 of them or 256 KiB, and gives them back. InputError if there is no row.
CsvLayout find_layout(TextLines& lines, char separator);

}  // namespace cnf
