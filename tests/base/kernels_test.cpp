// Every kernel, on every instruction set this machine has, against plain loops and the standard library.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "base/kernels/activation.hpp"
#include "base/kernels/matmul.hpp"
#include "tests/guarded.hpp"
#include "tests/targets.hpp"

namespace {

using namespace cnf;

bool fuses(std::int64_t target) { return target != HWY_SSE4; }

/// A rows x cols matrix whose columns are ld apart; what lies between them is NaN, and what lies behind faults.
template <class T>
struct Padded {
  Index rows, cols, ld;
  Guarded<T> values;

  Padded(Index rows_, Index cols_, Index ld_) : rows(rows_), cols(cols_), ld(ld_), values(extent()) {}
  Padded(const Matrix<T>& m, Index ld_) : Padded(m.rows(), m.cols(), ld_) { set(m); }
  Index extent() const { return cols == 0 ? 0 : (cols - 1) * ld + rows; }
  void set(const Matrix<T>& m) {
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) values[i + j * ld] = m(i, j);
  }
  Matrix<T> get() const {
    Matrix<T> m(rows, cols);
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) m(i, j) = values[i + j * ld];
    return m;
  }
  bool padding_untouched() const {
    for (Index i = 0; i < extent(); ++i)
      if (i % ld >= rows && !std::isnan(values[i])) return false;
    return true;
  }
  T* data() const { return values.data(); }
};

template <class T>
Matrix<T> random_matrix(Index rows, Index cols, std::mt19937_64& generator) {
  std::uniform_real_distribution<T> uniform(-1, 1);
  Matrix<T> m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = uniform(generator);
  return m;
}

template <class T>
bool same_bits(const Matrix<T>& a, const Matrix<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), sizeof(T) * static_cast<std::size_t>(a.size())) == 0;
}

template <class T>
Matrix<T> product(const Matrix<T>& A, const Matrix<T>& X) {
  Matrix<T> Y = Matrix<T>::Constant(A.rows(), X.cols(), std::numeric_limits<T>::quiet_NaN());
  kernels::multiply(A.rows(), A.cols(), X.cols(), A.data(), std::max<Index>(A.rows(), 1), X.data(),
                    std::max<Index>(X.rows(), 1), Y.data(), std::max<Index>(A.rows(), 1));
  return Y;
}

/// Each element one chain of fused multiply-adds in the order of l, begun at Y.
template <class T>
Matrix<T> chain(Matrix<T> Y, const Matrix<T>& A, const Matrix<T>& B) {
  for (Index j = 0; j < B.cols(); ++j)
    for (Index l = 0; l < A.cols(); ++l)
      for (Index i = 0; i < A.rows(); ++i) Y(i, j) = std::fma(A(i, l), B(l, j), Y(i, j));
  return Y;
}

/// Largest |Y - A B| in units of its bound k u |A| |B| (Higham 2002, Accuracy and Stability, sec. 3.1).
template <class T>
double error_in_bounds(const Matrix<T>& Y, const Matrix<T>& start, const Matrix<T>& A, const Matrix<T>& B) {
  using Wide = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
  const Wide a = A.template cast<long double>(), b = B.template cast<long double>(),
             y = start.template cast<long double>();
  const Wide exact = y + a.lazyProduct(b), scale = y.cwiseAbs() + a.cwiseAbs().lazyProduct(b.cwiseAbs());
  const long double unit = static_cast<long double>(std::numeric_limits<T>::epsilon()) / 2;
  double worst = 0;
  for (Index i = 0; i < Y.size(); ++i) {
    const long double bound = static_cast<long double>(A.cols() + 1) * unit * scale.data()[i];
    const long double error = std::abs(static_cast<long double>(Y.data()[i]) - exact.data()[i]);
    worst = std::max(worst, error == 0 ? 0.0 : error <= bound ? static_cast<double>(error / bound) : 1e30);
  }
  return worst;
}

