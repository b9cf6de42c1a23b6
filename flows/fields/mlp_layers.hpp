// The parts of MlpField's evaluation: one layer at its times, and the tape. Private to mlp*.cpp.
#pragma once

#include <algorithm>

#include "base/kernels/functions.hpp"
#include "base/kernels/matmul.hpp"
#include "base/kernels/reduce.hpp"
#include "flows/fields/mlp.hpp"
#include "flows/kernels/layer.hpp"

namespace cnf {

template <class T>
using Array = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstArray = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

/// y += x over n values.
template <class T>
void add(Index n, const T* x, T* y) {
  Array<T>(y, n) += ConstArray<T>(x, n);
}

/// y = the sum of x's columns 0, step, 2 step, ... of n values.
template <class T>
void sum_columns(Index n, Index count, Index step, const T* x, T* y) {
  std::fill_n(y, n, T(0));
  for (Index b = 0; b < count; ++b)
    for (Index i = 0; i < n; ++i) y[i] += x[b * step * n + i];
}

/// f(n), with n = 2 as a constant: in the plane, loops over the dimension would cost more than what they do.
template <class F>
void with_size(Index n, const F& f) {
  n == 2 ? f(std::integral_constant<Index, 2>()) : f(n);
}

/// a = g o (W x + b) + w_t t, its tangents a_c = g o (W x_c): one layer at the tile's times.
template <class T>
struct MlpField<T>::Layer {
  Layer(const MlpField& field, Index layer, Times<T> times, Scratch& scratch)
      : in(field.shape_.inputs(layer)),
        out(field.shape_.outputs(layer)),
        t(times),
        shared(times.size() == 1),
        at(field.layout_.layers[static_cast<std::size_t>(layer)]),
        W(field.params_.data() + at.weight),
        b(field.params_.data() + at.bias),
        w_t(field.params_.data() + at.time_weight),
        Wt(field.transposed_[static_cast<std::size_t>(layer)].data()) {
    const auto n = static_cast<Index>(t.size());
    if (at.gate_weight < 0) {
      g = scratch.take<T>(out);
      std::fill_n(g, out, T(1));
    } else {
      w_g = field.params_.data() + at.gate_weight;
      const T* b_g = field.params_.data() + at.gate_bias;
      g = scratch.take<T>(out * n);
      g_stride = shared ? 0 : out;
      for (Index s = 0; s < n; ++s)
        Array<T>(g + s * out, out) = ConstArray<T>(w_g, out) * time(s) + ConstArray<T>(b_g, out);
      kernels::sigmoid(out * n, static_cast<const T*>(g), g);
    }
  }

  bool gated() const { return w_g != nullptr; }
  /// Whether the gate is one for the tile, so that products can take it as a scale.
  bool one_gate() const { return g_stride == 0; }
  T time(Index sample) const { return t[shared ? 0 : static_cast<std::size_t>(sample)]; }
  const T* gate(Index sample) const { return g + sample * g_stride; }
  /// What diag(g) is to a product that takes one scale.
  const T* scale() const { return gated() && one_gate() ? g : nullptr; }
  kernels::LayerMap<T> map(Scratch& scratch) const {
    if (!shared && !gated()) return {out, in, W, g, b, 0, 0, w_t, t.data()};
    return {out, in, W, g, shift(scratch), g_stride, shared ? 0 : out, nullptr, nullptr};
  }
  /// c = g o b + w_t t: out x times.
  const T* shift(Scratch& scratch) const {
    const auto n = static_cast<Index>(t.size());
    T* c = scratch.take<T>(out * n);
    for (Index s = 0; s < n; ++s) {
      const T* gs = gate(s);
      const T at_time = time(s);
      T* column = c + s * out;
      for (Index i = 0; i < out; ++i) column[i] = gs[i] * b[i] + w_t[i] * at_time;
    }
    return c;
  }

  /// y = g o y, y in columns of `out`.
  void apply_gate(T* y, Index B, Index C) const {
    if (!gated()) return;
    for (Index s = 0; s < B; ++s)
      for (Index k = 0; k <= C; ++k) Array<T>(y + (s * (1 + C) + k) * out, out) *= ConstArray<T>(gate(s), out);
  }

