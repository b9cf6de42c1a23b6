#include "base/kernels/activation.hpp"

#include <stdexcept>
#include <string>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/kernels/activation.cpp"
#include "hwy/foreach_target.h"
// clang-format off: ours must follow foreach_target.h
#include "base/kernels/activation-inl.hpp"
#include "base/kernels/partial-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

template <class Phi, int kOrder, class D, class T = hn::TFromD<D>>
HWY_INLINE void apply(D d, hn::Vec<D> a, hn::Vec<D>& h, hn::Vec<D>& dh, hn::Vec<D>& d2h) {
  auto s = hn::Zero(d);
  h = Phi::template value<(kOrder > 0 && Phi::kSaves)>(d, a, s);
  if constexpr (kOrder > 0) dh = Phi::first(d, h, s);
  if constexpr (kOrder > 1) d2h = Phi::second(d, h, s);
}

template <class Phi, int kOrder, class T>
HWY_NOINLINE void map(Index n, const T* a, T* h, T* dh, T* d2h) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  hn::Vec<decltype(d)> y, dy, d2y;
  Index i = 0;
  for (; i + L <= n; i += L) {
    apply<Phi, kOrder>(d, hn::LoadU(d, a + i), y, dy, d2y);
    if (h) hn::StoreU(y, d, h + i);
    if constexpr (kOrder > 0) {
      if (dh) hn::StoreU(dy, d, dh + i);
    }
    if constexpr (kOrder > 1) hn::StoreU(d2y, d, d2h + i);
  }
  if (i == n) return;
  const size_t rest = static_cast<size_t>(n - i);
  apply<Phi, kOrder>(d, load_first(d, a + i, rest), y, dy, d2y);
  if (h) store_first(y, d, h + i, rest);
  if constexpr (kOrder > 0) {
    if (dh) store_first(dy, d, dh + i, rest);
  }
  if constexpr (kOrder > 1) store_first(d2y, d, d2h + i, rest);
}

template <class T>
void activate(Activation activation, Index n, const T* a, T* h, T* dh, T* d2h) {
  with(activation, [&](auto phi) {
    using Phi = decltype(phi);
    if (d2h) {
      map<Phi, 2>(n, a, h, dh, d2h);
    } else if (dh) {
      map<Phi, 1>(n, a, h, dh, d2h);
    } else if (h) {
      map<Phi, 0>(n, a, h, dh, d2h);
    }
  });
}

template <class T>
void sigmoid(Index n, const T* x, T* y) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  Index i = 0;
  for (; i + L <= n; i += L) hn::StoreU(sigmoid(d, hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  const size_t rest = static_cast<size_t>(n - i);
  store_first(sigmoid(d, load_first(d, x + i, rest)), d, y + i, rest);
}

// HWY_EXPORT takes no template arguments.
void activate_f32(Activation activation, Index n, const float* a, float* h, float* dh, float* d2h) {
  activate(activation, n, a, h, dh, d2h);
}
void activate_f64(Activation activation, Index n, const double* a, double* h, double* dh, double* d2h) {
  activate(activation, n, a, h, dh, d2h);
}
void sigmoid_f32(Index n, const float* x, float* y) { sigmoid(n, x, y); }
void sigmoid_f64(Index n, const double* x, double* y) { sigmoid(n, x, y); }

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cnf {

std::string_view name(Activation activation) {
  switch (activation) {
    case Activation::tanh:
      return "tanh";
    case Activation::softplus:
      return "softplus";
    case Activation::silu:
      return "silu";
    case Activation::sin:
      return "sin";
    case Activation::relu:
      return "relu";
  }
  throw std::invalid_argument("name: no activation has the number " + std::to_string(static_cast<int>(activation)));
}

namespace kernels {
namespace {

HWY_EXPORT(activate_f32);
HWY_EXPORT(activate_f64);
HWY_EXPORT(sigmoid_f32);
HWY_EXPORT(sigmoid_f64);

}  // namespace

template <>
void activate<float>(Activation activation, Index n, const float* a, float* h, float* dh, float* d2h) {
  HWY_DYNAMIC_DISPATCH(activate_f32)(activation, n, a, h, dh, d2h);
}
template <>
void activate<double>(Activation activation, Index n, const double* a, double* h, double* dh, double* d2h) {
  HWY_DYNAMIC_DISPATCH(activate_f64)(activation, n, a, h, dh, d2h);
}
template <>
void sigmoid<float>(Index n, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(sigmoid_f32)(n, x, y);
}
template <>
void sigmoid<double>(Index n, const double* x, double* y) {
  HWY_DYNAMIC_DISPATCH(sigmoid_f64)(n, x, y);
}

}  // namespace kernels
}  // namespace cnf
#endif  // HWY_ONCE
