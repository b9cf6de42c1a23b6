#include "base/standardisation.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
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

/// The columns' numbers.
struct Columns {
  Vector<double> low, high, mean, deviation;
  std::vector<Index> still;  ///< those that do not vary
};

Columns columns_of(const Eigen::Ref<const Batch>& x) {
  const Index D = x.rows();
  Columns c{Vector<double>(D), Vector<double>(D), mean_of(x), Vector<double>(D), {}};
  for (Index j = 0; j < D; ++j) {
    const double low = c.low[j] = x.row(j).minCoeff(), high = c.high[j] = x.row(j).maxCoeff();
    const double most = std::max(std::abs(low), std::abs(high));
    if (!std::isfinite(c.mean[j])) c.mean[j] = most * mean_of(x.row(j) / most)[0];  // the sum alone overflowed
    // Relative to the largest value first, so that squares neither overflow nor vanish.
    const double spread = most > 0 ? ((x.row(j).array() - c.mean[j]) / most).square().mean() : 0;
    c.deviation[j] = most * std::sqrt(spread);
    const bool varies = low < high && std::sqrt(spread) > 4 * std::numeric_limits<double>::epsilon();
    if (!varies && std::isfinite(high - low)) c.still.push_back(j);
  }
  return c;
}

/// "3, 'c'," of a column with a name, else "3".
std::string named(Index j, const std::vector<std::string>& columns) {
  const std::string number = std::to_string(j + 1);
  return columns.empty() ? number : number + ", '" + columns[static_cast<std::size_t>(j)] + "',";
}

/// Of columns that do not vary.
[[noreturn]] void refuse(const Columns& c, Index rows, const std::vector<std::string>& columns,
                         const std::string& source) {
  constexpr std::size_t kNamed = 6;
  const char* const expected = "; a density needs columns that vary";
  const auto is_constant = [&](Index j) { return c.low[j] == c.high[j]; };
  if (c.still.size() == 1) {
    const Index j = c.still.front();
    const std::string what = source + ": column " + named(j, columns), low = shortest(c.low[j]);
    if (is_constant(j))
      throw InputError(what + " is constant, all " + std::to_string(rows) + " values are " + low + expected,
                       "leave the column out");
    throw InputError(what + " varies by rounding alone, from " + low + " to " + shortest(c.high[j]) + expected,
                     "subtract an offset before the numbers are written, or leave the column out");
  }
  std::string list;
  for (std::size_t k = 0; k < std::min(c.still.size(), kNamed); ++k)
    list += (k > 0 ? ", " : "") + (columns.empty() ? std::to_string(c.still[k] + 1)
                                                   : "'" + columns[static_cast<std::size_t>(c.still[k])] + "'");
  if (c.still.size() > kNamed) list += " and " + std::to_string(c.still.size() - kNamed) + " more";
  const bool constant = std::all_of(c.still.begin(), c.still.end(), is_constant);
  throw InputError(source + ": " + std::to_string(c.still.size()) + " of " + std::to_string(c.mean.size()) +
                       " columns are constant" + (constant ? ": " : " or vary by rounding alone: ") + list + expected,
                   "leave the columns out");
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
  Columns c = columns_of(x);
  for (Index j = 0; j < D; ++j)
    if (!std::isfinite(c.high[j] - c.low[j]))
      throw InputError(source + ": column " + named(j, columns) + " reaches from " + shortest(c.low[j]) + " to " +
                           shortest(c.high[j]) + ", further than a double can say",
                       "divide the column by 10");
  if (!c.still.empty()) refuse(c, N, columns, source);
  Standardisation s;
  s.mean = std::move(c.mean);
  const Vector<double>& deviation = c.deviation;
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

std::vector<Index> unvarying_columns(const Eigen::Ref<const Batch>& x) { return columns_of(x).still; }

}  // namespace cnf
