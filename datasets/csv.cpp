#include "datasets/csv.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "base/utf8.hpp"
#include "datasets/cell_kind.hpp"
#include "datasets/csv_dialect.hpp"
#include "datasets/csv_layout.hpp"
#include "datasets/row_filter.hpp"
#include "datasets/row_ledger.hpp"
#include "datasets/text_lines.hpp"

namespace cnf {
namespace {

constexpr std::size_t kShown = 40;                                       // bytes of a cell in a message
constexpr std::size_t kRowLines = 64, kRowBytes = std::size_t{1} << 20;  // of one row with quoted line breaks

class CsvReader final : public RowReader {
 public:
  CsvReader(ByteSource bytes, std::string name, const RowOptions& options, char separator)
      : lines_(std::move(bytes), std::move(name)), ledger_(options), layout_(find_layout(lines_, separator)) {
    for (Index i = 0; i < layout_.lines; ++i) lines_.next(line_);
    comments_ = layout_.passed;
    if (!next_line()) throw InputError(source() + ": has a header and no rows, expected rows of numbers");
    names_ = column_names(source(), layout_.names, options);
    filter_.emplace(source(), names_, options);
    keep_ = select_columns(source(), names_, options);
    for (const Index j : keep_) columns_.push_back(names_[static_cast<std::size_t>(j)]);
    noted_.resize(keep_.size());
    notes_ = std::move(layout_.notes);
    if (layout_.index && std::find(keep_.begin(), keep_.end(), *layout_.index) != keep_.end())
      notes_.push_back({"column " + std::to_string(*layout_.index + 1) + " " + layout_.index_is + "; --drop " +
                        handle(*layout_.index) + " leaves it out"});
  }

  const std::string& source() const override { return lines_.name(); }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<Index> rows() const override { return std::nullopt; }
  const RowLedger& ledger() const override { return ledger_; }
  std::string place_of(Index number) const override { return source() + ":" + std::to_string(number); }

  std::vector<RowNote> take_notes() override {
    if (!pending_ && comments_ > 0)
      notes_.push_back(
          {std::to_string(comments_) + (comments_ == 1 ? " comment" : " comments") + " passed over", false});
    if (!pending_) comments_ = 0;
    return std::exchange(notes_, {});
  }

  Index read(Out<double> block) override {
    check_block(block);
    ledger_.begin_block();
    Index n = 0;
    // The first row was found with the header; a failing reader goes on counting and keeps nothing.
    while (pending_ && (n < block.cols() || ledger_.failing())) {
      double* const column = block.col(ledger_.failing() ? 0 : n).data();
      if (ledger_.enter(parse_row(column), line_.number, {column, keep_.size()})) ++n;
      next_line();
    }
    if (!pending_) ledger_.finish();
    return n;
  }

 private:
  /// Goes to the next line that is neither blank nor a comment.
  bool next_line() {
    while ((pending_ = lines_.next(line_))) {
      const char* at = line_.text.data();
      const char* const end = at + line_.text.size();
      while (at != end && (*at == ' ' || *at == '\t')) ++at;
      if (at == end) continue;
      if (*at >= '0' && *at <= '9') break;  // most lines
      if (!(first_ && is_underline(line_.text)) && (!layout_.comments || !is_comment(line_.text))) break;
      ++comments_;
    }
    return pending_;
  }

  std::string place() const { return source() + ":" + std::to_string(line_.number) + ": "; }

  /// What --drop may call a column: a name that needs no quotes, else its number, unless that is another's name.
  std::string handle(Index j) const {
    const std::string number = std::to_string(j + 1), &name = names_[static_cast<std::size_t>(j)];
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
    if (plain && name != "x" + number) return name;
    return std::find(names_.begin(), names_.end(), number) == names_.end() ? number : name;
  }

