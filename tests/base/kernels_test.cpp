// Every kernel, on every instruction set this machine has, against plain loops and the standard library.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "base/kernels/functions.hpp"
#include "base/kernels/matmul.hpp"
#include "tests/guarded.hpp"
#include "tests/targets.hpp"
#include "tests/ulps.hpp"

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
  kernels::Columns<const T> in() const { return {values.data(), rows, cols, ld}; }
  kernels::Columns<T> out() const { return {values.data(), rows, cols, ld}; }
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
  kernels::multiply<T>({A.data(), A.rows(), A.cols()}, {X.data(), X.rows(), X.cols()}, {Y.data(), Y.rows(), Y.cols()});
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
        kernels::multiply<TestType>(a.in(), x.in(), y.out());
        REQUIRE(error_in_bounds<TestType>(y.get(), zero, A, X) <= 1);
        y.set(Y0);
        kernels::multiply<TestType>(a.in(), x.in(), y.out(), kernels::Into::add);
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
      kernels::multiply<TestType>({A.data(), m, k}, {X.data(), k, n}, {Y.data(), m, n}, kernels::Into::add);
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
        kernels::multiply<TestType>(a.in(), x.in(), y.out());
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
        kernels::multiply_transposed_add<TestType>(u.in(), x.in(), y.out());
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
        kernels::multiply_transposed_add<TestType>({U.data(), m, n}, {X.data(), k, n}, {once.data(), m, k});
        kernels::multiply_transposed_add<TestType>({U.data(), m, half}, {X.data(), k, half}, {twice.data(), m, k});
        kernels::multiply_transposed_add<TestType>({U.data() + half * m, m, n - half},
                                                   {X.data() + half * k, k, n - half}, {twice.data(), m, k});
        CHECK(same_bits<TestType>(once, twice));
      });
    }
  }
}

TEMPLATE_TEST_CASE("empty products write zeros or nothing and impossible shapes are refused", "[base][kernels]", float,
                   double) {
  const std::vector<TestType> six(6, 1);
  on_every_target([&](std::int64_t) {
    std::vector<TestType> y(6, 5);
    const auto in = [&](Index rows, Index cols, Index ld) {
      return kernels::Columns<const TestType>(six.data(), rows, cols, ld);
    };
    const auto out = [&](Index rows, Index cols, Index ld) {
      return kernels::Columns<TestType>(y.data(), rows, cols, ld);
    };
    kernels::multiply<TestType>(in(2, 0, 2), in(0, 3, 1), out(2, 3, 2), kernels::Into::add);
    CHECK(y == std::vector<TestType>(6, 5));
    kernels::multiply<TestType>(in(0, 3, 1), in(3, 3, 3), out(0, 3, 1));
    kernels::multiply<TestType>(in(2, 3, 2), in(3, 0, 3), out(2, 0, 2));
    kernels::multiply_transposed_add<TestType>(in(2, 0, 2), in(3, 0, 3), out(2, 3, 2));
    kernels::multiply_transposed_add<TestType>(in(0, 1, 1), in(3, 1, 3), out(0, 3, 1));
    CHECK(y == std::vector<TestType>(6, 5));
    kernels::multiply<TestType>(in(2, 0, 2), in(0, 3, 1), out(2, 3, 2));
    CHECK(y == std::vector<TestType>(6, 0));
    const auto product = [&](auto A, auto X, auto Y) { kernels::multiply<TestType>(A, X, Y); };
    const auto gradient = [&](auto U, auto X, auto Y) { kernels::multiply_transposed_add<TestType>(U, X, Y); };
    CHECK_THROWS_AS(product(in(2, 1, 1), in(1, 1, 1), out(2, 1, 2)), std::invalid_argument);  // columns overlap
    CHECK_THROWS_AS(product(in(1, 2, 1), in(2, 1, 1), out(1, 1, 1)), std::invalid_argument);
    CHECK_THROWS_AS(product(in(2, 1, 2), in(1, 1, 1), out(2, 1, 1)), std::invalid_argument);
    CHECK_THROWS_AS(product(in(1, 1, 1), in(1, -1, 1), out(1, -1, 1)), std::invalid_argument);  // negative
    CHECK_THROWS_AS(product(in(2, 1, 2), in(2, 1, 2), out(2, 1, 2)), std::invalid_argument);    // do not fit together
    CHECK_THROWS_AS(product(in(2, 1, 2), in(1, 1, 1), out(1, 1, 1)), std::invalid_argument);
    CHECK_THROWS_AS(product(in(2, 1, 2), in(1, 2, 1), out(2, 1, 2)), std::invalid_argument);
    CHECK_THROWS_AS(gradient(in(1, 1, 1), in(2, 1, 1), out(1, 2, 1)), std::invalid_argument);
    CHECK_THROWS_AS(gradient(in(1, 1, 1), in(2, 1, 2), out(1, 1, 1)), std::invalid_argument);
    CHECK_THROWS_AS(gradient(in(1, 1, 1), in(2, 2, 2), out(1, 2, 1)), std::invalid_argument);
  });
}

