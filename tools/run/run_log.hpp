// The logs of a run: lines that are added to, and cut when a run goes on from an earlier step.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "flows/training/train.hpp"

namespace cnf {

/// The header and the whole lines of a log up to a step: what a run that goes on from there had written. Behind the
/// last of `lines` lines anything may stand, for there a run was cut off. `name` stands for the log in messages.
/// Throws InputError if the log has another header, or lacks some of the lines.
std::string kept_lines(std::string_view log, const std::string& name, std::int64_t step, const std::string& header,
                       std::int64_t lines);

/// A CSV file whose first column is the step. A write that fails ends the run.
class RunLog {
 public:
  /// Reads the log of a run that goes on after `step`, from 1: the lines up to there, which are `lines` or more. What
  /// is not there begins anew; InputError if it is no log of this header, or some of the lines are missing.
  RunLog(std::filesystem::path path, std::string header, std::int64_t step, std::int64_t lines);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Whether lines were expected and there was no such file.
  bool absent() const { return absent_; }
  const std::filesystem::path& path() const { return path_; }
  /// Writes what was read, or the header; before it no file is touched.
  void begin();
  /// Throws OutputError with the path and the system's reason, as all below.
  void add(const std::string& line);
  /// What was added outlasts a power loss.
  void sync();
  /// The file has got another name.
  void renamed(std::filesystem::path path) { path_ = std::move(path); }
  /// The last number of the last line that was kept; 0 if there was none.
  double last() const { return last_; }

 private:
  std::filesystem::path path_;
  std::string kept_;
  double last_ = 0;
  int file_ = -1;
  bool absent_ = false, synced_ = true;
};

/// The header of metrics.csv, with the trained thing's own columns and the loss's parts at the end, and a line
/// under it.
std::string metrics_header(std::span<const std::string_view> judged, std::span<const std::string_view> parts = {});
std::string metrics_line(const MetricsRow& row);

}  // namespace cnf
