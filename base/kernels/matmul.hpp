// Dense products on tiles, single-threaded, every output element summed in one fixed order.
#pragma once

#include "base/types.hpp"

namespace cnf::kernels {

/// Y = A diag(scale) X, or Y += A diag(scale) X if `accumulate`; a null scale is ones.
/// Shapes  A: m x k, scale: k, X: k x n, Y: m x n, all column-major; ld* is the distance between columns.
/// Bits    element (i, j) is the fused multiply-add of (scale(l) A(i, l)) X(l, j) over l = 0 .. k-1, begun at 0 or Y,
///         in an order that depends on m and k alone: never on n, on the column's place, or on the number of threads.
///         (One chain; for m up to a quarter vector several, added in a fixed tree and then to Y. SSE4 does not fuse.)
/// Memory  Y overlaps neither A nor X; nothing outside the three is read. Nothing is allocated.
/// Throws  std::invalid_argument if a size is negative or a leading dimension less than its rows.
template <class T>
void multiply(Index m, Index k, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy,
              bool accumulate = false, const T* scale = nullptr);

/// Y += U X^T: the gradient of a weight matrix, summed over the tile's columns in their order, begun at Y; so two calls
/// over two parts of the columns equal one over both. Memory and throws as above.
/// Shapes  U: m x n, X: k x n, Y: m x k, all column-major.
template <class T>
void multiply_transposed_add(Index m, Index k, Index n, const T* U, Index ldu, const T* X, Index ldx, T* Y, Index ldy);

}  // namespace cnf::kernels
