#include "base/standardisation.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace cnf {

static void check_rows(const char* function, Index rows, Index dim) {
  if (rows != dim)
    throw std::invalid_argument(std::string("Standardisation::") + function + ": " + std::to_string(rows) +
                                " rows, expected " + std::to_string(dim) + "; samples are columns");
}

Standardisation Standardisation::identity(Index D) { return {Vector<double>::Zero(D), Matrix<double>::Identity(D, D)}; }

// Plain loops: a library's product may sum a column differently beside other columns.
Batch Standardisation::apply(const Eigen::Ref<const Batch>& x) const {
  check_rows("apply", x.rows(), dim());
  Batch u(dim(), x.cols());
  for (Index b = 0; b < x.cols(); ++b)
    for (Index i = 0; i < dim(); ++i) {
      double rest = x(i, b) - mean[i];
      for (Index j = 0; j < i; ++j) rest -= scale(i, j) * u(j, b);
      u(i, b) = rest / scale(i, i);
    }
  return u;
}

Batch Standardisation::invert(const Eigen::Ref<const Batch>& u) const {
  check_rows("invert", u.rows(), dim());
  Batch x(dim(), u.cols());
  for (Index b = 0; b < u.cols(); ++b)
    for (Index i = 0; i < dim(); ++i) {
      double sum = mean[i];
      for (Index j = 0; j <= i; ++j) sum += scale(i, j) * u(j, b);
      x(i, b) = sum;
    }
  return x;
}

double Standardisation::log_abs_det() const { return scale.diagonal().array().log().sum(); }

}  // namespace cnf
