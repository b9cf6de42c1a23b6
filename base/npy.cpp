// A reader checks all that the header says before the first row: type, shape against overflow, and against the file's
// length where that is known. Rows then come in pieces of kPieceBytes or one element, converted to double on the way;
// only Fortran order from a pipe, whose rows are scattered over the whole array, is held in memory, kMostHeld bytes of
// it at most.
#include "base/npy.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "base/error.hpp"
#include "base/npy_header.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

static_assert(std::endian::native == std::endian::little, "values are read from files as they lie in memory");

constexpr std::size_t kPieceBytes = std::size_t{1} << 16;  // of raw values converted at a time
constexpr std::uint64_t kMostHeld = std::uint64_t{1} << 27;

struct Half {
  std::uint16_t bits;
  /// IEEE 754-2008: a sign, 5 bits of exponent, 10 of fraction.
  explicit operator double() const {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 0    ? std::ldexp(fraction, -24)
                        : exponent == 31 ? (fraction == 0 ? std::numeric_limits<double>::infinity()
                                                          : std::numeric_limits<double>::quiet_NaN())
                                         : std::ldexp(1024 + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
  }
};

struct Bool {
  std::uint8_t byte;
  explicit operator double() const { return byte != 0 ? 1 : 0; }
};

/// Where values lie: bytes from one to the next in the file, values in memory.
struct Strides {
  std::size_t in;
  std::ptrdiff_t out;
};

template <class T>
void convert_as(const std::byte* in, std::size_t n, bool swap, Strides strides, double* out) {
  for (std::size_t i = 0; i < n; ++i) {
    std::byte raw[sizeof(T)];
    std::memcpy(raw, in + i * strides.in, sizeof(T));
    if (swap) std::reverse(std::begin(raw), std::end(raw));
    T value;
    std::memcpy(&value, raw, sizeof(T));
    out[static_cast<std::ptrdiff_t>(i) * strides.out] = static_cast<double>(value);
  }
}

void convert(const NpyField& field, const std::byte* in, std::size_t n, Strides strides, double* out) {
  const auto as = [&](auto zero) { convert_as<decltype(zero)>(in, n, field.swap, strides, out); };
  if (!field.trouble.empty()) {
    for (std::size_t i = 0; i < n; ++i)
      out[static_cast<std::ptrdiff_t>(i) * strides.out] = std::numeric_limits<double>::quiet_NaN();
    return;
  }
  const std::size_t item = field.item;
  if (field.kind == 'f') return item == 2 ? as(Half{}) : item == 4 ? as(float{}) : as(double{});
  if (field.kind == 'b') return as(Bool{});
  if (field.kind == 'i')
    return item == 1   ? as(std::int8_t{})
           : item == 2 ? as(std::int16_t{})
           : item == 4 ? as(std::int32_t{})
                       : as(std::int64_t{});
  return item == 1   ? as(std::uint8_t{})
         : item == 2 ? as(std::uint16_t{})
         : item == 4 ? as(std::uint32_t{})
                     : as(std::uint64_t{});
}

}  // namespace

NpyReader::NpyReader(const std::filesystem::path& path) : NpyReader(ByteSource(path)) {}
NpyReader::NpyReader(ByteSource source) : source_(std::move(source)) { read_header(); }
NpyReader::~NpyReader() = default;
NpyReader::NpyReader(NpyReader&&) noexcept = default;

const std::vector<std::int64_t>& NpyReader::shape() const { return header_->shape; }
const std::string& NpyReader::trouble(Index col) const {
  return header_->fields[header_->records ? static_cast<std::size_t>(col) : 0].trouble;
}
std::vector<std::string> NpyReader::names() const {
  std::vector<std::string> names;
  if (header_->records)
    for (const NpyField& field : header_->fields) names.push_back(field.name);
  return names;
}
std::size_t NpyReader::float_bytes() const {
  std::size_t bytes = 8;
  for (const NpyField& field : header_->fields)
    if (field.kind == 'f' && field.trouble.empty()) bytes = std::min<std::size_t>(bytes, field.item);
  return bytes;
}

void NpyReader::read_header() {
  header_ = std::make_unique<NpyHeader>(read_npy_header(source_));
  const std::vector<std::int64_t>& shape = header_->shape;
  const std::uint64_t data = data_bytes();
  rows_ = shape.empty() ? 1 : shape[0];
  cols_ = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) cols_ *= shape[i];
  if (header_->records) {
    if (cols_ != 1)
      source_.fail("shape: records of more than one axis, expected (rows,)", header_->shape_at,
                   "save them in one row: a.ravel()");
    cols_ = std::ssize(header_->fields);
  }
  data_at_ = source_.offset();
  if (source_.size()) {
    const std::uint64_t held = *source_.size() - data_at_;
    if (data > held)
      source_.fail("truncated: the shape takes " + std::to_string(data) + " bytes, the file ends", *source_.size());
    if (data < held) source_.fail("bytes left over after the array", data_at_ + data);
  }
  scattered_ = header_->fortran && !header_->records && rows_ > 1 && cols_ > 1;
  if (scattered_ && !source_.size()) {
    if (data > kMostHeld)
      source_.fail("fortran_order: " + std::to_string(data) + " bytes in Fortran order from a pipe, at most " +
                       std::to_string(kMostHeld) + " can be held; save it in C order, or in a file",
                   data_at_);
    buffer_ = source_.read(data, "the array");
    source_.expect_end("the array");
  }
  if (data == 0) source_.expect_end("the array");
}

