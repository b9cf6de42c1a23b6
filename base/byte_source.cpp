// Bytes come from a descriptor (file_ >= 0), a stream or memory, one of them. offset_ counts what `read` and
// `read_some` took and is the place that messages name; read_at leaves it alone, and peek holds bytes back for them.
// size_ is set only where the end is known beforehand: in memory and for a regular file read from its start. Without it
// (pipes, /proc, streams) memory grows only as bytes arrive.
#include "base/byte_source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

[[noreturn]] void fail_system(const std::string& name, std::string_view doing, int error) {
  if (error == ENOMEM) throw std::bad_alloc();
  throw InputError(name + ": " + std::string(doing) + ": " + std::generic_category().message(error));
}

/// Until there is something to read, or an end. A signal that comes before the wait is seen after a tenth of a second.
void wait_for_bytes(int file, StopFlag stop) {
  pollfd one{.fd = file, .events = POLLIN, .revents = 0};
  for (int ready = 0; ready == 0 || (ready < 0 && errno == EINTR); ready = ::poll(&one, 1, 100)) stop_if_asked(stop);
}

/// pread at `at`, or read if `at` is negative; the number of bytes, fewer than asked only at the end.
std::size_t read_file(int file, std::span<std::byte> out, std::int64_t at, const std::string& name,
                      StopFlag stop = nullptr) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t n = std::min(out.size() - done, std::size_t{1} << 30);
    if (stop != nullptr) wait_for_bytes(file, stop);
    const ssize_t got = at < 0 ? ::read(file, out.data() + done, n)
                               : ::pread(file, out.data() + done, n, at + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system(name, "cannot read", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

ByteSource::ByteSource(const std::filesystem::path& path, StopFlag stop)
    : name_(printable(path.native())), stop_(stop) {
  if (path.native().find('\0') != std::string::npos) fail_system(name_, "the file name holds a zero byte", EINVAL);
  do file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  while (file_ < 0 && errno == EINTR);
  if (file_ < 0) fail_system(name_, "cannot open", errno);
  struct stat status {};
  int error = fstat(file_, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
  if (error != 0) {
    ::close(file_);
    fail_system(name_, "cannot read", error);
  }
  // Files of /proc claim to be empty and are not: they are read like pipes.
  if (S_ISREG(status.st_mode) && (status.st_size > 0 || status.st_blocks > 0)) {
    const off_t at = lseek(file_, 0, SEEK_CUR);  // /dev/stdin may have been read from before
    if (at == 0) size_ = static_cast<std::uint64_t>(status.st_size);
  }
}

ByteSource::ByteSource(std::span<const std::byte> bytes, std::string_view name)
    : name_(printable(name)), memory_(bytes), size_(bytes.size()) {}

ByteSource::ByteSource(std::unique_ptr<ByteStream> stream, std::string_view name)
    : name_(printable(name)), stream_(std::move(stream)) {}

ByteSource::~ByteSource() {
  if (file_ >= 0) ::close(file_);
}

ByteSource::ByteSource(ByteSource&& other) noexcept
    : name_(std::move(other.name_)),
      file_(std::exchange(other.file_, -1)),
      stop_(other.stop_),
      memory_(other.memory_),
      stream_(std::move(other.stream_)),
      peeked_(std::move(other.peeked_)),
      offset_(other.offset_),
      size_(other.size_) {}

std::size_t ByteSource::read_some(std::span<std::byte> out) {
  const std::size_t held = std::min(out.size(), peeked_.size());
  std::copy_n(peeked_.begin(), held, out.begin());
  peeked_.erase(peeked_.begin(), peeked_.begin() + static_cast<std::ptrdiff_t>(held));
  offset_ += held;
  if (held == out.size()) return held;
  const std::size_t n = read_on(out.subspan(held));
  offset_ += n;
  return held + n;
}

/// Behind what has been peeked at.
std::size_t ByteSource::read_on(std::span<std::byte> out) {
  if (file_ >= 0) return read_file(file_, out, -1, name_, stop_);
  std::size_t n = 0;
  if (stream_) {
    while (n < out.size()) {
      const std::size_t got = stream_->read_some(out.subspan(n));
      if (got == 0) break;
      n += got;
    }
    return n;
  }
  n = std::min<std::size_t>(out.size(), memory_.size() - offset_ - peeked_.size());
  std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(offset_ + peeked_.size()), n, out.begin());
  return n;
}

std::span<const std::byte> ByteSource::peek(std::size_t n) {
  const std::size_t held = peeked_.size();
  if (held < n) {
    std::vector<std::byte> more(n - held);
    more.resize(read_on(more));
    peeked_.insert(peeked_.end(), more.begin(), more.end());
  }
  return std::span(peeked_).first(std::min(n, peeked_.size()));
}

void ByteSource::read(std::span<std::byte> out, std::string_view what) {
  const std::uint64_t at = offset_;
  if (size_ && out.size() > *size_ - std::min(at, *size_)) fail_truncated(what, at, out.size(), *size_);
  if (read_some(out) < out.size()) fail_truncated(what, at, out.size(), offset_);
}

std::vector<std::byte> ByteSource::read(std::uint64_t n, std::string_view what) {
  const std::uint64_t at = offset_;
  if (size_ && n > *size_ - std::min(at, *size_)) fail_truncated(what, at, n, *size_);
  std::vector<std::byte> out = read_up_to(n);
  if (out.size() < n) fail_truncated(what, at, n, offset_);
  return out;
}

std::vector<std::byte> ByteSource::read_up_to(std::uint64_t n) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  std::vector<std::byte> out(std::min(n, size_ ? *size_ - std::min(offset_, *size_) : kPiece));
  std::size_t done = read_some(out);
  while (done == out.size() && done < n) {
    out.resize(std::min<std::uint64_t>(n, std::max<std::uint64_t>(2 * out.size(), kPiece)));
    done += read_some(std::span(out).subspan(done));
  }
  out.resize(done);
  return out;
}

void ByteSource::read_at(std::uint64_t at, std::span<std::byte> out, std::string_view what) const {
  if (at > *size_ || out.size() > *size_ - at) fail_truncated(what, at, out.size(), *size_);
  if (file_ < 0)
    std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
  else if (const std::size_t n = read_file(file_, out, static_cast<std::int64_t>(at), name_); n < out.size())
    fail_truncated(what, at, out.size(), at + n);
}

void ByteSource::expect_end(std::string_view what) {
  std::byte extra;
  if (read_some(std::span(&extra, 1)) == 0) return;
  fail("bytes left over after " + std::string(what), offset_ - 1);
}

void ByteSource::fail(std::string_view what, std::uint64_t at, const std::string& help) const {
  throw InputError(name_ + ": " + std::string(what) + " at byte " + std::to_string(at), help);
}

void ByteSource::fail_truncated(std::string_view what, std::uint64_t at, std::uint64_t wanted,
                                std::uint64_t end) const {
  const std::string text = "truncated: " + std::string(what) + " at byte " + std::to_string(at) + " takes " +
                           std::to_string(wanted) + " bytes, the file ends";
  fail(text, end);
}

}  // namespace cnf
