// Sums in one fixed order, wherever the data lie (Eigen's reductions peel to alignment, so their bits move with it).
#pragma once

#include "base/types.hpp"

namespace cnf::kernels {

/// sum_i x_i y_i, in sixteen interleaved partial sums added pairwise at the end.
template <class T>
T dot(Index n, const T* x, const T* y) {
  constexpr Index kLanes = 16;
  T part[kLanes] = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (Index lane = 0; lane < kLanes; ++lane) part[lane] += x[i + lane] * y[i + lane];
  for (Index lane = 0; i + lane < n; ++lane) part[lane] += x[i + lane] * y[i + lane];
  for (Index width = kLanes / 2; width > 0; width /= 2)
    for (Index lane = 0; lane < width; ++lane) part[lane] += part[lane + width];
  return part[0];
}

}  // namespace cnf::kernels
