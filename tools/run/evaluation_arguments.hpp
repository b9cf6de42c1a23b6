// How the verbs that evaluate a model are told to: the solver's options, read into the library's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "datasets/rows.hpp"
#include "flows/evaluator.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

/// Steps that the failing solves of a picture or a mass may take in one call, some seconds on a small model: of a
/// picture twenty that use its budget up, and many that meet an infinity, which take few.
inline constexpr std::int64_t kFailingSteps = 20'000;

/// Methods with an error estimate, and those that take fixed steps alone, as solver_option wants them.
std::vector<std::string> adaptive_methods();
std::vector<std::string> fixed_methods();

/// --solver --rtol --atol --norm --divergence --precision --max-steps with evaluation's defaults.
std::vector<Option> evaluation_options(const std::string& max_steps = "10000");

/// The solver's part, for a verb whose table has --solver --rtol --atol --norm --max-steps. SIGINT and SIGTERM stop it.
SolveOptions solve_from(const Args& args);
DivergenceChoice divergence_from(const Args& args);
Precision precision_from(const Args& args);
/// Of evaluation_options(), --threads and --seed (Hutchinson's probes). Under --on-error=stop the first failed row ends
/// a call. Progress goes to `progress`, in rows.
EvaluationOptions evaluation_from(const Args& args, std::function<void(Index rows)> progress = {});

int threads_from(const Args& args);
Seed seed_from(const Args& args);

/// What --on-error makes of failed rows: an error that names the first of them, or rows of NaN and a message at the
/// end. `in_place`: or nan, by which rows that cannot even be read are NaN too, and output row i is input row i.
Option on_error_option(const std::string& initial = "stop", bool in_place = false);

/// The failed rows of many calls, in memory that does not grow.
class Failures {
 public:
  explicit Failures(const Args& args);
  /// Notes those of one call whose row 0 has the number `first`, from 0; messages say "row 1042", from 1.
  /// Throws ComputationError under --on-error=stop.
  void add(const std::vector<Status>& failures, std::uint64_t first);
  /// Notes those of the block that `rows` read last; messages say where it stands: "data.csv:1042".
  void add(const std::vector<Status>& failures, const RowReader& rows);
  std::int64_t count() const { return count_; }
  /// Says on standard error how many there were, if any.
  void say() const;

 private:
  void note(const std::vector<Status>& failures, const std::function<std::string(Index row)>& place);
  std::string text() const;

  std::string verb_;
  bool stop_;
  std::int64_t count_ = 0;
  std::string first_;  ///< where, and what
};

}  // namespace cnf
