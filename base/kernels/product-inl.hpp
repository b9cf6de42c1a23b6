// Register-blocked products, for the kernels that end them each in their own way. Included once per target.
//
// From the outside in: `product` cuts the depth into blocks and A's rows into panels that fit L1, copying a panel where
// that pays; `ended_panel` goes through all columns of Y with one of them; `tile` (tile-inl.hpp) is a block of Y in
// registers. A product two deep goes through `plane_product` instead, and `transposed_product` chooses which factor is
// A. Every element of Y is one chain of multiply-adds, begun at zero or at Y, so that neither tile shape nor cache
// blocking can change its bits.
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

#include "base/kernels/tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

inline constexpr Index kDepth = 128;             // a packed panel of A, kMaxVectors x kDepth vectors, fits L1 (32 KB)
inline constexpr Index kColumnDepth = 64;        // of a small weight's gradient: a panel and the columns at work fit L1
inline constexpr Index kSmallProduct = 1 << 16;  // bytes
inline constexpr Index kPackStride = 1024;       // bytes: from here columns of A fall on few sets of L1; copy the panel
inline constexpr Index kPackColumns = 16;        // copying pays from so many columns of Y

/// The left factor A diag(scale); a null scale is ones.
template <class T>
struct Left {
  const Columns<const T>& A;
  const T* scale = nullptr;
};

/// n columns of a panel of kVectors vectors of rows, in tiles that only store. Y: the panel's own rows.
template <int kVectors, bool kTransposed, class T>
void plain_panel(const Panel<T>& panel, Index n, Right<kTransposed, T> B, Target<T> Y) {
  constexpr int kCols = columns(kVectors);
  for (Index j = 0, cols = 0; j < n; j += cols) {
    cols = n - j >= kCols ? kCols : n - j >= 4 ? 4 : n - j >= 2 ? 2 : 1;
    const Right<kTransposed, T> b = B.from(0, j);
    const Target<T> y = Y.from(0, j);
    if (cols == kCols) {
      tile<kVectors, kCols, 0>(panel, b, y, Store(), 0);
    } else if (cols == 4) {
      tile<kVectors, 4, 0>(panel, b, y, Store(), 0);
    } else if (cols == 2) {
      tile<kVectors, 2, 0>(panel, b, y, Store(), 0);
    } else {
      tile<kVectors, 1, 0>(panel, b, y, Store(), 0);
    }
  }
}

/// The first samples, as many as fill tiles of kGroup columns a sample, ended in registers. Returns the next column.
template <int kVectors, int kGroup, bool kTransposed, class T, class End>
Index ended_tiles(const Panel<T>& panel, Index n, Right<kTransposed, T> B, Target<T> Y, const End& end) {
  constexpr int kCols = columns(kVectors) / kGroup * kGroup;
  Index j = 0;
  for (; j + kCols <= n; j += kCols) tile<kVectors, kCols, kGroup>(panel, B.from(0, j), Y.from(0, j), end, j / kGroup);
  return j;
}

/// n columns of a panel of kVectors vectors of rows. Y: all rows.
template <int kVectors, bool kTransposed, class T, class End>
void ended_panel(const Panel<T>& panel, Index n, Right<kTransposed, T> B, Target<T> Y, const End& end) {
  const Target<T> own = Y.from(panel.i, 0);
  if constexpr (End::kPlain) {
    plain_panel<kVectors>(panel, n, B, own);
  } else {
    const Index group = end.columns();
    Index j = 0;
    if constexpr (End::kInRegisters) {
      if (kMasks || panel.rows == kVectors * HWY_LANES(T)) {
        if (group == 1) j = ended_tiles<kVectors, 1>(panel, n, B, own, end);
        if constexpr (End::kTangents) {
          if (group == 2) j = ended_tiles<kVectors, 2>(panel, n, B, own, end);
          if (group == 3) j = ended_tiles<kVectors, 3>(panel, n, B, own, end);
        }
      }
    }
    const Index step = (columns(kVectors) + group - 1) / group * group;  // whole samples, small enough for L1
    for (; j < n; j += step) {
      const Index cols = std::min(step, n - j);
      const Target<T> y = own.from(0, j);
      plain_panel<kVectors>(panel, cols, B.from(0, j), y);
      finish(end, {panel.i, panel.rows, j / group, cols / group}, static_cast<const T*>(y.data), y.ld);
    }
  }
}

/// S = H B^T beside a product with B on its right: `H` has the product's rows and B's columns. A null S is not stored.
template <class T>
struct Outer {
  const T* H = nullptr;
  T* S = nullptr;
};

/// What a product 2 deep becomes, in the plane's first and last layers: A diag(scale) B with its ending, kGroup columns
/// a sample. A and the sums over samples stay in registers while all samples pass; an element is the usual chain, which
/// begins with its first product. With kOuter also S = H B^T, which costs next to nothing.
/// Shapes  A: m x 2 without gaps; B: 2 x kGroup samples; H: m x kGroup samples; S: m x 2.
template <int kGroup, bool kOuter, class T, class End>
HWY_NOINLINE void plane_product(const Left<T>& left, const T* B, Index samples, const End& ending,
                                const Outer<T>& beside) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  constexpr int kMost = HWY_CAP_GE512 ? 4 : 1;  // as many vectors as leave registers for the endings
  const Index m = left.A.rows;
  const T *A = left.A.data, *scale = left.scale, *H = beside.H;
  T* S = beside.S;
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
            const auto column = access.load(H + (b * kGroup + c) * m + r);
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

