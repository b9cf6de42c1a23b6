// Comma-separated values: read line by line, written with the fewest digits that give the same double again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.hpp"
#include "datasets/rows.hpp"

namespace cnf {

/// Rows of a text file. `name` stands for it in messages.
///
/// Separator  `separator` if not 0; otherwise, by the first line: tab, ';', ',' if it has one, else runs of blanks.
/// Header     the first line, if a cell is neither a number nor empty.
/// Accepts    UTF-8 with or without BOM, LF or CRLF, quoted fields ("" is a quote, no line breaks), a sign, blank lines
///            (passed over). No comments, no thousands separators, no decimal commas. Lines up to 16 MiB,
///            of up to kMostColumns fields.
std::unique_ptr<RowReader> read_csv(ByteSource bytes, std::string name, const RowOptions& options = {},
                                    char separator = 0);

/// Appends one line of names, quoted where needed.
void append_csv_header(std::string& out, const std::vector<std::string>& columns);

/// Appends one line per sample.   Shapes  x: D x n.
void append_csv_rows(std::string& out, const Eigen::Ref<const Batch>& x);

/// A whole file; no header if `columns` is empty. Throws std::invalid_argument unless columns has 0 or D names.
std::string csv_bytes(const Eigen::Ref<const Batch>& x, const std::vector<std::string>& columns = {});

}  // namespace cnf
