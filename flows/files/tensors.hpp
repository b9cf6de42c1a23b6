// Private to this build: parameters as the tensors of a safetensors file, by a layout, with every check.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "base/safetensors.hpp"
#include "flows/layout.hpp"

namespace cnf {

inline std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

/// "[4,2]".
inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t n : shape) text += (text.size() > 1 ? "," : "") + std::to_string(n);
  return text + "]";
}

/// A matrix as its file holds it: row-major; a vector has one dimension. ComputationError: a value is not finite.
template <class T>
Tensor matrix_tensor(const std::string& name, const Matrix<T>& values, bool vector) {
  std::vector<T> rows;
  rows.reserve(static_cast<std::size_t>(values.size()));
  for (Index i = 0; i < values.rows(); ++i)
    for (Index j = 0; j < values.cols(); ++j) {
      if (!std::isfinite(static_cast<double>(values(i, j))))
        throw ComputationError("tensor " + in_quotes(name) + " holds a value that is not finite; it is not written");
      rows.push_back(values(i, j));
    }
  std::vector<std::int64_t> shape{values.rows()};
  if (!vector) shape.push_back(values.cols());
  return make_tensor<T>(name, shape, rows);
}

/// Adds every slice of a flat parameter vector under "prefix + its name".
template <class T>
void add_params(Safetensors& file, const Layout& layout, const std::string& prefix, const Vector<T>& params) {
  for (const TensorSlice& slice : layout.tensors) {
    const Matrix<T> values = Tile<T>(params.data() + slice.offset, slice.rows, slice.cols);
    file.tensors.push_back(matrix_tensor<T>(prefix + slice.name, values, slice.vector));
  }
}

/// Takes tensors out of a file by name, with every check; what is left over at the end is refused. `path` is for
/// messages: all of them are InputErrors.
class TensorReader {
 public:
  TensorReader(const Safetensors& file, std::string path) : file_(file), path_(std::move(path)) {}

  /// The tensor of this name and type, marked as seen, whatever its shape.
  const Tensor& expect(const std::string& name, Dtype dtype) {
    const Tensor* tensor = file_.find(name);
    if (tensor == nullptr) throw InputError(path_ + ": tensor " + in_quotes(name) + " is missing");
    seen_.insert(name);
    if (tensor->dtype != dtype)
      throw InputError(path_ + ": tensor " + in_quotes(name) + " holds " + std::string(cnf::name(tensor->dtype)) +
                       ", expected " + std::string(cnf::name(dtype)));
    return *tensor;
  }
  const Tensor& expect(const std::string& name, const std::vector<std::int64_t>& shape, Dtype dtype) {
    const Tensor* tensor = file_.find(name);
    if (tensor != nullptr && tensor->shape != shape)
      throw InputError(path_ + ": tensor " + in_quotes(name) + " has shape " + shape_text(tensor->shape) +
                       ", expected " + shape_text(shape));
    return expect(name, dtype);
  }

  template <class T>
  Matrix<T> matrix(const std::string& name, Index rows, Index cols, bool vector) {
    const std::vector<T> data = values<T>(expect(name, shape_of(rows, cols, vector), dtype_of<T>()));
    Matrix<T> result(rows, cols);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) {
        result(i, j) = data[static_cast<std::size_t>(i * cols + j)];
        if (!std::isfinite(static_cast<double>(result(i, j))))
          throw InputError(path_ + ": tensor " + in_quotes(name) + " holds " +
                           shortest(static_cast<double>(result(i, j))) + " at row " + std::to_string(i + 1) +
                           ", column " + std::to_string(j + 1) + "; weights must be finite");
      }
    return result;
  }
  template <class T>
  Vector<T> params(const Layout& layout, const std::string& prefix) {
    for (const TensorSlice& slice : layout.tensors)  // all are here before memory of their sizes is asked for
      expect(prefix + slice.name, shape_of(slice.rows, slice.cols, slice.vector), dtype_of<T>());
    Vector<T> flat = Vector<T>::Zero(layout.size);
    for (const TensorSlice& slice : layout.tensors)
      Out<T>(flat.data() + slice.offset, slice.rows, slice.cols) =
          matrix<T>(prefix + slice.name, slice.rows, slice.cols, slice.vector);
    return flat;
  }
  void finish() const {
    for (const Tensor& tensor : file_.tensors)
      if (!seen_.contains(tensor.name))
        throw InputError(path_ + ": tensor " + in_quotes(tensor.name) + " does not belong to this network");
  }

 private:
  static std::vector<std::int64_t> shape_of(Index rows, Index cols, bool vector) {
    return vector ? std::vector<std::int64_t>{rows} : std::vector<std::int64_t>{rows, cols};
  }

  const Safetensors& file_;
  std::string path_;
  std::set<std::string> seen_;
};

}  // namespace cnf
