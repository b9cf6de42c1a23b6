#include "flows/layout.hpp"

namespace cnf {

Index Layout::add(std::string name, Index rows, Index cols, bool vector) {
  constexpr Index kAlign = 16;
  const Index offset = size, values = rows * cols;
  tensors.push_back({std::move(name), rows, cols, offset, vector});
  parameters += values;
  size += (values + kAlign - 1) / kAlign * kAlign;
  return offset;
}

Index Layout::append(const std::string& prefix, const Layout& part) {
  const Index offset = size;
  for (const TensorSlice& slice : part.tensors)
    tensors.push_back({prefix + slice.name, slice.rows, slice.cols, offset + slice.offset, slice.vector});
  size += part.size;
  parameters += part.parameters;
  return offset;
}

}  // namespace cnf
