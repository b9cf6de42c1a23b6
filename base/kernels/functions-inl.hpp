// Functions of one number on vectors: exp as its parts, sigmoid, tanh, sin with cos. Included once per target.
//
// An element takes the same instructions wherever it stands, so its bits depend on it alone.
// Coefficients  minimax fits to exp(r) - 1 - r, 2 atanh(s) - 2 s, sin, cos and tanh in 60 digits (Remez), rounded.
// Reduction     exp and sin: Cody and Waite (1980), Software Manual for the Elementary Functions: the multiple of ln 2
//               or pi is subtracted in parts short enough for exact products, also where there is no fused
//               multiply-add.
// In double a rounded sum hi carries its error lo along (Dekker 1971, Numer. Math. 18, 224-242).
// clang-format off
#if defined(CNF_BASE_KERNELS_FUNCTIONS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef CNF_BASE_KERNELS_FUNCTIONS_INL_HPP
#undef CNF_BASE_KERNELS_FUNCTIONS_INL_HPP
#else
#define CNF_BASE_KERNELS_FUNCTIONS_INL_HPP
#endif
// clang-format on

#include <cmath>
#include <cstdint>

#include "base/types.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The numbers that differ between float and double.
template <class T>
struct Constants;

template <>
struct Constants<float> {
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr float kTiny = 110;  // |x| exp(-|x|) rounds to 0 from here
  static constexpr float kLn2[] = {0.693145752f, 1.42860677e-06f};
  static constexpr float kPi[] = {3.140625f, 0.000967502594f, 1.50990672e-07f, 5.12668814e-12f};
  static constexpr float kSinRange = 1e4f;
  static constexpr float kExp[] = {0.5f, 0.166665435f, 0.0416662805f, 0.00836660154f, 0.00139464892f};
  static constexpr float kLog[] = {0.666666746f, 0.39998877f, 0.286168844f, 0.214276537f, 0.243009493f};
  static constexpr float kSin[] = {-0.166666597f, 0.00833306648f, -0.000198095877f, 2.60574393e-06f};
  static constexpr float kCos[] = {0.0416666567f, -0.00138885691f, 2.47692897e-05f, -2.619349e-07f};
};

template <>
struct Constants<double> {
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr double kTiny = 752;
  static constexpr double kLn2[] = {0.69314718055989033, 5.4979230187083712e-14};
  static constexpr double kPi[] = {3.1415926534682512, 1.2154201012607932e-10, 4.0445324974223329e-21,
                                   1.6956855320737799e-31};
  static constexpr double kSinRange = 3e6;  // keeps the multiple of pi below 2^20
  static constexpr double kExp[] = {0.5,
                                    0.16666666666666677,
                                    0.041666666666666699,
                                    0.0083333333333215909,
                                    0.0013888888888866646,
                                    0.00019841269886229079,
                                    2.4801587360889278e-05,
                                    2.755724410315546e-06,
                                    2.7557242506191031e-07,
                                    2.510907482093223e-08,
                                    2.0924513810729013e-09};
  static constexpr double kLog[] = {0.66666666666666674, 0.39999999999993979,  0.28571428572509838, 0.22222222125484084,
                                    0.18181823202368494, 0.15384451946023686,  0.13336805597566925, 0.11715952928617911,
                                    0.10972552498414218, 0.069942983601528216, 0.16467554916766311};
  static constexpr double kSin[] = {-0.16666666666666666,    0.0083333333333331944,   -0.00019841269841209129,
                                    2.7557319211121546e-06,  -2.5052106871325484e-08, 1.605893962987432e-10,
                                    -7.6429894659840076e-13, 2.7211532037381869e-15};
  static constexpr double kCos[] = {0.041666666666665832,    -0.001388888888882997,  2.4801587285765831e-05,
                                    -2.7557317066530032e-07, 2.0876592478820661e-09, -1.1463632154172703e-11,
                                    4.6160974011163149e-14};
};

/// The smaller, or greater, of a bound and x. A NaN of x stays: x86 does that in this order, others do not.
template <class V>
HWY_INLINE V at_most(V bound, V x) {
  return HWY_ARCH_X86 ? hn::Min(bound, x) : hn::IfThenElse(hn::Lt(bound, x), bound, x);
}
template <class V>
HWY_INLINE V at_least(V bound, V x) {
  return HWY_ARCH_X86 ? hn::Max(bound, x) : hn::IfThenElse(hn::Gt(bound, x), bound, x);
}

/// c[0] + c[1] x + ... by Horner's rule.
template <class D, class T, int N>
HWY_INLINE hn::Vec<D> polynomial(D d, hn::Vec<D> x, const T (&c)[N]) {
  auto p = hn::Set(d, c[N - 1]);
  HWY_UNROLL(16)
  for (int i = N - 2; i >= 0; --i) p = hn::MulAdd(p, x, hn::Set(d, c[i]));
  return p;
}

