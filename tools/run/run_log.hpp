// The logs of a run: lines that are added to, and cut when a run goes on from an earlier step.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/file_writer.hpp"
#include "flows/training/train.hpp"

namespace cnf {

/// A CSV file whose first column is the step. A write that fails ends the run.
class RunLog {
 public:
  /// Begins the file with its header; if `step` > 0, keeps the whole lines up to that step that are there.
  RunLog(const std::filesystem::path& path, const std::string& header, std::int64_t step);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Throws OutputError with the path and the system's reason.
  void add(const std::string& line);
  /// The last number of the last line that was kept; 0 if there was none.
  double last() const { return last_; }

 private:
  double last_ = 0;
  int file_ = -1;
  std::optional<FileWriter> out_;  ///< to file_, straight
};

/// The header of metrics.csv, with the columns that are the trained thing's own, and a line under it.
std::string metrics_header(std::span<const std::string_view> judged);
std::string metrics_line(const MetricsRow& row);

}  // namespace cnf
