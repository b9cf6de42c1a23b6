// Named intervals below each other, a dot in each: what is best, by how much, and how sure that is.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tools/draw/drawing.hpp"
#include "tools/draw/figure_style.hpp"
#include "tools/draw/text.hpp"
#include "tools/draw/ticks.hpp"

namespace cnf {

/// How an interval is to be seen among the others.
enum class IntervalShade { chosen, level, plain };

struct ChartInterval {
  std::string name{}, value{};           ///< at its left, and at its right
  double middle = 0, low = 0, high = 0;  ///< ends that are not finite are left out, and a middle that is not
  IntervalShade shade = IntervalShade::plain;
};

struct IntervalFigure {
  std::string title{}, note{};          ///< the note below the title, in as many lines as it needs
  std::string axis{}, value{};          ///< what the axis is, and what the values at the right are
  std::vector<ChartInterval> rows{};    ///< from the top
  std::array<std::string, 3> legend{};  ///< what each shade means; one that no row has is left out
};

/// The rows over a common axis through 0. What lies more than five times as far out as all that is nearer is an arrow
/// at the axis' end, with its number: so the others can be told apart.
class IntervalChart final : public Drawing {
 public:
  /// Of the style its width, height (0: what the rows need) and scale.
  /// Throws std::invalid_argument without a row, and where the rows do not fit the size.
  IntervalChart(IntervalFigure figure, const FigureStyle& style);

  int width() const override { return width_; }
  int height() const override { return height_; }
  void draw(Surface& surface) const override;

  /// Where the axis ends.
  std::pair<double, double> range() const { return {low_, high_}; }

 private:
  void choose_range();
  bool lay_out(const FigureStyle& style);  ///< whether there is room at `scale_`
  bool shown(IntervalShade shade) const;
  double at(double x) const { return plot_.x + (x - low_) / (high_ - low_) * plot_.w; }
  void draw_head(Surface& surface) const;
  void draw_legend(Surface& surface, int y) const;
  void draw_axis(Surface& surface) const;
  void draw_row(Surface& surface, std::size_t row) const;

  IntervalFigure figure_;
  std::vector<std::string> note_;  ///< lines
  double low_ = 0, high_ = 1;
  int width_ = 0, height_ = 0, row_ = 0, pad_ = 0;
  double scale_ = 1, tick_size_ = 0, text_size_ = 0, title_size_ = 0;
  Rect plot_{};
  Ticks ticks_;
};

}  // namespace cnf
