#include "tools/run/run_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "base/folder.hpp"
#include "base/number_text.hpp"

namespace cnf {

namespace {

/// The header and the whole lines of a log up to a step: what a run that goes on from there had written. A line that
/// does not begin with a step, or a file that is none of this run (a link), is not.
std::string lines_until(const std::filesystem::path& path, std::int64_t step, const std::string& header) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, ignored))) return header;
  const std::vector<std::byte> bytes = ByteSource(path).read_up_to(std::numeric_limits<std::uint64_t>::max());
  const std::string_view log(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string kept = header;
  for (std::size_t begin = log.find('\n'), end; begin != log.npos; begin = end) {
    end = log.find('\n', ++begin);
    if (end == log.npos) break;
    const std::string_view line = log.substr(begin, end + 1 - begin);
    std::int64_t at = 0;
    const auto [number_end, error] = std::from_chars(line.data(), line.data() + line.size(), at);
    if (error != std::errc{} || *number_end != ',') continue;
    if (at > step) break;
    kept += line;
  }
  return kept;
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& path, const std::string& header, std::int64_t step) {
  const std::string kept = step > 0 ? lines_until(path, step, header) : header;
  const char* end = kept.data() + kept.size() - 1;  // before the last line feed
  const std::size_t comma = kept.rfind(',');
  if (kept.size() > header.size()) std::from_chars(kept.data() + comma + 1, end, last_);
  write_file(path, kept, Links::replace);
  file_ = open_own_file(path, O_WRONLY | O_APPEND);
  out_.emplace(file_, path.string());
}

RunLog::~RunLog() { ::close(file_); }

void RunLog::add(const std::string& line) { out_->write(line); }

std::string metrics_header(std::span<const std::string_view> judged) {
  std::string header = "step,lr,train_loss,";
  for (const std::string_view column : judged) header += std::string(column) + ',';
  return header + "nfe_train,nfe_validation,gradient_norm,skipped,rollbacks\n";
}

std::string metrics_line(const MetricsRow& row) {
  std::vector<double> numbers{row.lr, row.train_loss};
  numbers.insert(numbers.end(), row.judged.values.begin(), row.judged.values.end());
  numbers.insert(numbers.end(), {row.nfe_train, row.judged.nfe, row.gradient_norm});
  std::string line = std::to_string(row.step);
  for (const double x : numbers) line += ',' + (std::isnan(x) ? std::string() : shortest(x));
  return line + ',' + std::to_string(row.skipped) + ',' + std::to_string(row.rollbacks) + '\n';
}

}  // namespace cnf
