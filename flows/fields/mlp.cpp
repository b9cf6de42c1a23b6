// Letters as in docs/math.md. A layer is a = g o (W x + b) + w_t t, its tangents a_c = g o (W x_c); a hidden layer's
// output is h = phi(a), h_c = phi'(a) o a_c. Columns of a block: B for the value, then B for each tangent. With one
// time for the tile the gate is folded into the weights, so that a layer is a product and nothing else; with one time
// per sample it multiplies columns.
#include "flows/fields/mlp.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/kernels/matmul.hpp"
#include "base/kernels/reduce.hpp"

namespace cnf {

namespace {

using kernels::dot;
using kernels::multiply;
using kernels::multiply_transposed_add;

template <class T>
using Array = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstArray = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

/// y += x over n values.
template <class T>
void add(Index n, const T* x, T* y) {
  Array<T>(y, n) += ConstArray<T>(x, n);
}

/// y += the sum of x's columns, in their order. x: n x cols.
template <class T>
void add_columns(Index n, Index cols, const T* x, T* y) {
  for (Index b = 0; b < cols; ++b) add(n, x + b * n, y);
}

}  // namespace

/// One layer at the tile's times: its tensors, and g for every time (null without a gate).
template <class T>
struct MlpField<T>::Gate {
  Gate(const MlpField& field, Index layer, Times<T> times, Scratch& scratch)
      : in(field.shape_.inputs(layer)),
        out(field.shape_.outputs(layer)),
        t(times),
        shared(times.size() == 1),
        at(field.layout_.layers[static_cast<std::size_t>(layer)]),
        W(field.params_.data() + at.weight),
        b(field.params_.data() + at.bias),
        w_t(field.params_.data() + at.time_weight),
        Wt(field.transposed_[static_cast<std::size_t>(layer)].data()) {
    if (at.gate_weight < 0) return;
    w_g = field.params_.data() + at.gate_weight;
    const T* b_g = field.params_.data() + at.gate_bias;
    const Index n = static_cast<Index>(t.size());
    T* values = scratch.take<T>(out * n);
    for (Index s = 0; s < n; ++s)
      Array<T>(values + s * out, out) =
          ConstArray<T>(w_g, out) * t[static_cast<std::size_t>(s)] + ConstArray<T>(b_g, out);
    kernels::sigmoid(out * n, values, values);
    g = values;
  }

  T time(Index sample) const { return t[shared ? 0 : static_cast<std::size_t>(sample)]; }
  const T* gate(Index sample) const { return g == nullptr ? nullptr : g + (shared ? 0 : sample * out); }

  /// diag(g) W and (diag(g) W)^T for one shared time.
  const T* gated_weight(Scratch& scratch) const {
    if (g == nullptr) return W;
    T* scaled = scratch.take<T>(out * in);
    for (Index i = 0; i < in; ++i)
      Array<T>(scaled + i * out, out) = ConstArray<T>(W + i * out, out) * ConstArray<T>(g, out);
    return scaled;
  }
  const T* gated_transpose(Scratch& scratch) const {
    if (g == nullptr) return Wt;
    T* scaled = scratch.take<T>(out * in);
    for (Index o = 0; o < out; ++o) Array<T>(scaled + o * in, in) = ConstArray<T>(Wt + o * in, in) * g[o];
    return scaled;
  }
  /// y = g o y on every column of `copies` blocks of B columns.
  void scale(T* y, Index B, Index copies) const {
    if (g == nullptr) return;
    for (Index k = 0; k < copies; ++k)
      for (Index s = 0; s < B; ++s) Array<T>(y + (k * B + s) * out, out) *= ConstArray<T>(gate(s), out);
  }

