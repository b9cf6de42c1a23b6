// Activations as a layer's kernels apply them, on every instruction set this machine has, against the formulas in long
// double. The sums around them: reference_test.cpp.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "flows/kernels/layer.hpp"
#include "tests/targets.hpp"
#include "tests/ulps.hpp"

namespace {

using namespace cnf;

struct Exact {
  long double h, dh, d2h;
};

Exact exact(Activation activation, long double x) {
  const long double s = logistic(x), c = logistic(-x);
  switch (activation) {
    case Activation::tanh: {
      const long double y = std::tanh(x);
      return {y, 1 - y * y, -2 * y * (1 - y * y)};
    }
    case Activation::softplus:
      return {std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x))), s, s * c};
    case Activation::silu:
      return {x * s, s * (1 + x * c), s * c * (2 + x * (c - s))};
    case Activation::sin:
      return {std::sin(x), std::cos(x), -std::sin(x)};
    case Activation::relu:
      return {std::max(x, 0.0L), x > 0 ? 1.0L : 0.0L, 0};
  }
  throw std::logic_error("no such activation");
}

/// phi and its derivatives at every x, by the product's own kernels: a layer of one input, 1, whose weights are x.
template <class T>
struct Activated {
  std::vector<T> h;
  std::vector<T> d, dh;   ///< phi' by layer_forward, and by slopes
  std::vector<T> V, d2h;  ///< phi'' by pull_layer, and by slopes

  Activated(Activation phi, const std::vector<T>& x) : h(x), d(x), dh(x), V(x), d2h(x) {
    const Index n = static_cast<Index>(x.size());
    const std::vector<T> ones(x.size(), 1), zeros(x.size(), 0);
    std::vector<T> s(x.size()), sum(x.size());
    kernels::layer_forward<T>({n, 1, x.data(), ones.data(), zeros.data(), 0, 0, nullptr, nullptr}, phi, {1, 0},
                              ones.data(), {h.data(), s.data(), d.data()});
    const kernels::Hidden<T> layer{phi, n, 1, 0, h.data(), s.data(), nullptr};
    kernels::slopes<T>(layer, dh.data(), d2h.data());
    kernels::pull_layer<T>(layer, {1, ones.data(), nullptr, zeros.data()}, ones.data(), {V.data(), sum.data()});
  }
};

template <class T>
bool same(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](T x, T y) { return same(x, y); });
}

template <class T>
constexpr double sin_range = std::is_same_v<T, float> ? 1e4 : 3e6;

}  // namespace

TEMPLATE_TEST_CASE("activations keep the documented error over the whole range", "[flows][kernels]", float, double) {
  constexpr bool single = std::is_same_v<TestType, float>;
  // Units in the last place of h, and the absolute errors of the derivatives.
  struct Bound {
    double h, dh, d2h;
  };
  const auto bound = [&](Activation activation) -> Bound {
    switch (activation) {
      case Activation::tanh:
        return single ? Bound{6, 7e-7, 1.4e-6} : Bound{2, 4e-16, 7e-16};
      case Activation::relu:
        return {0, 0, 0};
      default:
        return single ? Bound{4, 3e-7, 3e-7} : Bound{2, 5e-16, 5e-16};
    }
  };
  const std::vector<TestType> x = numbers_of_every_size<TestType>();
  for (const Activation activation : kAllActivations) {
    std::vector<Exact> expected;
    for (const TestType a : x) expected.push_back(exact(activation, a));
    CAPTURE(name(activation));
    on_every_target([&](std::int64_t) {
      const Activated<TestType> y(activation, x);
      Bound worst{0, 0, 0};
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst.h = std::max(worst.h, units_in_last_place(y.h[i], expected[i].h));
        worst.dh = std::max(worst.dh, static_cast<double>(std::abs(y.dh[i] - expected[i].dh)));
        worst.d2h = std::max(worst.d2h, static_cast<double>(std::abs(y.d2h[i] - expected[i].d2h)));
      }
      CHECK(worst.h <= bound(activation).h);
      CHECK(worst.dh <= bound(activation).dh);
      CHECK(worst.d2h <= bound(activation).d2h);
      CHECK(same(y.d, y.dh));
      CHECK(y.V == y.d2h);  // values: a sum with 0 may have lost the sign of a zero
    });
  }
}

TEMPLATE_TEST_CASE("an activated element has the same bits wherever it stands and whatever else is asked",
                   "[flows][kernels]", float, double) {
  std::mt19937_64 generator(9);
  std::normal_distribution<TestType> normal(0, 4);
  std::vector<TestType> x(130);
  for (TestType& a : x) a = normal(generator);
  x[7] = TestType(5e7);  // beyond the vectors' range of sin: its neighbours must not notice
  x[40] = std::numeric_limits<TestType>::quiet_NaN();
  for (const Activation activation : kAllActivations) {
    CAPTURE(name(activation));
    on_every_target([&](std::int64_t) {
      std::vector<TestType> h, d;
      for (const TestType a : x) {
        const Activated<TestType> alone(activation, {a});
        h.push_back(alone.h[0]), d.push_back(alone.d[0]);
      }
      // The last n of x as the weights of a layer's first input, which is 1; its other inputs are 0.
      const auto run = [&](Index n, Index in, kernels::Samples samples, bool wants_d) {
        std::vector<TestType> W(static_cast<std::size_t>(n * in), TestType(0.5));
        std::copy(x.end() - n, x.end(), W.begin());
        std::vector<TestType> input(static_cast<std::size_t>(in * samples.columns()), 0);
        for (Index column = 0; column < samples.columns(); ++column) input[static_cast<std::size_t>(column * in)] = 1;
        const auto size = static_cast<std::size_t>(n * samples.columns());
        std::vector<TestType> ones(x.size(), 1), zeros(x.size(), 0), y(size), s(size), a(size), dy(size);
        kernels::layer_forward<TestType>(
            {n, in, W.data(), ones.data(), zeros.data(), 0, 0, nullptr, nullptr}, activation, samples, input.data(),
            {y.data(), wants_d ? s.data() : nullptr, wants_d ? dy.data() : nullptr, a.data()});
        for (Index b = 0; b < samples.B; ++b)
          for (Index i = 0; i < n; ++i) {
            const std::size_t at = x.size() - static_cast<std::size_t>(n - i);
            if (!same(y[static_cast<std::size_t>(b * (1 + samples.C) * n + i)], h[at])) return false;
            if (wants_d && !same(dy[static_cast<std::size_t>(b * n + i)], d[at])) return false;
          }
        return true;
      };
      for (const Index n : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 130})
        for (const Index in : {1, 2, 3})  // 2: a product with an ending of its own
          for (const Index B : {1, 2, 5, 6, 7, 8, 13})
            for (const Index C : {0, 1, 2, 3})
              for (const bool wants_d : {false, true}) {
                CAPTURE(n, in, B, C, wants_d);
                REQUIRE(run(n, in, {B, C}, wants_d));
              }
    });
  }
}

