#include "datasets/csv_layout.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "datasets/csv_columns.hpp"
#include "datasets/csv_dialect.hpp"
#include "datasets/csv_header.hpp"

namespace cnf {

namespace {

constexpr std::size_t kLines = 4096, kBytes = std::size_t{1} << 18;
constexpr std::size_t kMostLines = std::size_t{1} << 18,
                      kMostBytes = std::size_t{1} << 22;  // where few of them are rows
constexpr std::size_t kTried = 20;                        // rows that separators are tried on
constexpr std::size_t kMostNameLines = 64;                // of one header with line breaks in its names

/// Cells that a separator of their own made of the first line.
bool are_names(const std::vector<std::string_view>& cells) {
  return !std::all_of(cells.begin(), cells.end(), is_number) &&
         std::none_of(cells.begin(), cells.end(), [](std::string_view cell) { return cell.empty(); });
}

class LayoutFinder {
 public:
  LayoutFinder(TextLines& lines, char separator) : lines_(lines), separator_(separator) {}

  CsvLayout find() {
    look();
    find_first();
    find_cells();
    find_shape();
    find_header();
    return layout();
  }

 private:
  // The lines
  /// Has the first rows in head_, and what is above them but for very many comments or blank lines.
  void look() {
    const auto counts = [](const TextLine& line) { return !trimmed(line.text).empty() && !is_comment(line.text); };
    for (TextLine line;;) {
      head_ = lines_.ahead(kLines, kBytes);
      if (head_.empty() || std::any_of(head_.begin(), head_.end(), counts)) break;
      for (std::size_t left = head_.size(); left > 0; --left)
        if (lines_.next(line)) passed_ += trimmed(line.text).empty() ? 0 : 1;
    }
    if (std::count_if(head_.begin(), head_.end(), counts) < 3) head_ = lines_.ahead(kMostLines, kMostBytes);
  }

  bool is_blank_line(std::size_t i) const { return trimmed(head_[i].text).empty(); }

  /// The first line that is neither blank nor a comment, with what belongs to it.
  void find_first() {
    std::size_t i = 0;
    const auto pass_blanks = [&] {
      while (i < head_.size() && is_blank_line(i)) ++i;
    };
    pass_blanks();
    if (i < head_.size())
      if (const char named = separator_line(head_[i].text, place(head_[i]))) separator_ = named, ++i;
    for (;; ++i) {
      pass_blanks();
      if (i == head_.size())
        throw InputError(lines_.name() + (above_.empty() && passed_ == 0 ? ": is empty" : ": holds comments alone") +
                         ", expected rows of numbers");
      if (!is_comment(head_[i].text) && !is_underline(head_[i].text)) break;
      above_.push_back(head_[i]);
    }
    begin_ = i;
    first_ = head_[i].text;
    if (trimmed(first_).starts_with('\'')) cutter_.quote = '\'';
    if (cut(first_) == CellCutter::Cut::open_quote) join(i);
    after_ = i + 1;
    for (std::size_t k = after_; k < head_.size(); ++k)
      if (!is_blank_line(k)) below_.push_back(head_[k]);
    // #ff0000,1,2 under names: no comments, where every line would be one.
    if (!below_.empty() &&
        std::all_of(below_.begin(), below_.end(), [](const TextLine& l) { return is_comment(l.text); })) {
      cut(first_);
      const std::size_t width = cutter_.cells().size();
      cut(below_[0].text);
      comments_ = width < 2 || cutter_.cells().size() != width;
    }
    while (!below_.empty() && is_underline(below_[0].text)) below_.erase(below_.begin());
    if (comments_) std::erase_if(below_, [](const TextLine& line) { return is_comment(line.text); });
  }

  /// Cuts by what separates this line, as long as nothing better is known.
  CellCutter::Cut cut(std::string_view line) {
    cutter_.separator = separator_ != 0 ? separator_ : first_separator(line, cutter_.quote);
    return cutter_.cut(line);
  }

  /// Adds to a first line whose quote is open what comes until it is closed.
  void join(std::size_t& i) {
    std::string text(first_);
    for (std::size_t k = i + 1; k < head_.size() && k < i + kMostNameLines; ++k) {
      text.append("\n").append(head_[k].text);
      if (head_[k].text.find(cutter_.quote) == std::string_view::npos) continue;
      const CellCutter::Cut its = cut(text);
      if (its == CellCutter::Cut::open_quote) continue;
      if (its != CellCutter::Cut::whole) return;
      joined_ = std::move(text);
      first_ = joined_;
      i = k;
      return;
    }
  }

  std::string place(const TextLine& line) const { return lines_.name() + ":" + std::to_string(line.number) + ": "; }

