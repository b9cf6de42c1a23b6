// Batches cut into tiles, and the one parallel loop.
#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "base/types.hpp"

namespace cnf {

/// Samples first, first + 1, ..., first + count - 1 of a batch.
struct TileRange {
  Index first = 0, count = 0;
  bool operator==(const TileRange&) const = default;
};

/// ceil(batch / target) tiles of nearly equal size, the larger ones first: 100 with target 64 gives 52 + 48.
/// If `target` is a multiple of 4, sizes are too, but for the batch's own remainder, which the last tile has; sizes
/// then differ by at most 4 before that, otherwise by at most 1. None is above target. A function of its two arguments
/// alone. std::invalid_argument: batch < 0 or target < 1.
std::vector<TileRange> balanced_tiles(Index batch, Index target);

/// Tiles of `size`, the last one of what is left: so a sample's tile and its place there do not depend on the batch.
/// std::invalid_argument: batch < 0 or size < 1.
std::vector<TileRange> fixed_tiles(Index batch, Index size);

/// Processors this process may run on.
int available_threads();

namespace detail {
void for_each_tile(int n_tiles, int threads, void* context, void (*call)(void* context, int tile, int worker));
}

/// Calls fn(tile, worker) once for each tile 0 <= tile < n_tiles, in any order, on at most `threads` threads, those the
/// system grants; `worker` < min(threads, n_tiles) is one thread's number. All tiles run, also when one throws; then
/// the lowest tile's exception is thrown. On one thread, inside another such loop and in a forked child (where libgomp
/// would hang) tiles run one after the other as worker 0. std::invalid_argument: n_tiles < 0 or threads < 1.
template <class Function>
void for_each_tile(int n_tiles, int threads, Function&& fn) {
  using F = std::remove_reference_t<Function>;
  detail::for_each_tile(n_tiles, threads, const_cast<std::remove_const_t<F>*>(&fn),
                        [](void* context, int tile, int worker) { (*static_cast<F*>(context))(tile, worker); });
}

/// Calls fn(begin, end) for at most `threads` neighbouring ranges of whole units of kRangeUnit elements (the last may
/// be short) that cover 0 .. n - 1: for work on long arrays whose results do not depend on where the ranges end.
inline constexpr Index kRangeUnit = 2048;
template <class Function>
void for_each_range(Index n, int threads, Function&& fn) {
  const Index units = (n + kRangeUnit - 1) / kRangeUnit, ranges = std::min<Index>(threads, units);
  for_each_tile(static_cast<int>(ranges), threads, [&](int range, int) {
    fn(units * range / ranges * kRangeUnit, std::min(n, units * (range + 1) / ranges * kRangeUnit));
  });
}

/// Calls add(k, k + s) for s = 1, 2, 4, ... and k = 0, 2 s, 4 s, ... with k + s < n: what stands at k then takes in
/// what stands at k + s, and 0 ends with the sum of all n. A fixed binary tree over the tile's number: whoever holds
/// tiles [n r / R, n (r + 1) / R) adds the whole subtrees inside alone, to the same bits (docs/decisions/011).
template <class Add>
void for_each_tree_pair(Index n, Add&& add) {
  for (Index s = 1; s < n; s *= 2)
    for (Index k = 0; k + s < n; k += 2 * s) add(k, k + s);
}

}  // namespace cnf
