#include "base/kernels/functions.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/kernels/functions.cpp"
#include "hwy/foreach_target.h"
// clang-format off: ours must follow foreach_target.h
#include "base/kernels/functions-inl.hpp"
#include "base/kernels/partial-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

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
void sigmoid_f32(Index n, const float* x, float* y) { sigmoid(n, x, y); }
void sigmoid_f64(Index n, const double* x, double* y) { sigmoid(n, x, y); }

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cnf::kernels {
namespace {

HWY_EXPORT(sigmoid_f32);
HWY_EXPORT(sigmoid_f64);

}  // namespace

template <>
void sigmoid<float>(Index n, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(sigmoid_f32)(n, x, y);
}
template <>
void sigmoid<double>(Index n, const double* x, double* y) {
  HWY_DYNAMIC_DISPATCH(sigmoid_f64)(n, x, y);
}

}  // namespace cnf::kernels
#endif  // HWY_ONCE
