// A layer of a multilayer perceptron with its activation, its tangents, and the transposes of both, each in one pass:
// the product's blocks are finished in registers or in L1. docs/kernels.md shows where what is.
#pragma once

#include "base/kernels/activation.hpp"
#include "base/types.hpp"

namespace cnf::kernels {

// Columns: sample b has 1 + C neighbouring ones, b (1 + C) for the value and b (1 + C) + 1 + c for tangent c; an array
// "in columns of n" is n x (1 + C) B. All arrays are column-major without gaps. Every function is single-threaded,
// allocates nothing, and reads and writes nothing beside the arrays named. A sample's results depend on its own columns
// and the sizes alone, not on B or its place; sums over samples depend on B too.

/// a = g o (W x) + c + w_t t, a_c = g o (W x_c).
template <class T>
struct LayerMap {
  Index out, in;
  const T* W;  ///< out x in
  const T *g, *c;
  Index g_stride, c_stride;  ///< 0: one for the tile (`out` values); `out`: one for every sample (out x B)
  const T *w_t, *t;          ///< `out` and B values; null: no such term
};

/// A hidden layer on the tape: h = phi(a) and h_c = phi'(a) o a_c; s, what phi's derivatives need beside h; a_c.
template <class T>
struct Hidden {
  Activation phi;
  Index size, B, C;
  const T* h;  ///< in columns of `size`
  const T* s;  ///< size x B; unused unless saves_slope(phi)
  const T* a;  ///< size x C B, tangent c of sample b in column b C + c; unused if has_ratio(phi)
};

/// Whether phi' and phi'' need s beside h (sin: the cosine; softplus, silu: a sigmoid; tanh, relu: no).
bool saves_slope(Activation phi);
/// Whether phi'' / phi' is finite everywhere, so that h_c tells as much as a_c.
bool has_ratio(Activation phi);

/// The layer and its tangents: h in columns of `out`. Also, each if not null: s (out x B), d = phi'(a) o g (out x B),
/// and a (out x C B), the a_c. x in columns of `in`.
template <class T>
void layer_forward(const LayerMap<T>& layer, Activation phi, Index B, Index C, const T* x, T* h, T* s, T* d, T* a);

/// The transpose, from the cotangents U of a layer's a and a_c to those of the layer below. With y = W^T (g o U) and
/// y_c = W^T (g o U_c):  V_c = phi' o y_c,  V = phi' o y + phi'' o (Q + sum_c a_c o y_c). Adds the sum of V (not of
/// V_c) over the samples to `sum`. If S is not null also S = h U^T + sum_c h_c U_c^T, the transpose of pull_weight's.
/// Shapes  Wt: size x n, the transpose of the layer's W; g: n, null for ones; U in columns of n; V in columns of size;
///         Q: size x B, or null for zero, and null if C > 0; sum: size; S: size x n.
template <class T>
void pull_layer(const Hidden<T>& below, Index n, const T* Wt, const T* g, const T* U, const T* Q, T* V, T* sum, T* S);

/// From e, the cotangent of d = phi'(a) o g, to those of a and g: Q = g o e, for pull_layer, and g_bar += phi' o e.
/// With e = M^T E if Mt is not null, else E itself. Also d anew. C = 0. Shapes  Mt: size x n; E: n x B (Mt null: size x
/// B); g, g_bar: size, or size x B with stride `size`; Q, d: size x B.
template <class T>
void pull_slope(const Hidden<T>& at, Index n, const T* Mt, const T* E, const T* g, T* g_bar, Index stride, T* Q, T* d);

/// With S = U x^T: W_bar += diag(g) S and g_bar += the row sums of W o S, for a = g o (W x) with one g.
/// Shapes  U: out x n; x: in x n; W, W_bar, S: out x in; g, g_bar: out. S is work space.
template <class T>
void pull_weight(Index out, Index in, Index n, const T* U, const T* x, const T* W, const T* g, T* S, T* W_bar,
                 T* g_bar);

/// dh = phi'(a) and d2h = phi''(a), both size x B.
template <class T>
void slopes(const Hidden<T>& at, T* dh, T* d2h);

}  // namespace cnf::kernels
