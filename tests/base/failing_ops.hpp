// System calls that fail when a test says so.
#pragma once

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <set>
#include <string>

#include "base/file_ops.hpp"

namespace cnf {

/// Uses other calls while it lives.
class Using {
 public:
  explicit Using(FileOps& ops) { replace_file_ops(&ops); }
  ~Using() { replace_file_ops(nullptr); }
  Using(const Using&) = delete;
  Using& operator=(const Using&) = delete;
};

/// The system's calls, numbered; the failing ones fail with `error` and have done nothing (but close, which closes).
struct FailingOps : FileOps {
  int error = EIO, fail_at = 0, calls = 0, failed = 0;
  bool for_ever = false, unlink_works = true;
  bool kills = false;    ///< not failed, but killed
  bool syncs = true;     ///< false: a sync that does not fail does nothing, which is quicker
  bool nameless = true;  ///< the file system has files without names
  std::size_t longest_write = SIZE_MAX;
  std::set<std::string> called;

  bool fails(const char* call) {
    called.insert(call);
    ++calls;
    const bool now = fail_at > 0 && (calls == fail_at || (for_ever && calls > fail_at));
    if (now && kills) ::raise(SIGKILL);
    if (!now || (unlink_works && for_ever && std::string(call) == "unlink")) return false;
    ++failed;
    errno = error;
    return true;
  }
  FileOps& os = system_file_ops();
  int open(const char* path, int flags, mode_t mode) override {
    if (!nameless && (flags & O_TMPFILE) == O_TMPFILE) return errno = EOPNOTSUPP, -1;
    return fails("open") ? -1 : os.open(path, flags, mode);
  }
  ssize_t write(int file, const void* bytes, std::size_t n) override {
    return fails("write") ? -1 : os.write(file, bytes, std::min(n, longest_write));
  }
  int fsync(int file) override { return fails("fsync") ? -1 : syncs ? os.fsync(file) : 0; }
  int close(int file) override {
    const int result = os.close(file);
    return fails("close") ? -1 : result;
  }
  int link(int file, const char* path) override { return fails("link") ? -1 : os.link(file, path); }
  int rename(const char* from, const char* to) override { return fails("rename") ? -1 : os.rename(from, to); }
  int unlink(const char* path) override { return fails("unlink") ? -1 : os.unlink(path); }
  int mkdir(const char* path, mode_t mode) override { return fails("mkdir") ? -1 : os.mkdir(path, mode); }
  int rmdir(const char* path) override { return fails("rmdir") ? -1 : os.rmdir(path); }
  int flock(int file, int operation) override { return fails("flock") ? -1 : os.flock(file, operation); }
  int ftruncate(int file, off_t size) override { return fails("ftruncate") ? -1 : os.ftruncate(file, size); }
};

}  // namespace cnf
