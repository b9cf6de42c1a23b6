#include "datasets/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;
constexpr std::size_t kMaxLine = std::size_t{1} << 24;
constexpr std::size_t kShown = 40;  // bytes of a cell in a message

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  return s;
}

bool is_too_wide(std::size_t fields) { return fields > static_cast<std::size_t>(kMostColumns); }

enum class Number { ok, not_a_number, out_of_range };

Number parse(std::string_view cell, double& value) {
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error == std::errc::result_out_of_range && end == cell.data() + cell.size()) return Number::out_of_range;
  return error == std::errc{} && end == cell.data() + cell.size() ? Number::ok : Number::not_a_number;
}

bool is_number(std::string_view cell) {
  double value;
  return parse(cell, value) != Number::not_a_number;
}

/// One line at a time, without its end; the view lasts until the next call.
class Lines {
 public:
  Lines(ByteSource bytes, std::string name) : bytes_(std::move(bytes)), name_(std::move(name)) {}

  bool next(std::string_view& line) {
    for (;;) {
      const char* begin = buffer_.data() + begin_;
      const void* newline = std::memchr(begin + scanned_, '\n', buffer_.size() - begin_ - scanned_);
      if (newline == nullptr && !at_end_) {
        fill();
        continue;
      }
      const std::size_t left = buffer_.size() - begin_;
      if (newline == nullptr && left == 0) return false;
      const std::size_t length = newline ? static_cast<std::size_t>(static_cast<const char*>(newline) - begin) : left;
      check_length(length);
      line = {begin, length};
      begin_ += newline ? length + 1 : length;
      scanned_ = 0;
      ++number_;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (number_ == 1) skip_mark(line);
      return true;
    }
  }
  Index number() const { return number_; }  ///< of the line last returned, from 1
  const std::string& name() const { return name_; }

 private:
  void check_length(std::size_t length) const {
    if (length > kMaxLine)
      throw InputError(name_ + ":" + std::to_string(number_ + 1) +
                       ": line is longer than 16 MiB, expected rows of numbers");
  }
  void fill() {
    const std::size_t left = buffer_.size() - begin_;
    check_length(left);
    buffer_.erase(0, begin_);
    begin_ = 0;
    scanned_ = left;
    const std::size_t chunk = std::max(kChunk, left);
    buffer_.resize(left + chunk);
    const std::size_t got = bytes_.read_some(std::as_writable_bytes(std::span(buffer_).subspan(left)));
    buffer_.resize(left + got);
    at_end_ = got < chunk;
  }
  void skip_mark(std::string_view& line) const {
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF"))
      throw InputError(name_ + ":1: text is UTF-16, expected UTF-8", "save the file as UTF-8");
  }

  ByteSource bytes_;
  std::string name_, buffer_;
  std::size_t begin_ = 0, scanned_ = 0;
  bool at_end_ = false;
  Index number_ = 0;
};

/// Cuts a line into cells, those after the first kMostColumns left out but for one that tells of them. Returns false if
/// a quote is not closed or text follows it.
bool split(std::string_view line, char separator, std::vector<std::string_view>& cells,
           std::vector<std::string>& unquoted) {
  cells.clear();
  unquoted.clear();
  const bool blanks = separator == ' ';
  if (line.find('"') == std::string_view::npos) {  // the usual case
    for (;;) {
      if (blanks) {
        line = trim(line);
        if (line.empty()) return true;
      }
      const std::size_t end = blanks ? line.find_first_of(" \t") : line.find(separator);
      cells.push_back(trim(line.substr(0, end)));
      if (end == std::string_view::npos || is_too_wide(cells.size())) return true;
      line.remove_prefix(end + 1);
    }
  }
  // Views into it must not move.
  unquoted.reserve(std::min(static_cast<std::size_t>(std::count(line.begin(), line.end(), '"')) / 2 + 1,
                            static_cast<std::size_t>(kMostColumns) + 1));
  const auto is_end = [&](std::size_t i) {
    return i == line.size() || line[i] == separator || (blanks && line[i] == '\t');
  };
  for (std::size_t i = 0;; ++i) {
    while (i < line.size() && is_blank(line[i]) && (blanks || line[i] != separator)) ++i;
    if (blanks && i == line.size()) return true;
    if (i < line.size() && line[i] == '"') {
      std::string& text = unquoted.emplace_back();
      for (++i;; ++i) {
        if (i == line.size()) return false;
        if (line[i] != '"') {
          text += line[i];
        } else if (i + 1 < line.size() && line[i + 1] == '"') {
          text += line[i++];
        } else {
          break;
        }
      }
      ++i;
      while (!is_end(i) && is_blank(line[i])) ++i;
      if (!is_end(i)) return false;
      cells.push_back(text);
    } else {
      const std::size_t begin = i;
      while (!is_end(i)) ++i;
      cells.push_back(trim(line.substr(begin, i - begin)));
    }
    if (i == line.size() || is_too_wide(cells.size())) return true;
  }
}

