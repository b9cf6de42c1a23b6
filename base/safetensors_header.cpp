// The JSON of a header is read by hand: no nesting but the format's own, so depth is bounded by the grammar, nothing is
// allocated that the text does not hold, and every refusal knows its byte.
#include "base/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/digest.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

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

}  // namespace

std::string_view name(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)].name; }

std::size_t item_size(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)].size; }

namespace safetensors {

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

namespace {

/// The JSON of a safetensors header and no other: an object of objects. What stands in the wrong place is refused where
/// it stands.
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
    out += utf8_encode(code);
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

}  // namespace

Header parse_header(std::string_view text, const ByteSource& source) { return HeaderParser(text, source).parse(); }

}  // namespace safetensors
}  // namespace cnf