TEMPLATE_TEST_CASE("a NaN gives NaN in every output and an infinity gives the limit", "[flows][kernels]", float,
                   double) {
  const TestType inf = std::numeric_limits<TestType>::infinity(), nan = std::numeric_limits<TestType>::quiet_NaN();
  const TestType huge = std::numeric_limits<TestType>::max();
  const std::vector<TestType> x{nan, inf, -inf, huge, -huge};
  on_every_target([&](std::int64_t) {
    std::vector<TestType> h, dh, d2h;
    const auto activate = [&](Activation activation) {
      INFO(name(activation));
      const Activated<TestType> y(activation, x);
      h = y.h, dh = y.dh, d2h = y.d2h;
      CHECK(std::isnan(h[0]));
      CHECK(std::isnan(dh[0]));
      CHECK(std::isnan(d2h[0]));
    };
    const auto is = [](const std::vector<TestType>& y, TestType at_plus, TestType at_minus) {
      return y[1] == at_plus && y[2] == at_minus;
    };
    activate(Activation::tanh);
    CHECK((is(h, 1, -1) && is(dh, 0, 0) && is(d2h, 0, 0)));
    CHECK((h[3] == 1 && h[4] == -1));
    for (const Activation one_sided : {Activation::softplus, Activation::silu, Activation::relu}) {
      activate(one_sided);
      CHECK((is(h, inf, 0) && is(dh, 1, 0) && is(d2h, 0, 0)));
      CHECK((h[3] == huge && h[4] == 0));
    }
    activate(Activation::sin);
    CHECK((std::isnan(h[1]) && std::isnan(h[2]) && std::isnan(dh[1])));  // no limit
    CHECK((h[3] == Approx(std::sin(huge)) && dh[4] == Approx(std::cos(huge))));
  });
}

TEMPLATE_TEST_CASE("sin beyond the range of its reduction is that of the standard library", "[flows][kernels]", float,
                   double) {
  std::mt19937_64 generator(10);
  std::uniform_real_distribution<double> exponent(std::log2(sin_range<TestType>),
                                                  std::is_same_v<TestType, float> ? 127 : 1000);
  std::vector<TestType> x(999);
  for (TestType& a : x) a = static_cast<TestType>(std::exp2(exponent(generator)));
  on_every_target([&](std::int64_t) {
    const Activated<TestType> y(Activation::sin, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(units_in_last_place(y.h[i], std::sin(static_cast<long double>(x[i]))) <= 1);
      REQUIRE(units_in_last_place(y.dh[i], std::cos(static_cast<long double>(x[i]))) <= 1);
    }
  });
}

TEMPLATE_TEST_CASE("tanh is odd and never leaves its range and no result is flushed to zero", "[flows][kernels]", float,
                   double) {
  const std::vector<TestType> x = numbers_of_every_size<TestType>();
  on_every_target([&](std::int64_t) {
    std::vector<TestType> minus(x.size());
    std::transform(x.begin(), x.end(), minus.begin(), [](TestType a) { return -a; });
    const Activated<TestType> y(Activation::tanh, x), mirrored(Activation::tanh, minus);
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(y.h[i] == -mirrored.h[i]);
      REQUIRE(std::abs(y.h[i]) <= 1);
      REQUIRE(y.dh[i] >= 0);
    }
    const TestType least = std::numeric_limits<TestType>::denorm_min();
    const std::vector<TestType> pair{4 * least, -4 * least};
    for (const Activation odd : {Activation::tanh, Activation::sin}) CHECK(Activated<TestType>(odd, pair).h == pair);
    CHECK(Activated<TestType>(Activation::silu, pair).h == std::vector<TestType>{2 * least, -2 * least});
    // exp(-x) = 4 least: a subnormal result of softplus.
    const TestType deep = static_cast<TestType>(std::log(4 * static_cast<long double>(least)));
    CHECK(Activated<TestType>(Activation::softplus, {deep}).h[0] == 4 * least);
  });
}

TEST_CASE("every activation has its own name and stands in the list of all", "[flows][kernels]") {
  std::vector<std::string_view> names;
  for (const Activation activation : kAllActivations) names.push_back(name(activation));
  CHECK(names == std::vector<std::string_view>{"tanh", "softplus", "silu", "sin", "relu"});
  std::size_t named = 0;
  for (; named < 100; ++named) {
    try {
      name(static_cast<Activation>(named));
    } catch (const std::invalid_argument&) {
      break;
    }
  }
  CHECK(named == std::size(kAllActivations));  // else a new one was forgotten in the list
}
