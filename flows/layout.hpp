// Where a model's tensors lie in its flat parameter vector.
#pragma once

#include <string>
#include <vector>

#include "base/types.hpp"

namespace cnf {

/// One tensor of the parameters: rows x cols, column-major, beginning at `offset` of the flat parameter vector.
struct TensorSlice {
  std::string name;  ///< as in the model file: "layers.0.weight"
  Index rows, cols, offset;
  bool vector;  ///< one index in the file (a bias), not two (a weight)
  Index size() const { return rows * cols; }
};

/// A flat parameter vector: every tensor begins at a multiple of 16 values (a cache line of floats); the gaps are zero
/// and stay zero.
struct Layout {
  std::vector<TensorSlice> tensors;
  Index size = 0;        ///< of the flat vector, gaps included
  Index parameters = 0;  ///< gaps left out

  /// One more tensor at the end. Returns its offset.
  Index add(std::string name, Index rows, Index cols, bool vector);
  /// All tensors of `part`, under "prefix + their name". Returns the offset of its flat vector within this one.
  Index append(const std::string& prefix, const Layout& part);
};

}  // namespace cnf