  /// The last layer: f = a, and jv = a_c in Field's order; x in columns of `in`.
  void output(const T* x, Index B, Index C, T* f, T* jv, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    const T* c = shift(scratch);
    T* y = scratch.take<T>(out * (1 + C) * B);
    kernels::multiply<T>({W, out, in}, {x, in, (1 + C) * B}, {y, out, (1 + C) * B});
    with_size(out, [&](auto D) {
      const Index step = (1 + C) * D;
      for (Index s = 0; s < B; ++s) {
        const T *gs = gate(s), *cs = c + (shared ? 0 : s * D);
        for (Index i = 0; i < D; ++i) f[s * D + i] = y[s * step + i] * gs[i] + cs[i];
      }
      for (Index k = 0; k < C; ++k)
        for (Index s = 0; s < B; ++s) {
          const T *gs = gate(s), *from = y + s * step + (1 + k) * D;
          for (Index i = 0; i < D; ++i) jv[(k * B + s) * D + i] = from[i] * gs[i];
        }
    });
  }

  /// Cotangents of a layer's a and a_c.
  struct Cotangent {
    T* U;            ///< in columns of `out`; pull may overwrite it with diag(g) U
    T* sum;          ///< out: the sum over the samples of the values' columns
    const T* g_bar;  ///< out x times: a cotangent that the gate receives from elsewhere, or null
  };

  /// Adds the pullback to the layer's own parameters and to t_bar. Returns the scale that U still needs before W^T:
  /// null if none. x in columns of `in`.
  const T* pull(const T* x, Index B, Index C, const Cotangent& bar, std::span<T> t_bar, std::span<T> params_bar,
                Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    T *W_bar = params_bar.data() + at.weight, *b_bar = params_bar.data() + at.bias;
    const Index cols = (1 + C) * B;
    pull_time(B, C, bar, t_bar, params_bar);
    if (!gated()) {
      kernels::multiply_transposed_add<T>({bar.U, out, cols}, {x, in, cols}, {W_bar, out, in});
      add(out, bar.sum, b_bar);
      return nullptr;
    }
    T* total = scratch.take<T>(out);  // the cotangent of g
    if (one_gate()) {
      std::fill_n(total, out, T(0));
      kernels::pull_weight<T>({out, in, W, g}, cols, bar.U, x, {W_bar, total, scratch.take<T>(out * in)});
      pull_one_gate(bar, total, t_bar, params_bar);
      return g;
    }
    T* n = scratch.take<T>(out * cols);  // W x + b and W x_c
    kernels::multiply<T>({W, out, in}, {x, in, cols}, {n, out, cols});
    for (Index s = 0; s < B; ++s) {
      const Index column = s * (1 + C) * out;
      add(out, b, n + column);
      if (bar.g_bar == nullptr)
        std::fill_n(total, out, T(0));
      else
        std::copy_n(bar.g_bar + s * out, out, total);
      for (Index k = 0; k <= C; ++k)
        Array<T>(total, out) += ConstArray<T>(bar.U + column + k * out, out) * ConstArray<T>(n + column + k * out, out);
      pull_gate(total, s, t_bar, params_bar);
    }
    apply_gate(bar.U, B, C);
    kernels::multiply_transposed_add<T>({bar.U, out, cols}, {x, in, cols}, {W_bar, out, in});
    for (Index s = 0; s < B; ++s) add(out, static_cast<const T*>(bar.U + s * (1 + C) * out), b_bar);
    return nullptr;
  }

  /// The same, and through phi to the hidden layer below, whose cotangent it returns. Q: see kernels::pull_layer;
  /// g_bar: what the layer below's gate receives from elsewhere.
  Cotangent pull_through(const kernels::Hidden<T>& below, const Cotangent& bar, const T* Q, const T* g_bar,
                         std::span<T> t_bar, std::span<T> params_bar, Scratch& scratch) const {
    constexpr Index kFewOutputs = 4;  // S is faster transposed: its long side fills vectors
    const Index B = below.B, C = below.C;
    const Cotangent result{scratch.take<T>(in * (1 + C) * B), scratch.take<T>(in), g_bar};
    std::fill_n(result.sum, in, T(0));
    const Scratch::Frame frame(scratch);
    const auto pull_below = [&](const T* left_scale, T* S) {
      kernels::pull_layer<T>(below, {out, Wt, left_scale, bar.U}, Q, {result.U, result.sum, S});
    };
    if (!one_gate()) {
      pull(below.h, B, C, bar, t_bar, params_bar, scratch);  // leaves diag(g) U
      pull_below(nullptr, nullptr);
    } else if (out > kFewOutputs) {
      pull_below(scale(), nullptr);  // first: h comes from far away, and the weight gradient would wait for it longer
      pull(below.h, B, C, bar, t_bar, params_bar, scratch);
    } else {
      T* S = scratch.take<T>(in * out);
      pull_below(scale(), S);
      pull_few(S, B, C, bar, t_bar, params_bar, scratch);
    }
    return result;
  }