TEMPLATE_TEST_CASE("sigmoid keeps its documented error over the whole range and no result is flushed to zero",
                   "[base][kernels]", float, double) {
  const std::vector<TestType> x = numbers_of_every_size<TestType>();
  on_every_target([&](std::int64_t) {
    std::vector<TestType> y(x.size());
    kernels::sigmoid(static_cast<Index>(x.size()), x.data(), y.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, units_in_last_place(y[i], logistic(x[i])));
    CHECK(worst <= (std::is_same_v<TestType, float> ? 4 : 2));
    const TestType least = std::numeric_limits<TestType>::denorm_min();
    const TestType deep = static_cast<TestType>(std::log(4 * static_cast<long double>(least)));
    kernels::sigmoid<TestType>(1, &deep, y.data());
    CHECK(y[0] == 4 * least);
  });
}

TEMPLATE_TEST_CASE("sigmoid of an element has the same bits wherever it stands, in place too", "[base][kernels]", float,
                   double) {
  std::mt19937_64 generator(9);
  std::normal_distribution<TestType> normal(0, 4);
  std::vector<TestType> x(130);
  for (TestType& a : x) a = normal(generator);
  x[40] = std::numeric_limits<TestType>::quiet_NaN();
  const auto equal = [](TestType a, TestType b) {
    return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
  };
  on_every_target([&](std::int64_t) {
    std::vector<TestType> alone(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) kernels::sigmoid(1, &x[i], &alone[i]);
    for (std::size_t n = 1; n <= x.size(); n += n < 40 ? 1 : 9)
      for (const bool flush_with_end : {true, false}) {
        const Index size = static_cast<Index>(n);
        const std::size_t offset = x.size() - n;
        const Guarded<TestType> in(size, flush_with_end), y(size, flush_with_end);
        std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(offset), n, in.data());
        kernels::sigmoid<TestType>(size, in.data(), y.data());
        kernels::sigmoid<TestType>(size, in.data(), in.data());
        for (std::size_t i = 0; i < n; ++i) {
          REQUIRE(equal(y[static_cast<Index>(i)], alone[offset + i]));
          REQUIRE(equal(in[static_cast<Index>(i)], alone[offset + i]));
        }
      }
  });
}

TEMPLATE_TEST_CASE("sigmoid of a NaN is a NaN and of an infinity the limit", "[base][kernels]", float, double) {
  const TestType inf = std::numeric_limits<TestType>::infinity(), huge = std::numeric_limits<TestType>::max();
  const TestType x[] = {std::numeric_limits<TestType>::quiet_NaN(), inf, -inf, huge, -huge};
  on_every_target([&](std::int64_t) {
    TestType y[5];
    kernels::sigmoid(5, x, y);
    CHECK((std::isnan(y[0]) && y[1] == 1 && y[2] == 0 && y[3] == 1 && y[4] == 0));
  });
}
