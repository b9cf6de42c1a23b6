#include "bench/peak.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/peak.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cnf::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Sixteen independent chains hide the latency of any current core. Returns a value that depends on all of them.
float chains(std::size_t rounds) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const V a = hn::Set(d, 0.999f), b = hn::Set(d, 0.001f);
  // Chains that begin alike would be computed once.
  const auto begin = [&](float k) { return hn::Iota(d, k); };
  V x0 = begin(0), x1 = begin(1), x2 = begin(2), x3 = begin(3), x4 = begin(4), x5 = begin(5), x6 = begin(6),
    x7 = begin(7);
  V y0 = begin(8), y1 = begin(9), y2 = begin(10), y3 = begin(11), y4 = begin(12), y5 = begin(13), y6 = begin(14),
    y7 = begin(15);
  for (std::size_t i = 0; i < rounds; ++i) {
    x0 = hn::MulAdd(x0, a, b), x1 = hn::MulAdd(x1, a, b), x2 = hn::MulAdd(x2, a, b), x3 = hn::MulAdd(x3, a, b);
    x4 = hn::MulAdd(x4, a, b), x5 = hn::MulAdd(x5, a, b), x6 = hn::MulAdd(x6, a, b), x7 = hn::MulAdd(x7, a, b);
    y0 = hn::MulAdd(y0, a, b), y1 = hn::MulAdd(y1, a, b), y2 = hn::MulAdd(y2, a, b), y3 = hn::MulAdd(y3, a, b);
    y4 = hn::MulAdd(y4, a, b), y5 = hn::MulAdd(y5, a, b), y6 = hn::MulAdd(y6, a, b), y7 = hn::MulAdd(y7, a, b);
  }
  const V x = hn::Add(hn::Add(hn::Add(x0, x1), hn::Add(x2, x3)), hn::Add(hn::Add(x4, x5), hn::Add(x6, x7)));
  const V y = hn::Add(hn::Add(hn::Add(y0, y1), hn::Add(y2, y3)), hn::Add(hn::Add(y4, y5), hn::Add(y6, y7)));
  return hn::GetLane(hn::Add(x, y));
}

std::size_t lanes() { return hn::Lanes(hn::ScalableTag<float>()); }
const char* target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace cnf::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <chrono>
#include <vector>

#include "base/tiles.hpp"

namespace cnf::bench {

HWY_EXPORT(chains);
HWY_EXPORT(lanes);
HWY_EXPORT(target);

const char* instruction_set() { return HWY_DYNAMIC_DISPATCH(target)(); }

double peak_gflops(int threads, double seconds) {
  using Clock = std::chrono::steady_clock;
  const std::size_t rounds = threads == 1 ? 400'000 : 2'000'000;
  constexpr double kChains = 16, kFlops = 2;
  const double work = kChains * kFlops * static_cast<double>(rounds * HWY_DYNAMIC_DISPATCH(lanes)()) * threads;
  std::vector<float> sink(static_cast<std::size_t>(threads));
  double best = 0;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  const auto first = Clock::now();
  for (int run = 0; run < 3 || since(first) < seconds; ++run) {
    const auto begin = Clock::now();
    for_each_tile(threads, threads,
                  [&](int tile, int) { sink[static_cast<std::size_t>(tile)] = HWY_DYNAMIC_DISPATCH(chains)(rounds); });
    const double elapsed = since(begin);
    if (sink[0] != 0) best = std::max(best, work / elapsed * 1e-9);
  }
  return best;
}

}  // namespace cnf::bench
#endif
