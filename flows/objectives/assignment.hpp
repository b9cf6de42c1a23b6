// The linear assignment problem, exactly: who goes to whom at the least cost in all.
#pragma once

#include <vector>

#include "base/types.hpp"

namespace cnf {

/// Of n rows and n columns each row gets a column of its own so that the sum of the costs is least.
///
/// The prices prove it, whoever made them: cost(i, j) >= row_price[i] + column_price[j] for all i, j bounds every
/// assignment's sum from below by the sum of all prices, which this one's is, up to rounding.
/// Cost    O(n^3) at worst; of distances in the plane about a millisecond at n = 256. Memory is kept from call to call.
/// Source  Jonker, Volgenant (1987), A shortest augmenting path algorithm for dense and sparse linear assignment
///         problems, Computing 38, 325-340.
class Assignment {
 public:
  /// `cost`: n x n, column-major by rows of the problem: cost(j, i) is what row i pays for column j, finite.
  /// Throws std::invalid_argument: not square, or a cost that is not finite.
  void solve(const Matrix<double>& cost);

  const std::vector<int>& column_of() const { return column_of_; }  ///< of each row
  const std::vector<double>& row_price() const { return row_price_; }
  const std::vector<double>& column_price() const { return price_; }

 private:
  struct Least;
  Least least(const double* cost) const;
  void reduce_columns(const Matrix<double>& cost);
  void bid(const Matrix<double>& cost);
  void augment(const Matrix<double>& cost, int row);
  void give(int row, int column) { column_of_[at(row)] = column, row_of_[at(column)] = row; }
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  int n_ = 0;
  std::vector<int> column_of_, row_of_;  ///< -1: none yet
  std::vector<double> row_price_, price_;
  std::vector<int> free_, next_free_;
  std::vector<double> distance_;  ///< augment: of each column from the free row
  std::vector<int> from_, open_;  ///< the row before it on the shortest path; columns not reached yet
};

}  // namespace cnf
