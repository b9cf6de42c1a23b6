#include "flows/judge/grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace cnf {
namespace {

constexpr Index kBlock = 16384;  // cells between two questions whether to stop: whole tiles

using Ends = std::pair<double, double>;
double width(const Ends& x) { return x.second - x.first; }

/// The shortest that holds the share of the sorted values.
Ends shortest(const Eigen::Ref<const Vector<double>>& sorted, double share) {
  const Index n = sorted.size(), k = std::clamp<Index>(std::lround(share * static_cast<double>(n)), 1, n);
  Ends best{sorted[0], sorted[k - 1]};
  for (Index i = 1; i + k <= n; ++i)
    if (const Ends next{sorted[i], sorted[i + k - 1]}; width(next) < width(best)) best = next;
  return best;
}

/// Of the sorted values from `first` on, n of them, all outside `seen`: true for a hill of its own, at least a fiftieth
/// of all, half of them closer together than a quarter of the way to them.
bool is_hill(const Vector<double>& sorted, Index first, Index n, const Ends& seen) {
  if (50 * n < sorted.size()) return false;
  const Ends half = shortest(sorted.segment(first, n), 0.5);
  const double way = half.first > seen.second ? half.first - seen.second : seen.first - half.second;
  return 4 * width(half) < way;
}

/// From the 0.5 % to the 99.5 % quantile, but where that is more than kTail times as wide as the shortest interval that
/// holds 80 %, the shortest of at least 90 % that is not; and out to the quantile where a hill lies.
Ends seen_part(const Vector<double>& sorted) {
  constexpr double kTail = 8;  // of a Gaussian 2.0, of Student's t with two degrees of freedom 5.3
  const auto at = [&](double share) {
    return sorted[static_cast<Index>(share * static_cast<double>(sorted.size() - 1))];
  };
  const Ends all{at(0.005), at(0.995)};
  const double most = kTail * width(shortest(sorted, 0.8));
  if (width(all) <= most || most == 0) return all;
  Ends seen = all;
  for (int percent = 98; percent >= 90 && width(seen) > most; percent -= 2) seen = shortest(sorted, percent / 100.0);
  const double *begin = sorted.data(), *end = begin + sorted.size();
  const Index below = std::lower_bound(begin, end, seen.first) - begin;
  const Index above = std::upper_bound(begin, end, seen.second) - begin;
  const Ends core = seen;
  if (is_hill(sorted, 0, below, core)) seen.first = all.first;
  if (is_hill(sorted, above, sorted.size() - above, core)) seen.second = all.second;
  return seen;
}

void widen(Vector<double> values, double& low, double& high) {
  std::sort(values.data(), values.data() + values.size());
  std::tie(low, high) = seen_part(values);
  constexpr double kLastPlaces = 16 * std::numeric_limits<double>::epsilon();  // far from zero a spread may be as small
  const double margin = std::max(
      {(high - low) / 12, kLastPlaces * std::max(std::abs(low), std::abs(high)), std::numeric_limits<double>::min()});
  low -= margin, high += margin;
}

}  // namespace

Batch cell_centres(const Grid& grid, Index first, Index n) {
  const Box& range = grid.range;
  Batch x(2, n);
  for (Index b = 0; b < n; ++b) {
    const Index i = (first + b) % grid.nx, j = (first + b) / grid.nx;
    x(0, b) = range.x0 + (range.x1 - range.x0) * (static_cast<double>(i) + 0.5) / static_cast<double>(grid.nx);
    x(1, b) = range.y0 + (range.y1 - range.y0) * (static_cast<double>(j) + 0.5) / static_cast<double>(grid.ny);
  }
  return x;
}

Batch finite_samples(Evaluator& evaluator, Seed seed, Index N, std::vector<Status>* failures) {
  Evaluated drawn = evaluator.sample(seed, 0, N, false);
  if (failures != nullptr) failures->insert(failures->end(), drawn.failures.begin(), drawn.failures.end());
  Batch& points = drawn.points;
  Index finite = 0;
  if (drawn.given_up) points.resize(points.rows(), 0);
  for (Index b = 0; b < points.cols(); ++b)
    if (points.col(b).allFinite()) points.col(finite++) = points.col(b);
  points.conservativeResize(points.rows(), finite);
  return std::move(points);
}

Box quantile_box(const Eigen::Ref<const Batch>& points) {
  if (points.rows() != 2 || points.cols() < 2)
    throw std::invalid_argument("quantile_box: points are " + std::to_string(points.rows()) + " x " +
                                std::to_string(points.cols()) + ", expected 2 rows and 2 columns or more");
  Box range;
  widen(points.row(0), range.x0, range.x1);
  widen(points.row(1), range.y0, range.y1);
  return range;
}

void for_each_density(const LogDensity& log_density, const Grid& grid, StopFlag stop,
                      const std::function<void(const Vector<double>& p)>& take) {
  for (Index first = 0; first < grid.cells(); first += kBlock) {
    stop_if_asked(stop);
    const Batch x = cell_centres(grid, first, std::min(kBlock, grid.cells() - first));
    take(log_density(x, first).unaryExpr([](double v) { return std::exp(v); }));
  }
}

Matrix<double> density_grid(const LogDensity& log_density, const Grid& grid, StopFlag stop) {
  Matrix<double> density(grid.ny, grid.nx);
  Index cell = 0;
  const auto keep = [&](const Vector<double>& p) {
    for (Index b = 0; b < p.size(); ++b, ++cell) density(cell / grid.nx, cell % grid.nx) = p[b];
  };
  for_each_density(log_density, grid, stop, keep);
  return density;
}

std::optional<Matrix<double>> density_grid(Evaluator& evaluator, const Grid& grid, std::vector<Status>* failures) {
  bool given_up = false;
  const auto log_density = [&](const Batch& x, Index first) {
    if (given_up) return Vector<double>(Vector<double>::Zero(x.cols()));
    Evaluated block = evaluator.log_prob(x, static_cast<std::uint64_t>(first));
    for (Status& status : block.failures) {
      status.row += first;
      if (failures != nullptr) failures->push_back(status);
    }
    given_up = block.given_up;
    return std::move(block.log_prob);
  };
  Matrix<double> density = density_grid(log_density, grid);
  if (given_up) return std::nullopt;
  return density;
}

Grid histogram_grid(Index n, const Box& range, Index most, double aspect) {
  const double cells = std::sqrt(static_cast<double>(n) / 4 / aspect);
  const Index nx = std::clamp<Index>(std::lround(cells), 16, std::max<Index>(16, most));
  return {range, nx, std::max<Index>(1, std::lround(static_cast<double>(nx) * aspect))};
}

Matrix<double> histogram(const Eigen::Ref<const Batch>& points, const Grid& grid) {
  Matrix<double> density = Matrix<double>::Zero(grid.ny, grid.nx);
  const Box& range = grid.range;
  const double width = range.x1 - range.x0, height = range.y1 - range.y0;
  const double one = static_cast<double>(grid.nx) * static_cast<double>(grid.ny) /
                     (width * height * static_cast<double>(std::max<Index>(points.cols(), 1)));
  for (Index b = 0; b < points.cols(); ++b) {
    const double i = (points(0, b) - range.x0) / width * static_cast<double>(grid.nx);
    const double j = (points(1, b) - range.y0) / height * static_cast<double>(grid.ny);
    if (i >= 0 && j >= 0 && i < static_cast<double>(grid.nx) && j < static_cast<double>(grid.ny))
      density(static_cast<Index>(j), static_cast<Index>(i)) += one;
  }
  return density;
}

}  // namespace cnf
