// Errors of a function of one number in units in the last place, and the numbers to measure them at.
#pragma once

#include <cmath>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace cnf {

template <class T>
double units_in_last_place(T y, long double exact) {
  if (std::isnan(y) || std::isinf(y)) return static_cast<long double>(y) == exact ? 0 : 1e30;
  int exponent;
  std::frexp(exact, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  return static_cast<double>(
      std::ldexp(std::abs(static_cast<long double>(y) - exact), std::numeric_limits<T>::digits - exponent));
}

inline long double logistic(long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

/// Numbers of every size and sign, dense where the activations bend, and next to the multiples of pi / 2.
template <class T>
std::vector<T> numbers_of_every_size() {
  std::mt19937_64 generator(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<T> x;
  const double underflow = std::is_same_v<T, float> ? 112 : 760;
  for (int i = 0; i < 8000; ++i) {
    x.push_back(static_cast<T>(10 * uniform(generator) - 5));
    x.push_back(static_cast<T>(80 * uniform(generator) - 40));
    x.push_back(static_cast<T>(underflow * (2 * uniform(generator) - 1)));
  }
  for (int e = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits; e < 22; ++e)
    for (int i = 0; i < 12; ++i)
      x.push_back(static_cast<T>(std::ldexp(1 + uniform(generator), e)) * T(i % 2 == 0 ? 1 : -1));
  const int step = std::is_same_v<T, float> ? 1 : 301;
  for (int k = 1; k < (std::is_same_v<T, float> ? 6366 : 1'900'000); k += step) {
    const T x0 = static_cast<T>(k * 1.57079632679489661923L);
    x.insert(x.end(), {std::nextafter(x0, T(0)), x0, -x0, std::nextafter(x0, T(1e9))});
  }
  if (std::is_same_v<T, double>) x.push_back(static_cast<T>(1285231.8377688916));  // 2e-16 from 409102 pi
  return x;
}

}  // namespace cnf
