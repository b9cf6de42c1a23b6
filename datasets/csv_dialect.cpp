#include "datasets/csv_dialect.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "datasets/cell_number.hpp"

namespace cnf {

namespace {

constexpr std::array kSeparators{'\t', ';', ',', '|', ' '};

/// Drawn of these marks, with three in a row.
bool is_drawn(std::string_view text, const char* marks) {
  return text.find_first_not_of(marks) == std::string_view::npos &&
         (text.find("---") != std::string_view::npos || text.find("===") != std::string_view::npos);
}

/// How well a separator makes a table of lines.
struct Fit {
  bool table = false;  ///< all rows have one number of cells, two and more, and the first line goes with them
  double numbers = 0;  ///< the share of the rows' cells that are numbers
  bool commas = true;  ///< each of them with a comma
};

Fit fit_of(CellCutter cutter, std::string_view first, const std::vector<std::string_view>& rows) {
  Fit fit;
  std::size_t width = 0, cells = 0, numbers = 0;
  for (const std::string_view row : rows) {
    if (cutter.cut(row) != CellCutter::Cut::whole) return {};
    if (width != 0 && cutter.cells().size() != width) return {};
    width = cutter.cells().size();
    for (const std::string_view cell : cutter.cells()) {
      ++cells;
      numbers += read_number(cell).form != CellNumber::Form::none ? 1 : 0;
      fit.commas &= std::count(cell.begin(), cell.end(), ',') == 1;
    }
  }
  if (width < 2) return {};
  fit.numbers = static_cast<double>(numbers) / static_cast<double>(cells);
  const std::size_t names = name_cells(cutter, first, width).size();
  fit.table = names + 1 >= width && names <= width + 1;
  return fit;
}

char find_separator(CellCutter cutter, std::string_view first, const std::vector<std::string_view>& rows) {
  const char usual = first_separator(first, cutter.quote);
  if (rows.empty()) return usual;
  cutter.separator = usual;
  const Fit fit = fit_of(cutter, first, rows);
  char best = usual;
  double most = fit.table ? fit.numbers : 0;
  for (const char other : kSeparators) {
    if (other == usual || most == 1) continue;
    cutter.separator = other;
    const Fit its = fit_of(cutter, first, rows);
    if (!its.table || its.numbers <= most) continue;
    // What makes a table is left for what makes nothing but decimal commas out of it: 1,5 2,5.
    if (fit.table && !(usual == ',' && its.numbers == 1 && its.commas)) continue;
    best = other;
    most = its.numbers;
  }
  return best;
}

}  // namespace

bool is_comment(std::string_view line) {
  line = trimmed(line);
  if (line.size() > 1 && line[0] == '-' && line[1] != '-') return false;  // a negative number, most often
  return line.starts_with('#') || line.starts_with('%') || line.starts_with("//") ||
         (is_drawn(line, "-=+|: \t") && line.find_first_of("+|") != std::string_view::npos);
}

bool is_underline(std::string_view line) { return is_drawn(line, "-= \t"); }

std::string_view comment_text(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with('#')) return trimmed(line.substr(std::min(line.find_first_not_of('#'), line.size())));
  const std::string_view rest = line.substr(std::min(line.find_first_not_of("%/"), line.size()));
  return trimmed(rest).size() < rest.size() ? trimmed(rest) : line;
}

char separator_line(std::string_view line, const std::string& place) {
  if (line.size() > 1 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
  if (line.size() != 5 || (line[0] | 0x20) != 's' || (line[1] | 0x20) != 'e' || (line[2] | 0x20) != 'p' ||
      line[3] != '=')
    return 0;
  constexpr std::string_view allowed = "\t;,| :!$&*/<>?@\\^_`~";
  if (allowed.find(line[4]) == std::string_view::npos)
    throw InputError(place + "'" + printable(line) + "' names no separator, expected , ; | or a tab");
  return line[4];
}

char first_separator(std::string_view line, char quote) {
  std::array<bool, kSeparators.size()> found{};
  bool quoted = false;
  for (const char c : line) {
    if (c == quote) quoted = !quoted;
    for (std::size_t i = 0; i < kSeparators.size() && !quoted; ++i) found[i] |= c == kSeparators[i];
  }
  for (std::size_t i = 0; i < kSeparators.size(); ++i)
    if (found[i]) return kSeparators[i];
  return ' ';
}

CellCutter find_dialect(std::string_view first, const std::vector<std::string_view>& rows, char separator) {
  CellCutter cutter;
  const auto separate = [&] { cutter.separator = separator != 0 ? separator : find_separator(cutter, first, rows); };
  const auto has = [&](char c) {
    return first.find(c) != std::string_view::npos || std::any_of(rows.begin(), rows.end(), [c](std::string_view row) {
             return row.find(c) != std::string_view::npos;
           });
  };
  if (!has('"') && has('\'')) {
    cutter.quote = '\'';
    separate();
    std::size_t quoted = 0;
    const auto cut = [&](std::string_view line) {
      const bool whole = cutter.cut(line) == CellCutter::Cut::whole;
      quoted += cutter.quoted();
      return whole;
    };
    if (cut(first) && std::all_of(rows.begin(), rows.end(), cut) && quoted > 0) return cutter;
    cutter.quote = '"';
  }
  separate();
  return cutter;
}

std::vector<std::string_view> name_cells(CellCutter& cutter, std::string_view line, std::size_t width) {
  const char separator = cutter.separator;
  const auto cut = [&](char by) {
    cutter.separator = by;
    const bool whole = cutter.cut(line) == CellCutter::Cut::whole;
    return whole && cutter.cells().size() == width;
  };
  // Names with commas among rows with blanks are "x, y" rather than "x," and "y".
  if (!(separator == ' ' && cut(first_separator(line, cutter.quote))) && !cut(separator) &&
      std::none_of(kSeparators.begin(), kSeparators.end(), cut))
    cut(separator);
  cutter.separator = separator;
  return cutter.cells();
}

}  // namespace cnf