/// Bytes of the whole array. An empty one's other sizes must fit as well: rows and columns are computed from them.
std::uint64_t NpyReader::data_bytes() const {
  const std::vector<std::int64_t>& shape = header_->shape;
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  // Of records the values must be countable as well as the bytes.
  std::int64_t bytes = static_cast<std::int64_t>(std::max<std::size_t>(header_->element, header_->fields.size()));
  for (const std::int64_t size : shape)
    if (__builtin_mul_overflow(bytes, empty ? std::max<std::int64_t>(size, 1) : size, &bytes))
      source_.fail("shape: the product of its sizes overflows 64 bits", header_->shape_at);
  if (empty) return 0;
  std::uint64_t data = header_->element;
  for (const std::int64_t size : shape) data *= static_cast<std::uint64_t>(size);
  return data;
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
  if (scattered_) {
    read_fortran(count, out.data());
    next_ += count;
    return count;
  }
  read_elements(out.first(static_cast<std::size_t>(count * cols_)));
  next_ += count;
  if (next_ == rows_) source_.expect_end("the array");
  return count;
}

/// In C order: as they lie in the file.
void NpyReader::read_elements(std::span<double> out) {
  const std::vector<NpyField>& fields = header_->fields;
  const std::size_t element = header_->element, values = fields.size();
  piece_.resize(std::max(kPieceBytes, element));
  while (!out.empty()) {
    const std::size_t now = std::min(out.size() / values, piece_.size() / element);
    source_.read(std::span(piece_).first(now * element), "the array");
    for (std::size_t j = 0; j < values; ++j)
      convert(fields[j], piece_.data() + fields[j].offset, now, {element, static_cast<std::ptrdiff_t>(values)},
              out.data() + j);
    out = out.subspan(now * values);
  }
}

/// Column by column: count neighbouring values of each.
void NpyReader::read_fortran(Index count, double* out) {
  const std::vector<std::int64_t>& shape = header_->shape;
  const NpyField& field = header_->fields[0];
  const std::size_t item = header_->element;
  if (buffer_.empty()) piece_.resize(static_cast<std::size_t>(count) * item);
  for (Index col = 0; col < cols_; ++col) {
    // `col` counts with the last axis fastest, the file with the first.
    Index place = 0, rest = col;
    for (std::size_t axis = shape.size() - 1; axis >= 1; --axis) {
      Index stride = 1;
      for (std::size_t before = 1; before < axis; ++before) stride *= shape[before];
      place += rest % shape[axis] * stride;
      rest /= shape[axis];
    }
    const std::size_t at = static_cast<std::size_t>(place * rows_ + next_) * item;
    if (buffer_.empty()) source_.read_at(data_at_ + at, piece_, "the array");
    convert(field, buffer_.empty() ? piece_.data() : buffer_.data() + at, static_cast<std::size_t>(count),
            {item, cols_}, out + col);
  }
}

NpyArray NpyReader::read_all() {
  NpyArray array{header_->shape, {}};
  if (header_->records) array.shape = {rows_, cols_};
  for (const NpyField& field : header_->fields)
    if (!field.trouble.empty()) throw InputError(source_.name() + ": field '" + field.name + "': " + field.trouble);
  if (cols_ == 0 || rows_ == 0) return array;
  constexpr std::size_t kStep = std::size_t{1} << 20;  // values: a pipe's claim alone allocates nothing large
  if (scattered_) {
    array.values.resize(static_cast<std::size_t>(rows_ * cols_));  // the file or the buffer holds as many
    read_rows(array.values);
    return array;
  }
  const auto count = static_cast<std::size_t>(rows_ * cols_), row = static_cast<std::size_t>(cols_);
  const std::size_t step = header_->records ? std::max<std::size_t>(kStep / row, 1) * row : kStep;
  for (std::size_t done = 0; done < count; done = array.values.size()) {
    array.values.resize(std::min(count, done + step));
    read_elements(std::span(array.values).subspan(done));
  }
  next_ = rows_;
  source_.expect_end("the array");
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) { return NpyReader(path).read_all(); }

NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view file_name) {
  return NpyReader(ByteSource(bytes, file_name)).read_all();
}

}  // namespace cnf
