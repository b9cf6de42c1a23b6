// Rows of results on their way to -o: .npy, .csv, or CSV on standard output, in memory that does not grow.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/npy.hpp"
#include "base/spool.hpp"
#include "base/types.hpp"
#include "tools/cli/option.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/signals.hpp"

namespace cnf {

class Args;

Option dtype_option();  ///< --dtype f4|f8
/// -o --output (default -, standard output), -f --force, --dtype.
std::vector<Option> row_output_options();
/// What can be refused beforehand. UsageError: a name that ends in neither .npy nor .csv (devices and pipes are CSV);
/// OutputError: it exists and --force is not given.
void check_row_output(const Args& args);

/// How the progress of rows is shown: not on a terminal that the rows themselves go to.
Progress::Mode row_progress(const Args& args);

/// Takes samples in blocks; the file is whole after `finish` or absent. Standard output, devices and pipes get rows as
/// they come.
class RowOutput {
 public:
  /// `rows`: how many will come, if that is known; otherwise values for a .npy, whose header says how many, wait in an
  /// unnamed file beside it. `vector`: one column, as shape (N,).
  RowOutput(const Args& args, std::vector<std::string> columns, std::optional<Index> rows, bool vector = false);

  void write(const Batch& x);  ///< D x n
  void finish();

 private:
  void send();

  std::filesystem::path path_;
  NpyDtype dtype_;
  Index cols_;
  bool vector_;
  bool streams_;  ///< to a pipe, which may not be read from: nothing is lost there by ending at once
  std::optional<NpyWriter> npy_;
  std::optional<FileWriter> text_;
  std::optional<Spool> spool_;
  std::string buffer_;  ///< text to come: the header waits for the first rows
};

}  // namespace cnf
