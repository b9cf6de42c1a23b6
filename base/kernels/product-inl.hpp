// Register-blocked products, for the kernels that end them each in their own way. Included once per target.
//
// One tile of Y stays in registers while the depth runs; every element of Y is one chain of multiply-adds, begun at
// zero or at Y, so that neither tile shape nor cache blocking can change its bits.
// clang-format off
#if defined(CNF_BASE_KERNELS_PRODUCT_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef CNF_BASE_KERNELS_PRODUCT_INL_HPP
#undef CNF_BASE_KERNELS_PRODUCT_INL_HPP
#else
#define CNF_BASE_KERNELS_PRODUCT_INL_HPP
#endif
// clang-format on

#include <algorithm>
#include <type_traits>

#include "base/kernels/partial-inl.hpp"
#include "base/types.hpp"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

// A tile of Y is v vectors by columns(v) columns. 32 registers hold 4 x 6 or 3 x 8 sums, 16 hold 2 x 6; a
// multiply-add takes 4 cycles, two start each cycle, so at least 8 sums keep the pipes full.
inline constexpr int kMaxVectors = HWY_CAP_GE512 ? 4 : 2;
HWY_INLINE constexpr int columns(int vectors) {
  return HWY_CAP_GE512 ? (vectors == 4 ? 6 : 8) : (vectors == 2 ? 6 : 8);
}
inline constexpr bool kMasks = HWY_CAP_GE512;    // a vector's first lanes cost no more than the whole
inline constexpr Index kDepth = 128;             // a packed panel of A, kMaxVectors x kDepth vectors, fits L1 (32 KB)
inline constexpr Index kColumnDepth = 64;        // of a small weight's gradient: a panel and the columns at work fit L1
inline constexpr Index kSmallProduct = 1 << 16;  // bytes
inline constexpr Index kPackStride = 1024;       // bytes: from here columns of A fall on few sets of L1; copy the panel
inline constexpr Index kPackColumns = 16;        // copying pays from so many columns of Y

/// The depth x columns operand: B(l, j) = p[l + j ld], or p[j + l ld] if transposed.
template <bool kTransposed, class T>
struct Operand {
  const T* p;
  Index ld;
  HWY_INLINE Operand from(Index l, Index j) const { return {kTransposed ? p + j + l * ld : p + l + j * ld, ld}; }
  HWY_INLINE T operator()(Index l, Index j) const { return kTransposed ? p[j + l * ld] : p[l + j * ld]; }
};

/// A whole vector of rows, and the first few rows of one.
template <class T>
struct Whole {
  HWY_INLINE hn::Vec<hn::ScalableTag<T>> load(const T* p) const { return hn::LoadU(hn::ScalableTag<T>(), p); }
  HWY_INLINE void store(hn::Vec<hn::ScalableTag<T>> v, T* p) const { hn::StoreU(v, hn::ScalableTag<T>(), p); }
};
template <class T>
struct First {
  size_t count;
  HWY_INLINE hn::Vec<hn::ScalableTag<T>> load(const T* p) const { return load_first(hn::ScalableTag<T>(), p, count); }
  HWY_INLINE void store(hn::Vec<hn::ScalableTag<T>> v, T* p) const { store_first(v, hn::ScalableTag<T>(), p, count); }
};

/// How a product ends: what happens to its columns once they are complete. They come in groups, one a sample: the
/// value's column, then those of its C tangents. An ending has
///   columns()                       1 + C
///   begin(access, r, b)             a State for rows r, r + 1, ... of sample b
///   value(access, y, r, b, state)   takes a vector of the value's column and returns what is to be summed over samples
///   tangent(access, y, r, b, c, state)   the same for tangent c; nothing is summed
///   total(access, sum, r)           takes such sums, if kSums; a row's arrive in several parts
///   kValueFirst                     the order of a sample's columns: value, then tangents, or the reverse
///   kInRegisters, kTangents         whether passing y on in registers is worth the code; with tangents too
///   fix_tangents(count)             tells C before a loop, as a constant
///   kPlain                          that there is none of all this: the product is only stored
struct Store {
  static constexpr bool kPlain = true, kInRegisters = false;
};

