#include "tools/verbs/solve/path_picture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cnf {

namespace {

constexpr std::size_t kMostNames = 16;  // in a legend
constexpr Rgb kBegin{110, 114, 120};

/// All paths as one line, with gaps between them: x of `row_x`, or the time if that is negative.
Matrix<double> strung(const ShownPaths& paths, Index row_x, Index row_y) {
  const Index n = static_cast<Index>(paths.times.size());
  Matrix<double> points(2, (n + 1) * paths.N);
  for (Index j = 0; j < paths.N; ++j)
    for (Index k = 0; k <= n; ++k) {
      auto to = points.col(j * (n + 1) + k);
      if (k == n) {
        to.setConstant(std::numeric_limits<double>::quiet_NaN());
        continue;
      }
      const auto from = paths.points.col(k * paths.N + j);
      to << (row_x < 0 ? paths.times[static_cast<std::size_t>(k)] : from(row_x)), from(row_y);
    }
  return points;
}

/// The paths' points at time k.
Matrix<double> at_time(const ShownPaths& paths, Index k, Index row_x, Index row_y) {
  Matrix<double> points(2, paths.N);
  points.row(0) = paths.points.row(row_x).segment(k * paths.N, paths.N);
  points.row(1) = paths.points.row(row_y).segment(k * paths.N, paths.N);
  return points;
}

double alpha_of(Index paths) { return std::clamp(8.0 / std::sqrt(static_cast<double>(paths)) / 2, 0.12, 1.0); }

/// One unit is as long on both axes where the values reach about as far.
double aspect_of(const Matrix<double>& points) {
  double spans[2] = {};
  for (Index i = 0; i < 2; ++i) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const double v : points.row(i))
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
    spans[i] = high - low;
  }
  return spans[0] < 2 * spans[1] && spans[1] < 2 * spans[0] ? 1 : 0;
}

}  // namespace

Picture paths_over_time(const SolveSubject& subject, const ShownPaths& paths, const std::vector<Index>& columns,
                        FigureStyle style) {
  std::vector<Line> lines;
  const bool named = columns.size() > 1 && columns.size() <= kMostNames;
  for (std::size_t i = 0; i < columns.size(); ++i)
    lines.push_back({.name = named ? subject.variables[static_cast<std::size_t>(columns[i])] : "",
                     .points = strung(paths, -1, columns[i]),
                     .colour = line_colour(i, columns.size()),
                     .alpha = alpha_of(paths.N)});
  style.x_label = "t";
  if (columns.size() == 1)
    style.y_label = subject.variables[static_cast<std::size_t>(columns[0])];
  else if (!named)
    style.y_label = subject.variables[static_cast<std::size_t>(columns.front())] + " to " +
                    subject.variables[static_cast<std::size_t>(columns.back())];
  return line_chart(std::move(lines), style, true);
}

Picture paths_in_phase(const SolveSubject& subject, const ShownPaths& paths, const std::vector<Index>& columns,
                       FigureStyle style) {
  const Index x = columns[0], y = columns[1], last = static_cast<Index>(paths.times.size()) - 1;
  std::vector<Line> lines{
      {.points = strung(paths, x, y), .colour = line_colour(0, 1), .alpha = alpha_of(paths.N)},
      {.name = subject.problem ? "" : "base", .points = at_time(paths, 0, x, y), .colour = kBegin, .marks = true}};
  if (subject.model)
    lines.push_back({.name = "data", .points = at_time(paths, last, x, y), .colour = line_colour(1, 2), .marks = true});
  for (std::size_t i = 1; i < lines.size(); ++i) lines[i].joined = false;
  style.x_label = subject.variables[static_cast<std::size_t>(x)];
  style.y_label = subject.variables[static_cast<std::size_t>(y)];
  style.aspect = aspect_of(lines[0].points);
  return line_chart(std::move(lines), style);
}

}  // namespace cnf
