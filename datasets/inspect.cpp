#include "datasets/inspect.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/random.hpp"
#include "datasets/split.hpp"

namespace cnf {
namespace {

constexpr Index kSampleRows = Index{1} << 16, kSampleValues = Index{1} << 22;
constexpr std::size_t kMostDistinct = std::size_t{1} << 16;  // held at once, 3 MB
constexpr double kAtom = 0.01;           // the share of the rows that makes a value one of few, or a spike
constexpr double kFew = 0.95;            // the share of the rows that few values hold between them
constexpr double kAgree = 0.007;         // two normal values on a grid of a deviation / 40 agree with this chance
constexpr Index kFewValues = 32;         // are few, however the rows are spread over them
constexpr Index kEnough = 20;            // rows for their repetitions to mean something
constexpr double kAlone = 5;             // times as many rows as the next value: a spike
constexpr Index kSpikeRows = 10;         // of the sample, so that chance makes none
constexpr double kFar = 1000;            // deviations
constexpr double kNormalWidth = 3.2897;  // deviations from the 5 % to the 95 % quantile of a normal distribution
constexpr double kRepeated = 0.02, kRepeatedAlone = 0.5;
constexpr double kEnoughRows = 0.2;  // so many of a sample's rows must differ for them to judge the columns

/// Of every stretch of N / n rows one, so that neither an order nor a period of the file shows.
std::vector<Index> sampled_rows(Index N, Index D) {
  const Index n = std::min({N, kSampleRows, std::max<Index>(1024, kSampleValues / D)});
  std::vector<Index> rows(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const Index begin = i * N / n, width = (i + 1) * N / n - begin;
    rows[static_cast<std::size_t>(i)] =
        begin + (width < 2 ? 0
                           : uniform_index(Seed{0}, Purpose::split, 1, static_cast<std::uint64_t>(i), 0,
                                           static_cast<std::uint32_t>(width)));
  }
  return rows;
}

std::vector<double> sorted_values(const Eigen::Ref<const Batch>& x, Index column, const std::vector<Index>& rows) {
  std::vector<double> values;
  values.reserve(rows.size());
  for (const Index i : rows) values.push_back(x(column, i));
  std::sort(values.begin(), values.end());
  return values;
}

/// How values repeat.
struct Ties {
  Index distinct = 0;
  Index most = 0, second = 0;  ///< rows of the two commonest values
  double commonest = 0;
  double few = 0;    ///< share of the rows whose value a hundredth of all rows hold
  double agree = 0;  ///< the chance that two rows agree
};

Ties ties_of(const std::vector<double>& sorted) {
  Ties ties;
  const auto n = std::ssize(sorted);
  double pairs = 0;
  const Index atom = std::max<Index>(4, std::lround(std::ceil(kAtom * static_cast<double>(n))));
  for (std::ptrdiff_t begin = 0, end; begin < n; begin = end) {
    const double value = sorted[static_cast<std::size_t>(begin)];
    for (end = begin + 1; end < n && sorted[static_cast<std::size_t>(end)] == value;) ++end;
    const Index count = end - begin;
    ++ties.distinct;
    if (count > ties.most)
      ties.second = ties.most, ties.most = count, ties.commonest = value;
    else
      ties.second = std::max(ties.second, count);
    const auto rows = static_cast<double>(count);
    if (count >= atom) ties.few += rows / static_cast<double>(n);
    pairs += rows * (rows - 1);
  }
  if (n > 1) ties.agree = pairs / (static_cast<double>(n) * static_cast<double>(n - 1));
  return ties;
}

/// Of a sorted column: the median and how wide its middle is, 0 if it is a single value.
struct Middle {
  double median = 0, deviation = 0;
};

Middle middle_of(const std::vector<double>& sorted) {
  const std::size_t n = sorted.size(), left_out = std::max<std::size_t>(1, n / 20);
  if (n < 8) return {};
  return {sorted[n / 2], (sorted[n - 1 - left_out] - sorted[left_out]) / kNormalWidth};
}

/// Of a column whose middle is one value, the middle of the others.
Middle middle_of_varying(std::vector<double> sorted) {
  const Middle middle = middle_of(sorted);
  if (middle.deviation > 0) return middle;
  std::erase(sorted, middle.median);
  return middle_of(sorted);
}

/// Distinct values of a column, counted up to kMostDistinct.
Index count_distinct(const Eigen::Ref<const Batch>& x, Index column) {
  std::unordered_set<double> values;
  for (Index i = 0; i < x.cols() && values.size() < kMostDistinct; ++i) values.insert(x(column, i));
  return std::ssize(values);
}

class Inspection {
 public:
  explicit Inspection(const Eigen::Ref<const Batch>& x) : x_(x), rows_(sampled_rows(x.cols(), x.rows())) {
    unique_ = rows_;
    if (x.rows() == 1) return;
    std::unordered_set<std::uint64_t> seen;
    std::erase_if(unique_, [&](Index i) { return !seen.insert(row_digest(x, i)).second; });
    if (static_cast<double>(unique_.size()) < kEnoughRows * static_cast<double>(rows_.size())) unique_ = rows_;
  }

