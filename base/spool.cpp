#include "base/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/file_ops.hpp"
#include "base/utf8.hpp"

namespace cnf {

Spool::Spool(const std::filesystem::path& beside) : name_(printable(beside.string())) {
  const std::filesystem::path folder = beside.has_parent_path() ? beside.parent_path() : std::filesystem::path(".");
  file_ = file_ops().open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {  // not on every file system
    std::string pattern = (folder / ".cnf-rows-XXXXXX").string();
    file_ = ::mkostemp(pattern.data(), O_CLOEXEC);
    if (file_ >= 0) ::unlink(pattern.c_str());
  }
  if (file_ < 0) fail(errno);
}

Spool::~Spool() { ::close(file_); }

void Spool::write(std::span<const double> values) {
  const char* bytes = reinterpret_cast<const char*>(values.data());
  for (std::size_t left = values.size_bytes(); left > 0;) {
    const ssize_t n = file_ops().write(file_, bytes, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno);
    bytes += n;
    left -= static_cast<std::size_t>(n);
  }
  count_ += values.size();
}

void Spool::read(std::uint64_t at, std::span<double> out) const {
  char* bytes = reinterpret_cast<char*>(out.data());
  off_t place = static_cast<off_t>(at * sizeof(double));
  for (std::size_t missing = out.size_bytes(); missing > 0;) {
    const ssize_t got = ::pread(file_, bytes, missing, place);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(got < 0 ? errno : EIO);
    bytes += got;
    place += got;
    missing -= static_cast<std::size_t>(got);
  }
}

void Spool::fail(int error) const {
  throw OutputError(name_ + ": what goes into it cannot be kept in a file beside it: " + std::strerror(error));
}

}  // namespace cnf
