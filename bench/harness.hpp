// Times work beside the machine's peak, so that a figure says as much on a busy machine as on a quiet one.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace cnf::bench {

/// What one call did. Useful flops: 2 per multiply-add of the products that the algorithm needs, forward once and
/// reverse twice; accepted and rejected evaluations alike; no recomputation, padding, activation or unit vector.
struct Cost {
  double flops = 0;        ///< useful ones; 0: no share of the peak is stated
  double evaluations = 0;  ///< of the field, per solve
  double points = 0;       ///< points, samples or elements that were made; 0: not counted
  double error = 0;        ///< the largest of a component against a known result; 0: none is known

  Cost& operator+=(const Cost& other);
};
using Call = std::function<Cost()>;

/// One line of a table.
struct Workload {
  std::string name;
  std::function<Call(int threads)> prepare;  ///< everything that is not timed
};

struct Result {
  std::string name;
  int threads = 1;
  double seconds = 0;        ///< of a call, the median of the blocks
  double cpu_seconds = 0;    ///< of a call and all threads, the median: others' work on the machine is not in it
  Cost cost;                 ///< of a call, the mean
  double fraction = 0;       ///< of the peak: the median over blocks, each beside the peaks right before and after it
  double best_fraction = 0;  ///< the fastest block, on one thread by its processor time, over the highest peak: what
                             ///< short blocks show on a busy machine too
  double peak = 0;           ///< GFLOP/s on as many threads, the median
  double unsteady = 0;  ///< the larger of two spreads, highest over lowest less 1: of the peaks, of the blocks' rates

  double per_second() const { return cost.points / seconds; }
};

struct Effort {
  int blocks = 7, least_blocks = 3;
  double block_seconds = 0.25;
  double total_seconds = 3;  ///< a longer call gets fewer blocks
};

/// Warms up, then times blocks of calls with the peak measured before and after each.
Result measure(const Workload& workload, int threads, const Effort& effort = {});

/// How much faster two threads are than one, in rounds that time both: medians.
struct Speedup {
  std::string name;
  double workload = 0;  ///< seconds on one thread over seconds on two
  double peak = 0;      ///< the same of the peak: what the machine allows (hyperthreads: less than 2)
};
Speedup speedup(const Workload& workload, const Effort& effort = {});

double median(std::vector<double> values);

}  // namespace cnf::bench
