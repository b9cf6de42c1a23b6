// Bytes packed by gzip or by deflate alone, unpacked on the way, in memory that does not grow.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/byte_source.hpp"

namespace cnf {

/// What deflate may make of a few bytes: more than this many times their number, once this much has come, is refused.
/// (The most it can is 1032; tables of text stay below 50.)
struct UnpackLimit {
  std::uint64_t free_bytes = std::uint64_t{1} << 26;
  std::uint64_t ratio = 200;

  bool allows(std::uint64_t unpacked, std::uint64_t packed) const {
    return unpacked <= free_bytes || unpacked / ratio <= packed;
  }
};
inline constexpr const char* kUnpackHelp = "if that is right, unpack it yourself and give what comes out";

/// What is in `source` if it is packed by gzip, by its first bytes and not its name; else `source` as it is. A source
/// that is cut short or damaged, or has something else behind its gzip members, is an InputError when that is reached.
/// Source  RFC 1952.
ByteSource unpacked(ByteSource source, const UnpackLimit& limit = {});

/// One stream of deflate (RFC 1951), in the form that zlib's windowBits say.
class Inflate {
 public:
  Inflate(ByteSource in, int window_bits);
  ~Inflate();
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  /// Up to out.size() unpacked bytes; 0 at the stream's end only. InputError if the stream is damaged or ends early.
  std::size_t read_some(std::span<std::byte> out);
  bool ended() const { return ended_; }
  /// Behind a stream's end: whether bytes follow it, and the first of them. A new stream begins there.
  bool next_byte(std::byte& byte);
  void begin_anew();
  /// Takes a byte that belongs to no stream.
  void skip_byte();

  std::uint64_t packed() const;    ///< bytes taken so far
  std::uint64_t unpacked() const;  ///< bytes given so far
  [[noreturn]] void fail(const std::string& what, const std::string& help = {}) const;

 private:
  struct State;  ///< zlib's, which must not move
  bool fill();

  ByteSource in_;
  std::unique_ptr<State> state_;
  std::uint64_t unpacked_ = 0;
  bool ended_ = false;
};

}  // namespace cnf
