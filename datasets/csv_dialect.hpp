// How a text table is punctuated: comments, separator, quotes. Private to datasets.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "datasets/cell_cutter.hpp"

namespace cnf {

/// A comment begins with #, % or //, or is a rule of a drawn table: +---+---+ or |---|---|.
bool is_comment(std::string_view line);
/// A rule of - or = alone, which is one above the first row; below it, --- may stand for a missing value.
bool is_underline(std::string_view line);
/// Without its mark and the blanks around; % and // stay where no blank follows them, as they may be part of a name.
std::string_view comment_text(std::string_view line);

/// The separator that Excel's line "sep=;" names, or 0. InputError, beginning with `place`, if it can be none.
char separator_line(std::string_view line, const std::string& place);

/// The first of tab ; , | that stands in the line outside quotes, else the blank.
char first_separator(std::string_view line, char quote);

/// The quote and, where `separator` is 0, the separator with which the lines are a table: `first` may hold names, and
/// `rows` are the next few. Where the first separator of `first` makes no table of them, or one with numbers cut at
/// their decimal commas, another that does.
CellCutter find_dialect(std::string_view first, const std::vector<std::string_view>& rows, char separator);

/// Cells of a line of names above rows of `width` cells: cut as the rows are or, where that gives another number of
/// them, by a separator of its own. They last as long as the line and the cutter's last cut.
std::vector<std::string_view> name_cells(CellCutter& cutter, std::string_view line, std::size_t width);

}  // namespace cnf
