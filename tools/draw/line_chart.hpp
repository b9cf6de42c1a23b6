// Lines over a linear or a logarithmic axis, with their names beside them.
#pragma once

#include <string>
#include <vector>

#include "tools/draw/heatmap.hpp"

namespace cnf {

/// One line of a chart, or several of one name.
struct Line {
  std::string name{};  ///< in the legend; empty: not there
  Matrix<double>
      points{};  ///< 2 x N, x over y; one that is not finite, or has no logarithm that is asked for, is a gap
  Rgb colour{};
  double alpha = 1;
  bool marks = false;  ///< a disc at each point
  bool joined = true;  ///< by a line from point to point
};

/// Colour i of n that are told apart: ten of their own, of more those of a colour map.
Rgb line_colour(std::size_t i, std::size_t n);

/// The lines over what they span, by the style's title, labels, size, aspect, log_x and log_y. Its legend is theirs,
/// and makes the picture wider than the style says.
/// `tight`: the x axis ends where the lines end. Throws std::invalid_argument as Picture, and if no point can be drawn.
Picture line_chart(std::vector<Line> lines, FigureStyle style, bool tight = false);

}  // namespace cnf
