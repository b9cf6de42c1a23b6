// A reader checks all that the header says before the first row: type, shape against overflow, and against the file's
// length where that is known. Rows then come in pieces of kPieceBytes, converted to double on the way; only Fortran
// order from a pipe, whose rows are scattered over the whole array, is held in memory, kMostHeld bytes of it at most.
#include "base/npy.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied to files as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 65536;
constexpr std::size_t kMaxDimensions = 32;                 // NumPy's own limit
constexpr std::size_t kPieceBytes = std::size_t{1} << 16;  // of raw values converted at a time
constexpr std::uint64_t kMostHeld = std::uint64_t{1} << 27;

/// The header's Python dictionary: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
class DictParser {
 public:
  DictParser(std::string_view text, std::uint64_t begin, const ByteSource& source)
      : text_(text), begin_(begin), source_(source) {}

  std::string descr;
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::uint64_t descr_at = 0, shape_at = 0;

  void parse() {
    bool has_descr = false, has_fortran = false, has_shape = false;
    expect('{');
    while (!take('}')) {
      skip_space();
      const std::size_t at = at_;
      const std::string_view key = string();
      bool& seen = key == "descr" ? has_descr : key == "shape" ? has_shape : has_fortran;
      if (key != "descr" && key != "shape" && key != "fortran_order")
        fail("header: unknown field '" + printable(key, 40) + "'", at);
      if (seen) fail("header: duplicate field '" + std::string(key) + "'", at);
      seen = true;
      expect(':');
      skip_space();
      if (key == "descr") {
        descr_at = begin_ + at_;
        if (at_ < text_.size() && text_[at_] == '[')
          fail("descr: the array is a table of named fields; only plain numbers are read", at_);
        descr = string();
      } else if (key == "shape") {
        shape_at = begin_ + at_;
        tuple();
      } else {
        fortran = boolean();
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (!has_descr || !has_fortran || !has_shape) fail("header: descr, fortran_order or shape is missing", 0);
    skip_space();
    if (at_ < text_.size()) fail("header: only space may follow the dictionary", at_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, std::size_t at) const { source_.fail(what, begin_ + at); }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (take(c)) return;
    const std::string found = at_ < text_.size() ? printable(text_.substr(at_, 1)) : "its end";
    fail("header: found " + found + " where " + c + " belongs", at_);
  }

  std::string_view string() {
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("header: a quoted name belongs here", at_);
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("header: a string does not end", at_);
    const std::string_view out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return out;
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

  void tuple() {
    expect('(');
    while (!take(')')) {
      skip_space();
      if (shape.size() == kMaxDimensions) fail("shape: more than 32 dimensions", at_);
      std::int64_t n = 0;
      const char* first = text_.data() + at_;
      const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), n);
      if (error == std::errc::result_out_of_range) fail("shape: a size overflows 64 bits", at_);
      if (error != std::errc()) fail("shape: an integer belongs here", at_);
      if (n < 0) fail("shape: a size is negative (" + std::to_string(n) + ")", at_);
      shape.push_back(n);
      at_ += static_cast<std::size_t>(end - first);
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
      if (!take(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text_;
  std::uint64_t begin_;
  const ByteSource& source_;
  std::size_t at_ = 0;
};

template <class T>
void convert_as(const std::byte* in, std::size_t n, bool swap, std::ptrdiff_t stride, double* out) {
  for (std::size_t i = 0; i < n; ++i) {
    std::byte raw[sizeof(T)];
    std::memcpy(raw, in + i * sizeof(T), sizeof(T));
    if (swap) std::reverse(std::begin(raw), std::end(raw));
    T value;
    std::memcpy(&value, raw, sizeof(T));
    out[static_cast<std::ptrdiff_t>(i) * stride] = static_cast<double>(value);
  }
}

/// n values of the given kind and size, to every stride-th place of `out`.
void convert(char kind, std::size_t item, bool swap, const std::byte* in, std::size_t n, std::ptrdiff_t stride,
             double* out) {
  const auto as = [&](auto zero) { convert_as<decltype(zero)>(in, n, swap, stride, out); };
  if (kind == 'f') return item == 4 ? as(float{}) : as(double{});
  if (kind == 'i')
    return item == 1   ? as(std::int8_t{})
           : item == 2 ? as(std::int16_t{})
           : item == 4 ? as(std::int32_t{})
                       : as(std::int64_t{});
  return item == 1   ? as(std::uint8_t{})
         : item == 2 ? as(std::uint16_t{})
         : item == 4 ? as(std::uint32_t{})
                     : as(std::uint64_t{});
}

std::string header_bytes(Index rows, Index cols, NpyDtype dtype, bool one_dimensional) {
  if (rows < 0 || cols < 0 || (one_dimensional && cols != 1))
    throw std::invalid_argument("npy: cannot write " + std::to_string(rows) + " x " + std::to_string(cols) +
                                (one_dimensional ? " values as one dimension, which takes one column" : " values"));
  std::string dict = std::string("{'descr': '") + (dtype == NpyDtype::f4 ? "<f4" : "<f8") +
                     "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + (one_dimensional ? "," : ", ") +
                     (one_dimensional ? std::string() : std::to_string(cols)) + "), }";
  dict.append(63 - (10 + dict.size()) % 64, ' ').append("\n");  // the data begin at a multiple of 64
  std::string out(kMagic);
  out += {'\x01', '\x00', static_cast<char>(dict.size() & 0xFF), static_cast<char>(dict.size() >> 8)};
  return out + dict;
}

std::uint64_t value_count(Index rows, Index cols) {
  std::int64_t n = 0;
  if (rows < 0 || cols < 0 || __builtin_mul_overflow(std::int64_t{rows}, std::int64_t{cols}, &n) ||
      n > std::numeric_limits<std::int64_t>::max() / 16)
    throw std::invalid_argument("npy: " + std::to_string(rows) + " x " + std::to_string(cols) + " is no size");
  return static_cast<std::uint64_t>(n);
}

/// The file's form of at most `room` bytes' worth of values.
std::span<const std::byte> encode(std::span<const double> values, NpyDtype dtype, std::vector<float>& floats) {
  if (dtype == NpyDtype::f8) return std::as_bytes(values);
  floats.resize(values.size());
  std::transform(values.begin(), values.end(), floats.begin(), [](double v) { return static_cast<float>(v); });
  return std::as_bytes(std::span<const float>(floats));
}

}  // namespace

NpyReader::NpyReader(const std::filesystem::path& path) : NpyReader(ByteSource(path)) {}

NpyReader::NpyReader(ByteSource source) : source_(std::move(source)) { parse_header(); }

void NpyReader::parse_header() {
  std::byte magic[8];
  source_.read(magic, "the magic string and version");
  if (std::memcmp(magic, kMagic.data(), kMagic.size()) != 0)
    source_.fail("no .npy file: it does not begin with \\x93NUMPY", 0);
  const int version = std::to_integer<int>(magic[6]);
  if (version < 1 || version > 3 || magic[7] != std::byte{0})
    source_.fail("version: " + std::to_string(version) + "." + std::to_string(std::to_integer<int>(magic[7])) +
                     ", this program reads 1.0 to 3.0",
                 6);
  std::byte length[4] = {};
  source_.read(std::span(length, version == 1 ? 2 : 4), "the header's length");
  std::uint32_t n = 0;
  std::memcpy(&n, length, 4);
  if (n > kMaxHeader) source_.fail("header: " + std::to_string(n) + " bytes, at most 65536 are read", 8);
  const std::uint64_t begin = source_.offset();
  const std::vector<std::byte> header = source_.read(n, "the header");
  DictParser dict({reinterpret_cast<const char*>(header.data()), header.size()}, begin, source_);
  dict.parse();

  const std::string wrong = wrong_type(dict.descr);
  if (!wrong.empty()) source_.fail("descr: '" + printable(dict.descr, 40) + "' " + wrong, dict.descr_at);

  shape_ = std::move(dict.shape);
  const std::uint64_t data = data_bytes(dict.shape_at);
  rows_ = shape_.empty() ? 1 : shape_[0];
  cols_ = 1;
  for (std::size_t i = 1; i < shape_.size(); ++i) cols_ *= shape_[i];
  data_at_ = source_.offset();
  if (source_.size()) {
    const std::uint64_t held = *source_.size() - data_at_;
    if (data > held)
      source_.fail("truncated: the shape takes " + std::to_string(data) + " bytes, the file ends", *source_.size());
    if (data < held) source_.fail("bytes left over after the array", data_at_ + data);
  }
  fortran_ = dict.fortran && shape_.size() > 1 && rows_ > 1 && (cols_ > 1);
  if (fortran_ && !source_.size()) {
    if (data > kMostHeld)
      source_.fail("fortran_order: " + std::to_string(data) + " bytes in Fortran order from a pipe, at most " +
                       std::to_string(kMostHeld) + " can be held; save it in C order, or in a file",
                   data_at_);
    buffer_ = source_.read(data, "the array");
    source_.expect_end("the array");
  }
  if (data == 0) source_.expect_end("the array");
}

/// Takes the type of an element, or says what is wrong with it.
std::string NpyReader::wrong_type(std::string_view descr) {
  const std::string_view type = descr.empty() ? descr : descr.substr(1);
  if (descr.ends_with('O') || type.starts_with('O')) return "holds Python objects, which are never loaded";
  if (type.starts_with('c')) return "is complex; only real numbers are read";
  const bool known = type == "f4" || type == "f8" || type == "i1" || type == "i2" || type == "i4" || type == "i8" ||
                     type == "u1" || type == "u2" || type == "u4" || type == "u8";
  if (!known || std::string_view("<>|=").find(descr[0]) == std::string_view::npos)
    return "is not among f4, f8, i1 to i8, u1 to u8 with < or >";
  kind_ = type[0];
  item_ = static_cast<std::size_t>(type[1] - '0');
  if (descr[0] == '|' && item_ > 1) return "names no byte order";
  swap_ = descr[0] == '>' && item_ > 1;
  return {};
}

/// Bytes of the whole array. An empty one's other sizes must fit as well: rows and columns are computed from them.
std::uint64_t NpyReader::data_bytes(std::uint64_t shape_at) const {
  const bool empty = std::find(shape_.begin(), shape_.end(), 0) != shape_.end();
  std::int64_t bytes = static_cast<std::int64_t>(item_);
  for (const std::int64_t size : shape_)
    if (__builtin_mul_overflow(bytes, empty ? std::max<std::int64_t>(size, 1) : size, &bytes))
      source_.fail("shape: the product of its sizes overflows 64 bits", shape_at);
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

Index NpyReader::read_rows(std::span<double> out) {
  const Index room = cols_ == 0 ? rows_ : static_cast<Index>(out.size()) / cols_;
  const Index count = std::min(room, rows_ - next_);
  if (count == 0 && next_ < rows_)
    throw std::invalid_argument("NpyReader::read_rows: room for " + std::to_string(out.size()) +
                                " values, one row has " + std::to_string(cols_));
  if (count == 0 || cols_ == 0) {
    next_ += count;
    return count;
  }
  if (fortran_) {
    read_fortran(count, out.data());
    next_ += count;
    return count;
  }
  read_values(out.first(static_cast<std::size_t>(count * cols_)));
  next_ += count;
  if (next_ == rows_) source_.expect_end("the array");
  return count;
}

/// In C order: as they lie in the file.
void NpyReader::read_values(std::span<double> out) {
  std::byte piece[kPieceBytes];
  while (!out.empty()) {
    const std::size_t now = std::min(out.size(), kPieceBytes / item_);
    source_.read(std::span(piece, now * item_), "the array");
    convert(kind_, item_, swap_, piece, now, 1, out.data());
    out = out.subspan(now);
  }
}

/// Column by column: count neighbouring values of each.
void NpyReader::read_fortran(Index count, double* out) {
  std::vector<std::byte> piece;
  if (buffer_.empty()) piece.resize(static_cast<std::size_t>(count) * item_);
  for (Index col = 0; col < cols_; ++col) {
    // `col` counts with the last axis fastest, the file with the first.
    Index place = 0, rest = col;
    for (std::size_t axis = shape_.size() - 1; axis >= 1; --axis) {
      Index stride = 1;
      for (std::size_t before = 1; before < axis; ++before) stride *= shape_[before];
      place += rest % shape_[axis] * stride;
      rest /= shape_[axis];
    }
    const std::size_t at = static_cast<std::size_t>(place * rows_ + next_) * item_;
    if (buffer_.empty()) source_.read_at(data_at_ + at, piece, "the array");
    convert(kind_, item_, swap_, buffer_.empty() ? piece.data() : buffer_.data() + at, static_cast<std::size_t>(count),
            cols_, out + col);
  }
}

NpyArray NpyReader::read_all() {
  NpyArray array{shape_, {}};
  if (cols_ == 0 || rows_ == 0) return array;
  constexpr std::size_t kStep = std::size_t{1} << 20;  // values: a pipe's claim alone allocates nothing large
  if (fortran_) {
    array.values.resize(static_cast<std::size_t>(rows_ * cols_));  // the file or the buffer holds as many
    read_rows(array.values);
    return array;
  }
  const auto count = static_cast<std::size_t>(rows_ * cols_);
  for (std::size_t done = 0; done < count; done = array.values.size()) {
    array.values.resize(std::min(count, done + kStep));
    read_values(std::span(array.values).subspan(done));
  }
  next_ = rows_;
  source_.expect_end("the array");
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) { return NpyReader(path).read_all(); }

NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view file_name) {
  return NpyReader(ByteSource(bytes, file_name)).read_all();
}

std::string npy_bytes(Index rows, Index cols, std::span<const double> values, NpyDtype dtype, bool one_dimensional) {
  if (value_count(rows, cols) != values.size())
    throw std::invalid_argument("npy_bytes: " + std::to_string(values.size()) + " values for " + std::to_string(rows) +
                                " x " + std::to_string(cols));
  std::string out = header_bytes(rows, cols, dtype, one_dimensional);
  std::vector<float> floats;
  const std::span<const std::byte> bytes = encode(values, dtype, floats);
  return out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

NpyWriter::NpyWriter(const std::filesystem::path& path, Index rows, Index cols, NpyDtype dtype, bool one_dimensional)
    : NpyWriter(FileWriter(path, 128 + value_count(rows, cols) * (dtype == NpyDtype::f4 ? 4 : 8)), rows, cols, dtype,
                one_dimensional) {}

NpyWriter::NpyWriter(FileWriter file, Index rows, Index cols, NpyDtype dtype, bool one_dimensional)
    : file_(std::move(file)), dtype_(dtype), missing_(value_count(rows, cols)) {
  file_.write(header_bytes(rows, cols, dtype, one_dimensional));
}

void NpyWriter::write(std::span<const double> values) {
  if (values.size() > missing_)
    throw std::invalid_argument("NpyWriter::write: " + std::to_string(values.size() - missing_) +
                                " values more than were announced");
  missing_ -= values.size();
  std::vector<float> floats;
  for (constexpr std::size_t step = std::size_t{1} << 17; !values.empty();) {
    const std::size_t n = std::min(step, values.size());
    file_.write(encode(values.first(n), dtype_, floats));
    values = values.subspan(n);
  }
}

void NpyWriter::finish() {
  if (missing_ > 0)
    throw std::invalid_argument("NpyWriter::finish: " + std::to_string(missing_) + " values are missing");
  file_.finish();
}

}  // namespace cnf