  /// a = g o (W x + b) + w_t t and its C tangents. x: in x (1 + C) B, a: out x (1 + C) B.
  void forward(const T* x, Index B, Index C, T* a, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    if (shared) {
      T* shift = scratch.take<T>(out);
      Array<T>(shift, out) = ConstArray<T>(w_t, out) * t[0];
      if (g == nullptr)
        add(out, b, shift);
      else
        Array<T>(shift, out) += ConstArray<T>(b, out) * ConstArray<T>(g, out);
      for (Index s = 0; s < B; ++s) std::copy_n(shift, out, a + s * out);
      const T* Wg = gated_weight(scratch);
      multiply(out, in, B, Wg, out, x, in, a, out, true);
      if (C > 0) multiply(out, in, C * B, Wg, out, x + in * B, in, a + out * B, out);
    } else {
      multiply(out, in, (1 + C) * B, W, out, x, in, a, out);
      for (Index s = 0; s < B; ++s) add(out, b, a + s * out);
      scale(a, B, 1 + C);
      for (Index s = 0; s < B; ++s) Array<T>(a + s * out, out) += ConstArray<T>(w_t, out) * time(s);
    }
  }

  /// The transpose of forward: from U, the cotangent of a, adds to the gradients and t_bar, and writes x_bar (in x (1 +
  /// C) B). g_bar (out x times), if not null, is a cotangent that the gate receives from elsewhere.
  void pull(const T* x, Index B, Index C, const T* U, const T* g_bar, T* x_bar, std::span<T> t_bar,
            std::span<T> params_bar, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    T *W_bar = params_bar.data() + at.weight, *b_bar = params_bar.data() + at.bias,
      *w_t_bar = params_bar.data() + at.time_weight;
    const Index cols = (1 + C) * B;
    if (shared) {
      T* row_sums = scratch.take<T>(out);
      std::fill_n(row_sums, out, T(0));
      add_columns(out, B, U, row_sums);
      Array<T>(w_t_bar, out) += ConstArray<T>(row_sums, out) * t[0];
      t_bar[0] += dot(out, row_sums, w_t);
      if (g == nullptr) {
        multiply_transposed_add(out, in, cols, U, out, x, in, W_bar, out);
        add(out, row_sums, b_bar);
      } else {
        T* dS = scratch.take<T>(out * in);
        std::fill_n(dS, out * in, T(0));
        multiply_transposed_add(out, in, cols, U, out, x, in, dS, out);
        T* total = scratch.take<T>(out);  // cotangent of g: the row sums of W o dS, for a = g o (W x + b)
        Array<T>(total, out) = ConstArray<T>(b, out) * ConstArray<T>(row_sums, out);
        for (Index i = 0; i < in; ++i) {
          Array<T>(total, out) += ConstArray<T>(W + i * out, out) * ConstArray<T>(dS + i * out, out);
          Array<T>(W_bar + i * out, out) += ConstArray<T>(g, out) * ConstArray<T>(dS + i * out, out);
        }
        Array<T>(b_bar, out) += ConstArray<T>(g, out) * ConstArray<T>(row_sums, out);
        if (g_bar != nullptr) add(out, g_bar, total);
        pull_gate(total, g, 0, t_bar, params_bar);
      }
      if (x_bar != nullptr) multiply(in, out, cols, gated_transpose(scratch), in, U, out, x_bar, in);
    } else {
      for (Index s = 0; s < B; ++s) {
        Array<T>(w_t_bar, out) += ConstArray<T>(U + s * out, out) * time(s);
        t_bar[static_cast<std::size_t>(s)] += dot(out, U + s * out, w_t);
      }
      if (g != nullptr) {
        T *n = scratch.take<T>(out * cols), *total = scratch.take<T>(out);
        multiply(out, in, cols, W, out, x, in, n, out);
        for (Index s = 0; s < B; ++s) add(out, b, n + s * out);
        for (Index s = 0; s < B; ++s) {
          if (g_bar == nullptr)
            std::fill_n(total, out, T(0));
          else
            std::copy_n(g_bar + s * out, out, total);
          for (Index k = 0; k <= C; ++k)
            Array<T>(total, out) +=
                ConstArray<T>(U + (k * B + s) * out, out) * ConstArray<T>(n + (k * B + s) * out, out);
          pull_gate(total, gate(s), s, t_bar, params_bar);
        }
      }
      T* gU = scratch.take<T>(out * cols);
      std::copy_n(U, out * cols, gU);
      scale(gU, B, 1 + C);
      multiply_transposed_add(out, in, cols, gU, out, x, in, W_bar, out);
      add_columns(out, B, gU, b_bar);
      if (x_bar != nullptr) multiply(in, out, cols, Wt, in, gU, out, x_bar, in);
    }
  }

