// Every segment has the higher values on its left. So of the two segments that meet on an edge of the grid one begins
// and one ends there, and lines are chains of edges.
#include "flows/judge/contour.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace cnf {
namespace {

constexpr std::uint64_t kNone = ~std::uint64_t{0};

enum Side { kBottom, kRight, kTop, kLeft };
struct Cut {
  Side from, to;
};
/// The segments of a square by its corners that are high: 1 lower left, 2 lower right, 4 upper right, 8 upper left.
/// Of the saddles, 5 and 10, those of a low middle; a high one joins the high corners and cuts the low ones off.
struct Cuts {
  int count;
  Cut cut[2];
};
constexpr Cuts kCuts[16] = {{0, {}},
                            {1, {{kBottom, kLeft}}},
                            {1, {{kRight, kBottom}}},
                            {1, {{kRight, kLeft}}},
                            {1, {{kTop, kRight}}},
                            {2, {{kBottom, kLeft}, {kTop, kRight}}},
                            {1, {{kTop, kBottom}}},
                            {1, {{kTop, kLeft}}},
                            {1, {{kLeft, kTop}}},
                            {1, {{kBottom, kTop}}},
                            {2, {{kRight, kBottom}, {kLeft, kTop}}},
                            {1, {{kRight, kTop}}},
                            {1, {{kLeft, kRight}}},
                            {1, {{kBottom, kRight}}},
                            {1, {{kLeft, kBottom}}},
                            {0, {}}};
constexpr Cuts kHighSaddle5 = {2, {{kBottom, kRight}, {kTop, kLeft}}};
constexpr Cuts kHighSaddle10 = {2, {{kLeft, kBottom}, {kRight, kTop}}};

/// Where on the way from a value to another, on the other side, the level lies.
double crossing(double level, double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return 0.5;
  return std::clamp((level - a) / (b - a), 0.0, 1.0);
}

}  // namespace

ContourTracer::ContourTracer(const Grid& grid, std::vector<double> levels)
    : grid_(grid), levels_(std::move(levels)), segments_(levels_.size()) {
  if (grid.nx < 1 || grid.ny < 1)
    throw std::invalid_argument("ContourTracer: a grid of " + std::to_string(grid.nx) + " x " +
                                std::to_string(grid.ny) + " cells");
}

double ContourTracer::x_of(Index i) const {
  const double cell = std::clamp(static_cast<double>(i) - 0.5, 0.0, static_cast<double>(grid_.nx));
  return grid_.range.x0 + (grid_.range.x1 - grid_.range.x0) * cell / static_cast<double>(grid_.nx);
}

double ContourTracer::y_of(Index j) const {
  const double cell = std::clamp(static_cast<double>(j) - 0.5, 0.0, static_cast<double>(grid_.ny));
  return grid_.range.y0 + (grid_.range.y1 - grid_.range.y0) * cell / static_cast<double>(grid_.ny);
}

void ContourTracer::add(const Eigen::Ref<const Vector<double>>& row) {
  if (row.size() != grid_.nx || rows_ == grid_.ny)
    throw std::invalid_argument("ContourTracer::add: row " + std::to_string(rows_) + " of " + std::to_string(grid_.ny) +
                                " with " + std::to_string(row.size()) + " values, expected " +
                                std::to_string(grid_.nx));
  Vector<double> nodes(grid_.nx + 2);
  nodes << row[0], row, row[row.size() - 1];
  if (rows_++ == 0) march(nodes);  // the lower half of the lowest cells
  march(nodes);
  if (rows_ == grid_.ny) march(nodes);
}

void ContourTracer::march(const Vector<double>& above) {
  if (nodes_ > 0)
    for (std::size_t level = 0; level < levels_.size(); ++level) join_squares(above, level);
  below_ = above;
  ++nodes_;
}

