// Folders: made, and held by one process at a time.
#pragma once

#include <filesystem>

namespace cnf {

/// Makes the folder `path` and the missing ones above it; one that exists is fine. OutputError if it cannot be.
void create_folder(const std::filesystem::path& path);

/// What was made, renamed or removed in the folder outlasts a power loss. OutputError if it cannot be synced; one that
/// has nothing to sync, or may not be opened, is fine.
void sync_folder(const std::filesystem::path& path);

/// Opens `path`, made if it is not there, to be written in place: a regular file with this name alone, never what a
/// link of that name stands for, and never waiting for a pipe's other end. `flags` as open's. Returns the descriptor.
/// OutputError naming the path and what to do.
int open_own_file(const std::filesystem::path& path, int flags);

/// Holds a folder for one process: flock on the file `.lock` inside, freed with the object or the process, however it
/// ends. OutputError "runs/8g: in use by process 1234" if another holds it. Removes what killed writers left behind.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  int file_ = -1;
};

}  // namespace cnf
