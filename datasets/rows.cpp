#include "datasets/rows.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "base/utf8.hpp"
#include "datasets/csv.hpp"

namespace cnf {
namespace {

/// .npy rows, (N, D) or (N,): row-major in the file is one sample per column here.
class NpyRows final : public RowReader {
 public:
  NpyRows(const std::filesystem::path& path, std::string name, const RowOptions& options)
      : file_(ByteSource(path, options.stop)), name_(std::move(name)), invalid_(options) {
    if (file_.shape().empty() || file_.shape().size() > 2)
      throw InputError(name_ + ": an array of " + std::to_string(file_.shape().size()) +
                       " dimensions, expected (rows, columns) or (rows,)");
    if (file_.rows() == 0 || file_.cols() == 0)
      throw InputError(name_ + ": an array of shape (" + std::to_string(file_.rows()) + ", " +
                       std::to_string(file_.cols()) + ") is empty, expected rows of numbers");
    if (file_.cols() > kMostColumns) refuse_columns(name_);
    const std::vector<std::string> names = numbered_columns(file_.cols());
    keep_ = select_columns(name_, names, options);
    for (const Index j : keep_) columns_.push_back(names[static_cast<std::size_t>(j)]);
  }

  const std::string& source() const override { return name_; }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<Index> rows() const override { return file_.rows(); }
  Index dropped() const override { return invalid_.dropped(); }

  Index number(Index i) const override { return numbers_.at(static_cast<std::size_t>(i)); }

  Index read(Out<double> block) override {
    check_block(block);
    numbers_.clear();
    Index n = 0;
    while (n < block.cols() && row_ < file_.rows()) {
      // In pieces of about 64 Ki values, whatever room the block has.
      const Index piece = std::min(block.cols() - n, std::max<Index>(1, 65536 / file_.cols()));
      n = take(piece, block, n);
    }
    while (invalid_.failing() && row_ < file_.rows()) take(std::max<Index>(1, 65536 / file_.cols()), block, 0);
    if (row_ == file_.rows()) invalid_.finish();
    return n;
  }

 private:
  /// Reads up to `piece` rows and puts the valid ones into the block from column n on; returns the new n.
  Index take(Index piece, Out<double>& block, Index n) {
    buffer_.resize(static_cast<std::size_t>(piece * file_.cols()));
    const Index got = file_.read_rows(buffer_);
    if (got == 0) throw InputError(name_ + ": ends before its last row");
    for (Index i = 0; i < got; ++i) {
      const double* row = buffer_.data() + i * file_.cols();
      ++row_;
      if (check(row) && !invalid_.failing()) {
        for (std::size_t j = 0; j < keep_.size(); ++j) block(static_cast<Index>(j), n) = row[keep_[j]];
        numbers_.push_back(row_);
        ++n;
      }
    }
    return n;
  }

  bool check(const double* row) {
    for (std::size_t j = 0; j < keep_.size(); ++j) {
      const double value = row[keep_[j]];
      if (std::isfinite(value)) continue;
      invalid_.add(name_ + ":" + std::to_string(row_) + ":" + std::to_string(keep_[j] + 1) + ": " +
                       (std::isnan(value) ? "nan"
                        : value > 0       ? "inf"
                                          : "-inf") +
                       ", expected a finite number",
                   "");
      return false;
    }
    return true;
  }

  NpyReader file_;
  std::string name_;
  InvalidRows invalid_;
  std::vector<Index> keep_;
  std::vector<std::string> columns_;
  std::vector<double> buffer_;
  std::vector<Index> numbers_;  ///< of the block's rows
  Index row_ = 0;
};

std::optional<Index> column_number(const std::string& text, Index D) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 1 || number > D) return std::nullopt;
  return number - 1;
}

/// Finds columns of a file by name or number.
class ColumnFinder {
 public:
  ColumnFinder(const std::string& source, const std::vector<std::string>& names) : source_(source), names_(names) {
    for (std::size_t j = 0; j < names.size(); ++j) ++places_.try_emplace(names[j], Place{j}).first->second.count;
  }

