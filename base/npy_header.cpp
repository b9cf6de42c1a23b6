// The dictionary is Python's, as repr() writes it: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }, where
// descr is a type or a list of fields, ('name', type) or ('name', type, shape), types being either again.
#include "base/npy_header.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostNpyHeader = 65536;
constexpr std::size_t kMostNpyDimensions = 32;  // NumPy's own limit
constexpr int kMostNested = 16;                 // records in records
constexpr std::uint64_t kMostElementBytes = std::uint64_t{1} << 28;

/// What is wrong with a type that holds no number, and what to save instead; empty: nothing.
std::pair<std::string, std::string> trouble_of(char kind, std::uint64_t bytes) {
  switch (kind) {
    case 'f':
      if (bytes == 2 || bytes == 4 || bytes == 8) return {};
      return {"is a long double, which other machines read differently", "save it as double: a.astype('f8')"};
    case 'i':
    case 'u':
    case 'b':
      return {};
    case 'c':
      return {"is complex; only real numbers are read", "save two columns: np.column_stack([a.real, a.imag])"};
    case 'S':
    case 'a':
    case 'U':
      return {"holds text; only numbers are read", "save numbers: a.astype('f8')"};
    case 'M':
      return {"holds dates; only numbers are read", "save seconds: a.astype('M8[s]').astype('f8')"};
    case 'm':
      return {"holds spans of time; only numbers are read", "save seconds: a / np.timedelta64(1, 's')"};
    default:
      return {"holds raw bytes; only numbers are read", "save numbers: a.astype('f8')"};
  }
}

class DictParser {
 public:
  DictParser(std::string_view text, std::uint64_t begin, const ByteSource& source, bool latin1)
      : text_(text), begin_(begin), source_(source), latin1_(latin1) {}

