// The system calls that writing makes, behind an interface, so that a test can make any of them fail.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace cnf {

/// Each function is the POSIX call of its name (link: linkat): -1 and errno on failure. A relative path is the
/// process's.
struct FileOps {
  virtual ~FileOps() = default;
  virtual int open(const char* path, int flags, mode_t mode) = 0;
  virtual ssize_t write(int file, const void* bytes, std::size_t n) = 0;
  virtual int fsync(int file) = 0;
  virtual int close(int file) = 0;
  /// A second name for the open file, which may have none yet.
  virtual int link(int file, const char* path) = 0;
  virtual int rename(const char* from, const char* to) = 0;
  virtual int unlink(const char* path) = 0;
  virtual int mkdir(const char* path, mode_t mode) = 0;
  virtual int rmdir(const char* path) = 0;
  virtual int flock(int file, int operation) = 0;
  virtual int ftruncate(int file, off_t size) = 0;
};

/// The calls in use: the system's, or a test's.
FileOps& file_ops();

/// The system's own calls.
FileOps& system_file_ops();

/// For tests, on one thread: from now on `ops` (null: the system's). Returns what was in use before.
FileOps& replace_file_ops(FileOps* ops);

}  // namespace cnf