  // The cells
  void find_cells() {
    std::vector<std::string_view> tried;
    for (std::size_t k = 0; k < below_.size() && k < kTried; ++k) tried.push_back(below_[k].text);
    cutter_ = find_dialect(first_, tried, separator_);
    if (cutter_.cut(first_) != CellCutter::Cut::whole)
      throw InputError(place(head_[begin_]) + "a quoted field does not end on its line");
    if (is_too_wide(cutter_.cells().size())) refuse_columns(lines_.name() + ":" + std::to_string(head_[begin_].number));
    cells_.assign(cutter_.cells().begin(), cutter_.cells().end());
    quoted_ = cutter_.quoted() == cells_.size();
    for (std::size_t count = 0; const TextLine& line : below_) {
      if (cutter_.cut(line.text) != CellCutter::Cut::whole || is_too_wide(cutter_.cells().size())) continue;
      const std::size_t its = ++counts_[cutter_.cells().size()];
      if (its > count) count = its, width_ = cutter_.cells().size();
    }
    // As many rows of each kind: those like the first line are right.
    if (const auto alike = counts_.find(cells_.size()); alike != counts_.end() && alike->second == counts_[width_])
      width_ = cells_.size();
    columns_.resize(width_);
    for (const TextLine& line : below_) {
      if (cutter_.cut(line.text) != CellCutter::Cut::whole || cutter_.cells().size() != width_) continue;
      const auto& cells = cutter_.cells();
      if (rows_++ == 0)
        first_row_ = line.number, rows_quoted_ = cutter_.quoted() > 0, goes_on_ = count_from(cells, width_);
      row_names_quoted_ &= trimmed(line.text).starts_with(cutter_.quote);
      for (std::size_t j = 0; j < width_; ++j) columns_[j].add(cells[j]);
    }
  }

  // The shape
  /// Where in a row the columns are, and what the first line has in their places.
  void find_shape() {
    std::size_t named = cells_.size();
    while (named > 1 && cells_[named - 1].empty()) --named;
    end_ = width_;
    while (end_ > std::max<std::size_t>(named, 1) && columns_[end_ - 1].empty()) --end_;
    const bool alike = named <= end_ && end_ <= std::max(cells_.size(), named);
    const bool row_names = named + 1 == end_ && are_row_names();
    const auto& own = name_cells(cutter_, first_, end_);
    const bool owned = own.size() == end_ && are_names(own);  // names with a separator of their own
    if (rows_ > 0 && alike) {
      begin_cell_ = end_ > 1 && columns_[0].empty() && cells_[0].empty() ? 1 : 0;
      take_names(cells_, begin_cell_);
    } else if (rows_ > 0 && row_names && (cells_.size() > 1 || !owned)) {
      surely_names_ = row_names_ = true;
      begin_cell_ = 1;
      take_names(cells_, 0);
    } else if (rows_ > 0 && owned) {
      surely_names_ = true;
      take_names(own, 0);
    } else {  // the first line alone says how many there are
      if (rows_ > 0 && cutter_.separator == ',' && width_ > cells_.size() && first_.find(' ') == std::string_view::npos)
        help_ = "commas inside numbers, and between columns? save it with ; between columns, or numbers in quotes";
      else if (rows_ > 0)
        help_ = "line " + std::to_string(head_[begin_].number) +
                " is not like those below: if it is a title, or a number of rows, begin it with #";
      rows_ = 0;
      end_ = width_ = cells_.size();
      columns_.assign(end_, {});
      take_names(cells_, 0);
    }
    columns_.resize(end_);
    columns_.erase(columns_.begin(), columns_.begin() + static_cast<std::ptrdiff_t>(begin_cell_));
  }

  template <class Range>
  void take_names(const Range& cells, std::size_t from) {
    for (std::size_t j = from; j < from + end_ - begin_cell_; ++j) names_.emplace_back(cells[j]);
  }

  /// As R writes them, without a name above: quoted, or text, or rising numbers before columns of numbers, which must
  /// not be halves of numbers with decimal commas.
  bool are_row_names() const {
    if (std::all_of(cells_.begin(), cells_.end(), is_number) && !count_from(cells_, 0) && !count_from(cells_, 1))
      return false;
    const auto begin = columns_.begin() + 1, end = columns_.begin() + static_cast<std::ptrdiff_t>(end_);
    if (!std::all_of(begin, end, [](const ColumnFacts& column) { return column.has_number(); })) return false;
    if (row_names_quoted_ || columns_[0].is_text()) return true;
    const bool apart = cutter_.separator != ',' ||
                       std::any_of(begin, end, [](const ColumnFacts& column) { return column.has_decimals(); });
    const bool counts = columns_[0].counts_from(0) || columns_[0].counts_from(1);
    return rows_ > 1 && (counts || (columns_[0].rises() && end_ > 2)) && apart;
  }

