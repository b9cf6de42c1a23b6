// The one way a file is written: whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace cnf {

/// What a link at the name of a file to be written means.
enum class Links {
  follow,   ///< the file that it points at is written: the user's own names
  replace,  ///< the new file takes the link's place, and what it pointed at stays: files of a folder that came from
            ///< elsewhere, where a link may point at anything
};

/// Writes `bytes` to `path` so that a reader, a crash or a full disk sees the old file or the new one, never a part:
/// temporary file in the same folder, full write, fsync, rename, fsync of the folder. A writer that is killed leaves
/// nothing, or, where the file system has no files without names, what the next writer of `path` removes.
/// Throws OutputError naming the path and the system's reason; then the old file is untouched and no temporary is left.
/// (If the very last call, the folder's fsync, fails, the new file stands whole; the text says that it may not last.)
/// What is no regular file (a device, a pipe) cannot be replaced and is written straight.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes, Links links = Links::follow);
void write_file(const std::filesystem::path& path, std::string_view text, Links links = Links::follow);

/// The same in pieces: nothing is seen at `path` before `finish`; destroyed without it, nothing is left.
class FileWriter {
 public:
  /// `expected_bytes` is for the message of a full disk; 0: not known.
  explicit FileWriter(const std::filesystem::path& path, std::uint64_t expected_bytes = 0, Links links = Links::follow);
  /// An open descriptor that stays the caller's (standard output), written straight; `name` is for messages.
  FileWriter(int descriptor, std::string name);
  ~FileWriter();
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;

  /// All of `bytes`, or OutputError; after an error nothing is left and the writer is of no more use.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void finish();

 private:
  [[noreturn]] void fail(int error, std::string_view doing);
  void open_named();
  void link_named();
  void abandon() noexcept;

  std::string name_;                          ///< as the caller spelled it, on one line
  std::filesystem::path target_, temporary_;  ///< temporary_: empty while the file has no name
  int file_ = -1, folder_ = -1;
  bool owned_ = true, straight_ = false, done_ = false;  ///< straight_: not replaced; done_: the new file stands
  std::uint64_t written_ = 0, expected_ = 0;
};

/// What was written to the open file outlasts a power loss. OutputError names `path`.
void sync_file(int file, const std::filesystem::path& path);

/// Removes from `folder` the temporary files of writers that were killed; those of living writers stay.
void remove_abandoned_temporaries(const std::filesystem::path& folder) noexcept;

}  // namespace cnf
