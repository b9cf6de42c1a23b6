// Dense products on tiles, single-threaded, every output element summed in one fixed order.
#pragma once

#include "base/kernels/columns.hpp"

namespace cnf::kernels {

/// Y = A diag(scale) X, or Y += A diag(scale) X; a null scale is ones. Written multiply<T>({A, m, k}, {X, k, n}, ...).
/// Shapes  A: m x k, scale: k, X: k x n, Y: m x n.
/// Bits    element (i, j) is the fused multiply-add of (scale(l) A(i, l)) X(l, j) over l = 0 .. k-1, begun at 0 or Y,
///         in an order that depends on m and k alone: never on n, on the column's place, or on the number of threads.
///         (One chain; for m up to a quarter vector several, added in a fixed tree and then to Y. SSE4 does not fuse.)
/// Memory  Y overlaps neither A nor X; nothing outside the three is read. Nothing is allocated.
/// Throws  std::invalid_argument if sizes do not fit together or are negative, or if ld is less than the rows.
template <class T>
void multiply(const Columns<const T>& A, const Columns<const T>& X, const Columns<T>& Y, Into into = Into::set,
              const T* scale = nullptr);

/// Y += U X^T: the gradient of a weight matrix, summed over the tile's columns in their order, begun at Y; so two calls
/// over two parts of the columns equal one over both. Memory and throws as above.
/// Shapes  U: m x n, X: k x n, Y: m x k.
template <class T>
void multiply_transposed_add(const Columns<const T>& U, const Columns<const T>& X, const Columns<T>& Y);

}  // namespace cnf::kernels