char detect_separator(std::string_view line) {
  bool quoted = false, tab = false, semicolon = false, comma = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    tab |= c == '\t';
    semicolon |= c == ';';
    comma |= c == ',';
  }
  if (tab) return '\t';
  if (semicolon) return ';';
  return comma ? ',' : ' ';
}

class CsvReader final : public RowReader {
 public:
  CsvReader(ByteSource bytes, std::string name, const RowOptions& options, char separator)
      : lines_(std::move(bytes), std::move(name)), ledger_(options), separator_(separator) {
    if (!next_line()) throw InputError(source() + ": is empty, expected rows of numbers");
    if (separator_ == 0) separator_ = detect_separator(line_);
    if (!split(line_, separator_, cells_, unquoted_))
      throw InputError(place() + "a quoted field does not end on its line");
    fields_ = cells_.size();
    first_line_ = lines_.number();
    if (is_too_wide(fields_)) refuse_columns(source() + ":" + std::to_string(first_line_));
    const bool header =
        std::any_of(cells_.begin(), cells_.end(), [](std::string_view c) { return !c.empty() && !is_number(c); });
    std::vector<std::string> names = numbered_columns(static_cast<Index>(fields_));
    if (header) {
      for (std::size_t j = 0; j < fields_; ++j)
        if (!cells_[j].empty()) names[j] = printable(cells_[j], 200);
      if (!next_line()) throw InputError(source() + ": has a header and no rows, expected rows of numbers");
    }
    names = column_names(source(), std::move(names), options);
    filter_.emplace(source(), names, options);
    keep_ = select_columns(source(), names, options);
    for (const Index j : keep_) columns_.push_back(names[static_cast<std::size_t>(j)]);
  }

  const std::string& source() const override { return lines_.name(); }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<Index> rows() const override { return std::nullopt; }
  const RowLedger& ledger() const override { return ledger_; }
  std::string place(Index i) const override { return source() + ":" + std::to_string(ledger_.number(i)); }

  Index read(Out<double> block) override {
    check_block(block);
    ledger_.begin_block();
    Index n = 0;
    // The first row was read with the header; a failing reader goes on counting and keeps nothing.
    while (pending_ && (n < block.cols() || ledger_.failing())) {
      double* const column = block.col(ledger_.failing() ? 0 : n).data();
      if (ledger_.enter(parse_row(column), lines_.number(), {column, keep_.size()})) ++n;
      next_line();
    }
    if (!pending_) ledger_.finish();
    return n;
  }

 private:
  bool next_line() {
    do {
      pending_ = lines_.next(line_);
    } while (pending_ && trim(line_).empty());
    return pending_;
  }
  std::string place() const { return source() + ":" + std::to_string(lines_.number()) + ": "; }

