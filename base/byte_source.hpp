// Bytes in order from a file, a pipe or memory; what is missing or malformed is refused by name and place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/stop.hpp"

namespace cnf {

/// Bytes that are made on the way, as by unpacking.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Up to out.size() bytes; 0 at the end only.
  virtual std::size_t read_some(std::span<std::byte> out) = 0;
};

/// Reads forward. Every error is an InputError on one line, "points.npy: <what is wrong> at byte 61".
class ByteSource {
 public:
  /// With `stop`, reading from a pipe or a device does not wait on once it is raised, but throws Stopped.
  explicit ByteSource(const std::filesystem::path& path, StopFlag stop = nullptr);
  /// The memory stays the caller's; `name` stands for the path in messages.
  ByteSource(std::span<const std::byte> bytes, std::string_view name);
  /// Like a pipe: nobody knows how much will come.
  ByteSource(std::unique_ptr<ByteStream> stream, std::string_view name);
  ~ByteSource();
  ByteSource(ByteSource&& other) noexcept;
  ByteSource& operator=(ByteSource&&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t offset() const { return offset_; }
  /// Bytes in all; none for a pipe or a device.
  std::optional<std::uint64_t> size() const { return size_; }

  /// Up to out.size() bytes; fewer only at the end.
  std::size_t read_some(std::span<std::byte> out);
  /// All of `out`, which `what` names, or InputError.
  void read(std::span<std::byte> out, std::string_view what);
  /// The next n bytes. Where the size is known nothing is allocated before it is checked; from a pipe the memory grows
  /// with what has come.
  std::vector<std::byte> read(std::uint64_t n, std::string_view what);
  /// The next bytes up to n, fewer only at the end; the memory grows with what has come.
  std::vector<std::byte> read_up_to(std::uint64_t n);
  /// All of `out` from absolute place `at`, without moving; only where the size is known.
  void read_at(std::uint64_t at, std::span<std::byte> out, std::string_view what) const;
  /// The next bytes up to n, without taking them; fewer only at the end.
  std::span<const std::byte> peek(std::size_t n);
  /// InputError unless everything has been read.
  void expect_end(std::string_view what);

  [[noreturn]] void fail(std::string_view what, std::uint64_t at, const std::string& help = {}) const;

 private:
  std::size_t read_on(std::span<std::byte> out);
  [[noreturn]] void fail_truncated(std::string_view what, std::uint64_t at, std::uint64_t wanted,
                                   std::uint64_t end) const;

  std::string name_;
  int file_ = -1;
  StopFlag stop_ = nullptr;
  std::span<const std::byte> memory_;
  std::unique_ptr<ByteStream> stream_;
  std::vector<std::byte> peeked_;  ///< read, and not yet taken
  std::uint64_t offset_ = 0;
  std::optional<std::uint64_t> size_;
};

}  // namespace cnf
