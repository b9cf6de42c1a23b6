// Register-blocked products. One tile of Y stays in registers while the depth runs; every element of Y is one chain of
// multiply-adds, begun at zero or at Y, so that neither tile shape nor cache blocking can change its bits.
#include "base/kernels/matmul.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/kernels/matmul.cpp"
#include "hwy/foreach_target.h"
// clang-format off: highway.h must follow foreach_target.h, and ours must follow both
#include "base/kernels/partial-inl.hpp"
#include "hwy/highway.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

// A tile of Y is v vectors by kColumns(v) columns. 32 registers hold 4 x 6 or 3 x 8 sums, 16 hold 2 x 6; a
// multiply-add takes 4 cycles, two start each cycle, so at least 8 sums keep the pipes full.
inline constexpr int kMaxVectors = HWY_CAP_GE512 ? 4 : 2;
HWY_INLINE constexpr int columns(int vectors) {
  return HWY_CAP_GE512 ? (vectors == 4 ? 6 : 8) : (vectors == 2 ? 6 : 8);
}
inline constexpr Index kDepth = 128;        // a packed panel of A, kMaxVectors x kDepth vectors, fits L1 (32 KB)
inline constexpr Index kNarrowDepth = 512;  // the same for the rows of a narrow A
inline constexpr Index kPackStride = 1024;  // bytes: from here columns of A fall on few sets of L1; copy the panel
inline constexpr Index kPackColumns = 16;   // copying pays from so many columns of Y

/// The depth x columns operand: B(l, j) = p[l + j ld], or p[j + l ld] if transposed.
template <bool kTransposed, class T>
struct Operand {
  const T* p;
  Index ld;
  HWY_INLINE Operand from(Index l, Index j) const { return {kTransposed ? p + j + l * ld : p + l + j * ld, ld}; }
  HWY_INLINE T operator()(Index l, Index j) const { return kTransposed ? p[j + l * ld] : p[l + j * ld]; }
};

/// Y(rows x kCols) = [Y +] A B over `depth`; A has kVectors full vectors of rows, Y has `rows` of them.
template <int kVectors, int kCols, bool kTransposed, class T>
HWY_NOINLINE void tile(Index rows, Index depth, const T* HWY_RESTRICT A, Index lda, Operand<kTransposed, T> B,
                       T* HWY_RESTRICT Y, Index ldy, bool accumulate) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  const size_t last = static_cast<size_t>(rows - (kVectors - 1) * L);  // rows in the last vector
  const bool full = last == static_cast<size_t>(L);
  hn::Vec<decltype(d)> sum[kCols][kVectors];
  if (accumulate) {
    HWY_UNROLL(8)
    for (int j = 0; j < kCols; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v + 1 < kVectors; ++v) sum[j][v] = hn::LoadU(d, Y + j * ldy + v * L);
      const T* y = Y + j * ldy + (kVectors - 1) * L;
      sum[j][kVectors - 1] = full ? hn::LoadU(d, y) : load_first(d, y, last);
    }
  } else {
    HWY_UNROLL(8)
    for (int j = 0; j < kCols; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sum[j][v] = hn::Zero(d);
    }
  }
  for (Index l = 0; l < depth; ++l) {
    hn::Vec<decltype(d)> a[kVectors];
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) a[v] = hn::LoadU(d, A + l * lda + v * L);
    HWY_UNROLL(8)
    for (int j = 0; j < kCols; ++j) {
      const auto b = hn::Set(d, B(l, j));
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sum[j][v] = hn::MulAdd(a[v], b, sum[j][v]);
    }
  }
  HWY_UNROLL(8)
  for (int j = 0; j < kCols; ++j) {
    HWY_UNROLL(4)
    for (int v = 0; v + 1 < kVectors; ++v) hn::StoreU(sum[j][v], d, Y + j * ldy + v * L);
    T* y = Y + j * ldy + (kVectors - 1) * L;
    if (full) {
      hn::StoreU(sum[j][kVectors - 1], d, y);
    } else {
      store_first(sum[j][kVectors - 1], d, y, last);
    }
  }
}

/// All n columns of a panel of kVectors vectors of rows.
template <int kVectors, bool kTransposed, class T>
void panel(Index rows, Index depth, Index n, const T* A, Index lda, Operand<kTransposed, T> B, T* Y, Index ldy,
           bool accumulate) {
  constexpr int kCols = columns(kVectors);
  Index j = 0;
  for (; j + kCols <= n; j += kCols)
    tile<kVectors, kCols>(rows, depth, A, lda, B.from(0, j), Y + j * ldy, ldy, accumulate);
  for (; j + 4 <= n; j += 4) tile<kVectors, 4>(rows, depth, A, lda, B.from(0, j), Y + j * ldy, ldy, accumulate);
  for (; j + 2 <= n; j += 2) tile<kVectors, 2>(rows, depth, A, lda, B.from(0, j), Y + j * ldy, ldy, accumulate);
  if (j < n) tile<kVectors, 1>(rows, depth, A, lda, B.from(0, j), Y + j * ldy, ldy, accumulate);
}

