// A grid of cells as a grid of pixels.
#pragma once

#include "base/types.hpp"

namespace cnf {

/// The grid at w x h pixels. Along either axis, where cells are fewer than pixels: the cell under the pixel's centre;
/// more: the mean over each pixel's area.   Shapes  returns h x w, row 0 = lowest y.
Matrix<double> resample(const Matrix<double>& grid, int w, int h);

}  // namespace cnf
