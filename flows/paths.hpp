// Samples on their way from the base to the data.
#pragma once

#include <cstdint>
#include <span>

#include "flows/cnf.hpp"
#include "solvers/integrate.hpp"
#include "solvers/status.hpp"

namespace cnf {

/// The time from the base to the data, over all blocks: of one block on [0, 1] its own.
double path_length(const Cnf& model);

struct Paths {
  Batch points;  ///< D x (n N), in the user's units: column k N + j is sample j at time k
  Batch ends;    ///< D x N, in unit coordinates, which the tolerance is about
  Counters counters{};
  std::int64_t tiles = 0;
  Status status{};  ///< the first trouble; `points` and `ends` are then meaningless
};

/// Samples 0 .. N - 1 of the stream that `seed` names at n times since the base, which ascend within path_length; in
/// double. The ends are the samples' that Evaluator::sample draws.
/// Throws std::invalid_argument: N < 1, times out of their order or range, and as integrate().
Paths sample_paths(const Cnf& model, Seed seed, Index N, std::span<const double> times, const SolveOptions& solve);

}  // namespace cnf
