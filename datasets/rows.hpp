// Rows of numbers in order from a file or a pipe, in bounded memory; what is not a number is named by its place.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/stop.hpp"
#include "base/types.hpp"

namespace cnf {

struct RowOptions {
  std::vector<std::string> columns = {};  ///< keep these alone, in this order: names, or numbers counted from 1
  std::vector<std::string> drop = {};     ///< leave these out
  bool drop_invalid = false;              ///< leave out rows with a cell that is no finite number, instead of failing
  bool count_invalid = true;              ///< before failing, read to the end to say how many rows are invalid
  StopFlag stop = nullptr;                ///< raised, a pipe is waited for no longer: Stopped
};

/// Reads samples forward. An invalid row (wrong number of fields, a cell that is no finite number) is an InputError
/// that names file, row (in text the line) and column, both from 1: "data.csv:1042:2: 'abc' is not a number, ...".
class RowReader {
 public:
  RowReader() = default;
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;
  virtual ~RowReader() = default;

  virtual const std::string& source() const = 0;                ///< as messages call it
  virtual const std::vector<std::string>& columns() const = 0;  ///< D names; "x1", "x2", ... where the file has none
  virtual std::optional<Index> rows() const = 0;                ///< in the file, where it says so beforehand
  virtual Index dropped() const = 0;                            ///< rows left out so far
  /// Fills columns of `block`, D x n, with the next samples. Returns how many: less than n at the end only.
  virtual Index read(Out<double> block) = 0;
  /// Where sample i of the last `read` stands in the file, as messages count: the line of a text, the row of an array,
  /// from 1.
  virtual Index number(Index i) const = 0;
  /// "data.csv:1042".
  std::string place(Index i) const { return source() + ":" + std::to_string(number(i)); }

 protected:
  void check_block(const Out<double>& block) const;
};

/// Opens .csv, .tsv, .txt or .npy by extension; "-" is CSV from standard input. InputError for any other, for an empty
/// file and for unknown columns.
std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, const RowOptions& options = {});

/// A file has this many columns at most: what one costs in memory, a name and its part of a block, is paid for before
/// any row has been found sound.
inline constexpr Index kMostColumns = Index{1} << 17;
/// InputError: `place` has more.
[[noreturn]] void refuse_columns(const std::string& place);

/// Which of a file's columns to keep, in order, counted from 0. InputError naming the source if one is not there,
/// a name stands twice in the file, or none is left. A name wins over a number.
std::vector<Index> select_columns(const std::string& source, const std::vector<std::string>& names,
                                  const RowOptions& options);

/// The names "x1" ... "xD".
std::vector<std::string> numbered_columns(Index D);

/// The rows found invalid so far, and what becomes of them.
class InvalidRows {
 public:
  explicit InvalidRows(const RowOptions& options) : drop_(options.drop_invalid), count_all_(options.count_invalid) {}
  /// Notes one; `message` begins with its place. Throws it at once if the others are not to be counted.
  void add(const std::string& message, const std::string& help);
  /// At the end of the file: throws the first one with the number of all, unless they are dropped.
  void finish() const;
  Index dropped() const { return drop_ ? count_ : 0; }
  bool failing() const { return !drop_ && count_ > 0; }

 private:
  bool drop_, count_all_;
  Index count_ = 0;
  std::string first_, help_;
};

}  // namespace cnf