const std::vector<Index>& sizes() {
  static const std::vector<Index> list = [] {
    std::vector<Index> s;
    for (Index i = 1; i <= 20; ++i) s.push_back(i);
    s.insert(s.end(), {31, 32, 33, 63, 64, 65, 95, 96, 97, 100, 128, 130});
    return s;
  }();
  return list;
}

template <class T>
double units_in_last_place(T y, long double exact) {
  if (std::isnan(y) || std::isinf(y)) return static_cast<long double>(y) == exact ? 0 : 1e30;
  int exponent;
  std::frexp(exact, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  return static_cast<double>(
      std::ldexp(std::abs(static_cast<long double>(y) - exact), std::numeric_limits<T>::digits - exponent));
}

long double logistic(long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

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

/// Numbers of every size and sign, dense where the activations bend, and next to the multiples of pi / 2.
template <class T>
std::vector<T> arguments() {
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

template <class T>
constexpr double sin_range = std::is_same_v<T, float> ? 1e4 : 3e6;

}  // namespace

TEMPLATE_TEST_CASE("a product stays within its error bound for every shape and reads and writes nothing beside",
                   "[base][kernels]", float, double) {
  std::mt19937_64 generator(1);
  const std::vector<Index> columns{1, 2, 3, 5, 6, 8, 13, 17, 31, 9, 4, 12};
  std::size_t turn = 0;
  for (const Index m : sizes()) {
    for (const Index k : sizes()) {
      const Index n = columns[turn++ % columns.size()], pad = static_cast<Index>(turn / columns.size() % 3);
      const Matrix<TestType> A = random_matrix<TestType>(m, k, generator), X = random_matrix<TestType>(k, n, generator),
                             Y0 = random_matrix<TestType>(m, n, generator), zero = Matrix<TestType>::Zero(m, n);
      const Padded<TestType> a(A, m + pad), x(X, k + 2 * pad);
      CAPTURE(m, k, n, pad);
      on_every_target([&](std::int64_t) {
        Padded<TestType> y(m, n, m + pad);
        kernels::multiply(m, k, n, a.data(), a.ld, x.data(), x.ld, y.data(), y.ld);
        REQUIRE(error_in_bounds<TestType>(y.get(), zero, A, X) <= 1);
        y.set(Y0);
        kernels::multiply(m, k, n, a.data(), a.ld, x.data(), x.ld, y.data(), y.ld, true);
        REQUIRE(error_in_bounds<TestType>(y.get(), Y0, A, X) <= 1);
        REQUIRE(y.padding_untouched());
      });
    }
  }
}

TEMPLATE_TEST_CASE("an element of a product is one chain of fused multiply-adds over the depth", "[base][kernels]",
                   float, double) {
  std::mt19937_64 generator(2);
  const std::vector<std::vector<Index>> shapes{{5, 1, 3},    {17, 2, 7},    {33, 64, 19}, {64, 64, 30},  {100, 130, 23},
                                               {96, 96, 21}, {65, 700, 14}, {130, 3, 9},  {512, 300, 20}};
  for (const auto& shape : shapes) {
    const Index m = shape[0], k = shape[1], n = shape[2];
    const Matrix<TestType> A = random_matrix<TestType>(m, k, generator), X = random_matrix<TestType>(k, n, generator),
                           Y0 = random_matrix<TestType>(m, n, generator);
    const Matrix<TestType> from_zero = chain<TestType>(Matrix<TestType>::Zero(m, n), A, X),
                           from_Y0 = chain<TestType>(Y0, A, X);
    CAPTURE(m, k, n);
    on_every_target([&](std::int64_t target) {
      if (!fuses(target)) return;
      CHECK(same_bits<TestType>(product<TestType>(A, X), from_zero));
      Matrix<TestType> Y = Y0;
      kernels::multiply(m, k, n, A.data(), m, X.data(), k, Y.data(), m, true);
      CHECK(same_bits<TestType>(Y, from_Y0));
    });
  }
}

TEMPLATE_TEST_CASE("the product of n columns is n products of one column bit for bit", "[base][kernels]", float,
                   double) {
  std::mt19937_64 generator(3);
  const std::vector<std::pair<Index, Index>> shapes{{1, 40},   {2, 2},     {2, 64},  {3, 100},  {4, 31},
                                                    {7, 5},    {8, 64},    {64, 64}, {100, 33}, {64, 2},
                                                    {2, 1300}, {130, 300}, {48, 96}};
  for (const auto& [m, k] : shapes) {
    CAPTURE(m, k);
    for (Index n = 1; n <= 20; ++n) {
      const Matrix<TestType> A = random_matrix<TestType>(m, k, generator), X = random_matrix<TestType>(k, n, generator);
      on_every_target([&](std::int64_t) {
        const Matrix<TestType> Y = product<TestType>(A, X);
        for (Index j = 0; j < n; ++j)
          REQUIRE(same_bits<TestType>(Y.col(j), product<TestType>(A, Matrix<TestType>(X.col(j)))));
      });
    }
  }
}

TEMPLATE_TEST_CASE("a product does not depend on how far columns lie apart", "[base][kernels]", float, double) {
  std::mt19937_64 generator(4);
  for (const Index m : {2, 20, 64, 100}) {
    const Index k = 70, n = 40;
    const Matrix<TestType> A = random_matrix<TestType>(m, k, generator), X = random_matrix<TestType>(k, n, generator);
    on_every_target([&](std::int64_t) {
      const Matrix<TestType> Y = product<TestType>(A, X);
      for (const Index ld : {128, 257, 512}) {
        const Padded<TestType> a(A, ld), x(X, ld);
        Padded<TestType> y(m, n, ld);
        kernels::multiply(m, k, n, a.data(), ld, x.data(), ld, y.data(), ld);
        CHECK(same_bits<TestType>(y.get(), Y));
      }
    });
  }
}

TEMPLATE_TEST_CASE("a NaN or an infinity in one column stays in that column", "[base][kernels]", float, double) {
  std::mt19937_64 generator(6);
  for (const Index m : {2, 16, 65}) {
    const Index k = 37, n = 11;
    const Matrix<TestType> A = random_matrix<TestType>(m, k, generator), X = random_matrix<TestType>(k, n, generator);
    Matrix<TestType> bad = X;
    bad(5, 3) = std::numeric_limits<TestType>::quiet_NaN();
    bad(k - 1, 7) = std::numeric_limits<TestType>::infinity();
    on_every_target([&](std::int64_t) {
      const Matrix<TestType> Y = product<TestType>(A, X), Z = product<TestType>(A, bad);
      for (Index j = 0; j < n; ++j) {
        if (j == 3) {
          CHECK(Z.col(j).array().isNaN().all());
        } else if (j == 7) {
          CHECK(Z.col(j).array().isInf().all());
        } else {
          CHECK(same_bits<TestType>(Y.col(j), Z.col(j)));
        }
      }
    });
  }
}

TEMPLATE_TEST_CASE("a transposed product is Y plus one chain over the columns for every shape", "[base][kernels]",
                   float, double) {
  std::mt19937_64 generator(7);
  const std::vector<Index> columns{1, 2, 7, 33, 64, 129, 300, 5};
  std::size_t turn = 0;
  for (const Index m : sizes()) {
    for (const Index k : sizes()) {
      const Index n = columns[turn++ % (m * k > 4000 ? 4 : columns.size())], pad = static_cast<Index>(turn % 3);
      const Matrix<TestType> U = random_matrix<TestType>(m, n, generator), X = random_matrix<TestType>(k, n, generator),
                             Y0 = random_matrix<TestType>(m, k, generator);
      const Matrix<TestType> XT = X.transpose(), expected = chain<TestType>(Y0, U, XT);
      const Padded<TestType> u(U, m + pad), x(X, k + 2 * pad);
      CAPTURE(m, k, n, pad);
      on_every_target([&](std::int64_t target) {
        Padded<TestType> y(Y0, m + pad);
        kernels::multiply_transposed_add(m, k, n, u.data(), u.ld, x.data(), x.ld, y.data(), y.ld);
        if (fuses(target)) {
          REQUIRE(same_bits<TestType>(y.get(), expected));
        } else {
          REQUIRE(error_in_bounds<TestType>(y.get(), Y0, U, XT) <= 1);
        }
        REQUIRE(y.padding_untouched());
      });
    }
  }
}

TEMPLATE_TEST_CASE("a transposed product over a tile is the same in one call as in two over its halves",
                   "[base][kernels]", float, double) {
  std::mt19937_64 generator(8);
  for (const Index m : {2, 3, 16, 64, 100}) {
    for (const Index k : {2, 64, 97}) {
      const Index n = 150, half = 37;
      const Matrix<TestType> U = random_matrix<TestType>(m, n, generator), X = random_matrix<TestType>(k, n, generator),
                             Y0 = random_matrix<TestType>(m, k, generator);
      on_every_target([&](std::int64_t) {
        Matrix<TestType> once = Y0, twice = Y0;
        kernels::multiply_transposed_add(m, k, n, U.data(), m, X.data(), k, once.data(), m);
        kernels::multiply_transposed_add(m, k, half, U.data(), m, X.data(), k, twice.data(), m);
        kernels::multiply_transposed_add(m, k, n - half, U.data() + half * m, m, X.data() + half * k, k, twice.data(),
                                         m);
        CHECK(same_bits<TestType>(once, twice));
      });
    }
  }
}

TEMPLATE_TEST_CASE("empty products write zeros or nothing and impossible shapes are refused", "[base][kernels]", float,
                   double) {
  const TestType one = 1;
  const std::vector<TestType> six(6, 1);
  on_every_target([&](std::int64_t) {
    std::vector<TestType> y(6, 5);
    kernels::multiply<TestType>(2, 0, 3, &one, 2, &one, 1, y.data(), 2, true);
    CHECK(y == std::vector<TestType>(6, 5));
    kernels::multiply<TestType>(0, 3, 3, &one, 1, &one, 3, y.data(), 1);
    kernels::multiply<TestType>(2, 3, 0, six.data(), 2, &one, 3, y.data(), 2);
    kernels::multiply_transposed_add<TestType>(2, 3, 0, &one, 2, &one, 3, y.data(), 2);
    kernels::multiply_transposed_add<TestType>(0, 3, 1, &one, 1, &one, 3, y.data(), 1);
    CHECK(y == std::vector<TestType>(6, 5));
    kernels::multiply<TestType>(2, 0, 3, &one, 2, &one, 1, y.data(), 2);
    CHECK(y == std::vector<TestType>(6, 0));
    CHECK_THROWS_AS(kernels::multiply<TestType>(2, 1, 1, &one, 1, &one, 1, y.data(), 2), std::invalid_argument);
    CHECK_THROWS_AS(kernels::multiply<TestType>(1, 2, 1, &one, 1, &one, 1, y.data(), 1), std::invalid_argument);
    CHECK_THROWS_AS(kernels::multiply<TestType>(2, 1, 1, &one, 2, &one, 1, y.data(), 1), std::invalid_argument);
    CHECK_THROWS_AS(kernels::multiply<TestType>(1, 1, -1, &one, 1, &one, 1, y.data(), 1), std::invalid_argument);
    CHECK_THROWS_AS(kernels::multiply_transposed_add<TestType>(1, 2, 1, &one, 1, &one, 1, y.data(), 1),
                    std::invalid_argument);
  });
}

TEMPLATE_TEST_CASE("activations keep the documented error over the whole range", "[base][kernels]", float, double) {
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
  const std::vector<TestType> x = arguments<TestType>();
  const Index n = static_cast<Index>(x.size());
  for (const Activation activation : kAllActivations) {
    std::vector<Exact> expected;
    for (const TestType a : x) expected.push_back(exact(activation, a));
    CAPTURE(name(activation));
    on_every_target([&](std::int64_t) {
      std::vector<TestType> h(x.size()), dh(x.size()), d2h(x.size());
      kernels::activate(activation, n, x.data(), h.data(), dh.data(), d2h.data());
      Bound worst{0, 0, 0};
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst.h = std::max(worst.h, units_in_last_place(h[i], expected[i].h));
        worst.dh = std::max(worst.dh, static_cast<double>(std::abs(dh[i] - expected[i].dh)));
        worst.d2h = std::max(worst.d2h, static_cast<double>(std::abs(d2h[i] - expected[i].d2h)));
      }
      CHECK(worst.h <= bound(activation).h);
      CHECK(worst.dh <= bound(activation).dh);
      CHECK(worst.d2h <= bound(activation).d2h);
    });
  }
  on_every_target([&](std::int64_t) {
    std::vector<TestType> y(x.size());
    kernels::sigmoid(n, x.data(), y.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, units_in_last_place(y[i], logistic(x[i])));
    CHECK(worst <= (single ? 4 : 2));
  });
}

TEMPLATE_TEST_CASE("an activated element has the same bits wherever it stands and whatever else is asked",
                   "[base][kernels]", float, double) {
  std::mt19937_64 generator(9);
  std::normal_distribution<TestType> normal(0, 4);
  std::vector<TestType> x(130);
  for (TestType& a : x) a = normal(generator);
  x[7] = TestType(5e7);  // beyond the vectors' range of sin: its neighbours must not notice
  x[40] = std::numeric_limits<TestType>::quiet_NaN();
  const auto equal = [](TestType a, TestType b) {
    return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
  };
  for (const Activation activation : kAllActivations) {
    CAPTURE(name(activation));
    on_every_target([&](std::int64_t) {
      std::vector<TestType> h(x.size()), dh(x.size()), d2h(x.size()), s(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        kernels::activate(activation, 1, &x[i], &h[i], &dh[i], &d2h[i]);
        kernels::sigmoid(1, &x[i], &s[i]);
      }
      for (std::size_t n = 1; n <= x.size(); n += n < 40 ? 1 : 9) {
        for (const bool flush_with_end : {true, false}) {
          const Index size = static_cast<Index>(n);
          const std::size_t offset = x.size() - n;
          for (int wanted = 0; wanted < 8; ++wanted) {  // bits: h, dh, d2h
            const Guarded<TestType> in(size, flush_with_end), y(size, flush_with_end), dy(size, flush_with_end),
                d2y(size, flush_with_end);
            std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(offset), n, in.data());
            kernels::activate<TestType>(activation, size, in.data(), wanted & 1 ? y.data() : nullptr,
                                        wanted & 2 ? dy.data() : nullptr, wanted & 4 ? d2y.data() : nullptr);
            for (std::size_t i = 0; i < n; ++i) {
              const Index at = static_cast<Index>(i);
              if (wanted & 1) REQUIRE(equal(y[at], h[offset + i]));
              if (wanted & 2) REQUIRE(equal(dy[at], dh[offset + i]));
              if (wanted & 4) REQUIRE(equal(d2y[at], d2h[offset + i]));
            }
            if (wanted == 7) {
              kernels::sigmoid<TestType>(size, in.data(), y.data());
              for (std::size_t i = 0; i < n; ++i) REQUIRE(equal(y[static_cast<Index>(i)], s[offset + i]));
              kernels::sigmoid<TestType>(size, in.data(), in.data());
              for (std::size_t i = 0; i < n; ++i) REQUIRE(equal(in[static_cast<Index>(i)], s[offset + i]));
            }
            if (wanted == 5) {  // in place
              kernels::activate<TestType>(activation, size, in.data(), y.data(), in.data(), nullptr);
              for (std::size_t i = 0; i < n; ++i) REQUIRE(equal(in[static_cast<Index>(i)], dh[offset + i]));
            }
          }
        }
      }
    });
  }
}

