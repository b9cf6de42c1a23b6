// A folder's lock is flock on its .lock, which the kernel lets go when the process ends, however it ends; the number in
// the file is for the message alone. file_ >= 0 exactly while the lock is held.
#include "base/folder.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/file_ops.hpp"
#include "base/file_writer.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, std::string_view doing, int error) {
  throw OutputError(
      printable(path.native()).append(": ").append(doing).append(": ").append(std::generic_category().message(error)));
}

/// The new folder's entry must outlast a power loss too. Where the parent cannot be opened or synced, so be it: the
/// files written inside report their own trouble.
void sync_parent(const fs::path& path) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const int folder = file_ops().open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0) return;
  file_ops().fsync(folder);
  file_ops().close(folder);
}

/// The process named in the lock file if it lives, else 0.
pid_t holder(int file) {
  char text[32];
  const ssize_t n = pread(file, text, sizeof text, 0);
  pid_t pid = 0;
  if (n <= 0 || std::from_chars(text, text + n, pid).ec != std::errc() || pid <= 0) return 0;
  return kill(pid, 0) == 0 || errno == EPERM ? pid : 0;
}

}  // namespace

void create_folder(const fs::path& path) {
  if (path.empty()) fail(path, "the folder's name is empty", ENOENT);
  fs::path at;
  for (const fs::path& part : path) {
    at /= part;
    std::error_code error;
    if (part.empty() || fs::is_directory(at, error)) continue;
    if (file_ops().mkdir(at.c_str(), 0777) == 0)
      sync_parent(at);
    else if (const int cause = errno; cause != EEXIST || !fs::is_directory(at, error))
      fail(path, "cannot make the folder", cause == EEXIST ? ENOTDIR : cause);
  }
}

void sync_folder(const fs::path& path) {
  const int folder = file_ops().open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0 && errno == EACCES) return;
  if (folder < 0) fail(path, "cannot open the folder", errno);
  try {
    sync_file(folder, path);
  } catch (const OutputError&) {
    file_ops().close(folder);
    throw;
  }
  file_ops().close(folder);
}

int open_own_file(const fs::path& path, int flags) {
  const int file =
      file_ops().open(path.c_str(), flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
  const int cause = errno;
  struct stat status;
  // ELOOP of a path whose folders go in circles is no word about the file.
  const bool link = file < 0 && cause == ELOOP && lstat(path.c_str(), &status) == 0;
  if (file < 0 && !link && cause != ENXIO) fail(path, "cannot be opened", cause);
  if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1) return file;
  if (file >= 0) file_ops().close(file);
  throw OutputError(printable(path.native()) + ": is a link, or no plain file, so that writing to it may harm another",
                    "remove it, if this folder is what you want to write to");
}

FolderLock::FolderLock(const fs::path& folder) {
  file_ = open_own_file(folder / ".lock", O_RDWR);
  const auto close = [this] { file_ops().close(std::exchange(file_, -1)); };
  while (file_ops().flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error == EINTR) continue;
    if (error != EWOULDBLOCK) {
      close();
      fail(folder, "cannot lock it", error);
    }
    // The holder writes its number after it has the lock: a moment's patience.
    pid_t pid = holder(file_);
    for (int i = 0; i < 75 && pid == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      pid = holder(file_);
    }
    close();
    throw OutputError(printable(folder.native()) + ": in use by " +
                          (pid > 0 ? "process " + std::to_string(pid) : std::string("another process")),
                      "wait until it ends, or stop it");
  }
  // The number only serves the message above, so that no failure to write it matters.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (file_ops().ftruncate(file_, 0) == 0) (void)!file_ops().write(file_, pid.data(), pid.size());
  remove_abandoned_temporaries(folder);
}

FolderLock::~FolderLock() {
  if (file_ < 0) return;
  file_ops().ftruncate(file_, 0);
  file_ops().close(file_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

}  // namespace cnf