/// exp(y) = power (1 + z + z_lo) 2^-kShift for -kTiny <= y <= 0, with power a power of two. The shift keeps power
/// normal where exp(y) is not. z_lo is left 0 in float.
template <class D>
struct Exponential {
  hn::Vec<D> power, z, z_lo;
};

template <int kShift, class D, class T = hn::TFromD<D>>
HWY_INLINE Exponential<D> exponential(D d, hn::Vec<D> y) {
  using C = Constants<T>;
  // Adding 1.5 2^mantissa rounds to an integer and leaves it in the low bits; bias and shift ride along.
  constexpr T kMagic = T(std::int64_t{3} << (C::kMantissa - 1)) + T(C::kBias + kShift);
  const auto magic = hn::Set(d, kMagic), ln2_lo = hn::Set(d, C::kLn2[1]);
  const auto t = hn::MulAdd(y, hn::Set(d, T(1.4426950408889634)), magic);
  const auto n = hn::Sub(t, magic);
  const auto coarse = hn::NegMulAdd(n, hn::Set(d, C::kLn2[0]), y);  // exact
  const auto r = hn::NegMulAdd(n, ln2_lo, coarse);
  const auto w = hn::Mul(hn::Mul(r, r), polynomial(d, r, C::kExp));
  const hn::RebindToUnsigned<D> du;
  Exponential<D> e;
  e.power = hn::BitCast(d, hn::ShiftLeft<C::kMantissa>(hn::BitCast(du, t)));
  e.z = hn::Add(r, w);
  if constexpr (sizeof(T) == sizeof(double)) {
    const auto r_lo = hn::NegMulAdd(n, ln2_lo, hn::Sub(coarse, r));
    e.z_lo = hn::Add(hn::Add(hn::Sub(r, e.z), w), r_lo);
  } else {
    e.z_lo = hn::Zero(d);
  }
  return e;
}

/// 1 / x for 1 <= x <= 2 within 4.3 %: enough to weigh a correction with.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> rough_inverse(D d, hn::Vec<D> x) {
  return hn::NegMulAdd(hn::Set(d, T(0.5)), x, hn::Set(d, T(1.4571)));
}

inline constexpr int kShift = 64;

/// E = exp(-|x|) as (e, e_lo) and, where E may be subnormal, as 2^64 E; 1 + E as (den, den_lo). The lo are 0 in float.
template <class D>
struct Logistic {
  hn::Vec<D> scaled, scaled_lo, e, e_lo, den, den_lo;
};

template <class D, class T = hn::TFromD<D>>
HWY_INLINE Logistic<D> logistic(D d, hn::Vec<D> x) {
  const auto y = hn::Neg(at_most(hn::Set(d, Constants<T>::kTiny), hn::Abs(x)));
  const auto E = exponential<kShift>(d, y);
  const auto back = hn::Set(d, T(1) / (T(std::uint64_t{1} << 63) * 2));
  const auto one = hn::Set(d, T(1));
  Logistic<D> p;
  p.scaled = hn::MulAdd(E.power, E.z, E.power);
  p.e = hn::Mul(p.scaled, back);
  p.den = hn::Add(one, p.e);
  if constexpr (sizeof(T) == sizeof(double)) {
    p.scaled_lo = hn::MulAdd(E.power, E.z_lo, hn::MulAdd(E.power, E.z, hn::Sub(E.power, p.scaled)));
    p.e_lo = hn::Mul(p.scaled_lo, back);
    p.den_lo = hn::Add(hn::Add(hn::Sub(one, p.den), p.e), p.e_lo);
  } else {
    p.scaled_lo = p.e_lo = p.den_lo = hn::Zero(d);
  }
  return p;
}

/// (num + num_lo) / (den + den_lo) for 1 <= den <= 2; the lo are ignored in float.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> quotient(D d, hn::Vec<D> num, hn::Vec<D> num_lo, hn::Vec<D> den, hn::Vec<D> den_lo) {
  const auto q = hn::Div(num, den);
  if constexpr (sizeof(T) == sizeof(float)) return q;
  return hn::MulAdd(hn::NegMulAdd(q, den_lo, num_lo), rough_inverse(d, den), q);
}

template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> x) {
  const auto p = logistic(d, x);
  const auto negative = hn::Lt(x, hn::Zero(d));
  const auto num = hn::IfThenElse(negative, p.e, hn::Set(d, hn::TFromD<D>(1)));
  return quotient(d, num, hn::IfThenElseZero(negative, p.e_lo), p.den, p.den_lo);
}

/// sigmoid(x) to absolute accuracy, for derivatives.
template <class D>
HWY_INLINE hn::Vec<D> rough_sigmoid(D d, hn::Vec<D> x, const Logistic<D>& p) {
  const auto large = hn::Div(hn::Set(d, hn::TFromD<D>(1)), p.den);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(p.e, large), large);
}

