#include "tools/run/run_log.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "base/file_ops.hpp"
#include "base/file_writer.hpp"
#include "base/folder.hpp"
#include "base/number_text.hpp"
#include "base/utf8.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

namespace {

constexpr const char* kRemedy = "put the run's own back, or remove it: then the log begins anew";

/// "metrics.csv:3: '...' is no line of this log"
[[noreturn]] void refuse(const std::string& name, std::size_t number, std::string_view line, const std::string& what) {
  constexpr std::size_t kShown = 60;
  throw InputError(name + ":" + std::to_string(number) + ": " + in_quotes(std::string(line.substr(0, kShown))) + what,
                   kRemedy);
}

/// `kept_lines` of a file; of none the header.
std::string lines_until(const std::filesystem::path& path, std::int64_t step, const std::string& header,
                        std::int64_t lines) {
  std::error_code ignored;
  const auto status = std::filesystem::symlink_status(path, ignored);
  if (!std::filesystem::exists(status)) return header;
  const std::string name = printable(path.native());
  if (!std::filesystem::is_regular_file(status))
    throw InputError(name + ": not a file, expected the log of this run", kRemedy);
  const std::vector<std::byte> bytes = ByteSource(path).read_up_to(std::numeric_limits<std::uint64_t>::max());
  return kept_lines({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name, step, header, lines);
}

}  // namespace

std::string kept_lines(std::string_view log, const std::string& name, std::int64_t step, const std::string& header,
                       std::int64_t lines) {
  const std::string_view first = log.substr(0, log.find('\n'));
  if (!log.starts_with(header)) refuse(name, 1, first, " is not the header of this run's log");
  const auto columns = std::ranges::count(header, ',');
  std::string kept = header;
  std::int64_t found = 0, before = 0;
  for (std::size_t begin = header.size(), end; (end = log.find('\n', begin)) != log.npos; begin = end + 1, ++found) {
    const std::string_view line = log.substr(begin, end - begin);
    std::int64_t at = 0;
    const auto [number_end, error] = std::from_chars(line.data(), line.data() + line.size(), at);
    const bool whole = error == std::errc{} && at > before && std::ranges::count(line, ',') == columns &&
                       number_end < line.data() + line.size() && *number_end == ',';
    if (!whole && found < lines)
      refuse(name, static_cast<std::size_t>(found) + 2, line, " is no line of this run's log");
    if (!whole || at > step) break;
    kept.append(line) += '\n';
    before = at;
  }
  if (found < lines)
    throw InputError(name + ": holds " + std::to_string(found) + " of the " + std::to_string(lines) +
                         " lines that the run had written up to step " + std::to_string(step),
                     kRemedy);
  return kept;
}

RunLog::RunLog(std::filesystem::path path, std::string header, std::int64_t step, std::int64_t lines)
    : path_(std::move(path)), kept_(std::move(header)) {
  if (step == 0) return;
  const std::size_t without_lines = kept_.size();
  std::error_code ignored;
  absent_ = lines > 0 && !std::filesystem::exists(std::filesystem::symlink_status(path_, ignored));
  kept_ = lines_until(path_, step, kept_, lines);
  if (kept_.size() == without_lines) return;
  const char* end = kept_.data() + kept_.size() - 1;  // before the last line feed
  std::from_chars(kept_.data() + kept_.rfind(',') + 1, end, last_);
}

void RunLog::begin() {
  write_file(path_, kept_, Links::replace);
  kept_.clear();
  file_ = open_own_file(path_, O_WRONLY | O_APPEND);
}

RunLog::~RunLog() {
  if (file_ >= 0) file_ops().close(file_);
}

void RunLog::add(const std::string& line) {
  FileWriter to(file_, path_.string());
  to.write(line);
  synced_ = false;
}

void RunLog::sync() {
  if (synced_) return;
  sync_file(file_, path_);
  synced_ = true;
}

std::string metrics_header(std::span<const std::string_view> judged, std::span<const std::string_view> parts) {
  std::string header = "step,lr,train_loss,";
  for (const std::string_view column : judged) header += std::string(column) + ',';
  header += "nfe_train,nfe_validation,gradient_norm,skipped,rollbacks";
  for (const std::string_view part : parts) header += ",train_" + std::string(part);
  return header + '\n';
}

std::string metrics_line(const MetricsRow& row) {
  std::vector<double> numbers{row.lr, row.train_loss};
  numbers.insert(numbers.end(), row.judged.values.begin(), row.judged.values.end());
  numbers.insert(numbers.end(), {row.nfe_train, row.judged.nfe, row.gradient_norm});
  std::string line = std::to_string(row.step);
  const auto add = [&](double x) { line += ',' + (std::isnan(x) ? std::string() : shortest(x)); };
  std::for_each(numbers.begin(), numbers.end(), add);
  line += ',' + std::to_string(row.skipped) + ',' + std::to_string(row.rollbacks);
  std::for_each(row.train_parts.begin(), row.train_parts.end(), add);
  return line + '\n';
}

}  // namespace cnf
