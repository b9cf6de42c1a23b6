#include <hwy/highway.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "flows/kernels/activation-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

/// h = a / (1 + |a|). With r = 1 - |h| = 1 / (1 + |a|):  phi' = r^2,  phi'' = -2 sign(h) r^3.
struct Softsign {
  static constexpr bool kSaves = false, kRatio = true, kShort = false;  // all follows from h

  template <bool kSave, class D>
  static HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> a, hn::Vec<D>&) {
    return hn::Div(a, hn::Add(hn::Set(d, hn::TFromD<D>(1)), hn::Abs(a)));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> first(D d, hn::Vec<D> h, hn::Vec<D>) {
    return hn::Mul(rest(d, h), rest(d, h));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> second(D d, hn::Vec<D> h, hn::Vec<D> s) {
    return hn::Mul(ratio(d, h, s), first(d, h, s));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> ratio(D d, hn::Vec<D> h, hn::Vec<D>) {
    return hn::CopySign(hn::Mul(hn::Set(d, hn::TFromD<D>(2)), rest(d, h)), hn::Neg(h));
  }

 private:
  template <class D>
  static HWY_INLINE hn::Vec<D> rest(D d, hn::Vec<D> h) {
    return hn::Sub(hn::Set(d, hn::TFromD<D>(1)), hn::Abs(h));
  }
};

TEST_CASE("an activation is its value and two derivatives from what is kept", "[extending]") {
  const hn::ScalableTag<double> d;
  const auto phi = [](double a) { return a / (1 + std::abs(a)); };
  for (const double a : {-40.0, -1.5, -0.1, 0.2, 3.0}) {
    auto s = hn::Zero(d);
    const auto h = Softsign::value<false>(d, hn::Set(d, a), s);
    CHECK(hn::GetLane(h) == Approx(phi(a)).epsilon(1e-15));
    const double e = 1e-4;
    CHECK(hn::GetLane(Softsign::first(d, h, s)) == Approx((phi(a + e) - phi(a - e)) / (2 * e)).epsilon(1e-6));
    CHECK(hn::GetLane(Softsign::second(d, h, s)) ==
          Approx((phi(a + e) - 2 * phi(a) + phi(a - e)) / (e * e)).epsilon(1e-4));
    CHECK(hn::GetLane(hn::Mul(Softsign::ratio(d, h, s), Softsign::first(d, h, s))) ==
          Approx(hn::GetLane(Softsign::second(d, h, s))));
  }
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
