// The header of a safetensors file, as its reader and its writer share it. Private to safetensors*.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.hpp"
#include "base/safetensors.hpp"

namespace cnf::safetensors {

inline constexpr std::uint64_t kMaxHeader = std::uint64_t{1}
                                            << 20;  // JSON of 1 MiB costs no more than a few MB to read
inline constexpr std::size_t kMaxDimensions = 32;   // NumPy's limit
inline constexpr std::size_t kDigestLength = 32;

inline constexpr std::string_view kMetadata = "__metadata__";
inline constexpr std::string_view kDigest = "cnf.digest";  // of the header; "cnf.digest:NAME" of tensor NAME
inline constexpr std::string_view kTensorDigest = "cnf.digest:";
// The header's digest stands at a fixed place, so that what it covers (all the rest) is beyond doubt.
inline constexpr std::string_view kOpening = R"({"__metadata__":{"cnf.digest":")";

/// Bytes of an array; none if they pass 2^63 - 1.
std::optional<std::uint64_t> byte_size(const std::vector<std::int64_t>& shape, Dtype dtype);

/// The digest of a header, with zeros where it will stand itself.
std::string header_digest(std::string_view header);

/// What the header says of one tensor.
struct Entry {
  std::string name;
  Dtype dtype{};
  std::vector<std::int64_t> shape{};
  std::uint64_t begin = 0, end = 0;  ///< within the data
  std::uint64_t at = 0;              ///< where the file says so
};

struct Header {
  std::map<std::string, std::string> metadata;
  std::vector<Entry> entries;
};

/// The header's JSON, whose first byte is byte 8 of `source`. Refuses by an InputError that names the byte; what it
/// returns is consistent in itself: an entry's shape takes as many bytes as its offsets give.
Header parse_header(std::string_view text, const ByteSource& source);

}  // namespace cnf::safetensors