void ContourTracer::join_squares(const Vector<double>& above, std::size_t number) {
  const double level = levels_[number];
  const Index width = grid_.nx + 2, j = nodes_ - 1;  // of the square's lower nodes
  for (Index i = 0; i + 1 < width; ++i) {
    const double v[4] = {below_[i], below_[i + 1], above[i + 1], above[i]};
    int high = 0;
    bool known = true;
    for (int corner = 0; corner < 4; ++corner) {
      known = known && !std::isnan(v[corner]);
      if (v[corner] >= level) high |= 1 << corner;
    }
    if (!known || high == 0 || high == 15) continue;
    Cuts cuts = kCuts[high];
    if (cuts.count == 2 && (v[0] + v[1] + v[2] + v[3]) / 4 >= level) cuts = high == 5 ? kHighSaddle5 : kHighSaddle10;

    const auto edge = [&](Side side) {  // twice its left or lower node's number, and 1 if it is upright
      const Index node = (j + (side == kTop)) * width + i + (side == kRight);
      return static_cast<std::uint64_t>(2 * node + (side == kLeft || side == kRight));
    };
    const auto point = [&](Side side) -> Point {
      if (side == kBottom || side == kTop) {
        const double s = side == kBottom ? crossing(level, v[0], v[1]) : crossing(level, v[3], v[2]);
        return {x_of(i) + s * (x_of(i + 1) - x_of(i)), y_of(j + (side == kTop))};
      }
      const double s = side == kLeft ? crossing(level, v[0], v[3]) : crossing(level, v[1], v[2]);
      return {x_of(i + (side == kRight)), y_of(j) + s * (y_of(j + 1) - y_of(j))};
    };
    for (int k = 0; k < cuts.count; ++k)
      segments_[number].push_back(
          {edge(cuts.cut[k].from), edge(cuts.cut[k].to), point(cuts.cut[k].from), point(cuts.cut[k].to)});
  }
}

std::vector<std::vector<Batch>> ContourTracer::lines() const {
  std::vector<std::vector<Batch>> all(levels_.size());
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    const std::vector<Segment>& segments = segments_[level];
    std::vector<std::size_t> by_begin(segments.size());
    for (std::size_t k = 0; k < segments.size(); ++k) by_begin[k] = k;
    std::sort(by_begin.begin(), by_begin.end(),
              [&](std::size_t a, std::size_t b) { return segments[a].from < segments[b].from; });
    const auto next = [&](std::size_t k) {
      const auto at = std::lower_bound(by_begin.begin(), by_begin.end(), segments[k].to,
                                       [&](std::size_t a, std::uint64_t edge) { return segments[a].from < edge; });
      return at != by_begin.end() && segments[*at].from == segments[k].to ? std::uint64_t{*at} : kNone;
    };
    std::vector<char> taken(segments.size(), 0), follows(segments.size(), 0);
    for (std::size_t k = 0; k < segments.size(); ++k)
      if (const std::uint64_t n = next(k); n != kNone) follows[n] = 1;

    const auto walk = [&](std::size_t first) {
      std::vector<Point> points{segments[first].begin};
      for (std::uint64_t k = first; k != kNone && !taken[k]; k = next(k)) {
        taken[k] = 1;
        if (segments[k].end != points.back()) points.push_back(segments[k].end);
      }
      if (points.size() < 2) return;
      Batch line(2, std::ssize(points));
      for (std::size_t k = 0; k < points.size(); ++k) line.col(static_cast<Index>(k)) << points[k][0], points[k][1];
      all[level].push_back(std::move(line));
    };
    for (std::size_t k = 0; k < segments.size(); ++k)
      if (!follows[k]) walk(k);  // an open line from its beginning
    for (std::size_t k = 0; k < segments.size(); ++k)
      if (!taken[k]) walk(k);
  }
  return all;
}

std::vector<std::vector<Batch>> contour_lines(const Matrix<double>& values, const Box& range,
                                              const std::vector<double>& levels) {
  ContourTracer tracer({range, values.cols(), values.rows()}, levels);
  for (Index j = 0; j < values.rows(); ++j) tracer.add(values.row(j).transpose());
  return tracer.lines();
}

double level_of_share(const Eigen::Ref<const Vector<double>>& density, double share, double total) {
  std::vector<double> sorted;
  for (const double v : density)
    if (v > 0) sorted.push_back(v);
  if (sorted.empty()) throw std::invalid_argument("level_of_share: no cell has a density above 0");
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  // In units of the greatest, whose sum cannot overflow.
  const double unit = sorted.front();
  double sum = 0;
  for (const double v : sorted) sum += v / unit;
  const double wanted = share * (total > 0 ? total / unit : sum);
  double held = 0;
  for (const double v : sorted)
    if ((held += v / unit) >= wanted) return v;
  return sorted.back();
}

}  // namespace cnf
