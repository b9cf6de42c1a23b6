#include "base/standardisation.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/error.hpp"
#include "base/number_text.hpp"

namespace cnf {

namespace {

/// mean of the columns of x about a first guess: exact to rounding also where the mean is far from 0.
Vector<double> mean_of(const Eigen::Ref<const Batch>& x) {
  const Vector<double> guess = x.col(0);
  const double n = static_cast<double>(x.cols());
  const Vector<double> mean = guess + (x.colwise() - guess).rowwise().sum() / n;
  return mean + (x.colwise() - mean).rowwise().sum() / n;
}

void check_rows(const char* function, Index rows, Index dim) {
  if (rows != dim)
    throw std::invalid_argument(std::string("Standardisation::") + function + ": " + std::to_string(rows) +
                                " rows, expected " + std::to_string(dim) + "; samples are columns");
}

}  // namespace

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

Standardisation fit_standardisation(const Eigen::Ref<const Batch>& x, const std::vector<std::string>& columns,
                                    const std::string& source) {
  constexpr double kSmallestEigenvalue = 1e-8;
  const Index D = x.rows(), N = x.cols();
  if (!columns.empty() && static_cast<Index>(columns.size()) != D)
    throw std::invalid_argument("fit_standardisation: " + std::to_string(columns.size()) + " column names for " +
                                std::to_string(D) + " dimensions; samples are columns");
  if (N < 2)
    throw InputError(source + ": " + std::to_string(N) + (N == 1 ? " row" : " rows") +
                     " to fit to, expected at least 2");
  const auto refuse = [&](Index j, const std::string& what, const std::string& help) {
    const std::string name = columns.empty() ? "" : ", '" + columns[static_cast<std::size_t>(j)] + "',";
    throw InputError(source + ": column " + std::to_string(j + 1) + name + " " + what, help);
  };
  Standardisation s;
  s.mean = mean_of(x);
  Vector<double> deviation(D);
  for (Index j = 0; j < D; ++j) {
    const double low = x.row(j).minCoeff(), high = x.row(j).maxCoeff(), most = std::max(std::abs(low), std::abs(high));
    if (!std::isfinite(high - low))
      refuse(j, "reaches from " + shortest(low) + " to " + shortest(high) + ", further than a double can say",
             "divide the column by 10");
    if (!std::isfinite(s.mean[j])) s.mean[j] = most * mean_of(x.row(j) / most)[0];  // the sum alone overflowed
    // Relative to the largest value first, so that squares neither overflow nor vanish.
    const double spread = most > 0 ? ((x.row(j).array() - s.mean[j]) / most).square().mean() : 0;
    deviation[j] = most * std::sqrt(spread);
    if (low == high)
      refuse(j,
             "is constant, all " + std::to_string(N) + " values are " + shortest(low) +
                 "; a density needs columns that vary",
             "leave the column out");
    if (!(std::sqrt(spread) > 4 * std::numeric_limits<double>::epsilon()))
      refuse(j,
             "varies by rounding alone, from " + shortest(low) + " to " + shortest(high) +
                 "; a density needs columns that vary",
             "subtract an offset before the numbers are written, or leave the column out");
  }
  s.scale = deviation.asDiagonal();
  if (N <= D) return s;
  Matrix<double> correlation = Matrix<double>::Zero(D, D);
  constexpr Index kPiece = 4096;
  for (Index i = 0; i < N; i += kPiece) {
    const Batch u =
        deviation.cwiseInverse().asDiagonal() * (x.middleCols(i, std::min(kPiece, N - i)).colwise() - s.mean);
    correlation.selfadjointView<Eigen::Lower>().rankUpdate(u, 1. / static_cast<double>(N));
  }
  const Eigen::SelfAdjointEigenSolver<Matrix<double>> eigen(correlation, Eigen::EigenvaluesOnly);
  if (!(eigen.eigenvalues().minCoeff() > kSmallestEigenvalue)) return s;
  s.scale = deviation.asDiagonal() * Matrix<double>(correlation.llt().matrixL());
  return s;
}

}  // namespace cnf
