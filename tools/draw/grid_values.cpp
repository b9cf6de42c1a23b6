#include "tools/draw/grid_values.hpp"

#include <vector>

namespace cnf {

Matrix<double> GridValues::block(Index first, Index n) const {
  if (stored_ == nullptr) return held_.middleRows(first, n);
  std::vector<double> rows(static_cast<std::size_t>(n * cols_));
  stored_->read(static_cast<std::uint64_t>(first * cols_), rows);
  return Tile<double>(rows.data(), cols_, n).transpose();
}

}  // namespace cnf
