// A layer of a multilayer perceptron with its activation, its tangents, and the transposes of both, each in one pass:
// the product's blocks are finished in registers or in L1. docs/kernels.md shows where what is.
#pragma once

#include "base/kernels/columns.hpp"
#include "flows/kernels/activation.hpp"

namespace cnf::kernels {

// Columns: sample b has 1 + C neighbouring ones, b (1 + C) for the value and b (1 + C) + 1 + c for tangent c; an array
// "in columns of n" is n x (1 + C) B. All arrays are column-major without gaps. Every function is single-threaded,
// allocates nothing, and reads and writes nothing beside the arrays named. A sample's results depend on its own columns
// and the sizes alone, not on B or its place; sums over samples depend on B too.

/// B samples with C tangents each.
struct Samples {
  Index B, C;
  Index columns() const { return (1 + C) * B; }
};

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

/// What layer_forward writes; all but h only where not null.
template <class T>
struct LayerOut {
  T* h;            ///< in columns of `out`
  T* s = nullptr;  ///< out x B
  T* d = nullptr;  ///< out x B: phi'(a) o g
  T* a = nullptr;  ///< out x C B: the a_c, unless has_ratio(phi)
};

/// The layer and its tangents, from x in columns of `in`.
/// Error   of h beside phi of the computed a, float: tanh 6 ulp, others 4 ulp; double: 2 ulp. Of phi' (in d) and phi''
///         (in pull_layer and slopes), absolute: tanh, from 1 - h^2, 7e-7 and 1.4e-6 in float, 4e-16 and 7e-16 in
///         double; others 3e-7 and 5e-16. relu is exact; sin beyond 1e4 (double: 3e6) is the standard library's, one
///         element at a time. Tests measure all of it over the whole range.
/// Bits    h, s and d of an element depend on its a and g alone, wherever it stands and whatever else is asked for.
/// NaN     in a gives NaN in h, phi' and phi''; an infinity gives the limit (sin: NaN). Subnormal results are kept.
///         |tanh| <= 1.
template <class T>
void layer_forward(const LayerMap<T>& layer, Activation phi, Samples samples, const T* x, const LayerOut<T>& to);

/// The layer above, seen from below: n outputs, with the cotangents U of its a and a_c.
template <class T>
struct Above {
  Index n;
  const T* Wt;  ///< size of the layer below x n: W^T
  const T* g;   ///< n, or null for ones
  const T* U;   ///< in columns of n
};

/// Where pull_layer writes.
template <class T>
struct PullOut {
  T* V;            ///< in columns of `size`: cotangents of the layer's own a and a_c
  T* sum;          ///< size: += the sum of V's values (not of its tangents) over the samples
  T* S = nullptr;  ///< if not null, size x n: = h U^T + sum_c h_c U_c^T, the transpose of pull_weight's S
};

/// The transpose, from the cotangents U of the layer above to those of the layer below. With y = W^T (g o U) and
/// y_c = W^T (g o U_c):  V_c = phi' o y_c,  V = phi' o y + phi'' o (Q + sum_c a_c o y_c).
/// Shapes  Q: size x B, or null for zero, and null if C > 0.
template <class T>
void pull_layer(const Hidden<T>& below, const Above<T>& above, const T* Q, const PullOut<T>& to);

/// e = M^T E: the cotangent of a layer's d = phi'(a) o g.
template <class T>
struct SlopeCotangent {
  const T* E;             ///< n x B
  const T* Mt = nullptr;  ///< size x n; null: the identity, with n = size
  Index n = 0;            ///< unused without Mt
};

/// A gate and the cotangent that is added to.
template <class T>
struct GateBar {
  const T* g;
  T* g_bar;
  Index stride;  ///< 0: one for the tile (`size` values); `size`: one for every sample (size x B)
};

/// The transpose of d = phi'(a) o g, for C = 0. It sends e to the gate and to a:
///   g_bar += phi'(a) o e,    a_bar += phi''(a) o Q with Q = g o e.
/// The first is added here; of the second Q alone is written, since pull_layer, which takes it, forms phi'' anyway. d
/// is written anew: the tape does not hold it.
/// Shapes  Q, d: size x B.
template <class T>
void pull_slope(const Hidden<T>& at, const SlopeCotangent<T>& e, const GateBar<T>& gate, T* Q, T* d);

/// One layer's weights under one gate for all samples.
template <class T>
struct GatedWeight {
  Index out, in;
  const T *W, *g;  ///< out x in; out
};

/// Where pull_weight adds, and its work space.
template <class T>
struct WeightBar {
  T *W_bar, *g_bar;  ///< out x in; out
  T* S;              ///< out x in: overwritten
};

/// The transpose of a = g o (W x) to W and g. With S = U x^T over `columns` columns: W_bar += diag(g) S and g_bar +=
/// the row sums of W o S.
/// Shapes  U: out x columns; x: in x columns.
template <class T>
void pull_weight(const GatedWeight<T>& layer, Index columns, const T* U, const T* x, const WeightBar<T>& to);

/// dh = phi'(a) and d2h = phi''(a), both size x B. `at.a` is not read.
template <class T>
void slopes(const Hidden<T>& at, T* dh, T* d2h);

}  // namespace cnf::kernels
