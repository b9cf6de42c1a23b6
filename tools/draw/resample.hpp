// A grid of cells as a grid of pixels.
#pragma once

#include "tools/draw/grid_values.hpp"

namespace cnf {

/// The grid at w x h pixels. Along either axis, where cells are fewer than pixels: the cell under the pixel's centre;
/// more: the mean over each pixel's area. Of the h rows of pixels those from `first` on, `count` of them.
/// Shapes  returns count x w, row 0 = lowest y.
Matrix<double> resample(const GridValues& grid, int w, int h, int first, int count);

}  // namespace cnf
