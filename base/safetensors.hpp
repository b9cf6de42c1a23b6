// Named arrays in one file that PyTorch, NumPy and JAX can open, in which no flipped bit goes unnoticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_writer.hpp"

namespace cnf {

/// Element types of the format, by their names in it.
enum class Dtype { BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64 };

std::string_view name(Dtype dtype);
/// Bytes of one element: 1, 2, 4 or 8.
std::size_t item_size(Dtype dtype);

template <class T>
constexpr Dtype dtype_of();
template <>
constexpr Dtype dtype_of<float>() {
  return Dtype::F32;
}
template <>
constexpr Dtype dtype_of<double>() {
  return Dtype::F64;
}
template <>
constexpr Dtype dtype_of<std::int64_t>() {
  return Dtype::I64;
}
template <>
constexpr Dtype dtype_of<std::uint64_t>() {
  return Dtype::U64;
}
template <>
constexpr Dtype dtype_of<std::int32_t>() {
  return Dtype::I32;
}
template <>
constexpr Dtype dtype_of<std::uint32_t>() {
  return Dtype::U32;
}
template <>
constexpr Dtype dtype_of<std::uint8_t>() {
  return Dtype::U8;
}

/// One array: row-major (the last index runs fastest), little-endian, data.size() = product of shape * item_size.
struct Tensor {
  std::string name;
  Dtype dtype = Dtype::F32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;
};

template <class T>
Tensor make_tensor(std::string name, std::vector<std::int64_t> shape, std::span<const T> values) {
  Tensor tensor{std::move(name), dtype_of<T>(), std::move(shape), std::vector<std::byte>(values.size_bytes())};
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), values.size_bytes());
  return tensor;
}

/// The elements of a tensor whose dtype is T's; std::invalid_argument if it is another.
template <class T>
std::vector<T> values(const Tensor& tensor) {
  if (tensor.dtype != dtype_of<T>())
    throw std::invalid_argument("values: tensor '" + tensor.name + "' holds " + std::string(name(tensor.dtype)) +
                                ", asked for " + std::string(name(dtype_of<T>())));
  std::vector<T> out(tensor.data.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), tensor.data.data(), out.size() * sizeof(T));
  return out;
}

/// The same of data that lie elsewhere and stay there.
struct TensorView {
  std::string name;
  Dtype dtype = Dtype::F32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

struct Safetensors {
  std::map<std::string, std::string> metadata;  ///< without the digests, which this file adds and takes away
  std::vector<Tensor> tensors;
  std::string digest{};  ///< of a file that was read: all its bytes

  const Tensor* find(std::string_view tensor_name) const;  ///< null: no such tensor
};

/// Whether a file without our digests (written by another program) is accepted. Digests that are there must match.
enum class Digests { required, optional };

/// The file's bytes: a function of the contents alone. Tensors are laid out by item size, largest first, then name.
/// std::invalid_argument: a name that is empty, repeated, reserved ("__metadata__", "cnf.digest...") or not UTF-8 free
/// of control characters; a shape that does not fit the data; a header above 1 MiB.
/// Source  https://huggingface.co/docs/safetensors (format); docs/file-format.md (the digests).
std::string safetensors_bytes(const Safetensors& contents);
/// The same into a file, with no second copy of the data in memory. The caller finishes it.
void write_safetensors(FileWriter& file, const std::map<std::string, std::string>& metadata,
                       std::vector<TensorView> tensors);

/// Tensors come in the order of their data. Every refusal is an InputError "path: ... at byte N"; nothing is allocated
/// for an array before the header has been found consistent with itself and the file's length.
Safetensors read_safetensors(const std::filesystem::path& path, Digests digests = Digests::required);
/// The same from memory; `file_name` is for messages.
Safetensors parse_safetensors(std::span<const std::byte> bytes, std::string_view file_name,
                              Digests digests = Digests::required);

}  // namespace cnf
