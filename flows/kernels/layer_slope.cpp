// What is left of an activation after its forward pass: phi' and phi'' from the tape, and the transpose of phi' o g.
#include "flows/kernels/layer.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flows/kernels/layer_slope.cpp"
#include "hwy/foreach_target.h"
// clang-format off: ours must follow foreach_target.h
#include "flows/kernels/layer-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

template <class Phi, class T>
struct PullSlope : Ending<T> {
  using typename Ending<T>::State;
  Hidden<T> at;
  GateBar<T> gate;
  T *Q, *d;
  PullSlope(const Hidden<T>& layer, const GateBar<T>& its_gate, T* Q_, T* d_)
      : at(layer), gate(its_gate), Q(Q_), d(d_) {}

  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> e, Index r, Index b, State&) const {
    const Index own = b * at.size + r, own_gate = b * gate.stride + r;
    const auto slope = Phi::first(Tag<T>(), access.load(at.h + own), load_slope<Phi>(access, at.s + own));
    const auto scale = access.load(gate.g + own_gate);
    access.store(hn::MulAdd(slope, e, access.load(gate.g_bar + own_gate)), gate.g_bar + own_gate);
    access.store(hn::Mul(scale, e), Q + own);
    access.store(hn::Mul(slope, scale), d + own);
    return e;
  }
};

template <class T>
void pull_to_slope(const Hidden<T>& at, const SlopeCotangent<T>& e, const GateBar<T>& gate, T* Q, T* d) {
  with(at.phi, [&](auto type) HWY_ATTR {
    const PullSlope<decltype(type), T> end(at, gate, Q, d);
    if (e.Mt) {
      forward_product(Left<T>{{e.Mt, at.size, e.n}}, {e.E, e.n, at.B}, Q, end);
    } else {
      finish(end, {0, at.size, 0, at.B}, e.E, at.size);
    }
  });
}

template <class Phi, class T>
struct Slopes : Ending<T> {
  using typename Ending<T>::State;
  Hidden<T> at;
  T *dh, *d2h;
  Slopes(const Hidden<T>& layer, T* dh_, T* d2h_) : at(layer), dh(dh_), d2h(d2h_) {}

  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> h, Index r, Index b, State&) const {
    const Tag<T> tag;
    const auto s = load_slope<Phi>(access, at.s + b * at.size + r);
    access.store(Phi::first(tag, h, s), dh + b * at.size + r);
    access.store(Phi::second(tag, h, s), d2h + b * at.size + r);
    return h;
  }
};

template <class T>
void both_slopes(const Hidden<T>& at, T* dh, T* d2h) {
  with(at.phi, [&](auto type) HWY_ATTR {
    finish(Slopes<decltype(type), T>(at, dh, d2h), {0, at.size, 0, at.B}, at.h, (1 + at.C) * at.size);
  });
}

bool saves(Activation phi) {
  bool answer = false;
  with(phi, [&answer](auto type) HWY_ATTR { answer = decltype(type)::kSaves; });
  return answer;
}
bool ratio(Activation phi) {
  bool answer = false;
  with(phi, [&answer](auto type) HWY_ATTR { answer = decltype(type)::kRatio; });
  return answer;
}

// HWY_EXPORT takes no template arguments.
void pull_slope_f32(const Hidden<float>& at, const SlopeCotangent<float>& e, const GateBar<float>& gate, float* Q,
                    float* d) {
  pull_to_slope(at, e, gate, Q, d);
}
void pull_slope_f64(const Hidden<double>& at, const SlopeCotangent<double>& e, const GateBar<double>& gate, double* Q,
                    double* d) {
  pull_to_slope(at, e, gate, Q, d);
}
void slopes_f32(const Hidden<float>& at, float* dh, float* d2h) { both_slopes(at, dh, d2h); }
void slopes_f64(const Hidden<double>& at, double* dh, double* d2h) { both_slopes(at, dh, d2h); }

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cnf::kernels {
namespace {

HWY_EXPORT(pull_slope_f32);
HWY_EXPORT(pull_slope_f64);
HWY_EXPORT(slopes_f32);
HWY_EXPORT(slopes_f64);

}  // namespace

bool saves_slope(Activation phi) { return HWY_STATIC_DISPATCH(saves)(phi); }
bool has_ratio(Activation phi) { return HWY_STATIC_DISPATCH(ratio)(phi); }

template <>
void pull_slope<float>(const Hidden<float>& at, const SlopeCotangent<float>& e, const GateBar<float>& gate, float* Q,
                       float* d) {
  HWY_DYNAMIC_DISPATCH(pull_slope_f32)(at, e, gate, Q, d);
}
template <>
void pull_slope<double>(const Hidden<double>& at, const SlopeCotangent<double>& e, const GateBar<double>& gate,
                        double* Q, double* d) {
  HWY_DYNAMIC_DISPATCH(pull_slope_f64)(at, e, gate, Q, d);
}
template <>
void slopes<float>(const Hidden<float>& at, float* dh, float* d2h) {
  HWY_DYNAMIC_DISPATCH(slopes_f32)(at, dh, d2h);
}
template <>
void slopes<double>(const Hidden<double>& at, double* dh, double* d2h) {
  HWY_DYNAMIC_DISPATCH(slopes_f64)(at, dh, d2h);
}

}  // namespace cnf::kernels
#endif  // HWY_ONCE