/// Copies a panel of A diag(scale) to P, whose columns are `ldp` rows (a multiple of L), the missing ones zero. A null
/// scale is ones. Returns the panel that lies there.
template <class T>
Panel<T> pack(const Panel<T>& from, const T* scale, T* HWY_RESTRICT P, Index ldp) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  const T* A = from.A;
  const Index rows = from.rows, depth = from.depth, ld = from.ld;
  for (Index l = 0; l < depth; ++l) {
    const auto s = hn::Set(d, scale ? scale[l] : T(1));
    Index i = 0;
    for (; i + L <= rows; i += L) hn::Store(hn::Mul(s, hn::LoadU(d, A + l * ld + i)), d, P + l * ldp + i);
    if (i < rows) {
      hn::Store(hn::Mul(s, load_first(d, A + l * ld + i, static_cast<size_t>(rows - i))), d, P + l * ldp + i);
      i += L;
    }
    for (; i < ldp; i += L) hn::Store(hn::Zero(d), d, P + l * ldp + i);
  }
  return {P, ldp, depth, from.i, rows, from.into};
}

/// The panel of `vectors` vectors.
template <bool kTransposed, class T, class End>
void any_panel(Index vectors, const Panel<T>& panel, Index n, Right<kTransposed, T> B, Target<T> Y, const End& end) {
  switch (vectors) {
    case 1:
      return ended_panel<1>(panel, n, B, Y, end);
    case 2:
      return ended_panel<2>(panel, n, B, Y, end);
#if HWY_CAP_GE512
    case 3:
      return ended_panel<3>(panel, n, B, Y, end);
    default:
      return ended_panel<4>(panel, n, B, Y, end);
#endif
  }
}

/// Y = [Y +] A diag(scale) B over n columns, then the ending.
/// Shapes  A: m x depth; B: depth x n; Y: m x n.
template <bool kTransposed, class T, class End>
void product(const Left<T>& left, Index n, Right<kTransposed, T> B, Target<T> Y, Into into, const End& end) {
  constexpr Index L = HWY_LANES(T);
  HWY_ALIGN T packed[kMaxVectors * L * kDepth];
  const Index m = left.A.rows, depth = left.A.cols, ld = left.A.ld;
  const Index vectors = (m + L - 1) / L, panels = (vectors + kMaxVectors - 1) / kMaxVectors;
  const bool small = m * n * static_cast<Index>(sizeof(T)) <= kSmallProduct;
  const Index most = kTransposed && small ? kColumnDepth : kDepth;
  const Index blocks = std::max<Index>(1, (depth + most - 1) / most);
  const bool strided = ld * static_cast<Index>(sizeof(T)) >= kPackStride && n >= kPackColumns;
  for (Index block = 0; block < blocks; ++block) {
    const Index l = depth * block / blocks, block_depth = depth * (block + 1) / blocks - l;
    const Right<kTransposed, T> b = B.from(l, 0);
    const Into block_into = block > 0 ? Into::add : into;
    for (Index p = 0; p < panels; ++p) {
      const Index v = vectors * p / panels, count = vectors * (p + 1) / panels - v;
      const Index i = v * L, rows = std::min(m - i, count * L);
      Panel<T> panel{left.A.data + i + l * ld, ld, block_depth, i, rows, block_into};
      if (left.scale || strided || rows < count * L)
        panel = pack(panel, left.scale ? left.scale + l : nullptr, packed, count * L);
      if (block + 1 == blocks) {
        any_panel(count, panel, n, b, Y, end);
      } else {
        any_panel(count, panel, n, b, Y, Store());
      }
    }
  }
}

/// Y = [Y +] U X^T, each element one chain over the columns, then the ending.
/// Shapes  U: m x n; X: k x n; Y: m x k.
template <class T, class End>
void transposed_product(const Columns<const T>& U, const Columns<const T>& X, Target<T> Y, Into into, const End& end) {
  constexpr Index L = HWY_LANES(T), kRows = kMaxVectors * L;
  const Index m = U.rows, k = X.rows;
  if (2 * m > L || k <= m) return product(Left<T>{U}, k, Right<true, T>{X.data, X.ld}, Y, into, end);
  T YT[kRows * L / 2] = {};  // m is below half a vector: lanes run over k, and Y^T += X U^T is the same chain
  for (Index i = 0; i < k; i += kRows) {
    const Index rows = std::min(kRows, k - i);
    if (into == Into::add) {
      for (Index r = 0; r < m; ++r)
        for (Index c = 0; c < rows; ++c) YT[c + r * rows] = Y.data[r + (i + c) * Y.ld];
    }
    product(Left<T>{{X.data + i, rows, X.cols, X.ld}}, m, Right<true, T>{U.data, U.ld}, Target<T>{YT, rows}, into,
            Store());
    for (Index r = 0; r < m; ++r)
      for (Index c = 0; c < rows; ++c) Y.data[r + (i + c) * Y.ld] = YT[c + r * rows];
  }
  if constexpr (!End::kPlain) finish(end, {0, m, 0, k}, static_cast<const T*>(Y.data), Y.ld);
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
