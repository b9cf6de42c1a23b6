// What the kernels of a layer share: the endings' common part, and the product that they end. Included once per target.
//
// Each kernel is a product (base/kernels/product-inl.hpp) and an ending for its blocks, in registers or while they lie
// in L1.
// clang-format off
#if defined(CNF_FLOWS_KERNELS_LAYER_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef CNF_FLOWS_KERNELS_LAYER_INL_HPP
#undef CNF_FLOWS_KERNELS_LAYER_INL_HPP
#else
#define CNF_FLOWS_KERNELS_LAYER_INL_HPP
#endif
// clang-format on

#include "base/kernels/product-inl.hpp"
#include "flows/kernels/activation-inl.hpp"
#include "flows/kernels/layer.hpp"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using Lanes = hn::Vec<Tag<T>>;

/// What the endings here have in common. Passing vectors on in registers is for float and wide vectors, where the time
/// goes; kTangents: for one and two tangents too.
template <class T>
struct Ending {
  static constexpr bool kPlain = false, kInRegisters = sizeof(T) == sizeof(float) && HWY_CAP_GE256, kTangents = false,
                        kSums = false, kValueFirst = true;
  struct State {};
  HWY_INLINE Index columns() const { return 1; }
  HWY_INLINE void fix_tangents(Index) {}
  template <class Access>
  HWY_INLINE State begin(Access, Index, Index) const {
    return {};
  }
  template <class Access>
  HWY_INLINE void tangent(Access, Lanes<T>, Index, Index, Index, State&) const {}
};

/// Y = A diag(scale) X, ended by `end`; with kOuter and outer.S not null also outer.S = outer.H X^T. If A has two
/// columns it is a plane_product whatever the activation, long ones too: that writes an ending out once for each vector
/// of rows, and not, as a block does, once for each of its vectors and columns.
/// Shapes  A: m x k; X: k x n; Y: m x n; all without gaps.
template <bool kOuter = false, class T, class End>
void forward_product(const Left<T>& left, const Columns<const T>& X, T* Y, const End& end, const Outer<T>& outer = {}) {
  const Index m = left.A.rows;
  if constexpr (Ending<T>::kInRegisters) {
    if (left.A.cols == 2 && end.columns() == 1) return plane_product<1, kOuter>(left, X.data, X.cols, end, outer);
    if constexpr (End::kTangents) {
      if (left.A.cols == 2 && end.columns() == 3) return plane_product<3, kOuter>(left, X.data, X.cols / 3, end, outer);
    }
  }
  product(left, X.cols, Right<false, T>{X.data, X.ld}, Target<T>{Y, m}, Into::set, end);
  if constexpr (kOuter) {
    if (outer.S) transposed_product(Columns<const T>{outer.H, m, X.cols}, X, Target<T>{outer.S, m}, Into::set, Store());
  }
}

template <class Phi, class Access, class T>
HWY_INLINE Lanes<T> load_slope(Access access, const T* s) {
  if constexpr (Phi::kSaves) {
    return access.load(s);
  } else {
    return hn::Zero(Tag<T>());
  }
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