  std::vector<Finding> findings() {
    for (Index j = 0; j < x_.rows(); ++j) column(j);
    repeated_rows();
    return std::move(findings_);
  }

 private:
  void column(Index j) {
    const double low = x_.row(j).minCoeff(), high = x_.row(j).maxCoeff(),
                 most = std::max(std::abs(low), std::abs(high));
    if (low == high) return;
    if (most > 1e150 || high - low < 1e-150) findings_.push_back({Oddity::extreme_scale, j, 0, most});
    const std::vector<double> values = sorted_values(x_, j, rows_);
    const std::optional<double> spike = repetitions(j, values);
    far_rows(j, low, high, middle_of_varying(values), spike);
  }

  /// Returns the value of a spike, if there is one.
  std::optional<double> repetitions(Index j, const std::vector<double>& values) {
    const Ties ties = ties_of(values);
    const auto n = static_cast<double>(values.size());
    std::optional<double> spike;
    if (std::ssize(values) < kEnough) return spike;
    const bool few = ties.few >= kFew || (ties.distinct <= kFewValues && 4 * ties.distinct <= std::ssize(values));
    if (!few && ties.most >= kSpikeRows && static_cast<double>(ties.most) >= kAtom * n &&
        static_cast<double>(ties.most) >= kAlone * static_cast<double>(ties.second)) {
      spike = ties.commonest;
      findings_.push_back({Oddity::spike, j, (x_.row(j).array() == *spike).count(), *spike});
      return spike;
    }
    // Where whole rows repeat, every column repeats with them: the rows that differ say whether it does by itself.
    if (ties.agree < kAgree || 2 * ties.distinct > std::ssize(values)) return spike;
    if (unique_.size() < rows_.size() && ties_of(sorted_values(x_, j, unique_)).agree < kAgree) return spike;
    const Index distinct = std::ssize(rows_) == x_.cols() ? ties.distinct : count_distinct(x_, j);
    findings_.push_back({few ? Oddity::few_values : Oddity::rounded, j, distinct});
    return spike;
  }

  void far_rows(Index j, double low, double high, const Middle& middle, std::optional<double> spike) {
    const double bound = kFar * middle.deviation;
    const double above = high - middle.median, below = middle.median - low;
    if (!(bound > 0) || !(std::max(above, below) > bound)) return;
    const double farthest = above > below ? high : low;
    if (spike == farthest) return;
    Finding found{Oddity::far_rows, j, 0, std::max(above, below) / middle.deviation};
    for (Index i = 0; i < x_.cols(); ++i) {
      found.count += std::abs(x_(j, i) - middle.median) > bound;
      if (found.row < 0 && x_(j, i) == farthest) found.row = i;
    }
    findings_.push_back(found);
  }

