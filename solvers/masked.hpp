// Failing samples masked and a tile's work started again, so that the other samples are what they would be without
// them.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "solvers/status.hpp"

namespace cnf {

/// Calls run(active, bad) until it succeeds, each time with the samples that failed before masked.
///
/// `run` does all of the tile's work from its very beginning, however many solves that is, and returns a Status;
/// samples with active[b] == 0 take part in nothing. On a non_finite status it may set bad[b] for every sample that it
/// is about. `max_steps` is the budget of steps of each solve, 0 if it has none: one that used it up is about its
/// worst sample only, and after 8 of these every sample still active is given up, so that the work is bounded.
/// `active` empty: all samples. It ends as the mask of the run that succeeded (all 0: none did). `bad` is memory for
/// one flag a sample. Returns the failures in ascending order of their rows, counted within the tile.
template <class Run>
std::vector<Status> masked(std::vector<char>& active, std::span<char> bad, std::int64_t max_steps, Run&& run) {
  constexpr int kMostBudgets = 8;
  const auto B = static_cast<Index>(bad.size());
  if (active.empty()) active.assign(bad.size(), 1);
  std::vector<Status> failures;
  int budgets = 0;
  while (std::find(active.begin(), active.end(), char{1}) != active.end()) {
    std::fill(bad.begin(), bad.end(), char{0});
    const Status status = run(std::span<const char>(active), bad);
    if (status.ok()) break;
    const bool exhausted = max_steps > 0 && status.accepted + status.rejected >= max_steps;
    const bool all = status.row < 0 || (exhausted && ++budgets > kMostBudgets);
    const bool many = status.code == Status::Code::non_finite && !exhausted;  // each of them alone would end so
    for (Index j = 0; j < B; ++j) {
      const auto row = static_cast<std::size_t>(j);
      if (!active[row] || !(all || j == status.row || (many && bad[row]))) continue;
      failures.push_back(status);
      failures.back().row = j;
      active[row] = 0;
    }
  }
  std::sort(failures.begin(), failures.end(), [](const Status& a, const Status& b) { return a.row < b.row; });
  return failures;
}

}  // namespace cnf
