// Letters as in docs/math.md; "in columns" as in flows/kernels/layer.hpp: a sample's value, then its tangents.
#include "flows/fields/mlp.hpp"

#include <stdexcept>

#include "flows/fields/mlp_layer.hpp"

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
  return mlp::Tape<T>::size(shape_, {B, C});
}

template <class T>
void MlpField<T>::forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape,
                          Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const kernels::Samples samples{z.cols(), tangents.cols() / z.cols()};
  const Index last = shape_.layers() - 1;
  const bool keep = tape != nullptr;
  const mlp::Tape<T> on(shape_, keep ? tape : scratch.take<T>(tape_size(samples.B, samples.C)), samples);
  std::copy(t.begin(), t.end(), on.t());
  std::copy_n(z.data(), z.size(), on.z());
  const T* x = mlp::gather(dim(), samples, z.data(), tangents.data(), scratch);
  for (Index l = 0; l < last; ++l) {
    T* h = on.h(l);
    Layer(*this, l, t, scratch)
        .forward(shape_.activation, samples, x,
                 {.h = h, .s = keep ? on.s(l) : nullptr, .a = keep ? on.a_c(l) : nullptr}, scratch);
    x = h;
  }
  Layer(*this, last, t, scratch).forward_last(samples, x, f.data(), jv.data(), scratch);
}

template <class T>
void MlpField<T>::jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
                      Scratch& scratch) const {
  using mlp::Array, mlp::ConstArray;
  const Scratch::Frame frame(scratch);
  const kernels::Samples samples{z_dot.cols(), tangents.cols() / z_dot.cols()};
  const Index B = samples.B, C = samples.C, cols = samples.columns(), last = shape_.layers() - 1;
  const mlp::Tape<const T> on(shape_, tape, samples);
  const Times<T> t = on.times(t_dot.size());
  const T* x = mlp::gather(dim(), samples, on.z(), tangents.data(), scratch);
  T* still = scratch.take<T>(tangents.size());  // the tangents themselves do not move
  std::fill_n(still, tangents.size(), T(0));
  const T* x_dot = mlp::gather(dim(), samples, z_dot.data(), static_cast<const T*>(still), scratch);
  for (Index l = 0; l <= last; ++l) {
    const Index n = shape_.outputs(l);
    T* a_dot = scratch.take<T>(n * cols);
    const Layer layer(*this, l, t, scratch);
    layer.jvp(samples, x, x_dot, t_dot, a_dot, scratch);
    x_dot = a_dot;
    if (l == last) break;
    T *dh = scratch.take<T>(n * B), *d2h = scratch.take<T>(n * B), *a_c = scratch.take<T>(n * cols);
    kernels::slopes(on.hidden(l), dh, d2h);
    kernels::multiply<T>({layer.W, n, layer.in}, {x, layer.in, cols}, {a_c, n, cols});
    layer.apply_gate(samples, a_c);
    for (Index b = 0; b < B; ++b) {
      const ConstArray<T> slope(dh + b * n, n), bend(d2h + b * n, n);
      const Index value = b * (1 + C) * n;
      for (Index c = 1; c <= C; ++c)
        Array<T>(a_dot + value + c * n, n) = bend * ConstArray<T>(a_dot + value, n) * Array<T>(a_c + value + c * n, n) +
                                             slope * ConstArray<T>(static_cast<const T*>(a_dot + value + c * n), n);
      Array<T>(a_dot + value, n) *= slope;
    }
    x = on.h(l);
  }
  mlp::scatter(dim(), samples, x_dot, f_dot.data(), jv_dot.data());
}

template <class T>
void MlpField<T>::vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
                      std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const kernels::Samples samples{w_f.cols(), tangents.cols() / w_f.cols()};
  const Index last = shape_.layers() - 1;
  const mlp::Tape<const T> on(shape_, tape, samples);
  const mlp::Bars<T> bars{t_bar, params_bar};
  Layer layer(*this, last, on.times(t_bar.size()), scratch);
  mlp::Cotangent<T> bar{mlp::gather(dim(), samples, w_f.data(), w_jv.data(), scratch), scratch.take<T>(dim())};
  mlp::sum_columns(dim(), samples.B, 1 + samples.C, bar.U, bar.sum);
  for (Index l = last; l > 0; --l) {
    bar = layer.vjp(on.hidden(l - 1), bar, {}, bars, scratch);
    layer = Layer(*this, l - 1, layer.t, scratch);
  }
  layer.vjp(samples, mlp::gather(dim(), samples, on.z(), tangents.data(), scratch), bar, z_bar.data(), bars, scratch);
}

template <class T>
std::unique_ptr<Field<T>> MlpShape::make(std::span<const T> params) const {
  return std::make_unique<MlpField<T>>(*this, params);
}

template class MlpField<float>;
template class MlpField<double>;
template std::unique_ptr<Field<float>> MlpShape::make(std::span<const float>) const;
template std::unique_ptr<Field<double>> MlpShape::make(std::span<const double>) const;

}  // namespace cnf
