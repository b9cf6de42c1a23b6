// A line of a table cut into cells. Private to datasets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cnf {

class CellCutter {
 public:
  char separator = ',';  ///< ' ': any run of blanks and tabs
  char quote = '"';      ///< around a cell in which separators may stand; twice inside, it is itself

  enum class Cut { whole, open_quote, text_after_quote };
  /// Cells without the blanks and quotes around them; they last as long as the line and until the next cut. Those after
  /// the first kMostColumns are left out but for one that tells of them.
  Cut cut(std::string_view line);
  const std::vector<std::string_view>& cells() const { return cells_; }
  std::size_t quoted() const { return unquoted_.size(); }  ///< how many of them were quoted

 private:
  std::vector<std::string_view> cells_;
  std::vector<std::string> unquoted_;
};

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Without ASCII's blanks around it.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether these are more cells than a file may have columns.
bool is_too_wide(std::size_t cells);

}  // namespace cnf
