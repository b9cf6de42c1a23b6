// Lines of equal height through values on a grid.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "flows/judge/grid.hpp"

namespace cnf {

/// Traces the lines around {v >= level} by marching squares, row after row, so that the values may be more than memory
/// holds. Values stand at the centres of the cells and linearly between; the outer half cells have the values beside
/// them, so that lines end on the window's edge. At a saddle the mean of the four values decides which corners are
/// joined. No line passes a square with a NaN corner; a crossing next to an infinite value is put half way.
/// Source  Lorensen and Cline (1987), Computer Graphics 21(4), 163-169, in two dimensions.
class ContourTracer {
 public:
  /// Throws std::invalid_argument for a grid without cells.
  ContourTracer(const Grid& grid, std::vector<double> levels);

  /// The nx values of the next row of cells, from the lowest y. Throws std::invalid_argument for another number.
  void add(const Eigen::Ref<const Vector<double>>& row);

  /// Of each level its lines, 2 x n points in the grid's units, higher values on the left; of a closed line the last
  /// point is the first. Complete after the last row.
  std::vector<std::vector<Batch>> lines() const;

 private:
  using Point = std::array<double, 2>;
  struct Segment {
    std::uint64_t from, to;  ///< the edges of the grid that it joins
    Point begin, end;
  };
  void march(const Vector<double>& above);
  void join_squares(const Vector<double>& above, std::size_t level);
  double x_of(Index i) const;
  double y_of(Index j) const;

  Grid grid_;
  std::vector<double> levels_;
  std::vector<std::vector<Segment>> segments_;  ///< of each level
  Index rows_ = 0, nodes_ = 0;                  ///< rows of cells taken; rows of nodes, one more at either edge
  Vector<double> below_;                        ///< the last row of nodes
};

/// Of each level the lines through `values`, ny x nx, row 0 = lowest y, at the centres of equal cells of `range`.
std::vector<std::vector<Batch>> contour_lines(const Matrix<double>& values, const Box& range,
                                              const std::vector<double>& levels);

/// The level whose cells {v >= level} hold the share `share` of the mass of a density given on equal cells: the least
/// value if not even all of them do. `total`: the sum of the values of all the mass there is, cells and beyond; not
/// given, that of the cells. NaN count as 0.   Throws std::invalid_argument if no value is above 0.
double level_of_share(const Eigen::Ref<const Vector<double>>& density, double share, double total = 0);

}  // namespace cnf
