// Tables as text: read line by line, written with the fewest digits that give the same double again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.hpp"
#include "datasets/rows.hpp"

namespace cnf {

/// Rows of a text file. `name` stands for it in messages. What the first 4096 lines say, up to 256 KiB, holds for all
/// of it; nothing is read twice. What was taken for granted on the way is in the reader's notes. All kinds of files:
/// docs/data.md.
///
/// Separator  that of a first line "sep=;", else `separator` if not 0, else the first of tab ; , | that the first line
///            has, or blanks; another one if that alone makes a table of the first rows.
/// Header     the first line, if a cell is neither a number nor empty nor missing, or its cells are 0, 1, ... as pandas
///            writes them; else a comment that has a name for each column. Names without line breaks.
/// Columns    without row names that have no name above, and without empty ones at the ends of lines.
/// Accepts    UTF-8 with or without BOM; lines that end with LF, CR LF, CR CR LF or CR; quotes " or ', twice inside,
///            with line breaks inside; blank lines, comments (#, %, //) and drawn rules; numbers as read_number in
///            datasets/cell_number.hpp, decimal commas and separators of thousands as their column has them. Lines up
///            to 16 MiB, of up to kMostColumns fields.
std::unique_ptr<RowReader> read_csv(ByteSource bytes, std::string name, const RowOptions& options = {},
                                    char separator = 0);

/// Appends one line of names, quoted where needed.
void append_csv_header(std::string& out, const std::vector<std::string>& columns);

/// Appends one line per sample.   Shapes  x: D x n.
void append_csv_rows(std::string& out, const Eigen::Ref<const Batch>& x);

/// A whole file; no header if `columns` is empty. Throws std::invalid_argument unless columns has 0 or D names.
std::string csv_bytes(const Eigen::Ref<const Batch>& x, const std::vector<std::string>& columns = {});

}  // namespace cnf
