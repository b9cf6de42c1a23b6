// A number that knows how far rounding would have moved it: what a reference is computed in, to bound a kernel's error.
#pragma once

#include <cmath>
#include <type_traits>

#include "tests/flows/mlp_reference.hpp"

namespace cnf {

/// A value in V, computed as if exactly, and the variance of the error that the same operations leave in a narrower
/// type, in units of u^2, u its unit roundoff.
///
/// Model   an operation moves its result y by an independent error, uniform on (-u |y|, u |y|); errors pass on to first
///         order. So the bound follows what rounding does, not the worst that it could (Higham and Mary 2019, SIAM J.
///         Sci. Comput. 41(5), A2815-A2835, on when that is sound), and no constant grows with width or depth: in these
///         standard deviations an error is a small number, whatever the network.
template <class V>
struct Rounded {
  V value = 0;
  double variance = 0;

  Rounded() = default;
  Rounded(V exact) : value(exact) {}
  template <class S, class = std::enable_if_t<std::is_arithmetic_v<S>>>
  Rounded(S exact) : value(static_cast<V>(exact)) {}
  Rounded(V v, double inherited, double units) : value(v), variance(inherited + units * units / 3) {}

  friend Rounded operator-(const Rounded& a) { return {-a.value, a.variance, 0}; }
  friend Rounded operator+(const Rounded& a, const Rounded& b) { return sum(a.value + b.value, a, b); }
  friend Rounded operator-(const Rounded& a, const Rounded& b) { return sum(a.value - b.value, a, b); }
  friend Rounded operator*(const Rounded& a, const Rounded& b) {
    const double x = static_cast<double>(a.value), y = static_cast<double>(b.value);
    return {a.value * b.value, x * x * b.variance + y * y * a.variance, x * y};
  }
  Rounded& operator+=(const Rounded& b) { return *this = *this + b; }
  Rounded& operator-=(const Rounded& b) { return *this = *this - b; }
  Rounded& operator*=(const Rounded& b) { return *this = *this * b; }
  friend bool operator==(const Rounded& a, const Rounded& b) { return a.value == b.value; }
  friend bool operator!=(const Rounded& a, const Rounded& b) { return a.value != b.value; }

 private:
  static Rounded sum(V y, const Rounded& a, const Rounded& b) {
    return {y, a.variance + b.variance, static_cast<double>(y)};
  }
};

template <class V>
double square(V x) {
  return static_cast<double>(x * x);
}

/// The kernels' own errors, documented in flows/kernels/layer.hpp: 2 to 6 ulp of h, that is 4 u to 12 u of |h|; of
/// phi' and phi'' 5 u to 24 u, absolute.
template <class V>
Rounded<V> logistic(const Rounded<V>& a) {
  const V s = logistic(a.value);
  return {s, square(s * (1 - s)) * a.variance, 3 * static_cast<double>(s)};
}
template <class V>
Phi<Rounded<V>> phi(Activation activation, const Rounded<V>& a) {
  const Phi<V> y = phi(activation, a.value);
  const bool exact = activation == Activation::relu;
  return {{y.h, square(y.dh) * a.variance, exact ? 0 : 3 * static_cast<double>(y.h)},
          {y.dh, square(y.d2h) * a.variance, exact ? 0 : 3.0},
          {y.d2h, exact ? 0 : a.variance, exact ? 0 : 5.0}};  // |phi'''| is at most about 1, if not everywhere
}

}  // namespace cnf

template <class V>
struct Eigen::NumTraits<cnf::Rounded<V>> : Eigen::GenericNumTraits<cnf::Rounded<V>> {
  using Real = cnf::Rounded<V>;
  using NonInteger = Real;
  using Nested = Real;
  enum {
    IsComplex = 0,
    IsInteger = 0,
    IsSigned = 1,
    RequireInitialization = 1,
    ReadCost = 2,
    AddCost = 8,
    MulCost = 16
  };
};
