#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

#include "base/npy.hpp"

namespace cnf {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied to files as they lie in memory");

std::string header_bytes(Index rows, Index cols, NpyDtype dtype, bool one_dimensional) {
  if (rows < 0 || cols < 0 || (one_dimensional && cols != 1))
    throw std::invalid_argument("npy: cannot write " + std::to_string(rows) + " x " + std::to_string(cols) +
                                (one_dimensional ? " values as one dimension, which takes one column" : " values"));
  std::string dict = std::string("{'descr': '") + (dtype == NpyDtype::f4 ? "<f4" : "<f8") +
                     "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + (one_dimensional ? "," : ", ") +
                     (one_dimensional ? std::string() : std::to_string(cols)) + "), }";
  dict.append(63 - (10 + dict.size()) % 64, ' ').append("\n");  // the data begin at a multiple of 64
  std::string out("\x93NUMPY");
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