/// One sample's columns through an ending: C from the type (kGroup - 1) or from the ending (kGroup 0). y(c) is column
/// c.
template <int kGroup, class End, class Access, class Y>
HWY_INLINE auto end_sample(const End& end, Access access, Index r, Index b, const Y& y) {
  const Index C = kGroup > 0 ? kGroup - 1 : end.columns() - 1;
  auto state = end.begin(access, r, b);
  if constexpr (End::kValueFirst) {
    const auto part = end.value(access, y(0), r, b, state);
    HWY_UNROLL(4)
    for (Index c = 0; c < C; ++c) end.tangent(access, y(1 + c), r, b, c, state);
    return part;
  } else {
    HWY_UNROLL(4)
    for (Index c = 0; c < C; ++c) end.tangent(access, y(1 + c), r, b, c, state);
    return end.value(access, y(0), r, b, state);
  }
}

/// Y(rows x kCols) = [Y +] A B over `depth`; A has kVectors full vectors of rows, Y has `rows` of them. With an ending
/// (kGroup > 0) the block begins at row i and sample b0, and the ending stores; without masks all vectors are whole.
template <int kVectors, int kCols, int kGroup, bool kTransposed, class T, class End>
HWY_NOINLINE void tile(Index rows, Index depth, const T* HWY_RESTRICT A, Index lda, Operand<kTransposed, T> B, T* Y,
                       Index ldy, bool accumulate, const End& ending, Index i, Index b0) {
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
  HWY_UNROLL(4)  // else the loop's end is mispredicted every time
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
  if constexpr (kGroup > 0) {
    const End end = ending;  // a copy: through the reference it would be read again after every store
    const auto end_rows = [&](auto access, int v) HWY_ATTR {
      auto total = hn::Zero(d);
      HWY_UNROLL(8)
      for (int b = 0; b < kCols / kGroup; ++b) {
        const auto part = end_sample<kGroup>(end, access, i + v * L, b0 + b,
                                             [&](Index c) HWY_ATTR { return sum[b * kGroup + c][v]; });
        if constexpr (End::kSums) total = hn::Add(total, part);
      }
      if constexpr (End::kSums) end.total(access, total, i + v * L);
    };
    HWY_UNROLL(4)
    for (int v = 0; v + 1 < kVectors; ++v) end_rows(Whole<T>{}, v);
    if constexpr (kMasks) {
      end_rows(First<T>{last}, kVectors - 1);
    } else {
      end_rows(Whole<T>{}, kVectors - 1);
    }
  } else {
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
}

/// Ends samples b .. b + samples - 1, whose columns lie complete in memory from Y on.
template <class T, class End>
HWY_NOINLINE void finish(const End& ending, Index i, Index rows, Index b, Index samples, const T* Y, Index ldy) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  const End end = ending;
  const auto every_sample = [&](auto access, Index r) HWY_ATTR {
    auto total = hn::Zero(d);
    for (Index q = 0; q < samples; ++q) {
      const T* y = Y + q * end.columns() * ldy + r;
      const auto part =
          end_sample<0>(end, access, i + r, b + q, [&](Index c) HWY_ATTR { return access.load(y + c * ldy); });
      if constexpr (End::kSums) total = hn::Add(total, part);
    }
    if constexpr (End::kSums) end.total(access, total, i + r);
  };
  Index r = 0;
  for (; r + L <= rows; r += L) every_sample(Whole<T>{}, r);
  if (r < rows) every_sample(First<T>{static_cast<size_t>(rows - r)}, r);
}