/// Copies rows x depth of A to P, whose columns are `ldp` rows (a multiple of L), the missing ones zero.
template <class T>
void pack(Index rows, Index depth, const T* A, Index lda, T* HWY_RESTRICT P, Index ldp) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  for (Index l = 0; l < depth; ++l) {
    Index i = 0;
    for (; i + L <= rows; i += L) hn::Store(hn::LoadU(d, A + l * lda + i), d, P + l * ldp + i);
    if (i < rows) {
      hn::Store(load_first(d, A + l * lda + i, static_cast<size_t>(rows - i)), d, P + l * ldp + i);
      i += L;
    }
    for (; i < ldp; i += L) hn::Store(hn::Zero(d), d, P + l * ldp + i);
  }
}

/// Y(m x n) = [Y +] A(m x depth) B(depth x n).
template <bool kTransposed, class T>
void product(Index m, Index depth, Index n, const T* A, Index lda, Operand<kTransposed, T> B, T* Y, Index ldy,
             bool accumulate) {
  constexpr Index L = HWY_LANES(T);
  HWY_ALIGN T packed[kMaxVectors * L * kDepth];
  const Index vectors = (m + L - 1) / L, panels = (vectors + kMaxVectors - 1) / kMaxVectors;
  const Index blocks = std::max<Index>(1, (depth + kDepth - 1) / kDepth);
  const bool strided = lda * static_cast<Index>(sizeof(T)) >= kPackStride && n >= kPackColumns;
  for (Index block = 0; block < blocks; ++block) {
    const Index l = depth * block / blocks, block_depth = depth * (block + 1) / blocks - l;
    const bool add = accumulate || block > 0;
    for (Index p = 0; p < panels; ++p) {
      const Index v = vectors * p / panels, count = vectors * (p + 1) / panels - v;
      const Index i = v * L, rows = std::min(m - i, count * L);
      const T* a = A + i + l * lda;
      Index ld = lda;
      if (strided || rows < count * L) {
        pack(rows, block_depth, a, lda, packed, count * L);
        a = packed;
        ld = count * L;
      }
      const auto b = B.from(l, 0);
      switch (count) {
        case 1:
          panel<1>(rows, block_depth, n, a, ld, b, Y + i, ldy, add);
          break;
        case 2:
          panel<2>(rows, block_depth, n, a, ld, b, Y + i, ldy, add);
          break;
#if HWY_CAP_GE512
        case 3:
          panel<3>(rows, block_depth, n, a, ld, b, Y + i, ldy, add);
          break;
        default:
          panel<4>(rows, block_depth, n, a, ld, b, Y + i, ldy, add);
          break;
#endif
      }
    }
  }
}

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

/// The product for m far below a vector and k above: lanes run over k, two rows by L / 2 columns at a time.
template <class T>
void multiply_narrow(Index m, Index k, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy,
                     bool accumulate) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  constexpr int kCols = L / 2;
  HWY_ALIGN T row[2][kNarrowDepth];
  HWY_ALIGN T sum[L];
  const Index blocks = (k + kNarrowDepth - 1) / kNarrowDepth;
  for (Index block = 0; block < blocks; ++block) {
    const Index l0 = k * block / blocks, depth = k * (block + 1) / blocks - l0, whole = depth / L * L;
    const bool add = accumulate || block > 0;
    for (Index i = 0; i < m; i += 2) {
      const Index rows = std::min<Index>(2, m - i);
      for (Index r = 0; r < 2; ++r)
        for (Index l = 0; l < (depth + L - 1) / L * L; ++l)
          row[r][l] = r < rows && l < depth ? A[i + r + (l0 + l) * lda] : T(0);
      for (Index j = 0; j < n; j += kCols) {
        const T* x[kCols];  // columns beyond the last repeat it; their sums are not written
        HWY_UNROLL(8)
        for (int c = 0; c < kCols; ++c) x[c] = X + std::min(j + c, n - 1) * ldx + l0;
        hn::Vec<decltype(d)> v[2 * kCols];
        HWY_UNROLL(16)
        for (int o = 0; o < 2 * kCols; ++o) v[o] = hn::Zero(d);
        for (Index l = 0; l < whole; l += L) {
          const auto a0 = hn::Load(d, row[0] + l), a1 = hn::Load(d, row[1] + l);
          HWY_UNROLL(8)
          for (int c = 0; c < kCols; ++c) {
            const auto b = hn::LoadU(d, x[c] + l);
            v[2 * c] = hn::MulAdd(a0, b, v[2 * c]);
            v[2 * c + 1] = hn::MulAdd(a1, b, v[2 * c + 1]);
          }
        }
        if (whole < depth) {
          const auto a0 = hn::Load(d, row[0] + whole), a1 = hn::Load(d, row[1] + whole);
          HWY_UNROLL(8)
          for (int c = 0; c < kCols; ++c) {
            const auto b = load_first(d, x[c] + whole, static_cast<size_t>(depth - whole));
            v[2 * c] = hn::MulAdd(a0, b, v[2 * c]);
            v[2 * c + 1] = hn::MulAdd(a1, b, v[2 * c + 1]);
          }
        }
        hn::Store(sums_of_lanes(d, v), d, sum);
        for (Index c = 0; c < std::min<Index>(kCols, n - j); ++c)
          for (Index r = 0; r < rows; ++r) {
            T& y = Y[i + r + (j + c) * ldy];
            y = add ? y + sum[2 * c + r] : sum[2 * c + r];
          }
      }
    }
  }
}

