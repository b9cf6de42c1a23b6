// Points and what is given beside them: what travels from the rows of a file to the tiles of a solve.
#pragma once

#include "base/types.hpp"

namespace cnf {

/// N samples, read where they lie: a view made for a call, which holds no memory.
template <class T>
struct Samples {
  Tile<T> x;      ///< D x N: the points
  Tile<T> given;  ///< C x N: the conditions' values; C = 0 for a model that has none

  Samples(Tile<T> points, Tile<T> conditions) : x(points), given(conditions) {}
  Samples(Tile<T> points) : x(points), given(nullptr, 0, points.cols()) {}                             // NOLINT
  Samples(const Matrix<T>& points) : Samples(Tile<T>(points.data(), points.rows(), points.cols())) {}  // NOLINT

  Index size() const { return x.cols(); }
  Samples middle(Index first, Index count) const {
    return {Tile<T>(x.data() + first * x.rows(), x.rows(), count),
            Tile<T>(given.data() + first * given.rows(), given.rows(), count)};
  }
};

/// Samples with memory of their own.
struct SampleBatch {
  Batch x, given;  ///< D x N and C x N

  operator Samples<double>() const {  // NOLINT
    return {Tile<double>(x.data(), x.rows(), x.cols()), Tile<double>(given.data(), given.rows(), x.cols())};
  }
};

}  // namespace cnf
