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

/// Rows i .. i + kRows - 1 of a narrow product over `depth`: lanes run over the depth, for all rows of L / kRows
/// columns at a time. Y(i, .), X and A(i, .) begin at the depth's first row.
template <int kRows, class T>
void narrow_rows(Index depth, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy, bool accumulate,
                 const T* scale) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  constexpr int kCols = L / kRows;
  HWY_ALIGN T row[kRows][kNarrowDepth];
  HWY_ALIGN T sum[L];
  const Index whole = depth / L * L;
  for (Index l = 0; l < (depth + L - 1) / L * L; ++l)
    for (int r = 0; r < kRows; ++r) row[r][l] = l < depth ? (scale ? scale[l] : T(1)) * A[r + l * lda] : T(0);
  for (Index j = 0; j < n; j += kCols) {
    const T* x[kCols];  // columns beyond the last repeat it; their sums are not written
    HWY_UNROLL(16)
    for (int c = 0; c < kCols; ++c) x[c] = X + std::min(j + c, n - 1) * ldx;
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
    if (ldy == kRows && j + kCols <= n) {  // they lie in memory as in the vector
      T* y = Y + j * ldy;
      hn::StoreU(accumulate ? hn::Add(hn::LoadU(d, y), sums) : sums, d, y);
      continue;
    }
    hn::Store(sums, d, sum);
    for (Index c = 0; c < std::min<Index>(kCols, n - j); ++c)
      for (int r = 0; r < kRows; ++r) {
        T& y = Y[r + (j + c) * ldy];
        y = accumulate ? y + sum[kRows * c + r] : sum[kRows * c + r];
      }
  }
}

/// The product for m far below a vector and k above.
template <class T>
void multiply_narrow(Index m, Index k, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy,
                     bool accumulate, const T* scale) {
  const Index blocks = (k + kNarrowDepth - 1) / kNarrowDepth;
  for (Index block = 0; block < blocks; ++block) {
    const Index l = k * block / blocks, depth = k * (block + 1) / blocks - l;
    const bool add = accumulate || block > 0;
    const T *a = A + l * lda, *x = X + l, *s = scale ? scale + l : nullptr;
    Index i = 0;
    for (; i + 2 <= m; i += 2) narrow_rows<2>(depth, n, a + i, lda, x, ldx, Y + i, ldy, add, s);
    if (i < m) narrow_rows<1>(depth, n, a + i, lda, x, ldx, Y + i, ldy, add, s);
  }
}

template <class T>
void multiply(Index m, Index k, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy, bool accumulate,
              const T* scale) {
  constexpr Index L = HWY_LANES(T);
  if (4 * m <= L && k >= L) {  // above, a vector of rows filled in part does better
    multiply_narrow(m, k, n, A, lda, X, ldx, Y, ldy, accumulate, scale);
  } else {
    product(m, k, n, A, lda, scale, Operand<false, T>{X, ldx}, Y, ldy, accumulate, Store());
  }
}

template <class T>
void multiply_transposed_add(Index m, Index k, Index n, const T* U, Index ldu, const T* X, Index ldx, T* Y, Index ldy) {
  transposed_product(m, k, n, U, ldu, X, ldx, Y, ldy, true, Store());
}

// HWY_EXPORT takes no template arguments.
void multiply_f32(Index m, Index k, Index n, const float* A, Index lda, const float* X, Index ldx, float* Y, Index ldy,
                  bool accumulate, const float* scale) {
  multiply(m, k, n, A, lda, X, ldx, Y, ldy, accumulate, scale);
}
void multiply_f64(Index m, Index k, Index n, const double* A, Index lda, const double* X, Index ldx, double* Y,
                  Index ldy, bool accumulate, const double* scale) {
  multiply(m, k, n, A, lda, X, ldx, Y, ldy, accumulate, scale);
}
void multiply_transposed_add_f32(Index m, Index k, Index n, const float* U, Index ldu, const float* X, Index ldx,
                                 float* Y, Index ldy) {
  multiply_transposed_add(m, k, n, U, ldu, X, ldx, Y, ldy);
}
void multiply_transposed_add_f64(Index m, Index k, Index n, const double* U, Index ldu, const double* X, Index ldx,
                                 double* Y, Index ldy) {
  multiply_transposed_add(m, k, n, U, ldu, X, ldx, Y, ldy);
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

[[noreturn]] void refuse(const char* function, Index m, Index k, Index n, Index ld0, Index ld1, Index ld2) {
  throw std::invalid_argument(std::string(function) + ": m, k, n = " + std::to_string(m) + ", " + std::to_string(k) +
                              ", " + std::to_string(n) + " with leading dimensions " + std::to_string(ld0) + ", " +
                              std::to_string(ld1) + ", " + std::to_string(ld2) +
                              "; sizes must not be negative, nor a leading dimension below its rows");
}

}  // namespace

template <class T>
void multiply(Index m, Index k, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy, bool accumulate,
              const T* scale) {
  if (m < 0 || k < 0 || n < 0 || lda < m || ldx < k || ldy < m) refuse("multiply", m, k, n, lda, ldx, ldy);
  if constexpr (sizeof(T) == sizeof(float)) {
    HWY_DYNAMIC_DISPATCH(multiply_f32)(m, k, n, A, lda, X, ldx, Y, ldy, accumulate, scale);
  } else {
    HWY_DYNAMIC_DISPATCH(multiply_f64)(m, k, n, A, lda, X, ldx, Y, ldy, accumulate, scale);
  }
}

template <class T>
void multiply_transposed_add(Index m, Index k, Index n, const T* U, Index ldu, const T* X, Index ldx, T* Y, Index ldy) {
  if (m < 0 || k < 0 || n < 0 || ldu < m || ldx < k || ldy < m)
    refuse("multiply_transposed_add", m, k, n, ldu, ldx, ldy);
  if constexpr (sizeof(T) == sizeof(float)) {
    HWY_DYNAMIC_DISPATCH(multiply_transposed_add_f32)(m, k, n, U, ldu, X, ldx, Y, ldy);
  } else {
    HWY_DYNAMIC_DISPATCH(multiply_transposed_add_f64)(m, k, n, U, ldu, X, ldx, Y, ldy);
  }
}

template void multiply<float>(Index, Index, Index, const float*, Index, const float*, Index, float*, Index, bool,
                              const float*);
template void multiply<double>(Index, Index, Index, const double*, Index, const double*, Index, double*, Index, bool,
                               const double*);
template void multiply_transposed_add<float>(Index, Index, Index, const float*, Index, const float*, Index, float*,
                                             Index);
template void multiply_transposed_add<double>(Index, Index, Index, const double*, Index, const double*, Index, double*,
                                              Index);

}  // namespace cnf::kernels
#endif  // HWY_ONCE
