// The tape of one evaluation of an MLP, and its columns' order. Private to mlp*.cpp.
#pragma once

#include <type_traits>

#include "base/scratch.hpp"
#include "flows/fields/mlp_shape.hpp"
#include "flows/kernels/layer.hpp"

namespace cnf::mlp {

/// f(n), with n = 2 as a constant: in the plane, loops over the dimension would cost more than what they do.
template <class F>
void with_size(Index n, const F& f) {
  n == 2 ? f(std::integral_constant<Index, 2>()) : f(n);
}

/// The columns of a value D x B and its tangents D x (C B), as Field orders them.
template <class T>
T* gather(Index dim, kernels::Samples samples, const T* value, const T* tangents, Scratch& scratch) {
  const Index B = samples.B, C = samples.C;
  T* x = scratch.take<T>(dim * samples.columns());
  with_size(dim, [&](auto D) {
    for (Index c = -1; c < C; ++c) {
      const T* from = c < 0 ? value : tangents + c * B * D;
      T* to = x + (1 + c) * D;
      for (Index b = 0; b < B; ++b)
        for (Index i = 0; i < D; ++i) to[b * (1 + C) * D + i] = from[b * D + i];
    }
  });
  return x;
}

/// The way back.
template <class T>
void scatter(Index dim, kernels::Samples samples, const T* x, T* value, T* tangents) {
  const Index B = samples.B, C = samples.C;
  with_size(dim, [&](auto D) {
    for (Index c = -1; c < C; ++c) {
      const T* from = x + (1 + c) * D;
      T* to = c < 0 ? value : tangents + c * B * D;
      for (Index b = 0; b < B; ++b)
        for (Index i = 0; i < D; ++i) to[b * D + i] = from[b * (1 + C) * D + i];
    }
  });
}

/// What an evaluation leaves for its derivatives: t (as many as B), z, then every hidden layer's h and h_c (in
/// columns), its s if phi saves one, and its a_c if phi has no ratio (flows/kernels/layer.hpp). A closed-form trace has
/// C = 0 and puts M d_1 behind. V: T where the tape is written, const T where it is read.
template <class V>
class Tape {
 public:
  using T = std::remove_const_t<V>;

  Tape(const MlpShape& shape, V* tape, kernels::Samples samples) : shape_(shape), tape_(tape), samples_(samples) {}

  static Index size(const MlpShape& shape, kernels::Samples samples) {
    Index rows = 0;
    for (const Index H : shape.hidden) rows += H;
    return samples.B * (1 + shape.dim + rows * columns(shape.activation, samples.C));
  }

  V* t() const { return tape_; }
  Times<T> times(std::size_t n) const { return {tape_, n}; }
  V* z() const { return tape_ + samples_.B; }
  V* h(Index l) const {
    V* at = z() + shape_.dim * samples_.B;
    for (Index k = 0; k < l; ++k) at += values(k) * columns(phi(), samples_.C);
    return at;
  }
  V* s(Index l) const { return kernels::saves_slope(phi()) ? h(l) + (1 + samples_.C) * values(l) : nullptr; }
  V* a_c(Index l) const {
    if (kernels::has_ratio(phi()) || samples_.C == 0) return nullptr;
    return h(l) + (1 + samples_.C + (kernels::saves_slope(phi()) ? 1 : 0)) * values(l);
  }
  V* end() const { return tape_ + size(shape_, samples_); }

  /// Of hidden layer l, one for every unit and sample.
  Index values(Index l) const { return shape_.outputs(l) * samples_.B; }
  kernels::Hidden<T> hidden(Index l) const {
    return {phi(), shape_.outputs(l), samples_.B, samples_.C, h(l), s(l), a_c(l)};
  }

 private:
  Activation phi() const { return shape_.activation; }
  static Index columns(Activation phi, Index C) {
    return 1 + C + (kernels::saves_slope(phi) ? 1 : 0) + (kernels::has_ratio(phi) ? 0 : C);
  }

  const MlpShape& shape_;
  V* tape_;
  kernels::Samples samples_;
};

}  // namespace cnf::mlp
