#include "datasets/rows.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

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
      : file_(path), name_(std::move(name)), invalid_(options) {
    if (file_.shape().empty() || file_.shape().size() > 2)
      throw InputError(name_ + ": an array of " + std::to_string(file_.shape().size()) +
                       " dimensions, expected (rows, columns) or (rows,)");
    if (file_.rows() == 0 || file_.cols() == 0)
      throw InputError(name_ + ": an array of shape (" + std::to_string(file_.rows()) + ", " +
                       std::to_string(file_.cols()) + ") is empty, expected rows of numbers");
    const std::vector<std::string> names = numbered_columns(file_.cols());
    keep_ = select_columns(name_, names, options);
    for (const Index j : keep_) columns_.push_back(names[static_cast<std::size_t>(j)]);
  }

  const std::string& source() const override { return name_; }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<Index> rows() const override { return file_.rows(); }
  Index dropped() const override { return invalid_.dropped(); }

  Index read(Out<double> block) override {
    check_block(block);
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
  Index row_ = 0;
};

std::optional<Index> column_number(const std::string& text, Index D) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 1 || number > D) return std::nullopt;
  return number - 1;
}

Index find_column(const std::string& source, const std::vector<std::string>& names, const std::string& wanted) {
  const Index D = static_cast<Index>(names.size());
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found != names.end()) {
    if (std::find(found + 1, names.end(), wanted) != names.end())
      throw InputError(source + ": more than one column is called '" + printable(wanted, 200) + "'",
                       "name it by its number, 1 to " + std::to_string(D));
    return found - names.begin();
  }
  if (const auto number = column_number(wanted, D)) return *number;
  std::string list;
  for (std::size_t j = 0; j < names.size() && j < 10; ++j) list += (j > 0 ? ", " : "") + names[j];
  if (D > 10) list += ", ...";
  throw InputError(source + ": no column '" + printable(wanted, 200) + "', expected a number from 1 to " +
                   std::to_string(D) + " or one of " + list);
}

}  // namespace

void RowReader::check_block(const Out<double>& block) const {
  if (block.rows() != static_cast<Index>(columns().size()) || block.cols() < 1)
    throw std::invalid_argument("RowReader::read: block is " + std::to_string(block.rows()) + " x " +
                                std::to_string(block.cols()) + ", expected " + std::to_string(columns().size()) +
                                " rows (one sample per column) and at least 1 column");
}

std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, const RowOptions& options) {
  if (path == "-") return read_csv(ByteSource("/dev/stdin"), "standard input", options);
  const std::string name = printable(path.string());
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (extension == ".npy") return std::make_unique<NpyRows>(path, name, options);
  if (extension == ".csv" || extension == ".txt") return read_csv(ByteSource(path), name, options);
  if (extension == ".tsv") return read_csv(ByteSource(path), name, options, '\t');
  throw InputError(name + ": unknown kind of table, expected a name ending in .csv, .tsv, .txt or .npy");
}

std::vector<Index> select_columns(const std::string& source, const std::vector<std::string>& names,
                                  const RowOptions& options) {
  std::vector<Index> keep;
  if (options.columns.empty()) {
    for (std::size_t j = 0; j < names.size(); ++j) keep.push_back(static_cast<Index>(j));
  } else {
    for (const std::string& wanted : options.columns) {
      const Index j = find_column(source, names, wanted);
      if (std::find(keep.begin(), keep.end(), j) != keep.end())
        throw InputError(source + ": column '" + printable(wanted, 200) + "' is asked for twice");
      keep.push_back(j);
    }
  }
  for (const std::string& unwanted : options.drop) std::erase(keep, find_column(source, names, unwanted));
  if (keep.empty()) throw InputError(source + ": no column is left of " + std::to_string(names.size()));
  return keep;
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
