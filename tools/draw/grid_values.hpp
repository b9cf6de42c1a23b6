// The values of a picture's cells, in memory or in a file.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "base/spool.hpp"
#include "base/types.hpp"

namespace cnf {

/// rows() x cols() values, row 0 = lowest y. Held as a matrix, or where they would fill memory as rows of a Spool,
/// which copies share.
class GridValues {
 public:
  GridValues() = default;
  GridValues(Matrix<double> held) : rows_(held.rows()), cols_(held.cols()), held_(std::move(held)) {}
  template <class Expression>
  GridValues(const Eigen::DenseBase<Expression>& held) : GridValues(Matrix<double>(held)) {}
  /// `stored`: rows x cols values, one row after the other.
  GridValues(std::shared_ptr<const Spool> stored, Index rows, Index cols)
      : rows_(rows), cols_(cols), stored_(std::move(stored)) {}

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index size() const { return rows_ * cols_; }
  /// Rows first .. first + n - 1.
  Matrix<double> block(Index first, Index n) const;

  /// Calls take(first, block) for all rows in order, a few at a time.
  template <class Take>
  void for_each_block(Take&& take) const {
    constexpr Index kPiece = Index{1} << 20;  // values
    const Index step = std::max<Index>(kPiece / std::max<Index>(cols_, 1), 1);
    for (Index first = 0; first < rows_; first += step) take(first, block(first, std::min(step, rows_ - first)));
  }

 private:
  Index rows_ = 0, cols_ = 0;
  Matrix<double> held_;
  std::shared_ptr<const Spool> stored_;
};

}  // namespace cnf
