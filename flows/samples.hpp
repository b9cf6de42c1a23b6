// Points and what is given beside them: what travels from the rows of a file to the tiles of a solve.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/types.hpp"

namespace cnf {

/// Values in memory that can be viewed: a matrix, columns of one, a Map of foreign memory; no expression to compute.
template <class E, class T>
concept InMemory = std::is_base_of_v<Eigen::DenseBase<E>, E> && std::is_same_v<typename E::Scalar, T> &&
                   (E::Flags& Eigen::DirectAccessBit) != 0;

/// N samples, read where they lie: a view made for a call, which holds no memory.
template <class T>
struct Samples {
  Tile<T> x;      ///< D x N: the points
  Tile<T> given;  ///< C x N: the conditions' values; C = 0 for a model that has none

  Samples(Tile<T> points, Tile<T> conditions) : x(points), given(conditions) {}
  Samples(Tile<T> points) : x(points), given(nullptr, 0, points.cols()) {}  // NOLINT
  /// Points whose D values lie one after the other, and sample after sample: columns of a Batch, but not some of its
  /// rows. std::invalid_argument for others; nothing is copied.
  template <InMemory<T> E>
  Samples(const E& points) : Samples(Tile<T>(points.data(), points.rows(), points.cols())) {  // NOLINT
    if ((points.rows() > 1 && points.rowStride() != 1) || (points.cols() > 1 && points.colStride() != points.rows()))
      throw std::invalid_argument("Samples: values lie " + std::to_string(points.rowStride()) + " apart and samples " +
                                  std::to_string(points.colStride()) + ", expected 1 and " +
                                  std::to_string(points.rows()) + "; copy them into a Batch, a sample a column");
  }

  Index size() const { return x.cols(); }
  Samples middle(Index first, Index count) const {
    return {Tile<T>(x.data() + first * x.rows(), x.rows(), count),
            Tile<T>(given.data() + first * given.rows(), given.rows(), count)};
  }
};

/// Where samples are to be written: x is D x N, given C x N.
struct SampleSlots {
  Out<double> x, given;
};

/// Samples with memory of their own.
struct SampleBatch {
  Batch x;        ///< D x N
  Batch given{};  ///< C x N; empty where nothing is given

  Index size() const { return x.cols(); }
  /// std::invalid_argument: conditions of another number of samples.
  operator Samples<double>() const {  // NOLINT
    if (given.rows() > 0 && given.cols() != x.cols())
      throw std::invalid_argument("SampleBatch: conditions of " + std::to_string(given.cols()) + " samples for " +
                                  std::to_string(x.cols()) + " points");
    return {Tile<double>(x.data(), x.rows(), x.cols()), Tile<double>(given.data(), given.rows(), x.cols())};
  }
  SampleSlots slots() { return {{x.data(), x.rows(), x.cols()}, {given.data(), given.rows(), x.cols()}}; }
};

}  // namespace cnf
