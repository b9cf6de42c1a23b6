// The closed-form divergence of one and two hidden layers: tr J = d_2^T M d_1, d_l = phi'(a_l) o g_l. Letters as in
// docs/math.md. With one hidden layer d_2 is 1 and M a row.
//
// Behind what a plain evaluation leaves, the tape holds M d_1; d_1 and d_2 are formed again from h. Without an output
// gate M depends on the parameters alone (M_), and its cotangent is added behind the parameters' in params_bar, to be
// folded in once per update; with one, M is made anew at the tile's time and its cotangent goes down at once.
#include <stdexcept>

#include "flows/fields/mlp_layer.hpp"

namespace cnf {

using mlp::Array, mlp::ConstArray;

/// M of a gated output layer at its time: W_2 o (W_1 diag(g_3) W_3)^T, or one row for one hidden layer.
template <class T>
struct MlpField<T>::TraceMatrix {
  Tile<T> first, middle, last;  ///< the weights; one hidden layer: middle has no elements
  const T* g;                   ///< the output layer's gate, D values; null: no gate

  bool deep() const { return middle.size() > 0; }
  Index rows() const { return deep() ? middle.rows() : 1; }
  Index cols() const { return first.rows(); }

  /// M at this gate or, given the gate's derivative in its place, M's.
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

