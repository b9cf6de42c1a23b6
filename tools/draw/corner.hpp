// The corner picture: every column's density on the diagonal, every pair's below it, of one series or of two.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/draw/curve.hpp"

namespace cnf {

/// What a series shows of a pair of columns.
struct CornerPair {
  Matrix<double> density{};      ///< ny x nx, row 0 = lowest y, of a series that is ground; empty: points
  std::vector<double> levels{};  ///< of its regions
  std::vector<Batch> lines{};    ///< 2 x n each, in the columns' units
  Batch points{};                ///< 2 x n
};

struct CornerSeries {
  std::string name;                 ///< in the legend
  bool ground = false;              ///< bars and filled regions that others are drawn over; else a curve and lines
  std::vector<BarRow> columns{};    ///< of each column: bars, or values of a curve at the bars' centres
  std::vector<CornerPair> pairs{};  ///< pair_of(i, j) of column i over column j < i
};

struct Corner {
  std::string title{}, note{};  ///< the note stands under the legend
  std::vector<std::string> columns{};
  std::vector<std::pair<double, double>> ranges{};  ///< of each column
  std::vector<CornerSeries> series{};               ///< drawn in order
};

/// The place of row i, column j < i among the pairs: 10, 20, 21, 30, ...
inline std::size_t pair_of(std::size_t i, std::size_t j) { return i * (i - 1) / 2 + j; }

/// Columns share their axes: numbers and names stand under the lowest row and left of the first column. Of the style:
/// width, height (0: panels are square) and scale.
/// Throws std::invalid_argument for fewer than 2 columns, series that do not fit them, or panels below 24 pixels.
class CornerPicture final : public Drawing {
 public:
  CornerPicture(Corner corner, const FigureStyle& style);
  int width() const override { return width_; }
  int height() const override { return height_; }
  void draw(Surface& surface) const override;
  /// A panel's pixels; row 0 is the highest.
  Rect panel(std::size_t row, std::size_t column) const;

 private:
  struct Axis {
    std::vector<double> at;  ///< of the ticks
    std::vector<std::string> text;
    std::string name;
  };
  void lay_out(const FigureStyle& style);
  Axis axis(std::size_t column, int pixels, bool across) const;
  void draw_diagonal(Surface& surface, std::size_t k) const;
  void draw_pair(Surface& surface, std::size_t row, std::size_t column) const;
  void draw_axes(Surface& surface) const;
  void draw_legend(Surface& surface) const;
  Axes axes_of(std::size_t row, std::size_t column) const;

  Corner corner_;
  int width_ = 0, height_ = 0, left_ = 0, top_ = 0, cell_w_ = 0, cell_h_ = 0, gap_ = 0, line_ = 1, tick_ = 3;
  double scale_ = 1, tick_size_ = 11, label_size_ = 12.5, title_size_ = 15;
  std::vector<Axis> x_axes_, y_axes_;
};

}  // namespace cnf
