// The transposes of a layer. To the layer below: the product W^T (g o U) with the ending `Pull`, which applies phi' and
// phi''. To its own weights: the product U x^T with the ending `PullWeight`, which shares it out between W and g.
#include "flows/kernels/layer.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flows/kernels/layer_pull.cpp"
#include "hwy/foreach_target.h"
// clang-format off: ours must follow foreach_target.h
#include "flows/kernels/layer-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

template <class Phi, class T>
struct Pull : Ending<T> {
  static constexpr bool kTangents = true, kSums = true, kValueFirst = false;
  Hidden<T> below;
  const T *m, *Q;  // m: h_c or a_c, from the first tangent of sample 0 on, m_stride columns a sample
  Index m_stride;
  T *V, *sum;
  Pull(const Hidden<T>& at, const T* from_trace, const PullOut<T>& to)
      : below(at),
        m(Phi::kRatio ? at.h + at.size : at.a),
        Q(from_trace),
        m_stride(Phi::kRatio ? 1 + at.C : at.C),
        V(to.V),
        sum(to.sum) {}
  struct State {
    Lanes<T> h, s, slope, q;
  };
  HWY_INLINE Index columns() const { return 1 + below.C; }
  HWY_INLINE void fix_tangents(Index count) { below.C = count; }

  template <class Access>
  HWY_INLINE State begin(Access access, Index r, Index b) const {
    const Tag<T> tag;
    State at;
    at.h = access.load(below.h + b * (1 + below.C) * below.size + r);
    at.s = load_slope<Phi>(access, below.s + b * below.size + r);
    at.slope = Phi::first(tag, at.h, at.s);
    at.q = hn::Zero(tag);
    return at;
  }
  template <class Access>
  HWY_INLINE void tangent(Access access, Lanes<T> y, Index r, Index b, Index c, State& at) const {
    at.q = hn::MulAdd(access.load(m + (b * m_stride + c) * below.size + r), y, at.q);
    access.store(hn::Mul(at.slope, y), V + (b * (1 + below.C) + 1 + c) * below.size + r);
  }
  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> y, Index r, Index b, State& at) const {
    const Tag<T> tag;
    auto v = hn::Mul(at.slope, y);
    if (below.C > 0) {
      if constexpr (Phi::kRatio) {
        v = hn::MulAdd(Phi::ratio(tag, at.h, at.s), at.q, v);
      } else {
        v = hn::MulAdd(Phi::second(tag, at.h, at.s), at.q, v);
      }
    } else if (Q) {
      v = hn::MulAdd(Phi::second(tag, at.h, at.s), access.load(Q + b * below.size + r), v);
    }
    access.store(v, V + b * (1 + below.C) * below.size + r);
    return v;
  }
  template <class Access>
  HWY_INLINE void total(Access access, Lanes<T> part, Index r) const {
    access.store(hn::Add(access.load(sum + r), part), sum + r);
  }
};

template <class T>
void pull(const Hidden<T>& below, const Above<T>& above, const T* Q, const PullOut<T>& to) {
  with(below.phi, [&](auto type) HWY_ATTR {
    const Left<T> Wt{{above.Wt, below.size, above.n}, above.g};
    const Pull<decltype(type), T> end(below, Q, to);
    forward_product<true>(Wt, {above.U, above.n, (1 + below.C) * below.B}, to.V, end, {below.h, to.S});
  });
}

template <class T>
struct PullWeight : Ending<T> {
  static constexpr bool kSums = true;
  using typename Ending<T>::State;
  GatedWeight<T> layer;
  WeightBar<T> to;
  PullWeight(const GatedWeight<T>& of, const WeightBar<T>& bar) : layer(of), to(bar) {}

  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> s, Index r, Index column, State&) const {
    const Index at = column * layer.out + r;
    access.store(hn::MulAdd(access.load(layer.g + r), s, access.load(to.W_bar + at)), to.W_bar + at);
    return hn::Mul(access.load(layer.W + at), s);
  }
  template <class Access>
  HWY_INLINE void total(Access access, Lanes<T> part, Index r) const {
    access.store(hn::Add(access.load(to.g_bar + r), part), to.g_bar + r);
  }
};

template <class T>
void pull_to_weight(const GatedWeight<T>& layer, Index columns, const T* U, const T* x, const WeightBar<T>& to) {
  transposed_product({U, layer.out, columns}, {x, layer.in, columns}, Target<T>{to.S, layer.out}, Into::set,
                     PullWeight<T>(layer, to));
}

// HWY_EXPORT takes no template arguments.
void pull_layer_f32(const Hidden<float>& below, const Above<float>& above, const float* Q, const PullOut<float>& to) {
  pull(below, above, Q, to);
}
void pull_layer_f64(const Hidden<double>& below, const Above<double>& above, const double* Q,
                    const PullOut<double>& to) {
  pull(below, above, Q, to);
}
void pull_weight_f32(const GatedWeight<float>& layer, Index columns, const float* U, const float* x,
                     const WeightBar<float>& to) {
  pull_to_weight(layer, columns, U, x, to);
}
void pull_weight_f64(const GatedWeight<double>& layer, Index columns, const double* U, const double* x,
                     const WeightBar<double>& to) {
  pull_to_weight(layer, columns, U, x, to);
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cnf::kernels {
namespace {

HWY_EXPORT(pull_layer_f32);
HWY_EXPORT(pull_layer_f64);
HWY_EXPORT(pull_weight_f32);
HWY_EXPORT(pull_weight_f64);

}  // namespace

template <>
void pull_layer<float>(const Hidden<float>& below, const Above<float>& above, const float* Q,
                       const PullOut<float>& to) {
  HWY_DYNAMIC_DISPATCH(pull_layer_f32)(below, above, Q, to);
}
template <>
void pull_layer<double>(const Hidden<double>& below, const Above<double>& above, const double* Q,
                        const PullOut<double>& to) {
  HWY_DYNAMIC_DISPATCH(pull_layer_f64)(below, above, Q, to);
}
template <>
void pull_weight<float>(const GatedWeight<float>& layer, Index columns, const float* U, const float* x,
                        const WeightBar<float>& to) {
  HWY_DYNAMIC_DISPATCH(pull_weight_f32)(layer, columns, U, x, to);
}
template <>
void pull_weight<double>(const GatedWeight<double>& layer, Index columns, const double* U, const double* x,
                         const WeightBar<double>& to) {
  HWY_DYNAMIC_DISPATCH(pull_weight_f64)(layer, columns, U, x, to);
}

}  // namespace cnf::kernels
#endif  // HWY_ONCE