  /// M^T at the gate.
  const T* transposed(Scratch& scratch) const {
    T *M = scratch.take<T>(rows() * cols()), *Mt = scratch.take<T>(rows() * cols());
    make(g, M);
    Out<T>(Mt, cols(), rows()) = Tile<T>(M, rows(), cols()).transpose();
    return Mt;
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

template <class T>
typename MlpField<T>::TraceMatrix MlpField<T>::trace_matrix(const T* gate) const {
  const bool deep = shape_.hidden.size() == 2;
  return {weight(0), deep ? weight(1) : Tile<T>(nullptr, 0, 0), weight(shape_.layers() - 1), gate};
}

template <class T>
void MlpField<T>::fold_derived(std::span<T> params_bar) const {
  if (!trace_per_update()) return;
  const auto bar = [&](Index l) { return params_bar.data() + layout_.layers[static_cast<std::size_t>(l)].weight; };
  T* M_bar = params_bar.data() + layout_.size;
  trace_matrix(nullptr).pull(M_bar, bar(0), bar(1), bar(shape_.layers() - 1), nullptr);
  std::fill_n(M_bar, M_.size(), T(0));
}

template <class T>
Index MlpField<T>::trace_tape_size(Index B) const {
  return tape_size(B, 0) + (shape_.hidden.size() == 2 ? shape_.hidden[1] : 1) * B;
}

template <class T>
void MlpField<T>::trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const kernels::Samples samples{z.cols(), 0};
  const Index B = samples.B, L = shape_.layers(), H1 = shape_.hidden[0], R = L == 3 ? shape_.hidden[1] : 1;
  if (shape_.gated(L - 1) && t.size() != 1)
    throw std::invalid_argument(
        "the closed-form divergence of a gated output layer takes one time for the whole tile; use exact tangents");
  const mlp::Tape<T> on(shape_, tape == nullptr ? scratch.take<T>(trace_tape_size(B)) : tape, samples);
  std::copy(t.begin(), t.end(), on.t());
  std::copy_n(z.data(), z.size(), on.z());
  const T* x = on.z();
  T* d[2] = {nullptr, nullptr};
  for (Index l = 0; l + 1 < L; ++l) {
    d[l] = scratch.take<T>(on.values(l));
    T* h = on.h(l);
    Layer(*this, l, t, scratch)
        .forward(shape_.activation, samples, x, {.h = h, .s = tape == nullptr ? nullptr : on.s(l), .d = d[l]}, scratch);
    x = h;
  }
  const Layer last(*this, L - 1, t, scratch);
  last.forward_last(samples, x, f.data(), nullptr, scratch);
  const T* M = M_.data();
  if (last.gated()) {
    T* moving = scratch.take<T>(R * H1);
    trace_matrix(last.g).make(last.g, moving);
    M = moving;
  }
  T* Md1 = on.end();
  kernels::multiply<T>({M, R, H1}, {d[0], H1, B}, {Md1, R, B});
  for (Index b = 0; b < B; ++b) div(0, b) = L == 3 ? kernels::dot<T>(R, d[1] + b * R, Md1 + b * R) : Md1[b];
}

template <class T>
void MlpField<T>::trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                            Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const kernels::Samples samples{z_dot.cols(), 0};
  const Index B = samples.B, L = shape_.layers(), H1 = shape_.hidden[0], R = L == 3 ? shape_.hidden[1] : 1;
  const mlp::Tape<const T> on(shape_, tape, samples);
  const Times<T> t = on.times(t_dot.size());
  const bool with_trace = div_dot.size() > 0;
  const T *x = on.z(), *x_dot = z_dot.data();
  T *d[2] = {nullptr, nullptr}, *d_dot[2] = {nullptr, nullptr};
  for (Index l = 0; l + 1 < L; ++l) {
    const Index n = on.values(l), out = shape_.outputs(l);
    const Layer layer(*this, l, t, scratch);
    T *a_dot = scratch.take<T>(n), *d2h = scratch.take<T>(n);
    layer.jvp(samples, x, x_dot, t_dot, a_dot, scratch);
    d[l] = scratch.take<T>(n);
    d_dot[l] = scratch.take<T>(n);  // (phi' o g)' = phi'' o a_dot o g + phi' o g_dot
    kernels::slopes(on.hidden(l), d[l], d2h);
    Array<T>(d_dot[l], n) = ConstArray<T>(d2h, n) * ConstArray<T>(a_dot, n);
    layer.apply_gate(samples, d_dot[l]);
    if (layer.gated() && with_trace) {
      T* dg = scratch.take<T>(out);
      for (Index b = 0; b < B; ++b) {
        layer.gate_dot(b, t_dot[layer.place(b)], dg);
        Array<T>(d_dot[l] + b * out, out) += ConstArray<T>(d[l] + b * out, out) * ConstArray<T>(dg, out);
      }
    }
    Array<T>(a_dot, n) *= ConstArray<T>(d[l], n);
    x_dot = a_dot;
    x = on.h(l);
    layer.apply_gate(samples, d[l]);
  }
  const Layer last(*this, L - 1, t, scratch);
  last.jvp(samples, x, x_dot, t_dot, f_dot.data(), scratch);
  if (!with_trace) return;
  // tr = d_2^T M d_1: three terms.
  const T* M = M_.data();
  T* Md1_dot = scratch.take<T>(R * B);
  if (last.gated()) {
    const TraceMatrix trace = trace_matrix(last.g);
    T *moving = scratch.take<T>(R * H1), *moving_dot = scratch.take<T>(R * H1), *dg = scratch.take<T>(dim());
    trace.make(last.g, moving);
    last.gate_dot(0, t_dot[0], dg);
    trace.make(dg, moving_dot);
    M = moving;
    kernels::multiply<T>({moving_dot, R, H1}, {d[0], H1, B}, {Md1_dot, R, B});
  } else {
    std::fill_n(Md1_dot, R * B, T(0));
  }
  kernels::multiply<T>({M, R, H1}, {d_dot[0], H1, B}, {Md1_dot, R, B}, kernels::Into::add);
  const T* Md1 = on.end();
  for (Index b = 0; b < B; ++b)
    div_dot(0, b) =
        L == 3 ? kernels::dot<T>(R, d[1] + b * R, Md1_dot + b * R) + kernels::dot<T>(R, d_dot[1] + b * R, Md1 + b * R)
               : Md1_dot[b];
}

template <class T>
void MlpField<T>::trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar,
                            std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const kernels::Samples samples{w_f.cols(), 0};
  const Index B = samples.B, L = shape_.layers(), H1 = shape_.hidden[0], R = L == 3 ? shape_.hidden[1] : 1;
  const mlp::Tape<const T> on(shape_, tape, samples);
  const Times<T> t = on.times(t_bar.size());
  const auto bar = [&](Index l) { return params_bar.data() + layout_.layers[static_cast<std::size_t>(l)].weight; };