TEMPLATE_TEST_CASE("a NaN gives NaN in every output and an infinity gives the limit", "[base][kernels]", float,
                   double) {
  const TestType inf = std::numeric_limits<TestType>::infinity(), nan = std::numeric_limits<TestType>::quiet_NaN();
  const TestType huge = std::numeric_limits<TestType>::max();
  const TestType x[] = {nan, inf, -inf, huge, -huge};
  on_every_target([&](std::int64_t) {
    TestType h[5], dh[5], d2h[5];
    const auto activate = [&](Activation activation) {
      INFO(name(activation));
      kernels::activate(activation, 5, x, h, dh, d2h);
      CHECK(std::isnan(h[0]));
      CHECK(std::isnan(dh[0]));
      CHECK(std::isnan(d2h[0]));
    };
    const auto is = [](const TestType* y, TestType at_plus, TestType at_minus) {
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
    kernels::sigmoid(5, x, h);
    CHECK((std::isnan(h[0]) && h[1] == 1 && h[2] == 0 && h[3] == 1 && h[4] == 0));
  });
}

TEMPLATE_TEST_CASE("sin beyond the range of its reduction is that of the standard library", "[base][kernels]", float,
                   double) {
  std::mt19937_64 generator(10);
  std::uniform_real_distribution<double> exponent(std::log2(sin_range<TestType>),
                                                  std::is_same_v<TestType, float> ? 127 : 1000);
  std::vector<TestType> x(999);
  for (TestType& a : x) a = static_cast<TestType>(std::exp2(exponent(generator)));
  on_every_target([&](std::int64_t) {
    std::vector<TestType> h(x.size()), dh(x.size());
    kernels::activate<TestType>(Activation::sin, 999, x.data(), h.data(), dh.data(), nullptr);
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(units_in_last_place(h[i], std::sin(static_cast<long double>(x[i]))) <= 1);
      REQUIRE(units_in_last_place(dh[i], std::cos(static_cast<long double>(x[i]))) <= 1);
    }
  });
}

