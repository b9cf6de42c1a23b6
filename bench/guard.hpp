// The guard against regressions: shares of peak, compared with those recorded for the same instruction set.
#pragma once

#include <filesystem>
#include <vector>

#include "bench/harness.hpp"

namespace cnf::bench {

/// Measures the workloads on one thread and compares each with the record in `file`, which holds
/// {instruction set: {processor: {workload: fraction of peak}}}. A processor that is not recorded is held to the lowest
/// record of its instruction set; an instruction set that is not recorded passes, and that is said. A workload without
/// a record fails. A workload fails if its fraction stays below three quarters of the recorded one in three
/// measurements. Fractions are Result::best_fraction of many short blocks on one thread: others who work on the machine
/// change it least. Prints a line for each. Returns whether none failed. Throws InputError for a file that cannot be
/// read.
bool guard(const std::vector<Workload>& workloads, const std::filesystem::path& file);

/// Measures the same, three times as long, and writes the fractions for this processor to `file`, leaving the others.
void record(const std::vector<Workload>& workloads, const std::filesystem::path& file);

}  // namespace cnf::bench
