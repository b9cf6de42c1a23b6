#include "base/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <optional>
#include <set>

#include "base/byte_source.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are copied to and from files as they lie in memory");

constexpr std::uint64_t kMaxHeader = std::uint64_t{1} << 20;  // JSON of 1 MiB costs no more than a few MB to read
constexpr std::size_t kMaxDimensions = 32;                    // NumPy's limit
constexpr std::size_t kDigestLength = 32;

constexpr std::string_view kMetadata = "__metadata__";
constexpr std::string_view kDigest = "cnf.digest";  // of the header; "cnf.digest:NAME" of tensor NAME
constexpr std::string_view kTensorDigest = "cnf.digest:";
// The header's digest stands at a fixed place, so that what it covers (all the rest) is beyond doubt.
constexpr std::string_view kOpening = R"({"__metadata__":{"cnf.digest":")";

struct DtypeRow {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<DtypeRow, 13> kDtypes{{{"BOOL", 1},
                                            {"U8", 1},
                                            {"I8", 1},
                                            {"U16", 2},
                                            {"I16", 2},
                                            {"F16", 2},
                                            {"BF16", 2},
                                            {"U32", 4},
                                            {"I32", 4},
                                            {"F32", 4},
                                            {"U64", 8},
                                            {"I64", 8},
                                            {"F64", 8}}};
static_assert(static_cast<std::size_t>(Dtype::F64) + 1 == kDtypes.size());

/// Bytes of an array; none if they pass 2^63 - 1.
std::optional<std::uint64_t> byte_size(const std::vector<std::int64_t>& shape, Dtype dtype) {
  std::int64_t bytes = static_cast<std::int64_t>(item_size(dtype));
  bool overflows = false;
  for (const std::int64_t n : shape) {
    if (n == 0) return 0;
    overflows = overflows || __builtin_mul_overflow(bytes, n, &bytes);
  }
  if (overflows) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string header_digest(std::string_view header) {
  const std::string zeros(kDigestLength, '0');
  return Digest()
      .update(header.substr(0, kOpening.size()))
      .update(zeros)
      .update(header.substr(kOpening.size() + kDigestLength))
      .hex();
}

std::string little_endian(std::uint64_t n) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &n, 8);
  return out;
}

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

