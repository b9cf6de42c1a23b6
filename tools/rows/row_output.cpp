#include "tools/rows/row_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "datasets/csv.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

bool is_npy(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (path == "-" || (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status))) return false;
  if (path.extension() == ".npy") return true;
  if (path.extension() == ".csv") return false;
  throw UsageError("--output: " + in_quotes(path.string()) + " ends in neither .npy nor .csv",
                   "the ending says the format; - is CSV on standard output");
}

}  // namespace

std::vector<Option> row_output_options() {
  Option output = output_option("FILE", "A .npy or .csv file; - is CSV on standard output.");
  output.initial = "-";
  return {output,
          force_option(),
          {.name = "dtype",
           .value = "TYPE",
           .kind = Kind::choice,
           .initial = "f8",
           .choices = {"f4", "f8"},
           .help = "Numbers of a .npy: float32 or float64.",
           .group = "Output"}};
}

void check_row_output(const Args& args) {
  is_npy(args.path("output"));
  refuse_overwrite(args.path("output"), args.flag("force"));
}

/// Values in a file without a name, in the folder of the file to come: gone with the process, however it ends.
class RowOutput::Spool {
 public:
  explicit Spool(const fs::path& beside) : name_(printable(beside.string())) {
    const fs::path folder = beside.has_parent_path() ? beside.parent_path() : fs::path(".");
    file_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {  // not on every file system
      std::string pattern = (folder / ".cnf-rows-XXXXXX").string();
      file_ = ::mkostemp(pattern.data(), O_CLOEXEC);
      if (file_ >= 0) ::unlink(pattern.c_str());
    }
    if (file_ < 0) fail();
  }
  ~Spool() { ::close(file_); }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void write(std::span<const double> values) {
    const char* bytes = reinterpret_cast<const char*>(values.data());
    for (std::size_t left = values.size_bytes(); left > 0;) {
      const ssize_t n = ::write(file_, bytes, left);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail();
      bytes += n;
      left -= static_cast<std::size_t>(n);
    }
    count_ += values.size();
  }

  std::size_t count() const { return count_; }

  /// Everything, in pieces, in order.
  template <class Take>
  void drain(const Take& take) {
    if (::lseek(file_, 0, SEEK_SET) < 0) fail();
    std::vector<double> piece(std::min<std::size_t>(count_, std::size_t{1} << 16));
    for (std::size_t left = count_; left > 0;) {
      const std::size_t n = std::min(left, piece.size());
      char* bytes = reinterpret_cast<char*>(piece.data());
      for (std::size_t missing = n * sizeof(double); missing > 0;) {
        const ssize_t got = ::read(file_, bytes, missing);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) fail();
        bytes += got;
        missing -= static_cast<std::size_t>(got);
      }
      take(std::span<const double>(piece.data(), n));
      left -= n;
    }
  }

 private:
  [[noreturn]] void fail() const {
    throw OutputError(name_ + ": its rows cannot be kept until they are counted: " + std::strerror(errno));
  }

  std::string name_;
  int file_ = -1;
  std::size_t count_ = 0;
};

RowOutput::RowOutput(const Args& args, std::vector<std::string> columns, std::optional<Index> rows, bool vector)
    : path_(args.path("output")),
      dtype_(args.text("dtype") == "f4" ? NpyDtype::f4 : NpyDtype::f8),
      cols_(static_cast<Index>(columns.size())),
      vector_(vector) {
  if (is_npy(path_)) {
    if (rows)
      npy_.emplace(path_, *rows, cols_, dtype_, vector_);
    else
      spool_ = std::make_unique<Spool>(path_);
    return;
  }
  if (path_ != "-") text_.emplace(path_);
  append_csv_header(buffer_, columns);
}

RowOutput::~RowOutput() = default;

void RowOutput::write(const Batch& x) {
  const std::span<const double> values(x.data(), static_cast<std::size_t>(x.size()));
  if (npy_) return npy_->write(values);
  if (spool_) return spool_->write(values);
  constexpr Index kPiece = 4096;  // rows turned into text at once
  for (Index i = 0; i < x.cols(); i += kPiece) {
    append_csv_rows(buffer_, x.middleCols(i, std::min(kPiece, x.cols() - i)));
    send();
  }
  if (path_ == "-") flush_stdout();  // a reader that has gone is noticed before the next block is computed
}

void RowOutput::send() {
  if (text_)
    text_->write(buffer_);
  else
    write_stdout(buffer_);
  buffer_.clear();
}

void RowOutput::finish() {
  if (spool_) {
    npy_.emplace(path_, static_cast<Index>(spool_->count()) / cols_, cols_, dtype_, vector_);
    spool_->drain([&](std::span<const double> values) { npy_->write(values); });
  }
  if (npy_) return npy_->finish();
  send();
  if (text_) text_->finish();
  if (path_ == "-") flush_stdout();
}

}  // namespace cnf
