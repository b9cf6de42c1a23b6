// What is computed of planar points and densities to look at them: where they lie, densities on a grid, histograms.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/box.hpp"
#include "flows/evaluator.hpp"

namespace cnf {

/// nx x ny equal cells of a rectangle. They are counted along rows from the lowest y: cell k is in column k mod nx.
struct Grid {
  Box range;
  Index nx = 0, ny = 0;

  Index cells() const { return nx * ny; }
  double cell_area() const {
    return (range.x1 - range.x0) * (range.y1 - range.y0) / (static_cast<double>(nx) * static_cast<double>(ny));
  }
};

/// Centres of the cells first .. first + n - 1, 2 x n.
Batch cell_centres(const Grid& grid, Index first, Index n);

/// Points 0 .. N - 1 of the model's stream that could be computed, in order, D x (N or fewer); none if the evaluator
/// gave up. Those that could not are added to `failures`.
Batch finite_samples(Evaluator& evaluator, Seed seed, Index N, std::vector<Status>* failures = nullptr);

/// Where to look at points: from the 0.5 % to the 99.5 % quantile of either coordinate. Where that is more than 8 times
/// as wide as the shortest interval that holds 80 %, tails are cut to the shortest that is not, of at least 90 %; but a
/// hill of its own, two percent or more close together, stays in sight. Widened by a sixth: a twelfth to both sides,
/// and by some last places where all points agree.
/// Throws std::invalid_argument for fewer than two points, or points not of the plane.
Box quantile_box(const Eigen::Ref<const Batch>& points);

/// log p at points, the first of which is the cell of that number.
using LogDensity = std::function<Vector<double>(const Batch& x, Index first)>;

/// p at the centres, in the order of the cells, to `take`. `log_density` is asked for blocks of whole tiles. Throws
/// Stopped once `stop` is raised.
void for_each_density(const LogDensity& log_density, const Grid& grid, StopFlag stop,
                      const std::function<void(const Vector<double>& p)>& take);
/// The same at once, ny x nx, row 0 = lowest y.
Matrix<double> density_grid(const LogDensity& log_density, const Grid& grid, StopFlag stop = nullptr);
/// The same of a planar model, in the user's units. Rows that failed are NaN, and in `failures` by the cell's number;
/// nothing if the evaluator gave up, and the last of `failures` is then why.
std::optional<Matrix<double>> density_grid(Evaluator& evaluator, const Grid& grid,
                                           std::vector<Status>* failures = nullptr);

/// Cells for a histogram of n points in a picture `aspect` times as high as wide, in which they are square: about four
/// points a cell if they fill the picture, at least 16 across and at most `most`.
Grid histogram_grid(Index n, const Box& range, Index most, double aspect);

/// Share of the points per cell, over the cell's area: what the density predicts. ny x nx, row 0 = lowest y.
Matrix<double> histogram(const Eigen::Ref<const Batch>& points, const Grid& grid);

}  // namespace cnf
