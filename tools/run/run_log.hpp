// The logs of a run: lines that are added to, and cut when a run goes on from an earlier step.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "flows/train.hpp"

namespace cnf {

/// A CSV file whose first column is the step. A write that fails ends the run.
class RunLog {
 public:
  /// Begins the file with its header; if `step` > 0, keeps the lines up to that step that are there.
  RunLog(std::filesystem::path path, const std::string& header, std::int64_t step);
  /// Throws OutputError with the path and the system's reason.
  void add(const std::string& line);
  /// The last number of the last line that was kept; 0 if there was none.
  double last() const { return last_; }

 private:
  std::filesystem::path path_;
  double last_ = 0;
  std::ofstream out_;  // a log
};

/// The header and the lines of metrics.csv.
extern const char* const kMetricsHeader;
std::string metrics_line(const MetricsRow& row);

}  // namespace cnf
