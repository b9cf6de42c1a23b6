// Until `finish` the bytes lie in a file without a name (O_TMPFILE), which goes with a killed writer; then a link gives
// it a temporary name beside the target, and only a rename, after fsync, the target's: so a reader sees the old file or
// the new one. Where the file system has no files without names, the bytes lie under the temporary name from the start.
//
// Temporary names follow from the target's, so that the next writer of the same target finds what a killed one left,
// and a living writer holds the lock of its file as long as it has such a name. Whoever locks a file by its name looks
// whether the name is still that file's: it may have been renamed, or removed and made anew, in between.
//
// temporary_ is not empty exactly while there is a temporary name; file_ >= 0 exactly while bytes may be written; every
// failure goes through `fail`, which first takes both back. Targets that cannot be replaced (a pipe, a device,
// /dev/stdout) are written straight, without a temporary.
#include "base/file_writer.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/file_ops.hpp"
#include "base/number_text.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

namespace fs = std::filesystem;

constexpr int kTemporaryNames = 1000;  // a target may have so many writers at once

std::string reason(int error) { return std::generic_category().message(error); }

int open_retrying(const char* path, int flags, mode_t mode) {
  for (;;) {
    const int file = file_ops().open(path, flags, mode);
    if (file >= 0 || errno != EINTR) return file;
  }
}

/// EINVAL and ENOTSUP: the file system has nothing to sync, which is no failure.
bool synced(int file) {
  for (;;) {
    if (file_ops().fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP) return true;
    if (errno != EINTR) return false;
  }
}

/// Linux closes the descriptor even when it says EINTR.
bool closed(int file) { return file_ops().close(file) == 0 || errno == EINTR; }

/// Name number k for what is to be `target`: .cnf-0123456789abcdef-0.tmp.
fs::path temporary_name(const fs::path& target, int k) {
  const std::string of = digest(target.filename().native()).substr(0, 16);
  return target.parent_path() / (".cnf-" + of + "-" + std::to_string(k) + ".tmp");
}

bool is_temporary_name(std::string_view name) {
  if (!name.starts_with(".cnf-") || !name.ends_with(".tmp") || name.size() < 27) return false;
  return name.substr(5, 16).find_first_not_of("0123456789abcdef") == name.npos && name[21] == '-' &&
         name.substr(22, name.size() - 26).find_first_not_of("0123456789") == name.npos;
}

bool is_named(int file, const fs::path& path) {
  struct stat open {
  }, named{};
  return fstat(file, &open) == 0 && lstat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

/// Removes the temporary of a writer that was killed. That of a living one is locked and stays.
bool remove_abandoned(const fs::path& temporary) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(temporary, error))) return false;
  const int file = open_retrying(temporary.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  if (file < 0) return false;
  const bool removed = file_ops().flock(file, LOCK_EX | LOCK_NB) == 0 && is_named(file, temporary) &&
                       file_ops().unlink(temporary.c_str()) == 0;
  closed(file);
  return removed;
}

struct Target {
  fs::path file;          ///< absolute, the end of the chain of links
  bool straight = false;  ///< cannot be replaced by a rename
  int error = 0;
};

/// Follows the links at `path` one by one: the last may point at a file that does not exist yet. With Links::replace
/// the entry of that name is the target, whatever it is.
Target resolve(const fs::path& path, Links links) {
  std::error_code error;
  if (links == Links::replace) {
    if (fs::is_directory(fs::symlink_status(path, error))) return {path, false, EISDIR};
    const fs::path folder = fs::canonical(path.has_parent_path() ? path.parent_path() : ".", error);
    return {folder / path.filename(), false, error.value()};
  }
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::none) return {path, false, error.value()};
  if (fs::is_directory(status)) return {path, false, EISDIR};
  if (fs::exists(status) && !fs::is_regular_file(status)) return {path, true, 0};
  fs::path at = path;
  for (int hops = 0; hops < 40; ++hops) {  // 40: the kernel's own limit
    if (!at.has_filename()) return {at, false, EISDIR};
    const fs::path folder = fs::canonical(at.has_parent_path() ? at.parent_path() : ".", error);
    if (error) return {at, false, error.value()};
    at = folder / at.filename();
    // /dev/stdout sent to a file: a rename would pull the file from under whoever else writes to it.
    if (folder.native().starts_with("/proc/")) return {at, true, 0};
    const fs::path link = fs::read_symlink(at, error);
    if (error) return {at, false, 0};
    at = folder / link;
  }
  return {at, false, ELOOP};
}

}  // namespace

