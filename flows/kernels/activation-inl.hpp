// Activations on vectors, for the kernels that apply them. Included once per target.
//
// Each is a struct Phi with
//   value(d, a, &s)     h = phi(a), and s: what beside h the derivatives need (left alone where kSaves is false)
//   first(d, h, s)      phi'(a)
//   second(d, h, s)     phi''(a)
//   ratio(d, h, s)      phi''(a) / phi'(a), where kRatio says that it is finite everywhere
//   kShort              whether it is short enough to be repeated for every vector of a register tile
// clang-format off
#if defined(CNF_FLOWS_KERNELS_ACTIVATION_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef CNF_FLOWS_KERNELS_ACTIVATION_INL_HPP
#undef CNF_FLOWS_KERNELS_ACTIVATION_INL_HPP
#else
#define CNF_FLOWS_KERNELS_ACTIVATION_INL_HPP
#endif
// clang-format on

#include "base/kernels/functions-inl.hpp"
#include "flows/kernels/activation.hpp"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

struct Tanh {
  static constexpr bool kSaves = false, kRatio = true, kShort = true;

  template <bool kSave, class D>
  static HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> a, hn::Vec<D>&) {
    return tanh(d, a);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> first(D d, hn::Vec<D> h, hn::Vec<D>) {
    return hn::NegMulAdd(h, h, hn::Set(d, hn::TFromD<D>(1)));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> second(D d, hn::Vec<D> h, hn::Vec<D> s) {
    return hn::Mul(ratio(d, h, s), first(d, h, s));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> ratio(D d, hn::Vec<D> h, hn::Vec<D>) {
    return hn::Mul(hn::Set(d, hn::TFromD<D>(-2)), h);
  }
};

struct Softplus {
  static constexpr bool kSaves = true, kRatio = true, kShort = false;  // s = sigmoid(a)

  /// max(a, 0) + log(1 + E);  log(1 + E) = 2 atanh(x) = E - x (E - (2 atanh(x) - 2 x) / x), x = E / (2 + E).
  template <bool kSave, class D>
  static HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> a, hn::Vec<D>& s) {
    using T = hn::TFromD<D>;
    const auto p = logistic(d, a);
    const auto x = hn::Div(p.e, hn::Add(hn::Set(d, T(2)), p.e)), x2 = hn::Mul(x, x);
    auto less = hn::Mul(x, hn::NegMulAdd(x2, polynomial(d, x2, Constants<T>::kLog), p.e));
    if constexpr (sizeof(T) == sizeof(double)) less = hn::NegMulAdd(p.e_lo, rough_inverse(d, p.den), less);
    if constexpr (kSave) s = rough_sigmoid(d, a, p);
    return hn::Add(at_least(hn::Zero(d), a), hn::Sub(p.e, less));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> first(D, hn::Vec<D>, hn::Vec<D> s) {
    return s;
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> second(D d, hn::Vec<D> h, hn::Vec<D> s) {
    return hn::Mul(s, ratio(d, h, s));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> ratio(D d, hn::Vec<D>, hn::Vec<D> s) {
    return hn::Sub(hn::Set(d, hn::TFromD<D>(1)), s);
  }
};

struct Silu {
  static constexpr bool kSaves = true, kRatio = false,
                        kShort = false;  // s = sigmoid(-a), which keeps its digits where h is large

  template <bool kSave, class D>
  static HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> a, hn::Vec<D>& s) {
    using T = hn::TFromD<D>;
    const auto p = logistic(d, a);
    const auto zero = hn::Zero(d), tiny = hn::Set(d, Constants<T>::kTiny);
    const auto back = hn::Set(d, T(1) / (T(std::uint64_t{1} << 63) * 2));
    const auto negative = hn::Lt(a, zero);
    const auto bounded = at_most(tiny, at_least(hn::Neg(tiny), a));  // infinity times 0 is not 0
    const auto scaled = hn::Mul(bounded, p.scaled);
    auto scaled_lo = zero;
    if constexpr (sizeof(T) == sizeof(double)) scaled_lo = hn::IfThenElseZero(negative, hn::Mul(bounded, p.scaled_lo));
    const auto q = quotient(d, hn::IfThenElse(negative, scaled, a), scaled_lo, p.den, p.den_lo);
    if constexpr (kSave) s = rough_sigmoid(d, hn::Neg(a), p);
    return hn::IfThenElse(hn::Gt(a, tiny), a, hn::IfThenElse(negative, hn::Mul(q, back), q));
  }
  /// 1 - s + h s.
  template <class D, class T = hn::TFromD<D>>
  static HWY_INLINE hn::Vec<D> first(D d, hn::Vec<D> h, hn::Vec<D> s) {
    return hn::MulAdd(bounded(d, h), s, hn::Sub(hn::Set(d, T(1)), s));
  }
  /// s (2 (1 - s) + h (2 s - 1)).
  template <class D, class T = hn::TFromD<D>>
  static HWY_INLINE hn::Vec<D> second(D d, hn::Vec<D> h, hn::Vec<D> s) {
    const auto one = hn::Set(d, T(1)), two = hn::Set(d, T(2));
    return hn::Mul(s, hn::MulAdd(bounded(d, h), hn::MulSub(two, s, one), hn::NegMulAdd(two, s, two)));
  }

 private:
  /// h where s is not zero.
  template <class D>
  static HWY_INLINE hn::Vec<D> bounded(D d, hn::Vec<D> h) {
    return at_most(hn::Set(d, Constants<hn::TFromD<D>>::kTiny), h);
  }
};

struct Sin {
  static constexpr bool kSaves = true, kRatio = false, kShort = true;  // s = cos(a)

  template <bool kSave, class D>
  static HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> a, hn::Vec<D>& s) {
    return sin<kSave>(d, a, s);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> first(D, hn::Vec<D>, hn::Vec<D> s) {
    return s;
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> second(D, hn::Vec<D> h, hn::Vec<D>) {
    return hn::Neg(h);
  }
};

struct Relu {
  static constexpr bool kSaves = false, kRatio = true, kShort = true;

  template <bool kSave, class D>
  static HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> a, hn::Vec<D>&) {
    return at_least(hn::Zero(d), a);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> first(D d, hn::Vec<D> h, hn::Vec<D> s) {
    return hn::IfThenElse(hn::Gt(h, hn::Zero(d)), hn::Set(d, hn::TFromD<D>(1)), second(d, h, s));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> second(D, hn::Vec<D> h, hn::Vec<D>) {
    return hn::IfThenElseZero(hn::IsNaN(h), h);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> ratio(D d, hn::Vec<D> h, hn::Vec<D> s) {
    return second(d, h, s);
  }
};

/// Calls f with a value of the activation's struct.
template <class F>
HWY_INLINE void with(Activation activation, const F& f) {
  switch (activation) {
    case Activation::tanh:
      return f(Tanh());
    case Activation::softplus:
      return f(Softplus());
    case Activation::silu:
      return f(Silu());
    case Activation::sin:
      return f(Sin());
    case Activation::relu:
      return f(Relu());
  }
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
