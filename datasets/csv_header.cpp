#include "datasets/csv_header.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/utf8.hpp"
#include "datasets/cell_kind.hpp"
#include "datasets/csv_dialect.hpp"

namespace cnf {

namespace {

constexpr std::size_t kNameShown = 200;
constexpr std::size_t kSurelyNames = 9;  // 0 to 8 in order are names, whatever the rows below hold

using Names = std::vector<std::string>;

bool is_text(std::string_view cell) {
  double value;
  return !is_missing(cell) && read_number(cell).form == CellNumber::Form::none &&
         read_plain_number(cell, value) == CellNumber::Form::none;
}

bool are_distinct(const Names& cells) {
  return std::set<std::string_view>(cells.begin(), cells.end()).size() == cells.size();
}

bool has_empty(const Names& cells) {
  return std::any_of(cells.begin(), cells.end(), [](const std::string& cell) { return cell.empty(); });
}

bool is_unit(std::string_view cell) {
  static const std::set<std::string_view> known{"m",  "cm", "mm",   "km",  "s",   "ms",  "min", "h",   "d",   "kg", "g",
                                                "K",  "C",  "degC", "Pa",  "hPa", "kPa", "J",   "W",   "kW",  "V",  "A",
                                                "Hz", "N",  "T",    "deg", "rad", "%",   "ppm", "m/s", "km/h"};
  return known.contains(cell) || (cell.size() > 1 && ((cell.front() == '[' && cell.back() == ']') ||
                                                      (cell.front() == '(' && cell.back() == ')')));
}

template <class Test>
bool every(const FirstLine& line, const Test& test) {
  for (std::size_t j = 0; j < line.cells.size(); ++j)
    if (!test(line.cells[j], line.columns[j])) return false;
  return true;
}

bool is_far(const std::string& cell, const ColumnFacts& column) {
  return !cell.empty() && column.is_far(read_number(cell).value);
}

Names numbers_of(const FirstLine& line) {
  Names numbers;
  std::remove_copy_if(line.cells.begin(), line.cells.end(), std::back_inserter(numbers), is_text);
  return numbers;
}

/// Text above text, and numbers like those below.
bool is_like_rows(const FirstLine& line) {
  const Names numbers = numbers_of(line);
  return line.rows > 1 && !numbers.empty() && !count_from(numbers, 0) && !count_from(numbers, 1) &&
         every(line, [](const std::string& cell, const ColumnFacts& column) {
           if (is_text(cell)) return column.is_text();
           return !cell.empty() && column.is_number() && (!is_whole(cell) || column.has_whole()) &&
                  !is_far(cell, column);
         });
}

bool are_number_names(const FirstLine& line) {
  const Names& cells = line.cells;
  if (line.quoted_alone && are_distinct(cells) && !has_empty(cells)) return true;
  if (cells[0].empty()) return count_from(Names(cells.begin() + 1, cells.end()), 0);
  if (cells.size() == 1 || !count_from(cells, 0)) return false;
  if (!every(line, [](const auto&, const ColumnFacts& column) { return !column.has_decimals(); })) return true;
  const auto most = static_cast<double>(cells.size() - 1);  // as rows of permutations have
  const bool could_be_row = every(
      line, [most](const auto&, const ColumnFacts& column) { return column.least() >= 0 && column.most() <= most; });
  return cells.size() > 2 && !line.goes_on && (cells.size() >= kSurelyNames || !could_be_row);
}

bool is_odd_row(const FirstLine& line) {
  if (line.rows < 3 || !are_distinct(line.cells) || has_empty(line.cells)) return false;
  if (!every(line, [](const auto&, const ColumnFacts& column) { return column.is_number(); })) return false;
  const bool whole = every(line, [](const std::string& cell, const auto&) { return is_whole(cell); });
  if (whole && every(line, [](const auto&, const ColumnFacts& column) { return !column.has_whole(); })) return true;
  if (whole && line.cells.size() > 1 && count_from(line.cells, 0) && !line.goes_on)
    return !every(line,
                  [](const auto&, const ColumnFacts& column) { return column.least() >= 0 && column.most() < 2; });
  return every(line, is_far);
}

}  // namespace

FirstLineIs judge(const FirstLine& line) {
  if (std::any_of(line.cells.begin(), line.cells.end(), is_text)) {
    if (!is_like_rows(line)) return FirstLineIs::names;
    const Names numbers = numbers_of(line);
    return std::all_of(numbers.begin(), numbers.end(), is_whole) ? FirstLineIs::doubtful_names
                                                                 : FirstLineIs::row_with_text;
  }
  if (line.rows == 0) return FirstLineIs::row;
  if (are_number_names(line)) return line.cells[0].empty() ? FirstLineIs::names : FirstLineIs::doubtful_names;
  return is_odd_row(line) ? FirstLineIs::odd_row : FirstLineIs::row;
}

std::vector<std::string> names_in_comment(CellCutter& cutter, std::string_view comment, std::size_t width,
                                          bool others_above) {
  if (trimmed(comment).find_first_of("#%/") != 0) return {};  // a rule
  const auto& found = name_cells(cutter, comment_text(comment), width);
  Names names(found.begin(), found.end());
  if (names.size() != width) return {};
  if (names[0].empty()) names[0] = "#";
  const bool plain = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return !name.empty() && name.find_first_of(":=") == std::string::npos;  // "units: m, s", "seed = 5"
  });
  const bool sentence = width == 1 && names[0].find(' ') != std::string::npos;
  const bool units = others_above && std::all_of(names.begin(), names.end(), is_unit);
  if (!plain || sentence || units || !are_distinct(names) || std::none_of(names.begin(), names.end(), is_text))
    return {};
  return names;
}

std::string clean_name(std::string_view text) {
  std::string plain;
  for (text = trimmed(text); !text.empty();) {
    const std::size_t n = std::max<std::size_t>(utf8_length(text), 1);
    const char32_t c = utf8_length(text) == 0 ? U'\0' : utf8_decode(text.substr(0, n));
    if (c == '\n' || is_blank(c))
      plain += plain.ends_with(' ') ? "" : " ";
    else if (!is_invisible(c))
      plain += text.substr(0, n);
    text.remove_prefix(n);
  }
  return printable(trimmed(plain), kNameShown);
}

bool is_index_name(std::string_view name) {
  static const std::set<std::string_view> known{"", "#", "index", "Index", "idx", "id", "Id", "ID", "row", "rownames"};
  return known.contains(name) || name.starts_with("Unnamed:");
}

}  // namespace cnf