FileWriter::FileWriter(const fs::path& path, std::uint64_t expected_bytes, Links links)
    : name_(printable(path.native())), target_(path), expected_(expected_bytes) {
  if (path.empty()) fail(ENOENT, "the file name is empty");
  if (path.native().find('\0') != std::string::npos) fail(EINVAL, "the file name holds a zero byte");
  const Target target = resolve(path, links);
  if (target.error != 0) fail(target.error, "cannot write");
  target_ = target.file;
  straight_ = target.straight;
  if (straight_) {
    file_ = open_retrying(target_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY, 0);
    if (file_ < 0) fail(errno, "cannot open for writing");
    return;
  }
  // Opened first, so that after the rename only its fsync can fail. A folder that may not be read is not synced.
  folder_ = open_retrying(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder_ < 0 && errno != EACCES) fail(errno, "cannot open its folder");
  for (int k = 0; k < 3; ++k) remove_abandoned(temporary_name(target_, k));
  file_ = open_retrying(target_.parent_path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  std::error_code ignored;
  if (file_ >= 0 && !fs::exists("/proc/self/fd", ignored)) closed(std::exchange(file_, -1));  // no link without it
  if (file_ >= 0)
    file_ops().flock(file_, LOCK_EX | LOCK_NB);
  else
    open_named();
}

void FileWriter::open_named() {
  for (int k = 0; file_ < 0; ++k) {
    const fs::path name = temporary_name(target_, k);
    file_ = open_retrying(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && (errno != EEXIST || k + 1 == kTemporaryNames)) fail(errno, "cannot make a temporary file");
    if (file_ < 0) continue;
    const bool taken = file_ops().flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && is_named(file_, name)) {
      temporary_ = name;
      return;
    }
    closed(std::exchange(file_, -1));  // another took it for abandoned before it was locked, and removes it
  }
}

void FileWriter::link_named() {
  for (int k = 0; temporary_.empty(); ++k) {
    const fs::path name = temporary_name(target_, k);
    if (file_ops().link(file_, name.c_str()) == 0)
      temporary_ = name;
    else if (errno != EEXIST || k + 1 == kTemporaryNames)
      fail(errno, "cannot name its temporary file");
  }
}

FileWriter::FileWriter(int descriptor, std::string name) : name_(printable(name)), file_(descriptor), owned_(false) {}

FileWriter::~FileWriter() { abandon(); }

FileWriter::FileWriter(FileWriter&& other) noexcept
    : name_(std::move(other.name_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::exchange(other.file_, -1)),
      folder_(std::exchange(other.folder_, -1)),
      owned_(other.owned_),
      straight_(other.straight_),
      written_(other.written_),
      expected_(other.expected_) {}

void FileWriter::abandon() noexcept {
  if (file_ >= 0 && owned_) closed(file_);
  file_ = -1;
  if (!temporary_.empty()) file_ops().unlink(temporary_.c_str());
  temporary_.clear();
  if (folder_ >= 0) closed(folder_);
  folder_ = -1;
}

void FileWriter::fail(int error, std::string_view doing) {
  abandon();
  if (error == ENOMEM) throw std::bad_alloc();
  std::string text = name_ + ": ";
  if (!done_ && (error == ENOSPC || error == EDQUOT || error == EFBIG)) {
    text += "no space left: needed " + size_text(std::max(expected_, written_));
    if (!target_.empty()) text += " in " + printable(target_.has_parent_path() ? target_.parent_path().native() : ".");
    text += " (" + reason(error) + ")";
  } else {
    text.append(doing).append(": ").append(reason(error));
  }
  throw OutputError(text);
}

void FileWriter::write(std::span<const std::byte> bytes) {
  if (file_ < 0) throw std::invalid_argument("FileWriter::write: " + name_ + " is finished or failed");
  written_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = file_ops().write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(n < 0 ? errno : EIO, "cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void FileWriter::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void FileWriter::finish() {
  if (file_ < 0) throw std::invalid_argument("FileWriter::finish: " + name_ + " is finished or failed");
  if (!owned_) {
    file_ = -1;
    return;
  }
  if (straight_) {
    if (!closed(std::exchange(file_, -1))) fail(errno, "cannot close");
    return;
  }
  if (!synced(file_)) fail(errno, "cannot sync");
  if (temporary_.empty()) link_named();
  // Some file systems say at close what fsync should have said; the lock is held by a second descriptor meanwhile.
  const struct Lock {
    int file;
    ~Lock() { ::close(file); }
  } lock{::fcntl(file_, F_DUPFD_CLOEXEC, 0)};
  if (!closed(std::exchange(file_, -1))) fail(errno, "cannot close");
  if (file_ops().rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno, "cannot rename its temporary file");
  temporary_.clear();
  done_ = true;
  if (folder_ < 0) return;
  if (!synced(folder_)) fail(errno, "written, but may not outlast a power loss, for its folder could not be synced");
  closed(std::exchange(folder_, -1));
}

void write_file(const fs::path& path, std::span<const std::byte> bytes, Links links) {
  FileWriter writer(path, bytes.size(), links);
  writer.write(bytes);
  writer.finish();
}

void write_file(const fs::path& path, std::string_view text, Links links) {
  write_file(path, std::as_bytes(std::span(text)), links);
}

void sync_file(int file, const fs::path& path) {
  if (!synced(file)) throw OutputError(printable(path.native()) + ": cannot sync: " + reason(errno));
}

void remove_abandoned_temporaries(const fs::path& folder) noexcept try {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (is_temporary_name(entry->path().filename().native())) remove_abandoned(entry->path());
} catch (const std::exception&) {
  // Out of memory while tidying: the temporaries stay for the next time.
}

}  // namespace cnf
