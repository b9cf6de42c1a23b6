// Sizes, matrices and tiles: the vocabulary every layer shares.
#pragma once

#include <Eigen/Core>
#include <span>

namespace cnf {

using Index = Eigen::Index;

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

/// A batch of samples in memory: D x N, one sample per column. (Files hold samples as rows.)
using Batch = Matrix<double>;

/// A D x B block that a function reads, one sample per column; the memory is the caller's.
template <class T>
using Tile = Eigen::Map<const Matrix<T>>;
/// A D x B block that a function writes; the memory is the caller's.
template <class T>
using Out = Eigen::Map<Matrix<T>>;
/// The time of one evaluation: 1 value for the whole tile, or B values, one per sample.
template <class T>
using Times = std::span<const T>;

}  // namespace cnf
