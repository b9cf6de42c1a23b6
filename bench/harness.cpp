#include "bench/harness.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>

#include "bench/peak.hpp"

namespace cnf::bench {

namespace {

struct Block {
  double seconds = 0, cpu_seconds = 0;  ///< cpu_seconds: of all threads
  Cost cost;                            ///< sums
};

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Block run(const Call& call, int calls) {
  using Clock = std::chrono::steady_clock;
  Block block;
  const double cpu_begin = cpu_seconds();
  const auto begin = Clock::now();
  for (int i = 0; i < calls; ++i) block.cost += call();
  block.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  block.cpu_seconds = cpu_seconds() - cpu_begin;
  return block;
}

/// Calls that fill a block, after a first call that warms memory up; a call longer than a block is its own measure.
int calls_for(const Call& call, double block_seconds) {
  if (run(call, 1).seconds > block_seconds) return 1;
  for (int calls = 1;; calls *= 8) {  // short calls are timed in numbers, or the clock's own cost would count
    const double seconds = run(call, calls).seconds;
    if (seconds >= block_seconds / 8) return std::max(1, static_cast<int>(calls * block_seconds / seconds));
  }
}

int blocks_for(double call_seconds, const Effort& effort) {
  const double fit = effort.total_seconds / std::max(call_seconds, effort.block_seconds);
  return std::clamp(static_cast<int>(fit), effort.least_blocks, effort.blocks);
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  flops += other.flops;
  evaluations += other.evaluations;
  points += other.points;
  error = std::max(error, other.error);
  return *this;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

Result measure(const Workload& workload, int threads, const Effort& effort) {
  const Call call = workload.prepare(threads);
  const int calls = calls_for(call, effort.block_seconds);
  double best_rate = 0;
  std::vector<double> seconds, cpu, fractions, rates, peaks{peak_gflops(threads)};
  Cost sum;
  for (int block = 0, blocks = effort.blocks; block < blocks; ++block) {
    const Block now = run(call, calls);
    peaks.push_back(peak_gflops(threads));
    const double peak = (peaks[peaks.size() - 2] + peaks.back()) / 2;
    seconds.push_back(now.seconds / calls);
    cpu.push_back(now.cpu_seconds / calls);
    // Element-wise work has no flops; its elements show the spread as well.
    const double flops = now.cost.flops / now.seconds * 1e-9;
    fractions.push_back(flops / peak);
    rates.push_back(flops > 0 ? flops : now.cost.points / now.seconds);
    best_rate = std::max(best_rate, now.cost.flops * 1e-9 / (threads == 1 ? now.cpu_seconds : now.seconds));
    sum += now.cost;
    if (block == 0) blocks = blocks_for(seconds[0], effort);
  }
  const double made = static_cast<double>(calls) * static_cast<double>(seconds.size());
  Result result;
  result.name = workload.name;
  result.threads = threads;
  result.seconds = median(seconds);
  result.cpu_seconds = median(cpu);
  result.cost = {sum.flops / made, sum.evaluations / made, sum.points / made, sum.error};
  result.fraction = median(fractions);
  result.peak = median(peaks);
  const auto spread = [](const std::vector<double>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return *high / *low - 1;
  };
  result.unsteady = std::max(spread(peaks), spread(rates));
  result.best_fraction = best_rate / *std::max_element(peaks.begin(), peaks.end());
  return result;
}

Speedup speedup(const Workload& workload, const Effort& effort) {
  const Call one = workload.prepare(1), two = workload.prepare(2);
  const int calls = calls_for(one, effort.block_seconds);
  run(two, 1);
  std::vector<double> times, peaks;
  for (int block = 0; block < effort.blocks; ++block) {
    const double peak_one = peak_gflops(1), peak_two = peak_gflops(2);
    times.push_back(run(one, calls).seconds / run(two, calls).seconds);
    peaks.push_back(peak_two / peak_one);
  }
  return {workload.name, median(times), median(peaks)};
}

}  // namespace cnf::bench