  /// From the cotangent of g = sigmoid(w_g t + b_g) at one time; overwrites it.
  void pull_gate(T* total, const T* gs, Index sample, std::span<T> t_bar, std::span<T> params_bar) const {
    Array<T>(total, out) *= ConstArray<T>(gs, out) * (1 - ConstArray<T>(gs, out));
    Array<T>(params_bar.data() + at.gate_weight, out) += ConstArray<T>(total, out) * time(sample);
    add(out, static_cast<const T*>(total), params_bar.data() + at.gate_bias);
    t_bar[shared ? 0 : static_cast<std::size_t>(sample)] += dot(out, static_cast<const T*>(total), w_g);
  }

  /// dg/dt along t_dot at a sample's time: out values.
  void gate_dot(Index sample, T t_dot, T* y) const {
    const ConstArray<T> gs(gate(sample), out);
    Array<T>(y, out) = gs * (1 - gs) * ConstArray<T>(w_g, out) * t_dot;
  }

  /// The derivative of forward's output along x_dot and t_dot: a_dot = g o W x_dot + g' t_dot o (W x + b) + w_t t_dot,
  /// and of its tangents a_c. Shapes as in forward.
  void forward_dot(const T* x, const T* x_dot, Times<T> t_dot, Index B, Index C, T* a_dot, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    const Index cols = (1 + C) * B;
    multiply(out, in, cols, W, out, x_dot, in, a_dot, out);
    scale(a_dot, B, 1 + C);
    for (Index s = 0; s < B; ++s)
      Array<T>(a_dot + s * out, out) += ConstArray<T>(w_t, out) * t_dot[shared ? 0 : static_cast<std::size_t>(s)];
    if (g == nullptr) return;
    T *n = scratch.take<T>(out * cols), *dg = scratch.take<T>(out);
    multiply(out, in, cols, W, out, x, in, n, out);
    for (Index s = 0; s < B; ++s) {
      add(out, b, n + s * out);
      gate_dot(s, t_dot[shared ? 0 : static_cast<std::size_t>(s)], dg);
      for (Index k = 0; k <= C; ++k)
        Array<T>(a_dot + (k * B + s) * out, out) +=
            ConstArray<T>(n + (k * B + s) * out, out) * ConstArray<T>(static_cast<const T*>(dg), out);
    }
  }

  Index in, out;
  Times<T> t;
  bool shared;
  LayerOffsets at;
  const T *W, *b, *w_t, *Wt, *w_g = nullptr, *g = nullptr;
};

/// The tape of one evaluation: t (as many as B), z, and every hidden layer's a (with its C tangents).
/// With a trace, C is 0 and M d_1 follows.
template <class T>
struct MlpField<T>::Walk {
  Walk(const MlpField& f, T* tape, Index B_, Index C_) : field(f), B(B_), C(C_) { lay_out(tape); }
  Walk(const MlpField& f, const T* tape, Index B_, Index C_) : field(f), B(B_), C(C_) { lay_out(const_cast<T*>(tape)); }

  static Index tape_size(const MlpField& f, Index B, Index C) {
    Index rows = 0;
    for (const Index H : f.shape_.hidden) rows += H;
    return B + f.shape_.dim * B + rows * (1 + C) * B;
  }

  void lay_out(T* tape) {
    t = tape;
    z = t + B;
    a = z + field.shape_.dim * B;
    end = tape + tape_size(field, B, C);
  }
  T* layer(Index l) const {
    T* at = a;
    for (Index k = 0; k < l; ++k) at += field.shape_.outputs(k) * (1 + C) * B;
    return at;
  }
  Times<T> times(std::size_t n) const { return {t, n}; }

