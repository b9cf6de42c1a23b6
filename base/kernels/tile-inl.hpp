// The innermost part of a product: a block of Y in registers while the depth runs, and how it ends. Included once per
// target.
//
// Every element of Y is one chain of multiply-adds, begun at zero or at Y, whatever the tile's shape.
// clang-format off
#if defined(CNF_BASE_KERNELS_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef CNF_BASE_KERNELS_TILE_INL_HPP
#undef CNF_BASE_KERNELS_TILE_INL_HPP
#else
#define CNF_BASE_KERNELS_TILE_INL_HPP
#endif
// clang-format on

#include "base/kernels/columns.hpp"
#include "base/kernels/partial-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

// A tile of Y is v vectors by columns(v) columns. 32 registers hold 4 x 6 or 3 x 8 sums, 16 hold 2 x 6; a
// multiply-add takes 4 cycles, two start each cycle, so at least 8 sums keep the pipes full.
inline constexpr int kMaxVectors = HWY_CAP_GE512 ? 4 : 2;
HWY_INLINE constexpr int columns(int vectors) {
  return HWY_CAP_GE512 ? (vectors == 4 ? 6 : 8) : (vectors == 2 ? 6 : 8);
}
inline constexpr bool kMasks = HWY_CAP_GE512;  // a vector's first lanes cost no more than the whole

// A tile of a thin product is over in fifty cycles. So what it is called with fits registers: the parts of a product
// that are the same for all tiles of a panel are one reference, the others two words each.

/// The right factor: B(l, j) = data[l + j ld], or data[j + l ld] if transposed.
template <bool kTransposed, class T>
struct Right {
  const T* data;
  Index ld;
  HWY_INLINE T operator()(Index l, Index j) const { return kTransposed ? data[j + l * ld] : data[l + j * ld]; }
  HWY_INLINE Right from(Index l, Index j) const { return {kTransposed ? data + j + l * ld : data + l + j * ld, ld}; }
};

/// Where sums go. Its size is its factors'.
template <class T>
struct Target {
  T* data;
  Index ld;
  HWY_INLINE Target from(Index i, Index j) const { return {data + i + j * ld, ld}; }
};

/// Rows i .. i + rows - 1 of A diag(scale), `depth` columns of them: what one pass over Y's columns takes, and whether
/// its sums begin at Y.
template <class T>
struct Panel {
  const T* A;
  Index ld, depth, i, rows;
  Into into;
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

/// One sample's columns through an ending: C from the type (kGroup - 1) or from the ending (kGroup 0). y(c): column c.
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

/// A tile's sums: kVectors vectors of rows, of which the last has `last` rows and the others are full.
template <int kVectors, int kCols, class T>
HWY_INLINE void begin_sums(hn::Vec<hn::ScalableTag<T>> (&sum)[kCols][kVectors], Target<T> Y, Into into, size_t last) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  if (into == Into::set) {
    HWY_UNROLL(8)
    for (int j = 0; j < kCols; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sum[j][v] = hn::Zero(d);
    }
    return;
  }
  HWY_UNROLL(8)
  for (int j = 0; j < kCols; ++j) {
    HWY_UNROLL(4)
    for (int v = 0; v + 1 < kVectors; ++v) sum[j][v] = hn::LoadU(d, Y.data + j * Y.ld + v * L);
    const T* y = Y.data + j * Y.ld + (kVectors - 1) * L;
    sum[j][kVectors - 1] = last == static_cast<size_t>(L) ? hn::LoadU(d, y) : load_first(d, y, last);
  }
}
template <int kVectors, int kCols, class T>
HWY_INLINE void store_sums(const hn::Vec<hn::ScalableTag<T>> (&sum)[kCols][kVectors], Target<T> Y, size_t last) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  HWY_UNROLL(8)
  for (int j = 0; j < kCols; ++j) {
    HWY_UNROLL(4)
    for (int v = 0; v + 1 < kVectors; ++v) hn::StoreU(sum[j][v], d, Y.data + j * Y.ld + v * L);
    T* y = Y.data + j * Y.ld + (kVectors - 1) * L;
    if (last == static_cast<size_t>(L)) {
      hn::StoreU(sum[j][kVectors - 1], d, y);
    } else {
      store_first(sum[j][kVectors - 1], d, y, last);
    }
  }
}

/// A tile of kCols columns of [Y +] A B, Y being where the tile begins; A has kVectors full vectors of rows, Y has
/// `panel.rows` rows. With an ending (kGroup > 0) the tile begins at sample b0, and the ending stores; without masks
/// all vectors are whole.
template <int kVectors, int kCols, int kGroup, bool kTransposed, class T, class End>
HWY_NOINLINE void tile(const Panel<T>& panel, Right<kTransposed, T> B, Target<T> Y, const End& ending, Index b0) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  const T* HWY_RESTRICT A = panel.A;
  const Index ld = panel.ld, depth = panel.depth, i = panel.i;
  const size_t last = static_cast<size_t>(panel.rows - (kVectors - 1) * L);
  hn::Vec<decltype(d)> sum[kCols][kVectors];
  begin_sums<kVectors, kCols, T>(sum, Y, panel.into, last);
  HWY_UNROLL(4)  // else the loop's end is mispredicted every time
  for (Index l = 0; l < depth; ++l) {
    hn::Vec<decltype(d)> a[kVectors];
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) a[v] = hn::LoadU(d, A + l * ld + v * L);
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
    store_sums<kVectors, kCols, T>(sum, Y, last);
  }
}

/// Samples b .. b + samples - 1 of rows i .. i + rows - 1, to be ended.
struct Block {
  Index i, rows, b, samples;
};

/// Ends a block whose columns lie complete in memory from Y on.
template <class T, class End>
HWY_NOINLINE void finish(const End& ending, const Block& block, const T* Y, Index ld) {
  const hn::ScalableTag<T> d;
  constexpr Index L = HWY_LANES(T);
  const End end = ending;
  const Index i = block.i, b = block.b, samples = block.samples;
  const auto every_sample = [&](auto access, Index r) HWY_ATTR {
    auto total = hn::Zero(d);
    for (Index q = 0; q < samples; ++q) {
      const T* y = Y + q * end.columns() * ld + r;
      const auto part =
          end_sample<0>(end, access, i + r, b + q, [&](Index c) HWY_ATTR { return access.load(y + c * ld); });
      if constexpr (End::kSums) total = hn::Add(total, part);
    }
    if constexpr (End::kSums) end.total(access, total, i + r);
  };
  Index r = 0;
  for (; r + L <= block.rows; r += L) every_sample(Whole<T>{}, r);
  if (r < block.rows) every_sample(First<T>{static_cast<size_t>(block.rows - r)}, r);
}

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