  /// Counts every copy of the rows whose digest ends in zeros, so many zeros that these rows are few (Wegman's adaptive
  /// sampling; Flajolet (1990), Computing 43, 391-400).
  void repeated_rows() {
    std::unordered_map<std::uint64_t, Index> copies;
    std::uint64_t mask = 0;
    for (Index i = 0; i < x_.cols(); ++i) {
      const std::uint64_t digest = row_digest(x_, i);
      if ((digest & mask) != 0) continue;
      ++copies[digest];
      if (copies.size() <= kMostDistinct) continue;
      mask = 2 * mask + 1;
      std::erase_if(copies, [&](const auto& row) { return (row.first & mask) != 0; });
    }
    Index rows = 0;
    for (const auto& [digest, count] : copies) rows += count;
    if (rows == 0) return;
    const double share = 1 - static_cast<double>(copies.size()) / static_cast<double>(rows);
    const auto count = static_cast<Index>(std::lround(share * static_cast<double>(x_.cols())));
    if (count > 1 && share >= (x_.rows() > 1 ? kRepeated : kRepeatedAlone))
      findings_.push_back({Oddity::repeated_rows, -1, count});
  }

  const Eigen::Ref<const Batch>& x_;
  std::vector<Index> rows_, unique_;  ///< those that judge the columns, and of these every row once
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> inspect(const Eigen::Ref<const Batch>& x) {
  if (x.cols() == 0 || x.rows() == 0) return {};
  return Inspection(x).findings();
}

std::vector<Dependence> dependent_columns(const Eigen::Ref<const Batch>& x) {
  constexpr Index kMostCorrelated = 1024;
  constexpr double kOperations = 2e9, kResidual = 1e-8, kCounts = 1e-3, kRounding = 1e-9;
  const Index D = x.rows();
  if (D < 2 || D > kMostCorrelated || x.cols() <= D) return {};
  const auto affordable = static_cast<Index>(kOperations / static_cast<double>(D * D));
  std::vector<Index> rows = sampled_rows(x.cols(), D);
  if (std::ssize(rows) > affordable) rows.resize(static_cast<std::size_t>(affordable));
  if (std::ssize(rows) <= D) return {};
  Batch u = take(x, rows);
  const Vector<double> mean = u.rowwise().mean();
  u.colwise() -= mean;
  const Vector<double> deviation = u.rowwise().norm() / std::sqrt(static_cast<double>(u.cols()));
  u = deviation.cwiseInverse().asDiagonal() * u;
  Matrix<double> correlation = Matrix<double>::Zero(D, D);
  correlation.selfadjointView<Eigen::Lower>().rankUpdate(u, 1. / static_cast<double>(u.cols()));

  // Cholesky's factor of the columns that do not depend on those before them, row by row.
  std::vector<Dependence> found;
  std::vector<Index> kept;
  Matrix<double> L = Matrix<double>::Zero(D, D);
  for (Index j = 0; j < D; ++j) {
    const auto K = static_cast<Index>(kept.size());
    Vector<double> c(K);
    for (Index k = 0; k < K; ++k) c[k] = correlation(j, kept[static_cast<std::size_t>(k)]);
    const auto factor = L.topLeftCorner(K, K).triangularView<Eigen::Lower>();
    factor.solveInPlace(c);
    const double residual = correlation(j, j) - c.squaredNorm();
    if (!(residual < kResidual)) {
      L.row(K).head(K) = c.transpose();
      L(K, K) = std::sqrt(residual);
      kept.push_back(j);
      continue;
    }
    factor.transpose().solveInPlace(c);
    Dependence depends{j, {}, {}, mean[j]};
    for (Index k = 0; k < K; ++k) {
      if (std::abs(c[k]) < kCounts) continue;
      const Index on = kept[static_cast<std::size_t>(k)];
      depends.on.push_back(on);
      depends.factors.push_back(c[k] * deviation[j] / deviation[on]);
      depends.offset -= depends.factors.back() * mean[on];
    }
    // What the means lose by cancelling is no offset.
    if (std::abs(depends.offset) < kRounding * (std::abs(mean[j]) + deviation[j])) depends.offset = 0;
    depends.copy = depends.on.size() == 1 && x.row(j) == x.row(depends.on.front());
    found.push_back(std::move(depends));
  }
  return found;
}

}  // namespace cnf
