#include "tools/run/run_log.hpp"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

namespace {

/// The whole lines of a log up to a step: what a run that goes on from there had written.
std::string lines_until(const std::filesystem::path& path, std::int64_t step, const std::string& header) {
  std::ifstream in(path, std::ios::binary);
  std::string kept = header, line;
  std::getline(in, line);
  while (std::getline(in, line) && !in.eof() && std::strtoll(line.c_str(), nullptr, 10) <= step) kept += line + '\n';
  return kept;
}

}  // namespace

RunLog::RunLog(std::filesystem::path path, const std::string& header, std::int64_t step) : path_(std::move(path)) {
  const std::string kept = step > 0 ? lines_until(path_, step, header) : header;
  const char* end = kept.data() + kept.size() - 1;  // before the last line feed
  const std::size_t comma = kept.rfind(',');
  if (kept.size() > header.size()) std::from_chars(kept.data() + comma + 1, end, last_);
  write_file(path_, kept);
  out_.open(path_, std::ios::app | std::ios::binary);
}

void RunLog::add(const std::string& line) {
  out_ << line << std::flush;
  if (!out_) throw OutputError(path_.string() + ": cannot be written: " + std::strerror(errno));
}

const char* const kMetricsHeader =
    "step,lr,train_loss,validation_nll,validation_nll_stderr,kl,nfe_train,nfe_validation,gradient_norm,skipped,"
    "rollbacks\n";

std::string metrics_line(const MetricsRow& row) {
  std::string line = std::to_string(row.step);
  for (const double x : {row.lr, row.train_loss, row.validation_nll, row.validation_nll_stderr, row.kl, row.nfe_train,
                         row.nfe_validation, row.gradient_norm})
    line += ',' + (std::isnan(x) ? std::string() : shortest(x));
  return line + ',' + std::to_string(row.skipped) + ',' + std::to_string(row.rollbacks) + '\n';
}

}  // namespace cnf