/// Columns 0 .. n - 1 of a panel of kVectors vectors of rows, in tiles that only store.
template <int kVectors, bool kTransposed, class T>
void plain_panel(Index rows, Index depth, Index n, const T* A, Index lda, Operand<kTransposed, T> B, T* Y, Index ldy,
                 bool accumulate) {
  constexpr int kCols = columns(kVectors);
  for (Index j = 0, cols = 0; j < n; j += cols) {
    T* y = Y + j * ldy;
    const auto b = B.from(0, j);
    cols = n - j >= kCols ? kCols : n - j >= 4 ? 4 : n - j >= 2 ? 2 : 1;
    if (cols == kCols) {
      tile<kVectors, kCols, 0>(rows, depth, A, lda, b, y, ldy, accumulate, Store(), 0, 0);
    } else if (cols == 4) {
      tile<kVectors, 4, 0>(rows, depth, A, lda, b, y, ldy, accumulate, Store(), 0, 0);
    } else if (cols == 2) {
      tile<kVectors, 2, 0>(rows, depth, A, lda, b, y, ldy, accumulate, Store(), 0, 0);
    } else {
      tile<kVectors, 1, 0>(rows, depth, A, lda, b, y, ldy, accumulate, Store(), 0, 0);
    }
  }
}

/// The whole samples from `j` on that fill tiles of kGroup columns a sample, ended in registers. Returns the next
/// column.
template <int kVectors, int kGroup, bool kTransposed, class T, class End>
Index ended_tiles(Index i, Index rows, Index depth, Index n, const T* A, Index lda, Operand<kTransposed, T> B, T* Y,
                  Index ldy, bool accumulate, const End& end) {
  constexpr int kCols = columns(kVectors) / kGroup * kGroup;
  Index j = 0;
  for (; j + kCols <= n; j += kCols)
    tile<kVectors, kCols, kGroup>(rows, depth, A, lda, B.from(0, j), Y + i + j * ldy, ldy, accumulate, end, i,
                                  j / kGroup);
  return j;
}

/// All n columns of a panel of kVectors vectors of rows, which begins at row i of Y.
template <int kVectors, bool kTransposed, class T, class End>
void panel(Index i, Index rows, Index depth, Index n, const T* A, Index lda, Operand<kTransposed, T> B, T* Y, Index ldy,
           bool accumulate, const End& end) {
  if constexpr (End::kPlain) {
    plain_panel<kVectors>(rows, depth, n, A, lda, B, Y + i, ldy, accumulate);
  } else {
    const Index group = end.columns();
    Index j = 0;
    if constexpr (End::kInRegisters) {
      if (kMasks || rows == kVectors * HWY_LANES(T)) {
        if (group == 1) j = ended_tiles<kVectors, 1>(i, rows, depth, n, A, lda, B, Y, ldy, accumulate, end);
        if constexpr (End::kTangents) {
          if (group == 2) j = ended_tiles<kVectors, 2>(i, rows, depth, n, A, lda, B, Y, ldy, accumulate, end);
          if (group == 3) j = ended_tiles<kVectors, 3>(i, rows, depth, n, A, lda, B, Y, ldy, accumulate, end);
        }
      }
    }
    const Index step = (columns(kVectors) + group - 1) / group * group;  // whole samples, small enough for L1
    for (; j < n; j += step) {
      const Index cols = std::min(step, n - j);
      T* y = Y + i + j * ldy;
      plain_panel<kVectors>(rows, depth, cols, A, lda, B.from(0, j), y, ldy, accumulate);
      finish(end, i, rows, j / group, cols / group, static_cast<const T*>(y), ldy);
    }
  }
}