  Fate parse_row(double* out) {
    const bool first = std::exchange(first_, false);
    CellCutter::Cut cut = layout_.cutter.cut(line_.text);
    if (cut == CellCutter::Cut::open_quote && join()) cut = CellCutter::Cut::whole;
    if (cut != CellCutter::Cut::whole) {
      if (cut_comment()) return parse_row(out);
      ledger_.invalid(place() + "a quoted field does not end on its line", "");
      return Fate::invalid;
    }
    if (!has_all_cells()) {
      if (cut_comment()) return parse_row(out);
      fail_count();
      return Fate::invalid;
    }
    if (filter_->has_conditions())
      if (const Fate fate = judge(); fate != Fate::taken) return fate;
    const std::vector<std::string_view>& cells = layout_.cutter.cells();
    for (std::size_t i = 0; i < keep_.size(); ++i) {
      const std::string_view cell = cells[layout_.first_cell + static_cast<std::size_t>(keep_[i])];
      ColumnWriting& writing = layout_.writing[static_cast<std::size_t>(keep_[i])];
      if (writing.plain() && read_plain_number(cell, out[i]) == CellNumber::Form::certain && std::isfinite(out[i])) {
        if (filter_->has_missing() && filter_->is_missing(out[i])) return Fate::missing;
        writing.note_plain(cell);
        continue;
      }
      using Reading = ColumnWriting::Reading;
      const Reading reading = writing.read(cell, out[i]);
      const bool is_number = reading == Reading::ok || reading == Reading::by_others;
      if (filter_->has_missing() && is_missing(cell, is_number, out[i])) return Fate::missing;
      if (reading == Reading::by_others) note_writing(cell, out[i], i);
      if (is_number) continue;
      if (cut_comment()) return parse_row(out);
      fail_cell(cell, reading, i, first && layout_.header);
      return Fate::invalid;
    }
    return Fate::taken;
  }

  bool is_missing(std::string_view cell, bool is_number, double value) const {
    if (is_number || read_plain_number(cell, value) == CellNumber::Form::certain) return filter_->is_missing(value);
    return filter_->is_missing(cell);
  }

  /// By --where's conditions.
  Fate judge() {
    const std::span<const std::string_view> cells =
        std::span(layout_.cutter.cells()).subspan(layout_.first_cell, names_.size());
    const RowFilter::Verdict verdict = filter_->judge(cells, [&](std::size_t column, double& value) {
      using Reading = ColumnWriting::Reading;
      ColumnWriting& writing = layout_.writing[column];
      if (writing.plain() && read_plain_number(cells[column], value) == CellNumber::Form::certain) return true;
      const Reading reading = writing.read(cells[column], value);
      return reading == Reading::ok || reading == Reading::by_others;
    });
    if (verdict.fate == Fate::invalid)
      ledger_.invalid(cell_place(verdict.column) + shown(cells[verdict.column]) + " is not a number, which " +
                          printable(verdict.condition, 60) + " compares",
                      "");
    return verdict.fate;
  }

  std::string cell_place(std::size_t column) const {
    return source() + ":" + std::to_string(line_.number) + ":" + std::to_string(layout_.first_cell + column + 1) + ": ";
  }

  bool has_all_cells() const {
    const std::vector<std::string_view>& cells = layout_.cutter.cells();
    const std::size_t end = layout_.first_cell + names_.size();
    return cells.size() >= end && cells.size() <= end + layout_.more_cells &&
           std::all_of(cells.begin() + static_cast<std::ptrdiff_t>(end), cells.end(),
                       [](std::string_view cell) { return cell.empty(); });
  }

  /// Adds to a line whose quote is open those that end it, if that makes a row; otherwise the line stays alone.
  bool join() {
    joined_ = line_.text;
    const std::size_t alone = joined_.size();
    const std::vector<TextLine> ahead = lines_.ahead(kRowLines, kRowBytes);
    for (std::size_t k = 0; k < ahead.size(); ++k) {
      joined_.append("\n").append(ahead[k].text);
      if (ahead[k].text.find(layout_.cutter.quote) == std::string_view::npos) continue;
      const CellCutter::Cut cut = layout_.cutter.cut(joined_);
      if (cut == CellCutter::Cut::open_quote) continue;
      if (cut != CellCutter::Cut::whole || !has_all_cells()) break;
      line_.text = joined_;
      TextLine passed;
      for (std::size_t i = 0; i <= k; ++i) lines_.next(passed);
      return true;
    }
    joined_.resize(alone);
    line_.text = joined_;
    return false;
  }

