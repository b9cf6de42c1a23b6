#include "tools/draw/resample.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace cnf {
namespace {

// Which cells make pixel p of one axis, and how much of each.
struct Weights {
  Index first = 0;
  std::vector<double> weight;
};

std::vector<Weights> spans(Index cells, int pixels, int first, int count) {
  std::vector<Weights> result(count);
  for (int k = 0; k < count; ++k) {
    const std::int64_t p = first + k;
    Weights& span = result[k];
    if (cells <= pixels) {
      span = {std::min(cells - 1, static_cast<Index>((2 * p + 1) * cells / (2 * pixels))), {1}};
      continue;
    }
    // In units of 1/pixels of a cell everything is a whole number: pixel p covers [p cells, (p + 1) cells).
    const std::int64_t from = p * cells, to = from + cells;
    span.first = from / pixels;
    for (Index c = span.first; c * pixels < to; ++c) {
      const std::int64_t part = std::min<std::int64_t>(to, (c + 1) * pixels) - std::max<std::int64_t>(from, c * pixels);
      span.weight.push_back(static_cast<double>(part) / static_cast<double>(cells));
    }
  }
  return result;
}

}  // namespace

Matrix<double> resample(const GridValues& grid, int w, int h, int first, int count) {
  if (grid.cols() == w && grid.rows() == h) return grid.block(first, count);
  const std::vector<Weights> across = spans(grid.cols(), w, 0, w), up = spans(grid.rows(), h, first, count);
  const Index low = up.front().first, high = up.back().first + std::ssize(up.back().weight);
  const Matrix<double> cells = grid.block(low, high - low);
  Matrix<double> narrow(cells.rows(), w), out(count, w);
  for (int x = 0; x < w; ++x) {
    narrow.col(x) = across[x].weight[0] * cells.col(across[x].first);
    for (std::size_t k = 1; k < across[x].weight.size(); ++k)
      narrow.col(x) += across[x].weight[k] * cells.col(across[x].first + static_cast<Index>(k));
  }
  for (int x = 0; x < w; ++x)
    for (int y = 0; y < count; ++y) {
      double sum = up[y].weight[0] * narrow(up[y].first - low, x);
      for (std::size_t k = 1; k < up[y].weight.size(); ++k)
        sum += up[y].weight[k] * narrow(up[y].first - low + static_cast<Index>(k), x);
      out(y, x) = sum;
    }
  return out;
}

}  // namespace cnf