/// The JSON of a safetensors header and no other: an object of objects. What stands in the wrong place is refused where
/// it stands, so that depth is bounded by the grammar and errors know their byte.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const ByteSource& source) : text_(text), source_(source) {}

  Header parse() {
    if (!text_.starts_with('{')) fail("the header does not begin with '{'", 0);
    Header header;
    std::set<std::string> names;
    object([&](const std::string& key, std::size_t at) {
      if (!names.insert(key).second) fail("duplicate key '" + printable(key, 200) + "'", at);
      if (key == kMetadata)
        header.metadata = metadata();
      else
        header.entries.push_back(entry(key, at));
    });
    for (; at_ < text_.size(); ++at_)
      if (text_[at_] != ' ') fail("only spaces may follow the header's JSON", at_);
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what, std::size_t at) const { source_.fail(what, kBegin + at); }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c, const char* where) {
    if (take(c)) return;
    const std::string found = at_ < text_.size() ? printable(text_.substr(at_, 1)) : "the header's end";
    fail("found " + found + " where " + c + " belongs, " + where, at_);
  }

  /// { "key": member, ... }
  template <class Member>
  void object(const Member& member) {
    expect('{', "an object");
    if (take('}')) return;
    do {
      skip_space();
      const std::size_t at = at_;
      const std::string key = string();
      if (key.empty() || !is_name(key)) fail("a name is empty or holds control characters", at);
      expect(':', "after a name");
      member(key, at);
    } while (take(','));
    expect('}', "the end of an object");
  }

  std::map<std::string, std::string> metadata() {
    std::map<std::string, std::string> out;
    object([&](const std::string& key, std::size_t at) {
      skip_space();
      if (!out.emplace(key, string()).second) fail("duplicate key '" + printable(key, 200) + "' in __metadata__", at);
    });
    return out;
  }

  Entry entry(const std::string& key, std::size_t at) {
    const std::string tensor = "tensor '" + printable(key, 200) + "'";
    Entry out{.name = key, .at = kBegin + at};
    bool has_dtype = false, has_shape = false, has_offsets = false;
    object([&](const std::string& field, std::size_t field_at) {
      bool& seen = field == "dtype" ? has_dtype : field == "shape" ? has_shape : has_offsets;
      if (field != "dtype" && field != "shape" && field != "data_offsets")
        fail(tensor + ": unknown field '" + printable(field, 200) + "'", field_at);
      if (seen) fail(tensor + ": duplicate field '" + field + "'", field_at);
      seen = true;
      skip_space();
      const std::size_t value_at = at_;
      if (field == "dtype") {
        const std::string spelled = string();
        const auto row = std::find_if(kDtypes.begin(), kDtypes.end(), [&](auto& d) { return d.name == spelled; });
        if (row == kDtypes.end()) fail(tensor + ": unknown dtype '" + printable(spelled, 200) + "'", value_at);
        out.dtype = static_cast<Dtype>(row - kDtypes.begin());
      } else if (field == "shape") {
        out.shape = integers(kMaxDimensions, tensor + ": shape");
      } else {
        const auto offsets = integers(2, tensor + ": data_offsets");
        if (offsets.size() != 2) fail(tensor + ": data_offsets are not two", value_at);
        out.begin = static_cast<std::uint64_t>(offsets[0]);
        out.end = static_cast<std::uint64_t>(offsets[1]);
        if (out.begin > out.end) fail(tensor + ": data_offsets run backwards", value_at);
      }
    });
    if (!has_dtype || !has_shape || !has_offsets) fail(tensor + ": dtype, shape or data_offsets is missing", at);
    const std::optional<std::uint64_t> bytes = byte_size(out.shape, out.dtype);
    if (!bytes) fail(tensor + ": the product of its shape overflows", at);
    if (*bytes != out.end - out.begin)
      fail(tensor + ": its shape takes " + std::to_string(*bytes) + " bytes, its data_offsets give " +
               std::to_string(out.end - out.begin),
           at);
    return out;
  }

  std::vector<std::int64_t> integers(std::size_t limit, const std::string& what) {
    std::vector<std::int64_t> out;
    expect('[', "an array");
    if (take(']')) return out;
    do {
      skip_space();
      if (out.size() == limit) fail(what + " has more than " + std::to_string(limit) + " entries", at_);
      out.push_back(integer(what));
    } while (take(','));
    expect(']', "the end of an array");
    return out;
  }

  /// 0 <= n < 2^63, written as JSON writes integers.
  std::int64_t integer(const std::string& what) {
    const std::size_t at = at_;
    while (at_ < text_.size() && std::string_view("+-.0123456789eE").find(text_[at_]) != std::string_view::npos) ++at_;
    const std::string_view digits = text_.substr(at, at_ - at);
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || digits[0] == '-' ||
        (digits[0] == '0' && digits.size() > 1))
      fail(what + ": '" + printable(digits.empty() ? text_.substr(at, 1) : digits, 40) +
               "' is no integer from 0 to 9223372036854775807",
           at);
    return n;
  }

  std::string string() {
    if (at_ == text_.size() || text_[at_] != '"') expect('"', "a string");
    ++at_;
    std::string out;
    for (;;) {
      if (at_ == text_.size()) fail("a string does not end", at_);
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return out;
      }
      if (c == '\\') {
        escape(out);
        continue;
      }
      const std::size_t n = utf8_length(text_.substr(at_));
      if (n == 0) fail("invalid UTF-8", at_);
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character inside a string", at_);
      out += text_.substr(at_, n);
      at_ += n;
    }
  }

  void escape(std::string& out) {
    const std::size_t at = at_++;
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const char letter = at_ < text_.size() ? text_[at_++] : '\0';
    if (const std::size_t i = letters.find(letter); i != std::string_view::npos && letter != '\0') {
      out += meanings[i];
      return;
    }
    if (letter != 'u') fail("unknown escape in a string", at);
    unsigned code = hex4(at);
    if (code >= 0xD800 && code < 0xDC00) {  // the first half of a pair
      if (text_.substr(at_, 2) != "\\u") fail("half a surrogate pair", at);
      at_ += 2;
      const unsigned low = hex4(at);
      if (low < 0xDC00 || low > 0xDFFF) fail("half a surrogate pair", at);
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      fail("half a surrogate pair", at);
    }
    const auto tail = [](unsigned bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
    if (code < 0x80)
      out += static_cast<char>(code);
    else if (code < 0x800)
      out += {static_cast<char>(0xC0 | (code >> 6)), tail(code)};
    else if (code < 0x10000)
      out += {static_cast<char>(0xE0 | (code >> 12)), tail(code >> 6), tail(code)};
    else
      out += {static_cast<char>(0xF0 | (code >> 18)), tail(code >> 12), tail(code >> 6), tail(code)};
  }

  unsigned hex4(std::size_t at) {
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4) fail("unknown escape in a string", at);
    at_ += 4;
    return code;
  }

  static constexpr std::uint64_t kBegin = 8;  // the header's place in the file

  std::string_view text_;
  const ByteSource& source_;
  std::size_t at_ = 0;
};

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      out += {'\\', 'u', '0', '0', "01"[c >> 4], "0123456789abcdef"[c & 15]};
    else
      out += c;
  }
  return out + '"';
}

