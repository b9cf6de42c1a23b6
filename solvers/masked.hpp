// Failing samples masked and a tile's work started again, so that the other samples are what they would be without
// them.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "solvers/integrate.hpp"

namespace cnf {

inline constexpr std::int64_t kAnySteps = std::numeric_limits<std::int64_t>::max();  ///< no bound on them

/// Calls run(active, bad) until it succeeds, each time with the samples that failed before masked.
///
/// `run` does all of the tile's work from its very beginning, however many solves that is, and returns a Status;
/// samples with active[b] == 0 take part in nothing. On a non_finite or too_fine status it may set bad[b] for every
/// sample that it is about. `max_steps` is the budget of steps of each solve, 0 if it has none: one that used it up is
/// about its worst sample only, and after 8 of these every sample still active is given up, as after a failure that
/// names no active sample: the work is bounded. A status `stopped` ends it, as does a failure after which those so far
/// have taken more than `failing_steps`, counted as Counters::failing: the others are given up without a status.
/// Throws std::invalid_argument for flags of another number than samples. `active` empty: all samples. It ends as the
/// mask of the run that succeeded (all 0: none did). `bad` is memory for one flag a sample. Returns the failures in
/// ascending order of their rows, counted within the tile.
template <class Run>
std::vector<Status> masked(std::vector<char>& active, std::span<char> bad, std::int64_t max_steps, Run&& run,
                           std::int64_t failing_steps = kAnySteps) {
  constexpr int kMostBudgets = 8;
  const auto B = static_cast<Index>(bad.size());
  if (active.empty()) active.assign(bad.size(), 1);
  if (active.size() != bad.size())
    throw std::invalid_argument("masked: " + std::to_string(active.size()) + " flags for " +
                                std::to_string(bad.size()) + " samples");
  std::vector<Status> failures;
  int budgets = 0;
  std::int64_t failing = 0;
  while (std::find(active.begin(), active.end(), char{1}) != active.end()) {
    std::fill(bad.begin(), bad.end(), char{0});
    const Status status = run(std::span<const char>(active), bad);
    if (status.ok()) break;
    if (status.code == Status::Code::stopped) {
      failures.push_back(status);
      std::fill(active.begin(), active.end(), char{0});
      break;
    }
    const bool exhausted = max_steps > 0 && status.accepted + status.rejected >= max_steps;
    const bool all = status.row < 0 || (exhausted && ++budgets > kMostBudgets);
    const bool many = (status.code == Status::Code::non_finite && !exhausted) ||
                      status.code == Status::Code::too_fine;  // each of them alone would end so
    const auto give_up = [&](const auto& is_about) {
      const std::size_t before = failures.size();
      for (Index j = 0; j < B; ++j) {
        const auto row = static_cast<std::size_t>(j);
        if (!active[row] || !is_about(j)) continue;
        failures.push_back(status);
        failures.back().row = j;
        active[row] = 0;
      }
      return failures.size() > before;
    };
    const bool fewer =
        give_up([&](Index j) { return all || j == status.row || (many && bad[static_cast<std::size_t>(j)]); });
    if (!fewer) give_up([](Index) { return true; });  // it fails for a sample that is masked: no run would end it
    failing += status.accepted + status.rejected + 1;
    if (failing > failing_steps) std::fill(active.begin(), active.end(), char{0});
  }
  std::sort(failures.begin(), failures.end(), [](const Status& a, const Status& b) { return a.row < b.row; });
  return failures;
}

/// The same for work on one state, which run(active, bad) advances in place: before each run it is what it was, with
/// zero in the columns of masked samples; the columns of z and q of samples that failed or were given up end NaN, those
/// masked from the beginning zero.
template <class T, class Run>
std::vector<Status> masked(State<T>& state, std::vector<char>& active, std::int64_t max_steps, Scratch& scratch,
                           Run&& run, std::int64_t failing_steps = kAnySteps) {
  const Scratch::Frame frame(scratch);
  T* const start = scratch.take<T>(state.size());
  const std::span<char> flags(scratch.take<char>(state.B), static_cast<std::size_t>(state.B));
  std::copy_n(state.values.data(), state.size(), start);
  if (active.empty()) active.assign(flags.size(), 1);
  char* const asked = scratch.take<char>(std::ssize(active));
  std::copy(active.begin(), active.end(), asked);
  const auto set_column = [&state](Index j, T value) {
    state.z().col(j).setConstant(value);
    state.q().col(j).setConstant(value);
  };
  const auto once = [&](std::span<const char> on, std::span<char> bad) {
    std::copy_n(start, state.size(), state.values.data());
    for (Index j = 0; j < state.B; ++j)
      if (!on[static_cast<std::size_t>(j)]) set_column(j, T{0});
    return run(on, bad);
  };
  std::vector<Status> failures = masked(active, flags, max_steps, once, failing_steps);
  for (Index j = 0; j < state.B; ++j)
    if (asked[j] && !active[static_cast<std::size_t>(j)]) set_column(j, std::numeric_limits<T>::quiet_NaN());
  return failures;
}

}  // namespace cnf
