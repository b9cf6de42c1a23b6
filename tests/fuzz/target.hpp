// What the fuzz targets share: a target reads its input as one reader does, and holds what was read to that reader's
// laws. A refusal is an error with one line of text; whatever else comes out of a target is a fault.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/safetensors.hpp"

/// libFuzzer's entry, one a target (https://llvm.org/docs/LibFuzzer.html). Without libFuzzer replay.cpp calls it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace cnf::fuzz {

/// Ends the program, as a sanitizer does, if a law is broken.
inline void require(bool holds, std::string_view law) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(law.size()), law.data());
  std::abort();
}

/// Whether `read` took its input. Its refusal, an error of kind E, has a text that can be shown.
template <class E = InputError, class Read>
bool accepts(const Read& read) {
  try {
    read();
    return true;
  } catch (const E& error) {
    const std::string_view what = error.what();
    require(!what.empty() && what.size() < 65536, "a refusal says why in a text that can be read");
    return false;
  }
}

inline std::span<const std::byte> bytes(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}
inline std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A file without a name that holds `content`.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> content) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (file_ < 0 || ::write(file_, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
      std::abort();
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

/// A safetensors file with the digests that this program asks for, so that what is behind them is reached: no mutation
/// would hit on a digest. None if it is no such file.
inline std::optional<std::string> with_digests(std::span<const std::byte> file) {
  try {
    return safetensors_bytes(parse_safetensors(file, "input", Digests::optional));
  } catch (const InputError&) {
  } catch (const std::invalid_argument&) {  // a name that is read from other programs' files, and not written
  }
  return std::nullopt;
}

/// The input as a file: with its digests made right if it is a safetensors file, else as it is.
inline MemoryFile signed_file(const std::uint8_t* data, std::size_t size) {
  const auto input = bytes(data, size);
  const auto written = with_digests(input);
  return MemoryFile(written ? bytes(*written) : input);
}

}  // namespace cnf::fuzz
