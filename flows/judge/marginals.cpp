#include "flows/judge/marginals.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "flows/judge/contour.hpp"

namespace cnf {
namespace {

constexpr double kTailShare = 0.9, kTailWidth = 3;

void check(double low, double high) {
  if (!(low < high) || !std::isfinite(high - low))
    throw std::invalid_argument("marginals: a range from " + std::to_string(low) + " to " + std::to_string(high));
}

std::vector<double> sorted_inside(const Eigen::Ref<const Vector<double>>& values, const Interval& range) {
  std::vector<double> inside;
  for (const double v : values)
    if (v >= range.low && v <= range.high) inside.push_back(v);
  std::sort(inside.begin(), inside.end());
  return inside;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

/// The lesser of the deviation and what a Gaussian of the same quartiles has; 0 where all values agree.
double spread(const std::vector<double>& sorted) {
  constexpr double kQuartiles = 1.349;  // between those of a standard Gaussian
  double mean = 0, sum = 0;
  for (const double v : sorted) mean += v / static_cast<double>(sorted.size());
  for (const double v : sorted) sum += (v - mean) * (v - mean);
  const double deviation = std::sqrt(sum / static_cast<double>(sorted.size()));
  const double between = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / kQuartiles;
  return between > 0 ? std::min(deviation, between) : deviation;
}

/// The step that all values are multiples of, from the least on; 0 where there is none, or one too fine to be told.
double step_of(const std::vector<double>& sorted) {
  constexpr std::size_t kMostSteps = 512;
  std::vector<double> distinct;
  for (const double v : sorted) {
    if (distinct.empty() || v > distinct.back()) distinct.push_back(v);
    if (distinct.size() > kMostSteps) return 0;
  }
  if (distinct.size() < 2) return 0;
  double step = distinct[1] - distinct[0];
  for (std::size_t k = 2; k < distinct.size(); ++k) step = std::min(step, distinct[k] - distinct[k - 1]);
  for (const double v : distinct) {
    const double steps = (v - distinct[0]) / step;
    if (std::abs(steps - std::round(steps)) > 0.02) return 0;
  }
  return step;
}

/// A Gaussian's weights, `sigma` cells wide, that sum to one.
std::vector<double> kernel(double sigma) {
  const int reach = std::max(1, static_cast<int>(std::ceil(4 * sigma)));
  std::vector<double> weight(2 * static_cast<std::size_t>(reach) + 1);
  double sum = 0;
  for (int k = -reach; k <= reach; ++k) sum += weight[k + reach] = std::exp(-0.5 * k * k / (sigma * sigma));
  for (double& w : weight) w /= sum;
  return weight;
}

/// Along the columns of `values`, in place.
void smooth(Eigen::Ref<Matrix<double>> values, double sigma) {
  const std::vector<double> weight = kernel(sigma);
  const Index reach = std::ssize(weight) / 2, n = values.rows();
  Vector<double> out(n);
  for (Index c = 0; c < values.cols(); ++c) {
    out.setZero();
    for (Index k = -reach; k <= reach; ++k) {
      const Index first = std::max<Index>(0, k), last = std::min(n, n + k);
      if (last > first)
        out.segment(first, last - first) +=
            weight[static_cast<std::size_t>(k + reach)] * values.col(c).segment(first - k, last - first);
    }
    values.col(c) = out;
  }
}

/// Along rows and columns.
Matrix<double> smoothed(Matrix<double> density, double along_x, double along_y) {
  smooth(density, along_y);
  Matrix<double> turned = density.transpose();
  smooth(turned, along_x);
  return turned.transpose();
}

/// Half of Scott's rule (1992), Multivariate Density Estimation, sec. 6, in cells; a cell's own width at least.
double bandwidth(const Eigen::Ref<const Vector<double>>& values, const Interval& range, Index cells, int dimensions) {
  const std::vector<double> inside = sorted_inside(values, range);
  if (inside.empty()) return 1;
  const double h = 0.5 * spread(inside) * std::pow(static_cast<double>(inside.size()), -1.0 / (4 + dimensions));
  return std::clamp(h / (range.high - range.low) * static_cast<double>(cells), 0.8, static_cast<double>(cells) / 8);
}

/// The cell of v, or -1.
Index cell(double v, double low, double high, Index n) {
  const double place = (v - low) / (high - low) * static_cast<double>(n);
  return place >= 0 && place < static_cast<double>(n) ? static_cast<Index>(place) : -1;
}

}  // namespace

Histogram histogram_of(const Eigen::Ref<const Vector<double>>& values, const Interval& range, Index most) {
  check(range.low, range.high);
  if (most < 8)
    throw std::invalid_argument("histogram_of: at most " + std::to_string(most) + " bins, expected 8 or more");
  const std::vector<double> inside = sorted_inside(values, range);
  const double all = range.high - range.low, n = static_cast<double>(inside.size());
  double width = all / 8;
  if (!inside.empty()) {
    const double between = quantile(inside, 0.75) - quantile(inside, 0.25);
    width = std::clamp(2 * between / std::cbrt(n), all / static_cast<double>(most), all / 8);
  }
  double low = range.low;
  if (const double step = inside.empty() ? 0 : step_of(inside); step > width / 4) {
    const double least = std::ceil(all / static_cast<double>(most) / step - 1e-9);
    width = step * std::max({1.0, least, std::round(width / step)});
    low = inside.front() - step / 2;
    low -= std::ceil((low - range.low) / width) * width;
  }
  const Index count = std::max<Index>(1, static_cast<Index>(std::ceil((range.high - low) / width - 1e-9)));
  Histogram bars{low, width, Vector<double>::Zero(count)};
  const double one = 1 / (width * static_cast<double>(std::max<Index>(values.size(), 1)));
  for (const double v : inside) {
    const Index k = std::min(count - 1, static_cast<Index>((v - low) / width));
    bars.height[k] += one;
  }
  return bars;
}

Vector<double> smooth_marginal(const Eigen::Ref<const Vector<double>>& values, const Interval& range, Index n) {
  check(range.low, range.high);
  Matrix<double> density = Matrix<double>::Zero(n, 1);
  const double one = static_cast<double>(n) / (range.high - range.low) / static_cast<double>(values.size());
  for (const double v : values)
    if (const Index k = cell(v, range.low, range.high, n); k >= 0) density(k, 0) += one;
  smooth(density, bandwidth(values, range, n, 1));
  return density.col(0);
}

Matrix<double> smooth_marginal(const Eigen::Ref<const Vector<double>>& x, const Eigen::Ref<const Vector<double>>& y,
                               const Box& range, Index nx, Index ny) {
  check(range.x0, range.x1), check(range.y0, range.y1);
  if (x.size() != y.size())
    throw std::invalid_argument("smooth_marginal: " + std::to_string(x.size()) + " values of x and " +
                                std::to_string(y.size()) + " of y");
  Matrix<double> density = Matrix<double>::Zero(ny, nx);
  const double one = static_cast<double>(nx) / (range.x1 - range.x0) * (static_cast<double>(ny)) /
                     (range.y1 - range.y0) / static_cast<double>(x.size());
  for (Index b = 0; b < x.size(); ++b) {
    const Index i = cell(x[b], range.x0, range.x1, nx), j = cell(y[b], range.y0, range.y1, ny);
    if (i >= 0 && j >= 0) density(j, i) += one;
  }
  const double sum = density.sum();
  if (!(sum > 0)) return density;
  const double along_x = bandwidth(x, {range.x0, range.x1}, nx, 2), along_y = bandwidth(y, {range.y0, range.y1}, ny, 2);
  const Matrix<double> fine = smoothed(density, along_x, along_y);
  const Matrix<double> wide = smoothed(density, kTailWidth * along_x, kTailWidth * along_y);
  const double tail = level_of_share(fine.reshaped(), kTailShare);
  const auto share = fine.array().square() / (fine.array().square() + tail * tail);
  const Matrix<double> both = share * fine.array() + (1 - share) * wide.array();
  return both * (sum / both.sum());
}

}  // namespace cnf
