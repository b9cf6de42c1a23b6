// A product is one of two: `product` (product-inl.hpp), whose lanes run over the rows of Y, or, for fewer rows than a
// quarter vector, `multiply_narrow`, whose lanes run over the depth and are added in a fixed tree.
#include "base/kernels/matmul.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/kernels/matmul.cpp"
#include "hwy/foreach_target.h"
// clang-format off: ours must follow foreach_target.h
#include "base/kernels/product-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

inline constexpr Index kNarrowDepth = 512;  // rows of a narrow A, in L1

/// Lane o of the result is the sum of the lanes of v[o], added in the same tree for every o.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> sums_of_lanes(D d, hn::Vec<D>* v) {
  HWY_UNROLL(4)
  for (size_t n = HWY_LANES(T) / 2; n > 0; n /= 2) {
    HWY_UNROLL(8)
    for (size_t o = 0; o < n; ++o)
      v[o] = hn::Add(hn::ConcatEven(d, v[2 * o + 1], v[2 * o]), hn::ConcatOdd(d, v[2 * o + 1], v[2 * o]));
  }
  return v[0];
}

/// kRows rows of a narrow product over at most kNarrowDepth: lanes run over the depth, for all rows of L / kRows
/// columns at a time.
template <int kRows, class T>
HWY_NOINLINE void narrow_rows(const Left<T>& left, Index n, Right<false, T> X, Target<T> Y, Into into) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  constexpr int kCols = L / kRows;
  const T *A = left.A.data, *scale = left.scale;
  const Index depth = left.A.cols, lda = left.A.ld, whole = depth / L * L;
  const bool add = into == Into::add;
  HWY_ALIGN T row[kRows][kNarrowDepth];
  HWY_ALIGN T sum[L];
  for (Index l = 0; l < (depth + L - 1) / L * L; ++l)
    for (int r = 0; r < kRows; ++r) row[r][l] = l < depth ? (scale ? scale[l] : T(1)) * A[r + l * lda] : T(0);
  for (Index j = 0; j < n; j += kCols) {
    const T* x[kCols];  // columns beyond the last repeat it; their sums are not written
    HWY_UNROLL(16)
    for (int c = 0; c < kCols; ++c) x[c] = X.data + std::min(j + c, n - 1) * X.ld;
    hn::Vec<decltype(d)> v[L];
    HWY_UNROLL(16)
    for (int o = 0; o < L; ++o) v[o] = hn::Zero(d);
    const auto add_products = [&](auto load, Index l) HWY_ATTR {
      HWY_UNROLL(16)
      for (int c = 0; c < kCols; ++c) {
        const auto b = load(x[c] + l);
        HWY_UNROLL(2)
        for (int r = 0; r < kRows; ++r) v[kRows * c + r] = hn::MulAdd(hn::Load(d, row[r] + l), b, v[kRows * c + r]);
      }
    };
    for (Index l = 0; l < whole; l += L) add_products([&](const T* p) HWY_ATTR { return hn::LoadU(d, p); }, l);
    if (whole < depth)
      add_products([&](const T* p) HWY_ATTR { return load_first(d, p, static_cast<size_t>(depth - whole)); }, whole);
    const auto sums = sums_of_lanes(d, v);
    if (Y.ld == kRows && j + kCols <= n) {  // they lie in memory as in the vector
      T* y = Y.data + j * Y.ld;
      hn::StoreU(add ? hn::Add(hn::LoadU(d, y), sums) : sums, d, y);
      continue;
    }
    hn::Store(sums, d, sum);
    for (Index c = 0; c < std::min<Index>(kCols, n - j); ++c)
      for (int r = 0; r < kRows; ++r) {
        T& y = Y.data[r + (j + c) * Y.ld];
        y = add ? y + sum[kRows * c + r] : sum[kRows * c + r];
      }
  }
}

/// The product for m far below a vector and k above.
template <class T>
void multiply_narrow(const Left<T>& left, Index n, Right<false, T> X, Target<T> Y, Into into) {
  const Index m = left.A.rows, k = left.A.cols, blocks = (k + kNarrowDepth - 1) / kNarrowDepth;
  for (Index block = 0; block < blocks; ++block) {
    const Index l = k * block / blocks, depth = k * (block + 1) / blocks - l;
    const Into block_into = block > 0 ? Into::add : into;
    const auto narrow = [&](auto count, Index i) {
      constexpr int kRows = decltype(count)::value;
      const Columns<const T> A(left.A.data + l * left.A.ld + i, kRows, depth, left.A.ld);
      narrow_rows<kRows>(Left<T>{A, left.scale ? left.scale + l : nullptr}, n, X.from(l, 0), Y.from(i, 0), block_into);
    };
    Index i = 0;
    for (; i + 2 <= m; i += 2) narrow(std::integral_constant<int, 2>(), i);
    if (i < m) narrow(std::integral_constant<int, 1>(), i);
  }
}

