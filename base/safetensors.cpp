// A file is refused in this order: by its header alone (grammar, shapes against offsets), by the header against the
// file's length, by the header's digest, and by each array's digest once it is read. Nothing is allocated for an array
// before the first two have passed.
#include "base/safetensors.hpp"

#include <algorithm>
#include <bit>

#include "base/byte_source.hpp"
#include "base/digest.hpp"
#include "base/safetensors_header.hpp"
#include "base/utf8.hpp"

namespace cnf {

using namespace safetensors;

namespace {

static_assert(std::endian::native == std::endian::little, "arrays are copied to and from files as they lie in memory");

/// Orders by place and refuses overlaps, holes and what does not end with the file.
void check_cover(std::vector<Entry>& entries, std::uint64_t data_at, const ByteSource& source) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    const auto fail = [&](const char* what) {
      source.fail("tensor '" + printable(entry.name, 200) + "'" + what, entry.at);
    };
    if (entry.begin < end) fail(" overlaps another");
    if (entry.begin > end) fail(": a hole lies before its data");
    end = entry.end;
  }
  if (!source.size()) return;
  const std::uint64_t held = *source.size() - data_at;
  if (end > held)
    source.fail("truncated: the tensors take " + std::to_string(end) + " bytes, the file ends", *source.size());
  if (end < held) source.fail("bytes left over after the last tensor", data_at + end);
}

Safetensors read(ByteSource& source, Digests digests) {
  Digest whole;
  std::string length(8, '\0');
  source.read(std::as_writable_bytes(std::span(length)), "the header's length");
  std::uint64_t n = 0;
  std::memcpy(&n, length.data(), 8);
  if (n > kMaxHeader)
    source.fail("the header's length is " + std::to_string(n) + ", at most " + std::to_string(kMaxHeader) +
                    " is read; no safetensors file?",
                0);
  const std::vector<std::byte> header_bytes = source.read(n, "the header");
  const std::string_view text(reinterpret_cast<const char*>(header_bytes.data()), header_bytes.size());
  Header header = parse_header(text, source);
  whole.update(length).update(header_bytes);
  const std::uint64_t data_at = source.offset();
  check_cover(header.entries, data_at, source);

  const auto stored = header.metadata.find(std::string(kDigest));
  const bool has_digests = stored != header.metadata.end();
  if (has_digests) {
    if (!text.starts_with(kOpening) || text.size() < kOpening.size() + kDigestLength ||
        header_digest(text) != stored->second)
      source.fail("the checksum of the header does not match: the file is damaged or was changed by another program",
                  kOpening.size());
    header.metadata.erase(stored);
  } else if (digests == Digests::required) {
    source.fail("the header holds no checksum: not written by this program, or damaged", 8);
  }

  Safetensors out;
  for (Entry& entry : header.entries) {
    const std::string tensor = "tensor '" + printable(entry.name, 200) + "'";
    const std::uint64_t at = source.offset();
    out.tensors.push_back(
        {std::move(entry.name), entry.dtype, std::move(entry.shape), source.read(entry.end - entry.begin, tensor)});
    whole.update(out.tensors.back().data);
    if (!has_digests) continue;
    const auto expected = header.metadata.find(std::string(kTensorDigest) + out.tensors.back().name);
    if (expected == header.metadata.end()) source.fail(tensor + " has no checksum", entry.at);
    if (digest(out.tensors.back().data) != expected->second)
      source.fail("the checksum of " + tensor + " does not match: the file is damaged; its data begin", at);
    header.metadata.erase(expected);
  }
  source.expect_end("the last tensor");
  for (const auto& [key, value] : header.metadata)
    if (key.starts_with(kDigest)) source.fail("'" + printable(key, 200) + "' is the checksum of no tensor", 8);
  out.metadata = std::move(header.metadata);
  out.digest = whole.hex();
  return out;
}

}  // namespace

const Tensor* Safetensors::find(std::string_view tensor_name) const {
  for (const Tensor& tensor : tensors)
    if (tensor.name == tensor_name) return &tensor;
  return nullptr;
}

Safetensors read_safetensors(const std::filesystem::path& path, Digests digests) {
  ByteSource source(path);
  return read(source, digests);
}

Safetensors parse_safetensors(std::span<const std::byte> bytes, std::string_view file_name, Digests digests) {
  ByteSource source(bytes, file_name);
  return read(source, digests);
}

}  // namespace cnf