  /// phi of a hidden layer from its tape: h (and its tangents), phi' and, if asked for, phi''.
  struct Activated {
    T *h, *dh, *d2h;
  };
  Activated activate(Index l, bool second, Scratch& scratch) const {
    const Index n = field.shape_.outputs(l) * B;
    const T* at = layer(l);
    Activated y{scratch.take<T>(n * (1 + C)), scratch.take<T>(n), second ? scratch.take<T>(n) : nullptr};
    kernels::activate(field.shape_.activation, n, at, y.h, y.dh, y.d2h);
    for (Index c = 1; c <= C; ++c) Array<T>(y.h + c * n, n) = ConstArray<T>(y.dh, n) * ConstArray<T>(at + c * n, n);
    return y;
  }

  /// [z, tangents]: the input block of the first layer.
  T* input(const T* tangents, Scratch& scratch) const {
    const Index n = field.shape_.dim * B;
    T* x = scratch.take<T>(n * (1 + C));
    std::copy_n(z, n, x);
    if (C > 0) std::copy_n(tangents, C * n, x + n);
    return x;
  }

  const MlpField& field;
  Index B, C;
  T *t = nullptr, *z = nullptr, *a = nullptr, *end = nullptr;
};

template <class T>
MlpField<T>::MlpField(const MlpShape& shape, std::span<const T> params)
    : shape_(shape), layout_(shape), params_(params) {
  if (static_cast<Index>(params.size()) != layout_.size)
    throw std::invalid_argument("MlpField: " + std::to_string(params.size()) + " parameters, this shape has " +
                                std::to_string(layout_.size) + " (with padding; see MlpLayout)");
  for (Index l = 0; l < shape_.layers(); ++l) transposed_.push_back(weight(l).transpose());
  if (trace_per_update()) {
    if (shape_.hidden.size() == 1)
      M_ = (weight(0).cwiseProduct(weight(1).transpose())).rowwise().sum().transpose();
    else
      M_ = weight(1).cwiseProduct((weight(0) * weight(2)).transpose());
  }
}

template <class T>
Index MlpField<T>::tape_size(Index B, Index C) const {
  return Walk::tape_size(*this, B, C);
}

template <class T>
void MlpField<T>::forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape,
                          Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z.cols(), C = tangents.cols() / B, L = shape_.layers();
  Walk walk(*this, tape == nullptr ? scratch.take<T>(tape_size(B, C)) : tape, B, C);
  std::copy(t.begin(), t.end(), walk.t);
  std::copy_n(z.data(), z.size(), walk.z);
  const T* x = walk.input(tangents.data(), scratch);
  for (Index l = 0; l + 1 < L; ++l) {
    Gate(*this, l, t, scratch).forward(x, B, C, walk.layer(l), scratch);
    x = walk.activate(l, false, scratch).h;
  }
  T* y = scratch.take<T>(dim() * (1 + C) * B);
  Gate(*this, L - 1, t, scratch).forward(x, B, C, y, scratch);
  std::copy_n(y, dim() * B, f.data());
  std::copy_n(y + dim() * B, dim() * C * B, jv.data());
}

template <class T>
void MlpField<T>::jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
                      Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z_dot.cols(), C = tangents.cols() / B, L = shape_.layers();
  const Walk walk(*this, tape, B, C);
  const Times<T> t = walk.times(t_dot.size());
  const T* x = walk.input(tangents.data(), scratch);
  T* x_dot = scratch.take<T>(dim() * (1 + C) * B);
  std::fill_n(x_dot, dim() * (1 + C) * B, T(0));  // the tangents themselves do not move
  std::copy_n(z_dot.data(), z_dot.size(), x_dot);
  for (Index l = 0; l < L; ++l) {
    const Index n = shape_.outputs(l) * B;
    T* a_dot = scratch.take<T>(n * (1 + C));
    Gate(*this, l, t, scratch).forward_dot(x, x_dot, t_dot, B, C, a_dot, scratch);
    x_dot = a_dot;
    if (l == L - 1) break;
    const auto y = walk.activate(l, true, scratch);
    const T* a = walk.layer(l);
    const ConstArray<T> dh(y.dh, n), d2h(y.d2h, n);
    for (Index c = 1; c <= C; ++c)
      Array<T>(a_dot + c * n, n) = d2h * ConstArray<T>(a_dot, n) * ConstArray<T>(a + c * n, n) +
                                   dh * ConstArray<T>(static_cast<const T*>(a_dot + c * n), n);
    Array<T>(a_dot, n) *= dh;
    x = y.h;
  }
  std::copy_n(x_dot, dim() * B, f_dot.data());
  std::copy_n(x_dot + dim() * B, dim() * C * B, jv_dot.data());
}