  Fate parse_row(double* out) {
    if (!split(line_, separator_, cells_, unquoted_)) {
      ledger_.invalid(place() + "a quoted field does not end on its line", "");
      return Fate::invalid;
    }
    if (cells_.size() != fields_) {
      ledger_.invalid(place() +
                          (is_too_wide(cells_.size()) ? "more than " + std::to_string(kMostColumns)
                                                      : std::to_string(cells_.size())) +
                          (cells_.size() == 1 ? " field" : " fields") + ", expected " + std::to_string(fields_) +
                          " as in line " + std::to_string(first_line_),
                      "");
      return Fate::invalid;
    }
    if (filter_->has_conditions())
      if (const Fate fate = judge(); fate != Fate::taken) return fate;
    for (std::size_t i = 0; i < keep_.size(); ++i) {
      const std::string_view cell = cells_[static_cast<std::size_t>(keep_[i])];
      const Number number = parse(cell, out[i]);
      if (filter_->has_missing() && (number == Number::ok ? filter_->is_missing(out[i]) : filter_->is_missing(cell)))
        return Fate::missing;
      if (number == Number::ok && std::isfinite(out[i])) continue;
      fail_cell(cell, number, i);
      return Fate::invalid;
    }
    return Fate::taken;
  }

  /// By --where's conditions.
  Fate judge() {
    const RowFilter::Verdict verdict =
        filter_->judge(cells_, [](std::string_view cell, double& value) { return parse(cell, value) == Number::ok; });
    if (verdict.fate == Fate::invalid)
      ledger_.invalid(cell_place(verdict.column) + in_quotes(cells_[verdict.column]) + " is not a number, which " +
                          printable(verdict.condition, 60) + " compares",
                      "");
    return verdict.fate;
  }

  std::string cell_place(std::size_t column) const {
    return source() + ":" + std::to_string(lines_.number()) + ":" + std::to_string(column + 1) + ": ";
  }
  static std::string in_quotes(std::string_view cell) {
    return "'" + printable(cell.substr(0, kShown), 4 * kShown) + (cell.size() > kShown ? "...'" : "'");
  }

  void fail_cell(std::string_view cell, Number number, std::size_t i) {
    const std::string text = in_quotes(cell);
    const bool decimal_comma = separator_ != ',' && std::count(cell.begin(), cell.end(), ',') == 1;
    const std::string why = cell.empty()                     ? "the field is empty"
                            : number == Number::ok           ? text + " is not finite"
                            : number == Number::not_a_number ? text + " is not a number"
                                                             : text + " is out of a double's range";
    ledger_.invalid(cell_place(static_cast<std::size_t>(keep_[i])) + why + ", expected a finite number in column '" +
                        columns_[i] + "'",
                    decimal_comma ? "write decimal points, not commas" : "");
  }

  Lines lines_;
  RowLedger ledger_;
  std::optional<RowFilter> filter_;
  char separator_;
  std::string_view line_;
  bool pending_ = false;
  std::vector<std::string_view> cells_;
  std::vector<std::string> unquoted_;
  std::size_t fields_ = 0;
  Index first_line_ = 0;
  std::vector<Index> keep_;
  std::vector<std::string> columns_;
};

}  // namespace

std::unique_ptr<RowReader> read_csv(ByteSource bytes, std::string name, const RowOptions& options, char separator) {
  return std::make_unique<CsvReader>(std::move(bytes), std::move(name), options, separator);
}

void append_csv_header(std::string& out, const std::vector<std::string>& columns) {
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (j > 0) out += ',';
    if (columns[j].find_first_of(",;\"\t\r\n ") == std::string::npos) {
      out += columns[j];
      continue;
    }
    out += '"';
    for (const char c : columns[j]) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  out += '\n';
}

void append_csv_rows(std::string& out, const Eigen::Ref<const Batch>& x) {
  char digits[32];
  for (Index i = 0; i < x.cols(); ++i)
    for (Index j = 0; j < x.rows(); ++j) {
      const double value = std::isnan(x(j, i)) ? std::abs(x(j, i)) : x(j, i);  // never "-nan"
      out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
      out += j + 1 < x.rows() ? ',' : '\n';
    }
}

std::string csv_bytes(const Eigen::Ref<const Batch>& x, const std::vector<std::string>& columns) {
  if (!columns.empty() && static_cast<Index>(columns.size()) != x.rows())
    throw std::invalid_argument("csv_bytes: " + std::to_string(columns.size()) + " column names for " +
                                std::to_string(x.rows()) + " dimensions");
  std::string out;
  if (!columns.empty()) append_csv_header(out, columns);
  append_csv_rows(out, x);
  return out;
}

}  // namespace cnf