  Index operator()(const std::string& wanted) const {
    const Index D = std::ssize(names_);
    if (const auto found = places_.find(wanted); found != places_.end()) {
      if (found->second.count > 1)
        throw InputError(source_ + ": more than one column is called '" + printable(wanted, 200) + "'",
                         "name it by its number, 1 to " + std::to_string(D));
      return static_cast<Index>(found->second.first);
    }
    if (const auto number = column_number(wanted, D)) return *number;
    std::string list;
    for (std::size_t j = 0; j < names_.size() && j < 10; ++j) list += (j > 0 ? ", " : "") + names_[j];
    if (D > 10) list += ", ...";
    throw InputError(source_ + ": no column '" + printable(wanted, 200) + "', expected a number from 1 to " +
                     std::to_string(D) + " or one of " + list);
  }

 private:
  struct Place {
    std::size_t first = 0, count = 0;
  };
  const std::string& source_;
  const std::vector<std::string>& names_;
  std::unordered_map<std::string_view, Place> places_;
};

}  // namespace

void RowReader::check_block(const Out<double>& block) const {
  if (block.rows() != static_cast<Index>(columns().size()) || block.cols() < 1)
    throw std::invalid_argument("RowReader::read: block is " + std::to_string(block.rows()) + " x " +
                                std::to_string(block.cols()) + ", expected " + std::to_string(columns().size()) +
                                " rows (one sample per column) and at least 1 column");
}

std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, const RowOptions& options) {
  if (path == "-") return read_csv(ByteSource("/dev/stdin", options.stop), "standard input", options);
  const std::string name = printable(path.string());
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (extension == ".npy") return std::make_unique<NpyRows>(path, name, options);
  if (extension == ".csv" || extension == ".txt") return read_csv(ByteSource(path, options.stop), name, options);
  if (extension == ".tsv") return read_csv(ByteSource(path, options.stop), name, options, '\t');
  throw InputError(name + ": unknown kind of table, expected a name ending in .csv, .tsv, .txt or .npy");
}

std::vector<Index> select_columns(const std::string& source, const std::vector<std::string>& names,
                                  const RowOptions& options) {
  std::vector<Index> keep(options.columns.empty() ? names.size() : 0);
  std::iota(keep.begin(), keep.end(), Index{0});
  if (options.columns.empty() && options.drop.empty()) return keep;
  const ColumnFinder find(source, names);
  std::vector<char> taken(names.size());
  for (const std::string& wanted : options.columns) {
    const Index j = find(wanted);
    if (std::exchange(taken[static_cast<std::size_t>(j)], 1))
      throw InputError(source + ": column '" + printable(wanted, 200) + "' is asked for twice");
    keep.push_back(j);
  }
  std::vector<char> dropped(names.size());
  for (const std::string& unwanted : options.drop) dropped[static_cast<std::size_t>(find(unwanted))] = 1;
  std::erase_if(keep, [&](Index j) { return dropped[static_cast<std::size_t>(j)]; });
  if (keep.empty()) throw InputError(source + ": no column is left of " + std::to_string(names.size()));
  return keep;
}

void refuse_columns(const std::string& place) {
  throw InputError(place + ": more than " + std::to_string(kMostColumns) + " columns, expected at most as many",
                   "is this a table of rows, or one long row? rows run along the first axis, one a line");
}

std::vector<std::string> numbered_columns(Index D) {
  std::vector<std::string> names;
  for (Index j = 1; j <= D; ++j) names.push_back(std::string("x").append(std::to_string(j)));
  return names;
}

void InvalidRows::add(const std::string& message, const std::string& help) {
  if (++count_ > 1) return;
  first_ = message;
  help_ = help;
  if (!drop_ && !count_all_) finish();
}

void InvalidRows::finish() const {
  if (!failing()) return;
  throw InputError(
      count_all_ && count_ > 1 ? first_ + " (the first of " + std::to_string(count_) + " invalid rows)" : first_,
      help_);
}

}  // namespace cnf