  // Cotangents of d_2 and d_1 in turn, each split between its layer's a (as Q) and its gate.
  T *Q[2] = {nullptr, nullptr}, *g_bar[2] = {nullptr, nullptr};
  const auto slope = [&](Index l, Index n, const T* Mt, const T* E, T* d) {
    const Layer layer(*this, l, t, scratch);
    const Index values = layer.one_gate() ? layer.out : on.values(l);
    Q[l] = scratch.take<T>(on.values(l));
    g_bar[l] = scratch.take<T>(values);
    std::fill_n(g_bar[l], values, T(0));
    kernels::pull_slope<T>(on.hidden(l), {E, Mt, n}, {layer.g, g_bar[l], layer.g_stride}, Q[l], d);
  };
  const T *Md1 = on.end(), *w_d2 = w_div.data();  // one hidden layer: d_2 is 1
  if (L == 3) {
    T *E = scratch.take<T>(R * B), *d2 = scratch.take<T>(R * B);
    for (Index b = 0; b < B; ++b) Array<T>(E + b * R, R) = ConstArray<T>(Md1 + b * R, R) * w_div(0, b);
    slope(1, 0, nullptr, E, d2);
    for (Index b = 0; b < B; ++b) Array<T>(d2 + b * R, R) *= w_div(0, b);
    w_d2 = d2;
  }
  const Layer last(*this, L - 1, t, scratch);
  const TraceMatrix trace = trace_matrix(last.gated() ? last.g : nullptr);
  T *d1 = scratch.take<T>(H1 * B), *last_g_bar = nullptr;
  slope(0, R, last.gated() ? trace.transposed(scratch) : Mt_.data(), w_d2, d1);
  if (last.gated()) {
    T* M_bar = scratch.take<T>(R * H1);
    std::fill_n(M_bar, R * H1, T(0));
    kernels::multiply_transposed_add<T>({w_d2, R, B}, {d1, H1, B}, {M_bar, R, H1});
    last_g_bar = scratch.take<T>(dim());
    std::fill_n(last_g_bar, dim(), T(0));
    trace.pull(M_bar, bar(0), bar(1), bar(L - 1), last_g_bar);
  } else {
    kernels::multiply_transposed_add<T>({w_d2, R, B}, {d1, H1, B}, {params_bar.data() + layout_.size, R, H1});
  }

  const mlp::Bars<T> bars{t_bar, params_bar};
  mlp::Cotangent<T> above{scratch.take<T>(dim() * B), scratch.take<T>(dim()), last_g_bar};
  std::copy_n(w_f.data(), w_f.size(), above.U);
  mlp::sum_columns(dim(), B, 1, above.U, above.sum);
  Layer layer = last;
  for (Index l = L - 1; l > 0; --l) {
    above = layer.vjp(on.hidden(l - 1), above, {Q[l - 1], g_bar[l - 1]}, bars, scratch);
    layer = Layer(*this, l - 1, t, scratch);
  }
  layer.vjp(samples, on.z(), above, z_bar.data(), bars, scratch);
}

#define CNF_INSTANTIATE(T)                                                                           \
  template void MlpField<T>::fold_derived(std::span<T>) const;                                       \
  template Index MlpField<T>::trace_tape_size(Index) const;                                          \
  template void MlpField<T>::trace_forward(Times<T>, Tile<T>, Out<T>, Out<T>, T*, Scratch&) const;   \
  template void MlpField<T>::trace_jvp(const T*, Tile<T>, Times<T>, Out<T>, Out<T>, Scratch&) const; \
  template void MlpField<T>::trace_vjp(const T*, Tile<T>, Tile<T>, Out<T>, std::span<T>, std::span<T>, Scratch&) const;
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