  NpyHeader parse() {
    bool has_descr = false, has_fortran = false, has_shape = false;
    expect('{');
    while (!take('}')) {
      skip_space();
      const std::size_t at = at_;
      const std::string key = string();
      bool& seen = key == "descr" ? has_descr : key == "shape" ? has_shape : has_fortran;
      if (key != "descr" && key != "shape" && key != "fortran_order")
        fail("header: unknown field '" + printable(key, 40) + "'", at);
      if (seen) fail("header: duplicate field '" + key + "'", at);
      seen = true;
      expect(':');
      skip_space();
      if (key == "descr") {
        descr();
      } else if (key == "shape") {
        out_.shape_at = begin_ + at_;
        out_.shape = tuple();
      } else {
        out_.fortran = boolean();
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (!has_descr || !has_fortran || !has_shape) fail("header: descr, fortran_order or shape is missing", 0);
    skip_space();
    if (at_ < text_.size()) fail("header: only space may follow the dictionary", at_);
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, std::size_t at, const std::string& help = {}) const {
    source_.fail(what, begin_ + at, help);
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  bool next_is(char c) {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (take(c)) return;
    const std::string found = at_ < text_.size() ? printable(text_.substr(at_, 1)) : "its end";
    fail("header: found " + found + " where " + c + " belongs", at_);
  }

  /// A text in quotes of either kind, with Python's escapes, in UTF-8.
  std::string string() {
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("header: a quoted name belongs here", at_);
    const std::size_t begin = at_;
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '\\')
        escape(out);
      else if (latin1_ && c >= 0x80)
        out += utf8_encode(c);
      else
        out += text_[at_];
    }
    if (at_ >= text_.size()) fail("header: a string does not end", begin);
    ++at_;
    return out;
  }
  /// From the backslash to the escape's last character.
  void escape(std::string& out) {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      ++at_;
      return;
    }
    std::uint32_t code = 0;
    const std::string_view hex = text_.substr(std::min(at_ + 2, text_.size()), digits);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    if (error != std::errc() || end != hex.data() + digits || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
      fail("header: an escape that is no character", at_);
    out += utf8_encode(code);
    at_ += 1 + digits;
  }

  bool boolean() {
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("fortran_order: neither True nor False", at_);
  }

  std::int64_t size() {
    skip_space();
    std::int64_t n = 0;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), n);
    if (error == std::errc::result_out_of_range) fail("shape: a size overflows 64 bits", at_);
    if (error != std::errc()) fail("shape: an integer belongs here", at_);
    if (n < 0) fail("shape: a size is negative (" + std::to_string(n) + ")", at_);
    at_ += static_cast<std::size_t>(end - first);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
    return n;
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> shape;
    expect('(');
    while (!take(')')) {
      skip_space();
      if (shape.size() == kMostNpyDimensions) fail("shape: more than 32 dimensions", at_);
      shape.push_back(size());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  void descr() {
    out_.records = next_is('[');
    if (out_.records) {
      out_.element = record("", 0, out_.fields);
      if (out_.fields.empty()) fail("descr: the records hold nothing", at_);
      return;
    }
    const std::size_t at = at_;
    const std::string type = string();
    NpyField field;
    out_.element = plain(type, at, field);
    if (const auto& [what, help] = trouble_of(field.kind, out_.element); !what.empty())
      fail("descr: '" + printable(type, 40) + "' " + what, at, help);
    out_.fields.push_back(field);
  }

  /// The type of a number, '<f8', into `field`; returns its bytes.
  std::uint64_t plain(const std::string& type, std::size_t at, NpyField& field) {
    const auto refuse = [&](const std::string& what, const std::string& help = {}) {
      fail("descr: '" + printable(type, 40) + "' " + what, at, help);
    };
    constexpr std::string_view kOrders = "<>|=", kKinds = "fiubcSaUVMm";
    if (type.ends_with('O') || (type.size() > 1 && type[1] == 'O'))
      refuse("holds Python objects, which are never loaded", "save numbers: a.astype('f8')");
    const bool ordered = type.size() >= 3 && kOrders.find(type[0]) != std::string_view::npos;
    std::uint64_t count = 0;
    const char* const last = type.data() + type.size();
    const char* end = last;
    if (ordered) end = std::from_chars(type.data() + 2, last, count).ptr;
    const bool dated =
        ordered && (type[1] == 'M' || type[1] == 'm') && end != last && *end == '[' && type.back() == ']';
    const bool sized = ordered && kKinds.find(type[1]) != std::string_view::npos && end != type.data() + 2 &&
                       (end == last || dated) && count <= kMostElementBytes / 4;
    const bool whole = count == 1 || count == 2 || count == 4 || count == 8;
    if (!sized || ((type[1] == 'i' || type[1] == 'u') && !whole) || (type[1] == 'b' && count != 1) ||
        (type[1] == 'f' && !(whole && count > 1) && count != 10 && count != 12 && count != 16))
      refuse("is not among f2, f4, f8, i1 to i8, u1 to u8 and b1 with < or >");
    field.kind = type[1];
    field.item = static_cast<std::uint8_t>(std::min<std::uint64_t>(count, 255));
    if (type[0] == '|' && count > 1 && (field.kind == 'f' || field.kind == 'i' || field.kind == 'u'))
      refuse("names no byte order");
    field.swap = type[0] == '>' && count > 1;
    return field.kind == 'U' ? 4 * count : count;
  }

  /// A list of fields, of one record; its leaves are added to `fields`, under names that begin with `prefix`. Returns
  /// its bytes.
  std::uint64_t record(const std::string& prefix, int depth, std::vector<NpyField>& fields) {
    if (depth > kMostNested) fail("descr: records nested deeper than " + std::to_string(kMostNested), at_);
    std::uint64_t bytes = 0;
    int number = 0;
    expect('[');
    while (!take(']')) {
      bytes += field(prefix, depth, number++, bytes, fields);
      if (bytes > kMostElementBytes) fail("descr: a record of more than 256 MiB", at_);
      if (!take(',')) {
        expect(']');
        break;
      }
    }
    return bytes;
  }

  /// One field, which begins at byte `offset` of its record; returns its bytes.
  std::uint64_t field(const std::string& prefix, int depth, int number, std::uint64_t offset,
                      std::vector<NpyField>& fields) {
    expect('(');
    skip_space();
    std::string name;
    if (take('(')) {  // (title, name)
      skip_space();
      string();
      expect(',');
      skip_space();
      name = string();
      expect(')');
    } else {
      name = string();
    }
    expect(',');
    const bool nameless = name.empty();
    name = prefix + (nameless ? "f" + std::to_string(number) : printable(name, 200));
    std::vector<NpyField> own;
    std::uint64_t bytes = 0;
    if (next_is('[')) {
      bytes = record(name + ".", depth + 1, own);
    } else {
      const std::size_t at = at_;
      const std::string type = string();
      NpyField leaf;
      bytes = plain(type, at, leaf);
      leaf.name = name;
      if (const auto& [what, help] = trouble_of(leaf.kind, bytes); !what.empty())
        leaf.trouble = "'" + printable(type, 40) + "' " + what;
      if (bytes > 0 && !(nameless && leaf.kind == 'V')) own.push_back(std::move(leaf));  // else padding
    }
    std::uint64_t copies = 1;
    bool is_array = false;
    if (take(',') && !next_is(')')) {
      const std::size_t at = at_;
      is_array = true;
      for (const std::int64_t n : next_is('(') ? tuple() : std::vector{size()})
        if (__builtin_mul_overflow(copies, static_cast<std::uint64_t>(n), &copies))
          fail("shape: the product of its sizes overflows 64 bits", at);
      take(',');
    }
    expect(')');
    std::uint64_t all = 0, leaves = 0;
    if (__builtin_mul_overflow(copies, bytes, &all) || all > kMostElementBytes)
      fail("descr: a record of more than 256 MiB", at_);
    if (__builtin_mul_overflow(copies, own.size(), &leaves) || leaves > kMostNpyFields - expanded_)
      fail("descr: a record of more than " + std::to_string(kMostNpyFields) + " numbers", at_);
    expanded_ += leaves;
    for (std::uint64_t copy = 0; copy < (own.empty() ? 0 : copies); ++copy)
      for (const NpyField& leaf : own) {
        fields.push_back(leaf);
        fields.back().offset += static_cast<std::uint32_t>(offset + copy * bytes);
        if (is_array) fields.back().name.insert(name.size(), std::to_string(copy + 1));
      }
    return all;
  }

  std::string_view text_;
  std::uint64_t begin_;
  const ByteSource& source_;
  bool latin1_;
  std::size_t at_ = 0;
  std::uint64_t expanded_ = 0;  ///< fields made so far, of inner records too: bounds the work
  NpyHeader out_;
};

}  // namespace

