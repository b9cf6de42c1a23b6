// One layer of an MlpField at a tile's times: forward, jvp and vjp. Private to mlp*.cpp.
//
// All arrays are in columns (flows/kernels/layer.hpp): a sample's value, then its tangents. What a layer's two kinds of
// gate cost shows in vjp. One gate for the tile is a scale that products take along; a gate for each sample is
// multiplied into the cotangents first, and W x + b is formed again for its own gradient.
#pragma once

#include <algorithm>

#include "base/kernels/functions.hpp"
#include "base/kernels/matmul.hpp"
#include "base/kernels/reduce.hpp"
#include "flows/fields/mlp.hpp"
#include "flows/fields/mlp_tape.hpp"

namespace cnf {

namespace mlp {

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
  for (Index j = 0; j < count; ++j)
    for (Index i = 0; i < n; ++i) y[i] += x[j * step * n + i];
}

/// Where the derivatives of t and of the parameters are added.
template <class T>
struct Bars {
  std::span<T> t, params;
};

/// Cotangents of a layer's a and a_c.
template <class T>
struct Cotangent {
  T* U;                      ///< in columns of `out`; vjp may overwrite it
  T* sum;                    ///< out: the sum over the samples of the values' columns
  const T* g_bar = nullptr;  ///< out x times: what the closed-form trace adds to the gate's cotangent, or null
};

/// What the closed-form trace adds to the cotangents of a hidden layer: kernels::pull_slope's results.
template <class T>
struct TraceShare {
  const T* Q = nullptr;
  const T* g_bar = nullptr;
};

}  // namespace mlp