template <class T>
void MlpField<T>::vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
                      std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = w_f.cols(), C = tangents.cols() / B, L = shape_.layers();
  const Walk walk(*this, tape, B, C);
  const Times<T> t = walk.times(t_bar.size());
  T* U = scratch.take<T>(dim() * (1 + C) * B);
  std::copy_n(w_f.data(), w_f.size(), U);
  std::copy_n(w_jv.data(), w_jv.size(), U + dim() * B);
  for (Index l = L - 1; l > 0; --l) {
    const Index n = shape_.inputs(l) * B;
    const auto y = walk.activate(l - 1, true, scratch);
    const T* a = walk.layer(l - 1);
    T* V = scratch.take<T>(n * (1 + C));
    Gate(*this, l, t, scratch).pull(y.h, B, C, U, nullptr, V, t_bar, params_bar, scratch);
    // From the cotangents of h = phi(a), h_c = phi'(a) o a_c to those of a and a_c.
    const ConstArray<T> dh(y.dh, n), d2h(y.d2h, n);
    Array<T>(V, n) *= dh;
    for (Index c = 1; c <= C; ++c) {
      Array<T>(V, n) += d2h * ConstArray<T>(a + c * n, n) * ConstArray<T>(static_cast<const T*>(V + c * n), n);
      Array<T>(V + c * n, n) *= dh;
    }
    U = V;
  }
  const T* x = walk.input(tangents.data(), scratch);
  T* x_bar = scratch.take<T>(dim() * (1 + C) * B);
  Gate(*this, 0, t, scratch).pull(x, B, C, U, nullptr, x_bar, t_bar, params_bar, scratch);
  add(z_bar.size(), static_cast<const T*>(x_bar), z_bar.data());
}

// ---- the closed form ------------------------------------------------------------------------------------------------

namespace {

/// M of a gated output layer at its time: W_2 o (W_1 diag(g_3) W_3)^T, or one row for one hidden layer.
/// W: the weights by layer; g: the output layer's gate, D values.
template <class T>
struct TraceMatrix {
  Tile<T> first, middle, last;  ///< one hidden layer: middle has no elements
  const T* g;                   ///< null: no gate

  bool deep() const { return middle.size() > 0; }
  Index rows() const { return deep() ? middle.rows() : 1; }
  Index cols() const { return first.rows(); }

  /// M or, with `dg`, its derivative along the gate's.
  void make(const T* gate, T* M) const {
    std::fill_n(M, rows() * cols(), T(0));
    for (Index q = 0; q < cols(); ++q)
      for (Index i = 0; i < first.cols(); ++i) {
        const T scale = first(q, i) * gate[i];
        if (deep())
          for (Index p = 0; p < rows(); ++p) M[q * rows() + p] += last(i, p) * scale;
        else
          M[q] += last(i, q) * scale;
      }
    if (deep()) Array<T>(M, rows() * cols()) *= ConstArray<T>(middle.data(), middle.size());
  }