/// What a product 2 deep becomes, in the plane's first and last layers: Y = A diag(scale) B with its ending, A and the
/// sums over samples staying in registers while all samples pass; a chain begins with its first product. With kOuter
/// also S = X B^T, for X in Y's place: it costs next to nothing, so a null S is only not stored.
/// Shapes  A: m x 2; scale: 2, or null for ones; B: 2 x kGroup samples; X: m x kGroup samples; S: m x 2, or null.
template <int kGroup, bool kOuter, class T, class End>
HWY_NOINLINE void plane_product(Index m, Index samples, const T* A, const T* scale, const T* B, const End& ending,
                                const T* X, T* S) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  constexpr int kMost = HWY_CAP_GE512 ? 4 : 1;  // as many vectors as leave registers for the endings
  End end = ending;
  end.fix_tangents(kGroup - 1);
  const auto every_sample = [&](auto vectors, auto access, Index i) HWY_ATTR {
    constexpr int kVectors = decltype(vectors)::value;
    hn::Vec<decltype(d)> a[2][kVectors], outer[2][kVectors], total[kVectors];
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      HWY_UNROLL(2)
      for (int l = 0; l < 2; ++l) {
        a[l][v] = hn::Mul(hn::Set(d, scale ? scale[l] : T(1)), access.load(A + l * m + i + v * L));
        outer[l][v] = hn::Zero(d);
      }
      total[v] = hn::Zero(d);
    }
    for (Index b = 0; b < samples; ++b) {
      const T* x = B + b * 2 * kGroup;
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        const Index r = i + v * L;
        const auto part = end_sample<kGroup>(end, access, r, b, [&](Index c) HWY_ATTR {
          return hn::MulAdd(a[1][v], hn::Set(d, x[2 * c + 1]), hn::Mul(a[0][v], hn::Set(d, x[2 * c])));
        });
        if constexpr (End::kSums) total[v] = hn::Add(total[v], part);
        if constexpr (kOuter) {
          HWY_UNROLL(4)
          for (Index c = 0; c < kGroup; ++c) {
            const auto column = access.load(X + (b * kGroup + c) * m + r);
            HWY_UNROLL(2)
            for (int l = 0; l < 2; ++l) outer[l][v] = hn::MulAdd(column, hn::Set(d, x[2 * c + l]), outer[l][v]);
          }
        }
      }
    }
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      if constexpr (End::kSums) end.total(access, total[v], i + v * L);
      if (kOuter && S) {
        HWY_UNROLL(2)
        for (int l = 0; l < 2; ++l) access.store(outer[l][v], S + l * m + i + v * L);
      }
    }
  };
  const std::integral_constant<int, 1> one;
  Index i = 0;
  for (; i + kMost * L <= m; i += kMost * L) every_sample(std::integral_constant<int, kMost>(), Whole<T>{}, i);
  for (; i + L <= m; i += L) every_sample(one, Whole<T>{}, i);
  if (i < m) every_sample(one, First<T>{static_cast<size_t>(m - i)}, i);
}

/// Copies rows x depth of A diag(scale) to P, whose columns are `ldp` rows (a multiple of L), the missing ones zero.
/// A null scale is ones.
template <class T>
void pack(Index rows, Index depth, const T* A, Index lda, const T* scale, T* HWY_RESTRICT P, Index ldp) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  for (Index l = 0; l < depth; ++l) {
    const auto s = hn::Set(d, scale ? scale[l] : T(1));
    Index i = 0;
    for (; i + L <= rows; i += L) hn::Store(hn::Mul(s, hn::LoadU(d, A + l * lda + i)), d, P + l * ldp + i);
    if (i < rows) {
      hn::Store(hn::Mul(s, load_first(d, A + l * lda + i, static_cast<size_t>(rows - i))), d, P + l * ldp + i);
      i += L;
    }
    for (; i < ldp; i += L) hn::Store(hn::Zero(d), d, P + l * ldp + i);
  }
}

