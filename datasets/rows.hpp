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
#include "datasets/row_filter.hpp"
#include "datasets/row_ledger.hpp"

namespace cnf {

struct RowOptions {
  std::vector<std::string> columns = {};  ///< keep these alone, in this order: names, or numbers counted from 1
  std::vector<std::string> drop = {};     ///< leave these out
  std::vector<std::string> names = {};    ///< call the file's columns so, all of them, whatever they are called there
  /// If neither `columns` nor `drop` says otherwise and the file has all of these: keep them alone, in this order.
  std::vector<std::string> preferred = {};
  std::vector<RowCondition> where = {};   ///< leave out rows that do not meet all of these
  std::vector<std::string> missing = {};  ///< cells, numbers or texts, that stand for no value: leave out their rows
  bool drop_invalid = false;              ///< leave out rows with a cell that is no finite number, instead of failing
  bool keep_places = false;               ///< what is left out comes as a sample of NaN: sample i is the file's row i
  bool count_invalid = true;              ///< before failing, read to the end to say how many rows are invalid
  StopFlag stop = nullptr;                ///< raised, a pipe is waited for no longer: Stopped

  bool may_leave_out() const { return drop_invalid || !where.empty() || !missing.empty(); }
};

/// Something about a file that its reader noticed and went on: one line, with what to do.
struct RowNote {
  std::string text;
  bool warning = true;  ///< the rows may not be what was meant; otherwise a count of what was passed over
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
  virtual const RowLedger& ledger() const = 0;                  ///< of the rows read so far
  /// Fills columns of `block`, D x n, with the next samples. Returns how many: less than n at the end only.
  virtual Index read(Out<double> block) = 0;
  /// What messages call the row with this number: "data.csv:1042" for a line of a text, "data.npy: row 1042 (from 1)"
  /// for a row of an array.
  virtual std::string place_of(Index number) const = 0;
  /// Where sample i of the last `read` stands in the file.
  std::string place(Index i) const { return place_of(ledger().number(i)); }
  /// What was noticed since the last call: most of it once opened, counts at the end.
  virtual std::vector<RowNote> take_notes() { return {}; }

 protected:
  void check_block(const Out<double>& block) const;
};

/// Opens .csv, .tsv, .txt, .npy or .npz by extension, packed by gzip or not; "-" is CSV from standard input. InputError
/// for any other, for an empty file and for unknown columns.
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

/// One column by name or number, as select_columns finds it.
Index find_column(const std::string& source, const std::vector<std::string>& names, const std::string& wanted);

/// The names "x1" ... "xD".
std::vector<std::string> numbered_columns(Index D);

/// What a file's columns are called: `options.names` if they are given, else `own`. InputError if they are not as many.
std::vector<std::string> column_names(const std::string& source, std::vector<std::string> own,
                                      const RowOptions& options);

}  // namespace cnf
