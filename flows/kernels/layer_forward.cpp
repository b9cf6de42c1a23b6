// A layer forwards is the product y = W x with the ending `Forward`, which makes a = g y + c + w_t t of it and h =
// phi(a), and h_c = phi'(a) g y_c of a tangent's y_c, while phi'(a) g is still in a register.
#include "flows/kernels/layer.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flows/kernels/layer_forward.cpp"
#include "hwy/foreach_target.h"
// clang-format off: ours must follow foreach_target.h
#include "flows/kernels/layer-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

template <class Phi, class T, bool kSlope>
struct Forward : Ending<T> {
  static constexpr bool kInRegisters = Ending<T>::kInRegisters && Phi::kShort, kTangents = kSlope;
  LayerMap<T> layer;
  Index C;
  LayerOut<T> to;
  Forward(const LayerMap<T>& map, Index tangents, const LayerOut<T>& out) : layer(map), C(tangents), to(out) {}
  struct State {
    Lanes<T> g, slope;
  };
  HWY_INLINE Index columns() const { return 1 + C; }
  HWY_INLINE void fix_tangents(Index count) { C = count; }

  template <class Access>
  HWY_INLINE State begin(Access access, Index r, Index b) const {
    return {access.load(layer.g + b * layer.g_stride + r), hn::Zero(Tag<T>())};
  }
  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> y, Index r, Index b, State& at) const {
    const Tag<T> tag;
    auto slope = hn::Zero(tag), c = access.load(layer.c + b * layer.c_stride + r);
    if (layer.w_t) c = hn::MulAdd(access.load(layer.w_t + r), hn::Set(tag, layer.t[b]), c);
    const auto value = Phi::template value < kSlope && Phi::kSaves > (tag, hn::MulAdd(y, at.g, c), slope);
    access.store(value, to.h + b * (1 + C) * layer.out + r);
    if constexpr (kSlope) {
      at.slope = hn::Mul(Phi::first(tag, value, slope), at.g);
      if (Phi::kSaves && to.s) access.store(slope, to.s + b * layer.out + r);
      if (to.d) access.store(at.slope, to.d + b * layer.out + r);
    }
    return y;
  }
  template <class Access>
  HWY_INLINE void tangent(Access access, Lanes<T> y, Index r, Index b, Index c, State& at) const {
    access.store(hn::Mul(at.slope, y), to.h + (b * (1 + C) + 1 + c) * layer.out + r);
    if (!Phi::kRatio && to.a) access.store(hn::Mul(at.g, y), to.a + (b * C + c) * layer.out + r);
  }
};

template <class T>
void forward(const LayerMap<T>& layer, Activation phi, Samples samples, const T* x, const LayerOut<T>& to) {
  with(phi, [&](auto type) HWY_ATTR {
    const auto run = [&](const auto& end) HWY_ATTR {
      const Left<T> W{{layer.W, layer.out, layer.in}};
      forward_product(W, {x, layer.in, samples.columns()}, to.h, end);
    };
    if (samples.C > 0 || to.s || to.d) {
      run(Forward<decltype(type), T, true>(layer, samples.C, to));
    } else {
      run(Forward<decltype(type), T, false>(layer, samples.C, to));
    }
  });
}

// HWY_EXPORT takes no template arguments.
void forward_f32(const LayerMap<float>& layer, Activation phi, Samples samples, const float* x,
                 const LayerOut<float>& to) {
  forward(layer, phi, samples, x, to);
}
void forward_f64(const LayerMap<double>& layer, Activation phi, Samples samples, const double* x,
                 const LayerOut<double>& to) {
  forward(layer, phi, samples, x, to);
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cnf::kernels {
namespace {

HWY_EXPORT(forward_f32);
HWY_EXPORT(forward_f64);

}  // namespace

template <>
void layer_forward<float>(const LayerMap<float>& layer, Activation phi, Samples samples, const float* x,
                          const LayerOut<float>& to) {
  HWY_DYNAMIC_DISPATCH(forward_f32)(layer, phi, samples, x, to);
}
template <>
void layer_forward<double>(const LayerMap<double>& layer, Activation phi, Samples samples, const double* x,
                           const LayerOut<double>& to) {
  HWY_DYNAMIC_DISPATCH(forward_f64)(layer, phi, samples, x, to);
}

}  // namespace cnf::kernels
#endif  // HWY_ONCE