  // The header
  void find_header() {
    const auto said = [&](const std::string& as, const std::string& otherwise) {
      notes_.push_back({"line " + std::to_string(head_[begin_].number) + ", '" + printable(first_.substr(0, 40), 60) +
                        (first_.size() > 40 ? "...'" : "'") + ", is read as " + as + "; " + otherwise});
    };
    const std::string if_names = "if it names the columns, put other names there, or a # before it";
    const FirstLine line{names_, columns_, rows_, goes_on_, quoted_ && !rows_quoted_};
    switch (surely_names_ ? FirstLineIs::names : judge(line)) {
      case FirstLineIs::names:
        header_ = true;
        return;
      case FirstLineIs::doubtful_names:
        header_ = true;
        said("names of the columns", "if it is a row, put a line of names above it");
        return;
      case FirstLineIs::row_with_text:
        said("a row, being like those below", if_names);
        break;
      case FirstLineIs::odd_row:
        said("a row", if_names);
        break;
      case FirstLineIs::row:
        break;
    }
    // Names in the last comment that has as many as there are columns.
    for (std::size_t i = above_.size(); i-- > 0 && !header_;) {
      std::vector<std::string> names = names_in_comment(cutter_, above_[i].text, names_.size(), i > 0);
      if (names.empty()) continue;
      header_ = commented_ = true;
      names_ = std::move(names);
    }
  }

  // The whole
  std::string_view row_cell(std::size_t j) const { return cells_[begin_cell_ + j]; }

  /// The rows' numbers are 0, 1, ... or 1, 2, ...
  bool counts_rows(std::size_t j) const {
    const ColumnFacts& column = columns_[j];
    if (header_ && !commented_) return column.counts_from(0) || column.counts_from(1);
    return (row_cell(j) == "0" && column.counts_from(1)) || (row_cell(j) == "1" && column.counts_from(2));
  }

  void find_index(CsvLayout& out) const {
    for (std::size_t j = 0; j < names_.size() && names_.size() > 1 && !out.index; ++j) {
      const bool counts = counts_rows(j) && (header_ ? rows_ > 2 && is_index_name(names_[j]) : rows_ > 8 && j == 0);
      const bool unnamed = header_ && !commented_ && j == 0 &&
                           (names_[0].empty() || names_[0].starts_with("Unnamed:")) && rows_ > 2 &&
                           columns_[0].is_number() && !columns_[0].has_decimals();
      if (!counts && !unnamed) continue;
      out.index = static_cast<Index>(j);
      out.index_is = counts ? "counts the rows, as an index does" : "has no name and whole numbers, as an index";
    }
  }

  CsvLayout layout() {
    CsvLayout out;
    out.cutter = cutter_;
    out.comments = comments_;
    out.header = header_;
    out.first_cell = begin_cell_;
    out.notes = std::move(notes_);
    const bool named = header_ && !commented_;
    out.lines = static_cast<Index>(named ? after_ : begin_);
    out.passed = passed_ + std::ssize(above_) - (commented_ ? 1 : 0);
    find_index(out);
    out.help = help_;
    out.more_cells = std::max(cells_.size(), width_) - end_;
    out.counted_line = !named || rows_ == 0 || cells_.size() == width_ ? head_[begin_].number : first_row_;
    if (row_names_) out.notes.push_back({"the first column, row names without a name above, is left out", false});
    if (!named)  // then the first line is a row, and tells as the others do
      for (std::size_t j = 0; j < columns_.size(); ++j) columns_[j].add(row_cell(j));
    Writings all = 0;
    for (const ColumnFacts& column : columns_) all |= column.tells();
    for (const ColumnFacts& column : columns_) out.writing.emplace_back(column.tells(), all);
    out.names = numbered_columns(std::ssize(columns_));
    for (std::size_t j = 0; j < out.names.size() && header_; ++j)
      if (std::string name = clean_name(names_[j]); !name.empty()) out.names[j] = std::move(name);
    return out;
  }

  TextLines& lines_;
  char separator_;
  std::vector<TextLine> head_, above_,
      below_;                          ///< the first lines; comments above the first that counts; those below it
  Index passed_ = 0;                   ///< comments before head_
  std::size_t begin_ = 0, after_ = 0;  ///< where in head_ that line stands
  bool comments_ = true;
  std::string joined_;
  std::string_view first_;  ///< that line

  CellCutter cutter_;
  std::vector<std::string> cells_;  ///< of the first line
  bool quoted_ = false, rows_quoted_ = false, row_names_quoted_ = true, goes_on_ = false;
  std::map<std::size_t, std::size_t> counts_;  ///< of rows by their number of cells
  std::size_t width_ = 0;                      ///< that of most
  std::size_t rows_ = 0;                       ///< below, of that width
  Index first_row_ = 0;
  std::vector<ColumnFacts> columns_;

  std::size_t begin_cell_ = 0, end_ = 0;  ///< of the columns in a row
  std::vector<std::string> names_;        ///< of the columns, if it is names that the first line holds
  bool row_names_ = false, surely_names_ = false, header_ = false, commented_ = false;
  std::vector<RowNote> notes_;
  std::string help_;
};

}  // namespace

CsvLayout find_layout(TextLines& lines, char separator) { return LayoutFinder(lines, separator).find(); }

}  // namespace cnf
