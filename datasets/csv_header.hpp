// Whether the first line of a text table holds names or a row, and names as such. Private to datasets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datasets/cell_cutter.hpp"
#include "datasets/csv_columns.hpp"

namespace cnf {

/// A first line over rows. All cells are in the places of the columns.
struct FirstLine {
  const std::vector<std::string>& cells;
  const std::vector<ColumnFacts>& columns;  ///< of the rows below
  std::size_t rows = 0;                     ///< how many these are
  bool goes_on = false;                     ///< the next row counts on from this line: 0,1 above 2,3
  bool quoted_alone = false;                ///< quoted, above rows without quotes
};

enum class FirstLineIs {
  names,           ///< a cell of it is text, or the first is empty and 0, 1, ... follow
  doubtful_names,  ///< 0, 1, ... as pandas writes them, above rows that they do not go on with; or quoted_alone; or
                   ///< text above text, and whole numbers like those below
  row,
  row_with_text,  ///< text above text, and numbers like those below, some with decimals: a table without names
  odd_row         ///< distinct whole numbers above decimals, or numbers far from all below: names, perhaps
};
FirstLineIs judge(const FirstLine& line);

/// The names in a comment above rows of so many cells, or none: "# lon lat". A line of units is none if others stand
/// above it.
std::vector<std::string> names_in_comment(CellCutter& cutter, std::string_view comment, std::size_t width,
                                          bool others_above);

/// A name without line breaks and odd blanks, as it is typed on a command line.
std::string clean_name(std::string_view text);

/// What pandas, R and people call a column that numbers the rows; nothing at all for most.
bool is_index_name(std::string_view name);

/// The cells are first, first + 1, ...
template <class Cells>
bool count_from(const Cells& cells, std::size_t first) {
  for (std::size_t j = 0; j < cells.size(); ++j)
    if (cells[j] != std::to_string(first + j)) return false;
  return !cells.empty();
}

}  // namespace cnf