  /// Adds M_bar's pullback to the weights' gradients, and to the gate's cotangent if there is a gate (g_bar not null).
  void pull(const T* M_bar, T* first_bar, T* middle_bar, T* last_bar, T* g_bar) const {
    const Index H1 = cols(), R = rows(), D = first.cols();
    for (Index q = 0; q < H1; ++q)
      for (Index i = 0; i < D; ++i) {
        // Q = M_bar o W_2 (one hidden layer: Q_q = M_bar_q for the single p = q); with gate g_i:
        // W_1_bar(q, i) += g_i sum_p Q(p, q) W_3(i, p),  W_3_bar(i, p) += g_i Q(p, q) W_1(q, i).
        const T gate = g == nullptr ? T(1) : g[i];
        T sum = 0;
        for (Index p = 0; p < R; ++p) {
          const T Q = deep() ? M_bar[q * R + p] * middle(p, q) : M_bar[q];
          const Index column = deep() ? p : q;
          sum += Q * last(i, column);
          last_bar[column * D + i] += gate * Q * first(q, i);
        }
        first_bar[i * H1 + q] += gate * sum;
        if (g_bar != nullptr) g_bar[i] += first(q, i) * sum;
      }
    if (!deep()) return;
    for (Index q = 0; q < H1; ++q)
      for (Index p = 0; p < R; ++p) {
        T product = 0;
        for (Index i = 0; i < D; ++i) product += first(q, i) * last(i, p) * (g == nullptr ? T(1) : g[i]);
        middle_bar[q * R + p] += M_bar[q * R + p] * product;
      }
  }
};

}  // namespace

template <class T>
void MlpField<T>::pull_back(std::span<T> params_bar) const {
  if (!trace_per_update()) return;
  const Index L = shape_.layers();
  const TraceMatrix<T> trace{weight(0), L == 3 ? weight(1) : Tile<T>(nullptr, 0, 0), weight(L - 1), nullptr};
  const auto bar = [&](Index l) { return params_bar.data() + layout_.layers[static_cast<std::size_t>(l)].weight; };
  T* M_bar = params_bar.data() + layout_.size;
  trace.pull(M_bar, bar(0), bar(1), bar(L - 1), nullptr);
  std::fill_n(M_bar, M_.size(), T(0));
}

template <class T>
Index MlpField<T>::trace_tape_size(Index B) const {
  return tape_size(B, 0) + (shape_.hidden.size() == 2 ? shape_.hidden[1] : 1) * B;
}

template <class T>
void MlpField<T>::trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z.cols(), L = shape_.layers(), H1 = shape_.hidden[0];
  if (shape_.gated(L - 1) && t.size() != 1)
    throw std::invalid_argument(
        "the closed-form divergence of a gated output layer takes one time for the whole tile; use exact tangents");
  Walk walk(*this, tape == nullptr ? scratch.take<T>(trace_tape_size(B)) : tape, B, 0);
  std::copy(t.begin(), t.end(), walk.t);
  std::copy_n(z.data(), z.size(), walk.z);
  const T* x = walk.z;
  T* d[2] = {nullptr, nullptr};
  for (Index l = 0; l + 1 < L; ++l) {
    const Gate gate(*this, l, t, scratch);
    gate.forward(x, B, 0, walk.layer(l), scratch);
    const auto y = walk.activate(l, false, scratch);
    gate.scale(y.dh, B, 1);
    d[l] = y.dh;
    x = y.h;
  }
  const Gate last(*this, L - 1, t, scratch);
  last.forward(x, B, 0, f.data(), scratch);
  const T* M = M_.data();
  const Index R = L == 3 ? shape_.hidden[1] : 1;
  if (last.g != nullptr) {
    T* moving = scratch.take<T>(R * H1);
    TraceMatrix<T>{weight(0), L == 3 ? weight(1) : Tile<T>(nullptr, 0, 0), weight(L - 1), last.g}.make(last.g, moving);
    M = moving;
  }
  T* Md1 = walk.end;
  multiply(R, H1, B, M, R, d[0], H1, Md1, R);
  for (Index b = 0; b < B; ++b) div(0, b) = L == 3 ? dot<T>(R, d[1] + b * R, Md1 + b * R) : Md1[b];
}

