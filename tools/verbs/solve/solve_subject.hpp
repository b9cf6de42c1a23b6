// What `cnf solve` and `cnf workprecision` integrate: a classic problem by its name, or a trained flow.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "solvers/problems/problems.hpp"
#include "tools/cli/args.hpp"
#include "tools/run/model_argument.hpp"

namespace cnf {

/// A problem has one path, from its start; a flow one for each of its samples, from the base to the data.
struct SolveSubject {
  std::string name{};
  std::vector<std::string> variables{};  ///< D names
  double t_begin = 0, t_end = 1;         ///< of a flow: the time since the base
  std::optional<Problem> problem{};
  std::optional<ModelArgument> model{};  ///< there is one or the other

  Index dim() const { return static_cast<Index>(variables.size()); }
};

/// The positional argument, called "subject".
Option subject_argument();
/// A problem's name wins over a file of that name, which ./NAME is. Throws UsageError for what is neither.
SolveSubject open_solve_subject(const Args& args);

struct Solution {
  Batch points{};  ///< D x (n N), in the subject's units: column k N + j is path j at time k
  Batch ends{};    ///< D x N; of a flow in unit coordinates, which its tolerance is about
  Status status{};
  Counters counters{};  ///< of a flow's many tiles, of one in the mean
  double seconds = 0;
};
/// Of N paths: of a problem there is one.
Solution solve(const SolveSubject& subject, const SolveOptions& options, std::span<const double> times, Seed seed,
               Index N);

/// Where the paths end: a problem's own reference, a flow's by dopri8 at a tolerance of 1e-12.
/// Throws ComputationError if that solve fails.
Batch true_ends(const SolveSubject& subject, Seed seed, Index N);

/// The largest error of a value at the end in relation to the value, or to atol / rtol where that is larger: as the
/// tolerance is meant.
double end_error(const Batch& ends, const Batch& truth, const SolveOptions& options);

}  // namespace cnf