/// a = g o (W x + b) + w_t t, its tangents a_c = g o (W x_c).
template <class T>
struct MlpField<T>::Layer {
  template <class U>
  using Array = mlp::Array<U>;
  template <class U>
  using ConstArray = mlp::ConstArray<U>;
  using Samples = kernels::Samples;
  using Cotangent = mlp::Cotangent<T>;
  using Bars = mlp::Bars<T>;

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
      for (Index j = 0; j < n; ++j)
        Array<T>(g + j * out, out) = ConstArray<T>(w_g, out) * time(j) + ConstArray<T>(b_g, out);
      kernels::sigmoid(out * n, static_cast<const T*>(g), g);
    }
  }

  /// A hidden layer: h = phi(a), h_c = phi'(a) o a_c, and what else `to` asks for.
  void forward(Activation phi, Samples samples, const T* x, const kernels::LayerOut<T>& to, Scratch& scratch) const {
    kernels::layer_forward<T>(map(scratch), phi, samples, x, to);
  }

  /// The last layer: f = a, and jv = a_c in Field's order.
  void forward_last(Samples samples, const T* x, T* f, T* jv, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    const Index B = samples.B, C = samples.C;
    const T* c = shift(scratch);
    T* y = scratch.take<T>(out * samples.columns());
    kernels::multiply<T>({W, out, in}, {x, in, samples.columns()}, {y, out, samples.columns()});
    mlp::with_size(out, [&](auto D) {
      const Index step = (1 + C) * D;
      for (Index j = 0; j < B; ++j) {
        const T *gate_j = gate(j), *c_j = c + (shared ? 0 : j * D);
        for (Index i = 0; i < D; ++i) f[j * D + i] = y[j * step + i] * gate_j[i] + c_j[i];
      }
      for (Index k = 0; k < C; ++k)
        for (Index j = 0; j < B; ++j) {
          const T *gate_j = gate(j), *from = y + j * step + (1 + k) * D;
          for (Index i = 0; i < D; ++i) jv[(k * B + j) * D + i] = from[i] * gate_j[i];
        }
    });
  }

  /// The derivative of a along x_dot and t_dot: a_dot = g o W x_dot + g' t_dot o (W x + b) + w_t t_dot, and of a_c.
  void jvp(Samples samples, const T* x, const T* x_dot, Times<T> t_dot, T* a_dot, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    const Index C = samples.C, cols = samples.columns();
    kernels::multiply<T>({W, out, in}, {x_dot, in, cols}, {a_dot, out, cols});
    apply_gate(samples, a_dot);
    for (Index j = 0; j < samples.B; ++j)
      Array<T>(a_dot + j * (1 + C) * out, out) += ConstArray<T>(w_t, out) * t_dot[place(j)];
    if (!gated()) return;
    T *n = scratch.take<T>(out * cols), *dg = scratch.take<T>(out);
    kernels::multiply<T>({W, out, in}, {x, in, cols}, {n, out, cols});
    for (Index j = 0; j < samples.B; ++j) {
      const Index column = j * (1 + C) * out;
      mlp::add(out, b, n + column);
      gate_dot(j, t_dot[place(j)], dg);
      for (Index k = 0; k <= C; ++k)
        Array<T>(a_dot + column + k * out, out) +=
            ConstArray<T>(n + column + k * out, out) * ConstArray<T>(static_cast<const T*>(dg), out);
    }
  }

  /// The transpose above a hidden layer: adds to the layer's own parameters and t, and returns the cotangents of the
  /// a and a_c below, which phi and W^T lead to.
  Cotangent vjp(const kernels::Hidden<T>& below, const Cotangent& bar, const mlp::TraceShare<T>& share,
                const Bars& bars, Scratch& scratch) const {
    constexpr Index kFewOutputs = 4;  // S is faster transposed: its long side fills vectors
    const Samples samples{below.B, below.C};
    const Cotangent result{scratch.take<T>(in * samples.columns()), scratch.take<T>(in), share.g_bar};
    std::fill_n(result.sum, in, T(0));
    const Scratch::Frame frame(scratch);
    const auto pull_below = [&](T* S) {
      kernels::pull_layer<T>(below, {out, Wt, scale(), bar.U}, share.Q, {result.U, result.sum, S});
    };
    if (!one_gate()) {
      pull_parameters(samples, below.h, bar, bars, scratch);  // leaves diag(g) U
      pull_below(nullptr);
    } else if (out > kFewOutputs) {
      pull_below(nullptr);  // first: h comes from far away, and the weight gradient would wait for it longer
      pull_parameters(samples, below.h, bar, bars, scratch);
    } else {
      T* S = scratch.take<T>(in * out);
      pull_below(S);
      pull_few(samples, S, bar, bars, scratch);
    }
    return result;
  }

  /// The transpose above the network's input x: adds also to z_bar, D x B. Tangents end here: they do not depend on z.
  void vjp(Samples samples, const T* x, const Cotangent& bar, T* z_bar, const Bars& bars, Scratch& scratch) const {
    pull_parameters(samples, x, bar, bars, scratch);
    kernels::multiply<T>({Wt, in, out}, {bar.U, out, samples.B, (1 + samples.C) * out}, {z_bar, in, samples.B},
                         kernels::Into::add, scale());
  }

  bool gated() const { return w_g != nullptr; }
  /// Whether the gate is one for the tile, so that products can take it as a scale.
  bool one_gate() const { return g_stride == 0; }
  const T* gate(Index sample) const { return g + sample * g_stride; }

  /// y = g o y.
  void apply_gate(Samples samples, T* y) const {
    if (!gated()) return;
    for (Index j = 0; j < samples.B; ++j)
      for (Index k = 0; k <= samples.C; ++k)
        Array<T>(y + (j * (1 + samples.C) + k) * out, out) *= ConstArray<T>(gate(j), out);
  }

  /// dg/dt along t_dot at a sample's time: out values.
  void gate_dot(Index sample, T t_dot, T* y) const {
    const ConstArray<T> own(gate(sample), out);
    Array<T>(y, out) = own * (1 - own) * ConstArray<T>(w_g, out) * t_dot;
  }

  /// A sample's place among as many times as t has.
  std::size_t place(Index sample) const { return shared ? 0 : static_cast<std::size_t>(sample); }

  Index in, out;
  Times<T> t;
  bool shared;
  LayerOffsets at;
  const T *W, *b, *w_t, *Wt, *w_g = nullptr;
  T* g;  ///< the gate (ones without): out values, or as many for every sample
  Index g_stride = 0;

 private:
  T time(Index sample) const { return t[place(sample)]; }
  /// What diag(g) is to a product that takes one scale. With a gate for each sample vjp's U holds it already.
  const T* scale() const { return gated() && one_gate() ? g : nullptr; }

  kernels::LayerMap<T> map(Scratch& scratch) const {
    if (!shared && !gated()) return {out, in, W, g, b, 0, 0, w_t, t.data()};
    return {out, in, W, g, shift(scratch), g_stride, shared ? 0 : out, nullptr, nullptr};
  }
  /// c = g o b + w_t t: out x times.
  const T* shift(Scratch& scratch) const {
    const auto n = static_cast<Index>(t.size());
    T* c = scratch.take<T>(out * n);
    for (Index j = 0; j < n; ++j) {
      const T* gate_j = gate(j);
      const T at_time = time(j);
      T* column = c + j * out;
      for (Index i = 0; i < out; ++i) column[i] = gate_j[i] * b[i] + w_t[i] * at_time;
    }
    return c;
  }

  /// Adds to the layer's own parameters and to t. With a gate for each sample, U becomes diag(g) U.
  void pull_parameters(Samples samples, const T* x, const Cotangent& bar, const Bars& bars, Scratch& scratch) const {
    const Scratch::Frame frame(scratch);
    T *W_bar = bars.params.data() + at.weight, *b_bar = bars.params.data() + at.bias;
    const Index cols = samples.columns();
    pull_time(samples, bar, bars);
    if (!gated()) {
      kernels::multiply_transposed_add<T>({bar.U, out, cols}, {x, in, cols}, {W_bar, out, in});
      return mlp::add(out, static_cast<const T*>(bar.sum), b_bar);
    }
    if (!one_gate()) return pull_gates(samples, x, bar, bars, scratch);
    T* total = scratch.take<T>(out);  // the cotangent of g
    std::fill_n(total, out, T(0));
    kernels::pull_weight<T>({out, in, W, g}, cols, bar.U, x, {W_bar, total, scratch.take<T>(out * in)});
    pull_one_gate(bar, total, bars);
  }

  /// pull_parameters with a gate for each sample.
  void pull_gates(Samples samples, const T* x, const Cotangent& bar, const Bars& bars, Scratch& scratch) const {
    const Index C = samples.C, cols = samples.columns();
    T* total = scratch.take<T>(out);     // the cotangent of a sample's g
    T* n = scratch.take<T>(out * cols);  // W x + b and W x_c
    kernels::multiply<T>({W, out, in}, {x, in, cols}, {n, out, cols});
    for (Index j = 0; j < samples.B; ++j) {
      const Index column = j * (1 + C) * out;
      mlp::add(out, b, n + column);
      if (bar.g_bar == nullptr)
        std::fill_n(total, out, T(0));
      else
        std::copy_n(bar.g_bar + j * out, out, total);
      for (Index k = 0; k <= C; ++k)
        Array<T>(total, out) += ConstArray<T>(bar.U + column + k * out, out) * ConstArray<T>(n + column + k * out, out);
      pull_gate(j, total, bars);
    }
    apply_gate(samples, bar.U);
    kernels::multiply_transposed_add<T>({bar.U, out, cols}, {x, in, cols}, {bars.params.data() + at.weight, out, in});
    for (Index j = 0; j < samples.B; ++j)
      mlp::add(out, static_cast<const T*>(bar.U + j * (1 + C) * out), bars.params.data() + at.bias);
  }

  /// pull_parameters for one gate, given the transposed weight gradient S (in x out; not yet times g) of few outputs.
  void pull_few(Samples samples, const T* S, const Cotangent& bar, const Bars& bars, Scratch& scratch) const {
    pull_time(samples, bar, bars);
    T* W_bar = bars.params.data() + at.weight;
    for (Index o = 0; o < out; ++o)
      for (Index i = 0; i < in; ++i) W_bar[i * out + o] += g[o] * S[o * in + i];
    if (!gated()) return mlp::add(out, static_cast<const T*>(bar.sum), bars.params.data() + at.bias);
    T* total = scratch.take<T>(out);
    for (Index o = 0; o < out; ++o) total[o] = kernels::dot(in, Wt + o * in, S + o * in);
    pull_one_gate(bar, total, bars);
  }

  /// The part of w_t t.
  void pull_time(Samples samples, const Cotangent& bar, const Bars& bars) const {
    T* w_t_bar = bars.params.data() + at.time_weight;
    if (shared) {
      Array<T>(w_t_bar, out) += ConstArray<T>(bar.sum, out) * t[0];
      bars.t[0] += kernels::dot(out, static_cast<const T*>(bar.sum), w_t);
    } else {
      const Index B = samples.B, step = (1 + samples.C) * out;
      kernels::multiply_transposed_add<T>({bar.U, out, B, step}, {t.data(), 1, B}, {w_t_bar, out, 1});
      kernels::multiply<T>({w_t, 1, out}, {bar.U, out, B, step}, {bars.t.data(), 1, B}, kernels::Into::add);
    }
  }

  /// The bias under one gate, and the gate itself; `total` is the gate's cotangent through W x, and is overwritten.
  void pull_one_gate(const Cotangent& bar, T* total, const Bars& bars) const {
    const ConstArray<T> sum(bar.sum, out);
    Array<T>(total, out) += ConstArray<T>(b, out) * sum;
    Array<T>(bars.params.data() + at.bias, out) += ConstArray<T>(g, out) * sum;
    if (bar.g_bar != nullptr) mlp::add(out, bar.g_bar, total);
    pull_gate(0, total, bars);
  }

  /// From the cotangent of g = sigmoid(w_g t + b_g) at one time; overwrites it.
  void pull_gate(Index sample, T* total, const Bars& bars) const {
    const ConstArray<T> own(gate(sample), out);
    Array<T>(total, out) *= own * (1 - own);
    Array<T>(bars.params.data() + at.gate_weight, out) += ConstArray<T>(total, out) * time(sample);
    mlp::add(out, static_cast<const T*>(total), bars.params.data() + at.gate_bias);
    bars.t[place(sample)] += kernels::dot(out, static_cast<const T*>(total), w_g);
  }
};

}  // namespace cnf