template <class T>
void MlpField<T>::trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                            Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z_dot.cols(), L = shape_.layers(), H1 = shape_.hidden[0], R = L == 3 ? shape_.hidden[1] : 1;
  const Walk walk(*this, tape, B, 0);
  const Times<T> t = walk.times(t_dot.size());
  const T *x = walk.z, *x_dot = z_dot.data();
  T *d[2] = {nullptr, nullptr}, *d_dot[2] = {nullptr, nullptr};
  for (Index l = 0; l + 1 < L; ++l) {
    const Index n = shape_.outputs(l) * B, out = shape_.outputs(l);
    const Gate gate(*this, l, t, scratch);
    T* a_dot = scratch.take<T>(n);
    gate.forward_dot(x, x_dot, t_dot, B, 0, a_dot, scratch);
    const auto y = walk.activate(l, true, scratch);
    d_dot[l] = scratch.take<T>(n);  // (phi' o g)' = phi'' o a_dot o g + phi' o g_dot
    Array<T>(d_dot[l], n) = ConstArray<T>(y.d2h, n) * ConstArray<T>(a_dot, n);
    gate.scale(d_dot[l], B, 1);
    if (gate.g != nullptr) {
      T* dg = scratch.take<T>(out);
      for (Index s = 0; s < B; ++s) {
        gate.gate_dot(s, t_dot[gate.shared ? 0 : static_cast<std::size_t>(s)], dg);
        Array<T>(d_dot[l] + s * out, out) += ConstArray<T>(y.dh + s * out, out) * ConstArray<T>(dg, out);
      }
    }
    Array<T>(a_dot, n) *= ConstArray<T>(y.dh, n);
    x_dot = a_dot;
    x = y.h;
    gate.scale(y.dh, B, 1);
    d[l] = y.dh;
  }
  const Gate last(*this, L - 1, t, scratch);
  last.forward_dot(x, x_dot, t_dot, B, 0, f_dot.data(), scratch);
  // tr = d_2^T M d_1: three terms.
  const T* M = M_.data();
  T* Md1_dot = scratch.take<T>(R * B);
  if (last.g != nullptr) {
    const TraceMatrix<T> trace{weight(0), L == 3 ? weight(1) : Tile<T>(nullptr, 0, 0), weight(L - 1), last.g};
    T *moving = scratch.take<T>(R * H1), *moving_dot = scratch.take<T>(R * H1), *dg = scratch.take<T>(dim());
    trace.make(last.g, moving);
    last.gate_dot(0, t_dot[0], dg);
    trace.make(dg, moving_dot);
    M = moving;
    multiply(R, H1, B, moving_dot, R, d[0], H1, Md1_dot, R);
  } else {
    std::fill_n(Md1_dot, R * B, T(0));
  }
  multiply(R, H1, B, M, R, d_dot[0], H1, Md1_dot, R, true);
  const T* Md1 = walk.end;
  for (Index b = 0; b < B; ++b)
    div_dot(0, b) =
        L == 3 ? dot<T>(R, d[1] + b * R, Md1_dot + b * R) + dot<T>(R, d_dot[1] + b * R, Md1 + b * R) : Md1_dot[b];
}