template <class T>
void multiply(const Left<T>& left, const Columns<const T>& X, const Columns<T>& Y, Into into) {
  constexpr Index L = HWY_LANES(T);
  if (4 * left.A.rows <= L && left.A.cols >= L) {  // above, a vector of rows filled in part does better
    multiply_narrow(left, X.cols, Right<false, T>{X.data, X.ld}, Target<T>{Y.data, Y.ld}, into);
  } else {
    product(left, X.cols, Right<false, T>{X.data, X.ld}, Target<T>{Y.data, Y.ld}, into, Store());
  }
}

// HWY_EXPORT takes no template arguments.
void multiply_f32(const Columns<const float>& A, const float* scale, const Columns<const float>& X,
                  const Columns<float>& Y, Into into) {
  multiply(Left<float>{A, scale}, X, Y, into);
}
void multiply_f64(const Columns<const double>& A, const double* scale, const Columns<const double>& X,
                  const Columns<double>& Y, Into into) {
  multiply(Left<double>{A, scale}, X, Y, into);
}
void multiply_transposed_add_f32(const Columns<const float>& U, const Columns<const float>& X,
                                 const Columns<float>& Y) {
  transposed_product(U, X, Target<float>{Y.data, Y.ld}, Into::add, Store());
}
void multiply_transposed_add_f64(const Columns<const double>& U, const Columns<const double>& X,
                                 const Columns<double>& Y) {
  transposed_product(U, X, Target<double>{Y.data, Y.ld}, Into::add, Store());
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cnf::kernels {
namespace {

HWY_EXPORT(multiply_f32);
HWY_EXPORT(multiply_f64);
HWY_EXPORT(multiply_transposed_add_f32);
HWY_EXPORT(multiply_transposed_add_f64);

template <class T>
bool is_matrix(const Columns<T>& m) {
  return m.rows >= 0 && m.cols >= 0 && m.ld >= m.rows;
}

template <class T>
std::string shape(const Columns<T>& m) {
  return std::to_string(m.rows) + " x " + std::to_string(m.cols) + " (columns " + std::to_string(m.ld) + " apart)";
}

template <class T>
[[noreturn]] void refuse(const std::string& product, const Columns<const T>& A, const Columns<const T>& X,
                         const Columns<T>& Y) {
  throw std::invalid_argument(product + " with shapes " + shape(Y) + ", " + shape(A) + ", " + shape(X) +
                              "; sizes must fit together and not be negative, nor columns overlap");
}

}  // namespace

template <class T>
void multiply(const Columns<const T>& A, const Columns<const T>& X, const Columns<T>& Y, Into into, const T* scale) {
  if (!is_matrix(A) || !is_matrix(X) || !is_matrix(Y) || A.rows != Y.rows || A.cols != X.rows || X.cols != Y.cols)
    refuse("multiply: Y = A X", A, X, Y);
  if constexpr (sizeof(T) == sizeof(float)) {
    HWY_DYNAMIC_DISPATCH(multiply_f32)(A, scale, X, Y, into);
  } else {
    HWY_DYNAMIC_DISPATCH(multiply_f64)(A, scale, X, Y, into);
  }
}

template <class T>
void multiply_transposed_add(const Columns<const T>& U, const Columns<const T>& X, const Columns<T>& Y) {
  if (!is_matrix(U) || !is_matrix(X) || !is_matrix(Y) || U.rows != Y.rows || X.rows != Y.cols || U.cols != X.cols)
    refuse("multiply_transposed_add: Y += U X^T", U, X, Y);
  if constexpr (sizeof(T) == sizeof(float)) {
    HWY_DYNAMIC_DISPATCH(multiply_transposed_add_f32)(U, X, Y);
  } else {
    HWY_DYNAMIC_DISPATCH(multiply_transposed_add_f64)(U, X, Y);
  }
}

template void multiply<float>(const Columns<const float>&, const Columns<const float>&, const Columns<float>&, Into,
                              const float*);
template void multiply<double>(const Columns<const double>&, const Columns<const double>&, const Columns<double>&, Into,
                               const double*);
template void multiply_transposed_add<float>(const Columns<const float>&, const Columns<const float>&,
                                             const Columns<float>&);
template void multiply_transposed_add<double>(const Columns<const double>&, const Columns<const double>&,
                                              const Columns<double>&);

}  // namespace cnf::kernels
#endif  // HWY_ONCE
