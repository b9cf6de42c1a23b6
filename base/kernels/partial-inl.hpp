// Loads and stores of the first few lanes of a vector that touch no memory beyond them. Included once per target.
// clang-format off
#if defined(CNF_BASE_KERNELS_PARTIAL_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef CNF_BASE_KERNELS_PARTIAL_INL_HPP
#undef CNF_BASE_KERNELS_PARTIAL_INL_HPP
#else
#define CNF_BASE_KERNELS_PARTIAL_INL_HPP
#endif
// clang-format on

#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// p[0 .. count-1], then zeros; 0 < count <= lanes.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, const T* p, size_t count) {
#if HWY_CAP_GE256  // masked loads are instructions that cannot fault on lanes left out
  return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#else
  HWY_ALIGN T lanes[HWY_LANES(T)] = {};
  std::memcpy(lanes, p, count * sizeof(T));
  return hn::Load(d, lanes);
#endif
}

/// Writes lanes 0 .. count-1 to p; 0 < count <= lanes.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(hn::Vec<D> v, D d, T* p, size_t count) {
#if HWY_CAP_GE256
  hn::BlendedStore(v, hn::FirstN(d, count), d, p);
#else
  HWY_ALIGN T lanes[HWY_LANES(T)];
  hn::Store(v, d, lanes);
  std::memcpy(p, lanes, count * sizeof(T));
#endif
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