TEMPLATE_TEST_CASE("tanh is odd and never leaves its range and no result is flushed to zero", "[base][kernels]", float,
                   double) {
  const std::vector<TestType> x = arguments<TestType>();
  const Index n = static_cast<Index>(x.size());
  on_every_target([&](std::int64_t) {
    std::vector<TestType> minus(x.size()), h(x.size()), mirrored(x.size()), dh(x.size());
    std::transform(x.begin(), x.end(), minus.begin(), [](TestType a) { return -a; });
    kernels::activate<TestType>(Activation::tanh, n, x.data(), h.data(), dh.data(), nullptr);
    kernels::activate<TestType>(Activation::tanh, n, minus.data(), mirrored.data(), nullptr, nullptr);
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(h[i] == -mirrored[i]);
      REQUIRE(std::abs(h[i]) <= 1);
      REQUIRE(dh[i] >= 0);
    }
    const TestType least = std::numeric_limits<TestType>::denorm_min(), pair[] = {4 * least, -4 * least};
    TestType y[2];
    for (const Activation odd : {Activation::tanh, Activation::sin}) {
      kernels::activate<TestType>(odd, 2, pair, y, nullptr, nullptr);
      CHECK((y[0] == 4 * least && y[1] == -4 * least));
    }
    kernels::activate<TestType>(Activation::silu, 2, pair, y, nullptr, nullptr);
    CHECK((y[0] == 2 * least && y[1] == -2 * least));
    // exp(-x) = 4 least: subnormal results of sigmoid and softplus.
    const TestType deep = static_cast<TestType>(std::log(4 * static_cast<long double>(least)));
    kernels::activate<TestType>(Activation::softplus, 1, &deep, y, nullptr, nullptr);
    CHECK(y[0] == 4 * least);
    kernels::sigmoid<TestType>(1, &deep, y);
    CHECK(y[0] == 4 * least);
  });
}

TEST_CASE("every activation has its own name", "[base][kernels]") {
  std::vector<std::string_view> names;
  for (const Activation activation : kAllActivations) names.push_back(name(activation));
  CHECK(names == std::vector<std::string_view>{"tanh", "softplus", "silu", "sin", "relu"});
  CHECK_THROWS_AS(name(static_cast<Activation>(99)), std::invalid_argument);
}
