// XXH3-128: notices damage, not malice.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cnf {

/// The 128-bit XXH3 digest of a stream of bytes, as 32 lower-case hexadecimal digits, most significant first
/// (`xxhsum -H2` prints the same). The pieces a stream comes in do not matter.
class Digest {
 public:
  Digest();
  Digest& update(std::span<const std::byte> bytes);
  Digest& update(std::string_view text) { return update(std::as_bytes(std::span(text))); }
  std::string hex() const;  ///< of everything so far

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;
};

std::string digest(std::span<const std::byte> bytes);
std::string digest(std::string_view text);
/// Of the parts one after the other.
std::string digest(std::initializer_list<std::span<const std::byte>> parts);

}  // namespace cnf
