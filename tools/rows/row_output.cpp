#include "tools/rows/row_output.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "datasets/csv.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

/// Standard output, a pipe or a device.
bool is_stream(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return path == "-" || (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status));
}

bool is_npy(const fs::path& path) {
  if (is_stream(path)) return false;
  if (path.extension() == ".npy") return true;
  if (path.extension() == ".csv") return false;
  throw UsageError("--output: " + in_quotes(path.string()) + " ends in neither .npy nor .csv",
                   "the ending says the format; - is CSV on standard output");
}

}  // namespace

Option dtype_option() {
  return {.name = "dtype",
          .value = "TYPE",
          .kind = Kind::choice,
          .initial = "f8",
          .choices = {"f4", "f8"},
          .help = "Numbers of a .npy: float32 or float64.",
          .group = "Output"};
}

std::vector<Option> row_output_options() {
  Option output = output_option("FILE", "A .npy or .csv file; - is CSV on standard output.");
  output.initial = "-";
  return {output, force_option(), dtype_option()};
}

void check_row_output(const Args& args) {
  is_npy(args.path("output"));
  refuse_overwrite(args.path("output"), args.flag("force"));
}

Progress::Mode row_progress(const Args& args) {
  const bool in_the_way = args.path("output") == "-" && ::isatty(STDOUT_FILENO) == 1;
  return Progress::mode(args.text("progress"), args.flag("quiet") || in_the_way);
}

RowOutput::RowOutput(const Args& args, std::vector<std::string> columns, std::optional<Index> rows, bool vector)
    : path_(args.path("output")),
      dtype_(args.text("dtype") == "f4" ? NpyDtype::f4 : NpyDtype::f8),
      cols_(static_cast<Index>(columns.size())),
      vector_(vector),
      streams_(is_stream(path_)) {
  if (is_npy(path_)) {
    if (rows)
      npy_.emplace(path_, *rows, cols_, dtype_, vector_);
    else
      spool_.emplace(path_);
    return;
  }
  std::optional<EndAtOnce> blocked;
  if (streams_) blocked.emplace();
  if (path_ != "-") text_.emplace(path_);
  append_csv_header(buffer_, columns);
}

void RowOutput::write(const Batch& x) {
  const std::span<const double> values(x.data(), static_cast<std::size_t>(x.size()));
  if (npy_) return npy_->write(values);
  if (spool_) return spool_->write(values);
  constexpr Index kPiece = 4096;  // rows turned into text at once
  for (Index i = 0; i < x.cols(); i += kPiece) {
    append_csv_rows(buffer_, x.middleCols(i, std::min(kPiece, x.cols() - i)));
    send();
  }
}

void RowOutput::send() {
  std::optional<EndAtOnce> blocked;
  if (streams_) blocked.emplace();
  if (text_)
    text_->write(buffer_);
  else
    write_stdout(buffer_);
  buffer_.clear();
  if (path_ == "-") flush_stdout();  // a reader that has gone is noticed before the next block is computed
}

void RowOutput::finish() {
  if (spool_) {
    npy_.emplace(path_, static_cast<Index>(spool_->count()) / cols_, cols_, dtype_, vector_);
    std::vector<double> piece(std::min<std::size_t>(spool_->count(), std::size_t{1} << 16));
    for (std::uint64_t at = 0; at < spool_->count(); at += piece.size()) {
      piece.resize(std::min<std::size_t>(piece.size(), spool_->count() - at));
      spool_->read(at, piece);
      npy_->write(piece);
    }
  }
  if (npy_) return npy_->finish();
  send();
  if (text_) text_->finish();
}

}  // namespace cnf