void check_name(std::string_view name, const char* kind) {
  if (name.empty() || name.size() > kMaxHeader || !is_name(name) || name == kMetadata || name.starts_with(kDigest))
    throw std::invalid_argument("safetensors_bytes: " + std::string(kind) + " '" + printable(name, 200) +
                                "' is empty, reserved or not UTF-8 without control characters");
}

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
  Header header = HeaderParser(text, source).parse();
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
  return out;
}

}  // namespace

std::string_view name(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)].name; }

std::size_t item_size(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)].size; }

const Tensor* Safetensors::find(std::string_view tensor_name) const {
  for (const Tensor& tensor : tensors)
    if (tensor.name == tensor_name) return &tensor;
  return nullptr;
}

std::string safetensors_bytes(const Safetensors& contents) {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : contents.tensors) order.push_back(&tensor);
  // Largest items first: every array then lies at a multiple of its item size.
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    const std::size_t size_a = item_size(a->dtype), size_b = item_size(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });

  std::string header(kOpening);
  header.append(kDigestLength, '0').append("\"");
  std::set<std::string_view> names;
  for (const Tensor* tensor : order) {
    check_name(tensor->name, "tensor");
    if (!names.insert(tensor->name).second)
      throw std::invalid_argument("safetensors_bytes: two tensors are named '" + tensor->name + "'");
    header.append(",").append(json_string(std::string(kTensorDigest) + tensor->name));
    header.append(":").append(json_string(digest(tensor->data)));
  }
  for (const auto& [key, value] : contents.metadata) {
    check_name(key, "metadata key");
    if (!is_utf8(value)) throw std::invalid_argument("safetensors_bytes: the value of '" + key + "' is not UTF-8");
    header.append(",").append(json_string(key)).append(":").append(json_string(value));
  }
  header += "}";
  std::uint64_t end = 0;
  for (const Tensor* tensor : order) {
    std::string shape;
    bool valid = tensor->shape.size() <= kMaxDimensions;
    for (const std::int64_t n : tensor->shape) {
      shape.append(shape.empty() ? "" : ",").append(std::to_string(n));
      valid = valid && n >= 0;
    }
    if (!valid || byte_size(tensor->shape, tensor->dtype) != tensor->data.size())
      throw std::invalid_argument("safetensors_bytes: tensor '" + tensor->name + "' of shape [" + shape +
                                  "] and dtype " + std::string(name(tensor->dtype)) + " has " +
                                  std::to_string(tensor->data.size()) + " bytes");
    header.append(",").append(json_string(tensor->name));
    header.append(R"(:{"dtype":")").append(name(tensor->dtype)).append(R"(","shape":[)").append(shape);
    header.append(R"(],"data_offsets":[)").append(std::to_string(end)).append(",");
    header.append(std::to_string(end + tensor->data.size())).append("]}");
    end += tensor->data.size();
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > kMaxHeader)
    throw std::invalid_argument("safetensors_bytes: the header takes " + std::to_string(header.size()) +
                                " bytes, at most " + std::to_string(kMaxHeader) + " are allowed");
  header.replace(kOpening.size(), kDigestLength, header_digest(header));

  std::string out;
  out.reserve(8 + header.size() + end);
  out.append(little_endian(header.size())).append(header);
  for (const Tensor* tensor : order)
    out.append(reinterpret_cast<const char*>(tensor->data.data()), tensor->data.size());
  return out;
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
