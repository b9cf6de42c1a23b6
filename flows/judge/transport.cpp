#include "flows/judge/transport.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "flows/objectives/assignment.hpp"

namespace cnf {

double wasserstein2(const Batch& a, const Batch& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols() || a.cols() == 0)
    throw std::invalid_argument("wasserstein2: points are " + std::to_string(a.rows()) + " x " +
                                std::to_string(a.cols()) + " and " + std::to_string(b.rows()) + " x " +
                                std::to_string(b.cols()) + ", expected as many of each, and some");
  const Index n = a.cols();
  Matrix<double> cost(n, n);
  for (Index i = 0; i < n; ++i) cost.col(i) = (b.colwise() - a.col(i)).colwise().squaredNorm();
  Assignment assignment;
  assignment.solve(cost);
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += cost(assignment.column_of()[static_cast<std::size_t>(i)], i);
  return std::sqrt(sum / static_cast<double>(n));
}

}  // namespace cnf
