#include "datasets/cell_cutter.hpp"

#include <algorithm>

#include "datasets/rows.hpp"

namespace cnf {

bool is_too_wide(std::size_t cells) { return cells > static_cast<std::size_t>(kMostColumns); }

CellCutter::Cut CellCutter::cut(std::string_view line) {
  cells_.clear();
  unquoted_.clear();
  const bool blanks = separator == ' ';
  if (line.find(quote) == std::string_view::npos) {  // the usual case
    for (;;) {
      if (blanks) {
        line = trimmed(line);
        if (line.empty()) return Cut::whole;
      }
      const std::size_t end = blanks ? line.find_first_of(" \t") : line.find(separator);
      cells_.push_back(trimmed(line.substr(0, end)));
      if (end == std::string_view::npos || is_too_wide(cells_.size())) return Cut::whole;
      line.remove_prefix(end + 1);
    }
  }
  // Views into it must not move.
  unquoted_.reserve(std::min(static_cast<std::size_t>(std::count(line.begin(), line.end(), quote)) / 2 + 1,
                             static_cast<std::size_t>(kMostColumns) + 1));
  const auto is_end = [&](std::size_t i) {
    return i == line.size() || line[i] == separator || (blanks && line[i] == '\t');
  };
  for (std::size_t i = 0;; ++i) {
    while (i < line.size() && is_blank(line[i]) && (blanks || line[i] != separator)) ++i;
    if (blanks && i == line.size()) return Cut::whole;
    if (i < line.size() && line[i] == quote) {
      std::string& text = unquoted_.emplace_back();
      for (++i;; ++i) {
        if (i == line.size()) return Cut::open_quote;
        if (line[i] != quote) {
          text += line[i];
        } else if (i + 1 < line.size() && line[i + 1] == quote) {
          text += line[i++];
        } else {
          break;
        }
      }
      ++i;
      while (!is_end(i) && is_blank(line[i])) ++i;
      if (!is_end(i)) return Cut::text_after_quote;
      cells_.push_back(text);
    } else {
      const std::size_t begin = i;
      while (!is_end(i)) ++i;
      cells_.push_back(trimmed(line.substr(begin, i - begin)));
    }
    if (i == line.size() || is_too_wide(cells_.size())) return Cut::whole;
  }
}

}  // namespace cnf