  /// pull for one gate, given the transposed weight gradient S (in x out; not yet times g) of few outputs.
  void pull_few(const T* S, Index B, Index C, const Cotangent& bar, std::span<T> t_bar, std::span<T> params_bar,
                Scratch& scratch) const {
    pull_time(B, C, bar, t_bar, params_bar);
    T* W_bar = params_bar.data() + at.weight;
    for (Index o = 0; o < out; ++o)
      for (Index i = 0; i < in; ++i) W_bar[i * out + o] += g[o] * S[o * in + i];
    if (!gated()) return add(out, bar.sum, params_bar.data() + at.bias);
    T* total = scratch.take<T>(out);
    for (Index o = 0; o < out; ++o) total[o] = kernels::dot(in, Wt + o * in, S + o * in);
    pull_one_gate(bar, total, t_bar, params_bar);
  }

  /// The part of w_t t.
  void pull_time(Index B, Index C, const Cotangent& bar, std::span<T> t_bar, std::span<T> params_bar) const {
    T* w_t_bar = params_bar.data() + at.time_weight;
    if (shared) {
      Array<T>(w_t_bar, out) += ConstArray<T>(bar.sum, out) * t[0];
      t_bar[0] += kernels::dot(out, bar.sum, w_t);
    } else {
      const Index step = (1 + C) * out;
      kernels::multiply_transposed_add<T>({bar.U, out, B, step}, {t.data(), 1, B}, {w_t_bar, out, 1});
      kernels::multiply<T>({w_t, 1, out}, {bar.U, out, B, step}, {t_bar.data(), 1, B}, kernels::Into::add);
    }
  }

  /// The bias under one gate, and the gate itself; `total` is the gate's cotangent through W x, and is overwritten.
  void pull_one_gate(const Cotangent& bar, T* total, std::span<T> t_bar, std::span<T> params_bar) const {
    const ConstArray<T> sum(bar.sum, out);
    Array<T>(total, out) += ConstArray<T>(b, out) * sum;
    Array<T>(params_bar.data() + at.bias, out) += ConstArray<T>(g, out) * sum;
    if (bar.g_bar != nullptr) add(out, bar.g_bar, total);
    pull_gate(total, 0, t_bar, params_bar);
  }

  /// From the cotangent of g = sigmoid(w_g t + b_g) at one time; overwrites it.
  void pull_gate(T* total, Index sample, std::span<T> t_bar, std::span<T> params_bar) const {
    const ConstArray<T> gs(gate(sample), out);
    Array<T>(total, out) *= gs * (1 - gs);
    Array<T>(params_bar.data() + at.gate_weight, out) += ConstArray<T>(total, out) * time(sample);
    add(out, static_cast<const T*>(total), params_bar.data() + at.gate_bias);
    t_bar[shared ? 0 : static_cast<std::size_t>(sample)] += kernels::dot(out, static_cast<const T*>(total), w_g);
  }

  /// dg/dt along t_dot at a sample's time: out values.
  void gate_dot(Index sample, T t_dot, T* y) const {
    const ConstArray<T> gs(gate(sample), out);
    Array<T>(y, out) = gs * (1 - gs) * ConstArray<T>(w_g, out) * t_dot;
  }

