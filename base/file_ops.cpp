#include "base/file_ops.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace cnf {
namespace {

struct SystemFileOps final : FileOps {
  int open(const char* path, int flags, mode_t mode) override { return ::open(path, flags, mode); }
  ssize_t write(int file, const void* bytes, std::size_t n) override { return ::write(file, bytes, n); }
  int fsync(int file) override { return ::fsync(file); }
  int close(int file) override { return ::close(file); }
  int link(int file, const char* path) override {
    char from[32];
    std::snprintf(from, sizeof from, "/proc/self/fd/%d", file);
    return ::linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
  }
  int rename(const char* from, const char* to) override { return std::rename(from, to); }
  int unlink(const char* path) override { return ::unlink(path); }
  int mkdir(const char* path, mode_t mode) override { return ::mkdir(path, mode); }
  int rmdir(const char* path) override { return ::rmdir(path); }
  int flock(int file, int operation) override { return ::flock(file, operation); }
  int ftruncate(int file, off_t size) override { return ::ftruncate(file, size); }
};

std::atomic<FileOps*> replaced{nullptr};

}  // namespace

FileOps& system_file_ops() {
  static SystemFileOps ops;
  return ops;
}

FileOps& file_ops() {
  FileOps* ops = replaced.load();
  return ops ? *ops : system_file_ops();
}

FileOps& replace_file_ops(FileOps* ops) {
  FileOps& before = file_ops();
  replaced = ops;
  return before;
}

}  // namespace cnf