/// tanh in float: a quotient of polynomials, odd by construction.
template <class D>
HWY_INLINE hn::Vec<D> tanh(D d, hn::Vec<D> a, float) {
  constexpr float kP[] = {1.0f, 0.13381025195121765f, 0.0034955882001668215f, 2.0609084458556026e-05f,
                          1.3354664041287378e-08f};
  constexpr float kQ[] = {1.0f, 0.4671434164047241f, 0.025876982137560844f, 0.0003285635029897094f,
                          7.776559414196527e-07f};
  // Where products are fused, the first float whose quotient is 1 (tanh is 1 - 2e-7 there), and none below has one
  // above 1: 1 - h^2 must not be negative.
  constexpr float kOne = HWY_NATIVE_FMA ? 8.00172138f : 9.0f;
  const auto x = at_most(hn::Set(d, kOne), at_least(hn::Set(d, -kOne), a));
  const auto x2 = hn::Mul(x, x);
  const auto y = hn::Div(hn::Mul(x, polynomial(d, x2, kP)), polynomial(d, x2, kQ));
  if (HWY_NATIVE_FMA) return y;
  return at_most(hn::Set(d, 1.0f), at_least(hn::Set(d, -1.0f), y));
}

/// tanh in double: m / (2 - m), m = 1 - exp(-2 |a|).
template <class D>
HWY_INLINE hn::Vec<D> tanh(D d, hn::Vec<D> a, double) {
  const auto one = hn::Set(d, 1.0), two = hn::Set(d, 2.0);
  const auto E = exponential<0>(d, hn::Neg(at_most(hn::Set(d, 44.0), hn::Mul(two, hn::Abs(a)))));
  const auto rest = hn::Sub(one, E.power);
  const auto m = hn::NegMulAdd(E.power, E.z, rest);
  const auto m_lo = hn::NegMulAdd(E.power, E.z_lo, hn::NegMulAdd(E.power, E.z, hn::Sub(rest, m)));
  const auto den = hn::Sub(two, m);
  const auto den_lo = hn::Sub(hn::Sub(hn::Sub(two, den), m), m_lo);
  return hn::CopySign(quotient(d, m, m_lo, den, den_lo), a);
}

template <class D>
HWY_INLINE hn::Vec<D> tanh(D d, hn::Vec<D> a) {
  return tanh(d, a, hn::TFromD<D>());
}

/// Lanes outside the reduction's range (and NaN and infinities), by the standard library in double.
template <class D, class T = hn::TFromD<D>>
HWY_NOINLINE void repair_sin(D d, hn::Vec<D> a, hn::Vec<D>* h, hn::Vec<D>* dh) {
  constexpr int L = HWY_LANES(T);
  HWY_ALIGN T x[L], sine[L], cosine[L];
  hn::Store(a, d, x);
  hn::Store(*h, d, sine);
  if (dh) hn::Store(*dh, d, cosine);
  for (int i = 0; i < L; ++i) {
    if (std::abs(x[i]) <= Constants<T>::kSinRange) continue;
    sine[i] = static_cast<T>(std::sin(static_cast<double>(x[i])));
    if (dh) cosine[i] = static_cast<T>(std::cos(static_cast<double>(x[i])));
  }
  *h = hn::Load(d, sine);
  if (dh) *dh = hn::Load(d, cosine);
}

/// sin(a) and, if kCosine, cos(a), with a = n pi + r: sin(a) = (-1)^n sin(r), cos(a) = (-1)^n cos(r), |r| <= pi / 2.
template <bool kCosine, class D>
HWY_INLINE hn::Vec<D> sin(D d, hn::Vec<D> a, hn::Vec<D>& cosine) {
  using T = hn::TFromD<D>;
  using C = Constants<T>;
  const auto magic = hn::Set(d, T(std::int64_t{3} << (C::kMantissa - 1)));
  const auto t = hn::MulAdd(a, hn::Set(d, T(0.31830988618379067)), magic);
  const auto n = hn::Sub(t, magic);
  auto r = a;
  for (const T part : C::kPi) r = hn::NegMulAdd(n, hn::Set(d, part), r);
  const hn::RebindToUnsigned<D> du;
  const auto sign = hn::BitCast(d, hn::ShiftLeft<sizeof(T) * 8 - 1>(hn::BitCast(du, t)));
  const auto r2 = hn::Mul(r, r);
  const auto one = hn::Set(d, T(1)), sine = hn::MulAdd(hn::Mul(r, r2), polynomial(d, r2, C::kSin), r);
  auto h = hn::Xor(sign, hn::Min(one, hn::Max(hn::Neg(one), sine)));  // next to pi / 2 rounding may pass 1
  if constexpr (kCosine) {
    const auto half = hn::NegMulAdd(hn::Set(d, T(0.5)), r2, one);
    cosine = hn::Xor(sign, hn::MulAdd(hn::Mul(r2, r2), polynomial(d, r2, C::kCos), half));
  }
  if (HWY_UNLIKELY(!hn::AllTrue(d, hn::Le(hn::Abs(a), hn::Set(d, C::kSinRange)))))
    repair_sin(d, a, &h, kCosine ? &cosine : nullptr);
  return h;
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
