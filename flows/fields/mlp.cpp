// Letters as in docs/math.md; "in columns" as in flows/kernels/layer.hpp: a sample's value, then its tangents.
#include "flows/fields/mlp.hpp"

#include <stdexcept>

#include "flows/fields/mlp_layers.hpp"

namespace cnf {

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
    Mt_ = M_.transpose();
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
  const Walk walk(*this, tape == nullptr ? scratch.take<T>(tape_size(B, C)) : tape, B, C);
  std::copy(t.begin(), t.end(), walk.t);
  std::copy_n(z.data(), z.size(), walk.z);
  const T* x = walk.gather(z.data(), tangents.data(), scratch);
  const bool keep = tape != nullptr;
  for (Index l = 0; l + 1 < L; ++l) {
    const Layer layer(*this, l, t, scratch);
    kernels::layer_forward<T>(layer.map(scratch), walk.phi(), {B, C}, x,
                              {.h = walk.h(l), .s = keep ? walk.s(l) : nullptr, .a = keep ? walk.a_c(l) : nullptr});
    x = walk.h(l);
  }
  Layer(*this, L - 1, t, scratch).output(x, B, C, f.data(), jv.data(), scratch);
}

template <class T>
void MlpField<T>::jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
                      Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z_dot.cols(), C = tangents.cols() / B, L = shape_.layers();
  const Walk walk(*this, tape, B, C);
  const Times<T> t = walk.times(t_dot.size());
  const T* x = walk.gather(walk.z, tangents.data(), scratch);
  T* still = scratch.take<T>(tangents.size());  // the tangents themselves do not move
  std::fill_n(still, tangents.size(), T(0));
  T* x_dot = walk.gather(z_dot.data(), still, scratch);
  for (Index l = 0; l < L; ++l) {
    const Index n = shape_.outputs(l);
    T* a_dot = scratch.take<T>(n * (1 + C) * B);
    const Layer layer(*this, l, t, scratch);
    layer.jvp(x, x_dot, t_dot, B, C, a_dot, scratch);
    x_dot = a_dot;
    if (l == L - 1) break;
    T *dh = scratch.take<T>(n * B), *d2h = scratch.take<T>(n * B), *a_c = scratch.take<T>(n * (1 + C) * B);
    kernels::slopes(walk.hidden(l), dh, d2h);
    kernels::multiply<T>({layer.W, n, layer.in}, {x, layer.in, (1 + C) * B}, {a_c, n, (1 + C) * B});
    layer.apply_gate(a_c, B, C);
    for (Index b = 0; b < B; ++b) {
      const ConstArray<T> slope(dh + b * n, n), bend(d2h + b * n, n);
      const Index value = b * (1 + C) * n;
      for (Index c = 1; c <= C; ++c)
        Array<T>(a_dot + value + c * n, n) = bend * ConstArray<T>(a_dot + value, n) * Array<T>(a_c + value + c * n, n) +
                                             slope * ConstArray<T>(static_cast<const T*>(a_dot + value + c * n), n);
      Array<T>(a_dot + value, n) *= slope;
    }
    x = walk.h(l);
  }
  walk.scatter(x_dot, f_dot.data(), jv_dot.data());
}

template <class T>
void MlpField<T>::vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
                      std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = w_f.cols(), C = tangents.cols() / B, L = shape_.layers();
  const Walk walk(*this, tape, B, C);
  const Times<T> t = walk.times(t_bar.size());
  Layer layer(*this, L - 1, t, scratch);
  typename Layer::Cotangent bar{walk.gather(w_f.data(), w_jv.data(), scratch), scratch.take<T>(dim()), nullptr};
  sum_columns(dim(), B, 1 + C, bar.U, bar.sum);
  for (Index l = L - 1; l > 0; --l) {
    bar = layer.pull_through(walk.hidden(l - 1), bar, nullptr, nullptr, t_bar, params_bar, scratch);
    layer = Layer(*this, l - 1, t, scratch);
  }
  const T* g = layer.pull(walk.gather(walk.z, tangents.data(), scratch), B, C, bar, t_bar, params_bar, scratch);
  kernels::multiply<T>({layer.Wt, dim(), layer.out}, {bar.U, layer.out, B, (1 + C) * layer.out},
                       {z_bar.data(), dim(), B}, kernels::Into::add, g);
}

template class MlpField<float>;
template class MlpField<double>;

}  // namespace cnf