  /// The derivative of a along x_dot and t_dot: a_dot = g o W x_dot + g' t_dot o (W x + b) + w_t t_dot, and of a_c.
  /// x, x_dot and a_dot in columns.
  void jvp(const T* x, const T* x_dot, Times<T> t_dot, Index B, Index C, T* a_dot, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    const Index cols = (1 + C) * B;
    kernels::multiply<T>({W, out, in}, {x_dot, in, cols}, {a_dot, out, cols});
    apply_gate(a_dot, B, C);
    for (Index s = 0; s < B; ++s)
      Array<T>(a_dot + s * (1 + C) * out, out) +=
          ConstArray<T>(w_t, out) * t_dot[shared ? 0 : static_cast<std::size_t>(s)];
    if (!gated()) return;
    T *n = scratch.take<T>(out * cols), *dg = scratch.take<T>(out);
    kernels::multiply<T>({W, out, in}, {x, in, cols}, {n, out, cols});
    for (Index s = 0; s < B; ++s) {
      const Index column = s * (1 + C) * out;
      add(out, b, n + column);
      gate_dot(s, t_dot[shared ? 0 : static_cast<std::size_t>(s)], dg);
      for (Index k = 0; k <= C; ++k)
        Array<T>(a_dot + column + k * out, out) +=
            ConstArray<T>(n + column + k * out, out) * ConstArray<T>(static_cast<const T*>(dg), out);
    }
  }

  Index in, out;
  Times<T> t;
  bool shared;
  LayerOffsets at;
  const T *W, *b, *w_t, *Wt, *w_g = nullptr;
  T* g;  ///< the gate (ones without): out values, or as many for every sample
  Index g_stride = 0;
};

/// The tape of one evaluation: t (as many as B), z, then every hidden layer's h and h_c (in columns), its s if phi
/// saves one, and its a_c if phi has no ratio (flows/kernels/layer.hpp). With a trace C is 0 and M d_1 follows.
template <class T>
struct MlpField<T>::Walk {
  Walk(const MlpField& f, T* tape, Index B_, Index C_)
      : field(f), B(B_), C(C_), t(tape), z(t + B), first(z + f.shape_.dim * B), end(tape + tape_size(f, B, C)) {}
  Walk(const MlpField& f, const T* tape, Index B_, Index C_) : Walk(f, const_cast<T*>(tape), B_, C_) {}

  static Index columns(Activation phi, Index C) {
    return 1 + C + (kernels::saves_slope(phi) ? 1 : 0) + (kernels::has_ratio(phi) ? 0 : C);
  }
  static Index tape_size(const MlpField& f, Index B, Index C) {
    Index rows = 0;
    for (const Index H : f.shape_.hidden) rows += H;
    return B + f.shape_.dim * B + rows * B * columns(f.shape_.activation, C);
  }

  T* h(Index l) const {
    T* at = first;
    for (Index k = 0; k < l; ++k) at += field.shape_.outputs(k) * B * columns(phi(), C);
    return at;
  }
  T* s(Index l) const { return kernels::saves_slope(phi()) ? h(l) + (1 + C) * block(l) : nullptr; }
  T* a_c(Index l) const {
    if (kernels::has_ratio(phi()) || C == 0) return nullptr;
    return h(l) + (1 + C + (kernels::saves_slope(phi()) ? 1 : 0)) * block(l);
  }
  Index block(Index l) const { return field.shape_.outputs(l) * B; }
  Activation phi() const { return field.shape_.activation; }
  kernels::Hidden<T> hidden(Index l) const { return {phi(), field.shape_.outputs(l), B, C, h(l), s(l), a_c(l)}; }

  /// The columns of a value D x B and its tangents D x (C B), as Field orders them.
  T* gather(const T* value, const T* tangents, Scratch& scratch) const {
    T* x = scratch.take<T>(field.shape_.dim * (1 + C) * B);
    with_size(field.shape_.dim, [&](auto D) {
      for (Index c = -1; c < C; ++c) {
        const T* from = c < 0 ? value : tangents + c * B * D;
        T* to = x + (1 + c) * D;
        for (Index b = 0; b < B; ++b)
          for (Index i = 0; i < D; ++i) to[b * (1 + C) * D + i] = from[b * D + i];
      }
    });
    return x;
  }
  void scatter(const T* x, T* value, T* tangents) const {
    with_size(field.shape_.dim, [&](auto D) {
      for (Index c = -1; c < C; ++c) {
        const T* from = x + (1 + c) * D;
        T* to = c < 0 ? value : tangents + c * B * D;
        for (Index b = 0; b < B; ++b)
          for (Index i = 0; i < D; ++i) to[b * D + i] = from[b * (1 + C) * D + i];
      }
    });
  }
  Times<T> times(std::size_t n) const { return {t, n}; }

  const MlpField& field;
  Index B, C;
  T *t, *z, *first, *end;
};

}  // namespace cnf