NpyHeader read_npy_header(ByteSource& source) {
  std::byte magic[8];
  source.read(magic, "the magic string and version");
  if (std::memcmp(magic, kMagic.data(), kMagic.size()) != 0)
    source.fail("no .npy file: it does not begin with \\x93NUMPY", 0,
                std::memcmp(magic, "PK\3\4", 4) == 0 ? "it is a zip archive: name it .npz" : "");
  const int version = std::to_integer<int>(magic[6]);
  if (version < 1 || version > 3 || magic[7] != std::byte{0})
    source.fail("version: " + std::to_string(version) + "." + std::to_string(std::to_integer<int>(magic[7])) +
                    ", this program reads 1.0 to 3.0",
                6);
  std::byte length[4] = {};
  source.read(std::span(length, version == 1 ? 2 : 4), "the header's length");
  std::uint32_t n = 0;
  std::memcpy(&n, length, 4);
  if (n > kMostNpyHeader) source.fail("header: " + std::to_string(n) + " bytes, at most 65536 are read", 8);
  const std::uint64_t begin = source.offset();
  const std::vector<std::byte> header = source.read(n, "the header");
  return DictParser({reinterpret_cast<const char*>(header.data()), header.size()}, begin, source, version < 3).parse();
}

}  // namespace cnf
