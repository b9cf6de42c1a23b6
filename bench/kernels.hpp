// Every kernel alone, on one thread, on data that stay in cache.
#pragma once

#include <vector>

#include "bench/harness.hpp"

namespace cnf::bench {

/// Products state flops. Element-wise kernels state elements only, and are told as the multiply-adds that the machine
/// could have done instead of one element.
std::vector<Workload> kernels();

}  // namespace cnf::bench