template <class T>
void multiply(Index m, Index k, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy,
              bool accumulate) {
  constexpr Index L = HWY_LANES(T);
  if (4 * m <= L && k >= L) {  // above, a vector of rows filled in part does better
    multiply_narrow(m, k, n, A, lda, X, ldx, Y, ldy, accumulate);
  } else {
    product(m, k, n, A, lda, Operand<false, T>{X, ldx}, Y, ldy, accumulate);
  }
}

template <class T>
void multiply_transposed_add(Index m, Index k, Index n, const T* U, Index ldu, const T* X, Index ldx, T* Y, Index ldy) {
  constexpr Index L = HWY_LANES(T), kRows = kMaxVectors * L;
  if (2 * m > L || k <= m) {
    product(m, n, k, U, ldu, Operand<true, T>{X, ldx}, Y, ldy, true);
    return;
  }
  T YT[kRows * L / 2];  // m is below half a vector: lanes run over k, and Y^T += X U^T is the same chain
  for (Index i = 0; i < k; i += kRows) {
    const Index rows = std::min(kRows, k - i);
    for (Index r = 0; r < m; ++r)
      for (Index c = 0; c < rows; ++c) YT[c + r * rows] = Y[r + (i + c) * ldy];
    product(rows, n, m, X + i, ldx, Operand<true, T>{U, ldu}, YT, rows, true);
    for (Index r = 0; r < m; ++r)
      for (Index c = 0; c < rows; ++c) Y[r + (i + c) * ldy] = YT[c + r * rows];
  }
}

// HWY_EXPORT takes no template arguments.
void multiply_f32(Index m, Index k, Index n, const float* A, Index lda, const float* X, Index ldx, float* Y, Index ldy,
                  bool accumulate) {
  multiply(m, k, n, A, lda, X, ldx, Y, ldy, accumulate);
}
void multiply_f64(Index m, Index k, Index n, const double* A, Index lda, const double* X, Index ldx, double* Y,
                  Index ldy, bool accumulate) {
  multiply(m, k, n, A, lda, X, ldx, Y, ldy, accumulate);
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
void multiply(Index m, Index k, Index n, const T* A, Index lda, const T* X, Index ldx, T* Y, Index ldy,
              bool accumulate) {
  if (m < 0 || k < 0 || n < 0 || lda < m || ldx < k || ldy < m) refuse("multiply", m, k, n, lda, ldx, ldy);
  if constexpr (sizeof(T) == sizeof(float)) {
    HWY_DYNAMIC_DISPATCH(multiply_f32)(m, k, n, A, lda, X, ldx, Y, ldy, accumulate);
  } else {
    HWY_DYNAMIC_DISPATCH(multiply_f64)(m, k, n, A, lda, X, ldx, Y, ldy, accumulate);
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

template void multiply<float>(Index, Index, Index, const float*, Index, const float*, Index, float*, Index, bool);
template void multiply<double>(Index, Index, Index, const double*, Index, const double*, Index, double*, Index, bool);
template void multiply_transposed_add<float>(Index, Index, Index, const float*, Index, const float*, Index, float*,
                                             Index);
template void multiply_transposed_add<double>(Index, Index, Index, const double*, Index, const double*, Index, double*,
                                              Index);

}  // namespace cnf::kernels
#endif  // HWY_ONCE