template <class T>
void MlpField<T>::trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar,
                            std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = w_f.cols(), L = shape_.layers(), H1 = shape_.hidden[0], R = L == 3 ? shape_.hidden[1] : 1;
  const Walk walk(*this, tape, B, 0);
  const Times<T> t = walk.times(t_bar.size());
  const T* Md1 = walk.end;

  typename Walk::Activated y[2];
  T *d1 = nullptr, *omega_d2 = scratch.take<T>(R * B), *d_bar[2] = {nullptr, nullptr};
  for (Index l = 0; l + 1 < L; ++l) y[l] = walk.activate(l, true, scratch);
  {
    const Gate gate(*this, 0, t, scratch);
    d1 = scratch.take<T>(H1 * B);
    std::copy_n(y[0].dh, H1 * B, d1);
    gate.scale(d1, B, 1);
  }
  if (L == 3) {
    std::copy_n(y[1].dh, R * B, omega_d2);
    Gate(*this, 1, t, scratch).scale(omega_d2, B, 1);
    d_bar[1] = scratch.take<T>(R * B);
    for (Index b = 0; b < B; ++b) {
      Array<T>(omega_d2 + b * R, R) *= w_div(0, b);
      Array<T>(d_bar[1] + b * R, R) = ConstArray<T>(Md1 + b * R, R) * w_div(0, b);
    }
  } else {
    std::copy_n(w_div.data(), B, omega_d2);
  }

  // The bilinear form's own transposes: M_bar += (w d_2) d_1^T, d_1_bar = M^T (w d_2).
  d_bar[0] = scratch.take<T>(H1 * B);
  const Gate last(*this, L - 1, t, scratch);
  const auto bar = [&](Index l) { return params_bar.data() + layout_.layers[static_cast<std::size_t>(l)].weight; };
  T *Mt = scratch.take<T>(R * H1), *last_g_bar = nullptr;
  if (last.g == nullptr) {
    multiply_transposed_add(R, H1, B, omega_d2, R, d1, H1, params_bar.data() + layout_.size, R);
    Out<T>(Mt, H1, R) = M_.transpose();
  } else {
    const TraceMatrix<T> trace{weight(0), L == 3 ? weight(1) : Tile<T>(nullptr, 0, 0), weight(L - 1), last.g};
    T *moving = scratch.take<T>(R * H1), *M_bar = scratch.take<T>(R * H1);
    trace.make(last.g, moving);
    Out<T>(Mt, H1, R) = Tile<T>(moving, R, H1).transpose();
    std::fill_n(M_bar, R * H1, T(0));
    multiply_transposed_add(R, H1, B, omega_d2, R, d1, H1, M_bar, R);
    last_g_bar = scratch.take<T>(dim());
    std::fill_n(last_g_bar, dim(), T(0));
    trace.pull(M_bar, bar(0), bar(1), bar(L - 1), last_g_bar);
  }
  multiply(H1, R, B, Mt, H1, omega_d2, R, d_bar[0], H1);

  const T* U = w_f.data();
  const T* g_bar = last_g_bar;
  for (Index l = L - 1; l > 0; --l) {
    const Index in = shape_.inputs(l), n = in * B;
    T* V = scratch.take<T>(n);
    (l == L - 1 ? last : Gate(*this, l, t, scratch)).pull(y[l - 1].h, B, 0, U, g_bar, V, t_bar, params_bar, scratch);
    // d = phi'(a) o g hands its cotangent to the gate (phi' o d_bar) and to a (phi'' o g o d_bar).
    const Gate gate(*this, l - 1, t, scratch);
    T* gate_bar = nullptr;
    if (gate.g != nullptr) {
      const Index times = gate.shared ? 1 : B;
      gate_bar = scratch.take<T>(in * times);
      std::fill_n(gate_bar, in * times, T(0));
      for (Index s = 0; s < B; ++s)
        Array<T>(gate_bar + (gate.shared ? 0 : s * in), in) +=
            ConstArray<T>(y[l - 1].dh + s * in, in) * ConstArray<T>(d_bar[l - 1] + s * in, in);
      gate.scale(d_bar[l - 1], B, 1);
    }
    Array<T>(V, n) = ConstArray<T>(y[l - 1].dh, n) * ConstArray<T>(static_cast<const T*>(V), n) +
                     ConstArray<T>(y[l - 1].d2h, n) * ConstArray<T>(d_bar[l - 1], n);
    U = V;
    g_bar = gate_bar;
  }
  T* x_bar = scratch.take<T>(dim() * B);
  Gate(*this, 0, t, scratch).pull(walk.z, B, 0, U, g_bar, x_bar, t_bar, params_bar, scratch);
  add(z_bar.size(), static_cast<const T*>(x_bar), z_bar.data());
}

template class MlpField<float>;
template class MlpField<double>;

}  // namespace cnf