  /// Cuts off a comment behind the row's cells: 1,2 # seen twice.
  bool cut_comment() {
    const std::string_view line = line_.text;
    for (std::size_t at = line.find('#'); layout_.comments && at != std::string_view::npos;
         at = line.find('#', at + 1)) {
      if (at == 0 || (line[at - 1] != ' ' && line[at - 1] != '\t' && line[at - 1] != layout_.cutter.separator))
        continue;
      line_.text = line.substr(0, at);
      ++comments_;
      return true;
    }
    return false;
  }

  void fail_count() {
    const std::size_t count = layout_.cutter.cells().size();
    ledger_.invalid(
        place() + (is_too_wide(count) ? "more than " + std::to_string(kMostColumns) : std::to_string(count)) +
            (count == 1 ? " field" : " fields") + ", expected " + std::to_string(layout_.first_cell + names_.size()) +
            " as in line " + std::to_string(layout_.counted_line),
        layout_.help);
  }

  /// `under_names`: the row is the first below a header.
  void fail_cell(std::string_view cell, ColumnWriting::Reading reading, std::size_t i, bool under_names) {
    using Reading = ColumnWriting::Reading;
    const std::string at = cell_place(static_cast<std::size_t>(keep_[i]));
    const std::string text = shown(cell), column = "column '" + columns_[i] + "'",
                      expected = ", expected a finite number in " + column;
    double value = 0;
    if (reading == Reading::ambiguous) {
      const CellNumber number = read_number(cell);
      ledger_.invalid(at + text + " may be " + shortest(number.value) + " or " + shortest(number.whole) +
                          ", and nothing in " + column + " tells which",
                      "write decimal points, and no separators of thousands");
    } else if (reading == Reading::mixed) {
      ledger_.invalid(at + text + " has another decimal mark than other cells of " + column,
                      "write decimal points, not commas, in all of them");
    } else if (read_plain_number(cell, value) == CellNumber::Form::certain) {
      ledger_.invalid(at + text + " is not finite" + expected, "");
    } else if (reading == Reading::out_of_range) {
      ledger_.invalid(at + text + " is out of a double's range" + expected, "");
    } else {
      ledger_.invalid(at + (cell.empty() ? "the field is empty" : text + " is not a number") + expected,
                      under_names && has_words_alone()
                          ? "names stand in one line above the rows: begin others, a title or units, with #"
                          : help_for_cell(cell, handle(keep_[i])));
    }
  }

  bool has_words_alone() const {
    const std::vector<std::string_view>& cells = layout_.cutter.cells();
    return cells.size() > 1 && std::all_of(cells.begin(), cells.end(), is_words);
  }

  void note_writing(std::string_view cell, double value, std::size_t i) {
    if (noted_[i]) return;
    noted_[i] = true;
    notes_.push_back({"line " + std::to_string(line_.number) + ": " + shown(cell) + " in column '" + columns_[i] +
                      "' is read as " + shortest(value) + ", the way that others are written"});
  }

  static std::string shown(std::string_view cell) {
    return "'" + printable(cell.substr(0, kShown), 4 * kShown) + (cell.size() > kShown ? "...'" : "'");
  }

  TextLines lines_;
  RowLedger ledger_;
  std::optional<RowFilter> filter_;
  CsvLayout layout_;
  TextLine line_;
  std::string joined_;              ///< line_, if its quotes hold line breaks
  bool pending_ = false;            ///< whether line_ is a row to come
  bool first_ = true;               ///< no row was looked at
  Index comments_ = 0;              ///< passed over
  std::vector<std::string> names_;  ///< of all columns
  std::vector<Index> keep_;
  std::vector<std::string> columns_;
  std::vector<bool> noted_;  ///< whether of those it was told that others decide
  std::vector<RowNote> notes_;
};

}  // namespace

std::unique_ptr<RowReader> read_csv(ByteSource bytes, std::string name, const RowOptions& options, char separator) {
  return std::make_unique<CsvReader>(std::move(bytes), std::move(name), options, separator);
}

}  // namespace cnf