/// The panel of `vectors` vectors.
template <bool kTransposed, class T, class End>
void any_panel(Index vectors, Index i, Index rows, Index depth, Index n, const T* A, Index lda,
               Operand<kTransposed, T> B, T* Y, Index ldy, bool accumulate, const End& end) {
  switch (vectors) {
    case 1:
      return panel<1>(i, rows, depth, n, A, lda, B, Y, ldy, accumulate, end);
    case 2:
      return panel<2>(i, rows, depth, n, A, lda, B, Y, ldy, accumulate, end);
#if HWY_CAP_GE512
    case 3:
      return panel<3>(i, rows, depth, n, A, lda, B, Y, ldy, accumulate, end);
    default:
      return panel<4>(i, rows, depth, n, A, lda, B, Y, ldy, accumulate, end);
#endif
  }
}

/// Y(m x n) = [Y +] A(m x depth) diag(scale) B(depth x n), then the ending; a null scale is ones.
template <bool kTransposed, class T, class End>
void product(Index m, Index depth, Index n, const T* A, Index lda, const T* scale, Operand<kTransposed, T> B, T* Y,
             Index ldy, bool accumulate, const End& end) {
  constexpr Index L = HWY_LANES(T);
  HWY_ALIGN T packed[kMaxVectors * L * kDepth];
  const Index vectors = (m + L - 1) / L, panels = (vectors + kMaxVectors - 1) / kMaxVectors;
  const bool small = m * n * static_cast<Index>(sizeof(T)) <= kSmallProduct;
  const Index most = kTransposed && small ? kColumnDepth : kDepth;
  const Index blocks = std::max<Index>(1, (depth + most - 1) / most);
  const bool strided = lda * static_cast<Index>(sizeof(T)) >= kPackStride && n >= kPackColumns;
  for (Index block = 0; block < blocks; ++block) {
    const Index l = depth * block / blocks, block_depth = depth * (block + 1) / blocks - l;
    const bool add = accumulate || block > 0;
    for (Index p = 0; p < panels; ++p) {
      const Index v = vectors * p / panels, count = vectors * (p + 1) / panels - v;
      const Index i = v * L, rows = std::min(m - i, count * L);
      const T* a = A + i + l * lda;
      Index ld = lda;
      if (scale || strided || rows < count * L) {
        pack(rows, block_depth, a, lda, scale ? scale + l : nullptr, packed, count * L);
        a = packed;
        ld = count * L;
      }
      if (block + 1 == blocks) {
        any_panel(count, i, rows, block_depth, n, a, ld, B.from(l, 0), Y, ldy, add, end);
      } else {
        any_panel(count, i, rows, block_depth, n, a, ld, B.from(l, 0), Y, ldy, add, Store());
      }
    }
  }
}

/// Y(m x k) = [Y +] U(m x n) X(k x n)^T, each element one chain over the columns.
template <class T, class End>
void transposed_product(Index m, Index k, Index n, const T* U, Index ldu, const T* X, Index ldx, T* Y, Index ldy,
                        bool accumulate, const End& end) {
  constexpr Index L = HWY_LANES(T), kRows = kMaxVectors * L;
  if (2 * m > L || k <= m)
    return product(m, n, k, U, ldu, static_cast<const T*>(nullptr), Operand<true, T>{X, ldx}, Y, ldy, accumulate, end);
  T YT[kRows * L / 2] = {};  // m is below half a vector: lanes run over k, and Y^T += X U^T is the same chain
  for (Index i = 0; i < k; i += kRows) {
    const Index rows = std::min(kRows, k - i);
    if (accumulate) {
      for (Index r = 0; r < m; ++r)
        for (Index c = 0; c < rows; ++c) YT[c + r * rows] = Y[r + (i + c) * ldy];
    }
    product(rows, n, m, X + i, ldx, static_cast<const T*>(nullptr), Operand<true, T>{U, ldu}, YT, rows, accumulate,
            Store());
    for (Index r = 0; r < m; ++r)
      for (Index c = 0; c < rows; ++c) Y[r + (i + c) * ldy] = YT[c + r * rows];
  }
  if constexpr (!End::kPlain) finish(end, 0, m, 0, k, static_cast<const T*>(Y), ldy);
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
