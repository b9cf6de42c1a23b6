// How the verbs that evaluate a model are told to: the solver's options, read into the library's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "flows/evaluator.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/shared_options.hpp"

namespace cnf {

/// Steps that the failing solves of a picture or a mass may take in one call, some seconds on a small model: of a
/// picture twenty that use its budget up, and many that meet an infinity, which take few.
inline constexpr std::int64_t kFailingSteps = 20'000;

/// Methods with an error estimate, and those that take fixed steps alone, as solver_option wants them.
std::vector<KnownMethod> adaptive_methods();
std::vector<KnownMethod> fixed_methods();
/// --logp-tol --controller --min-step --max-step, none of which has a value at first: what a solve may be told besides.
std::vector<Option> control_options();

/// --solver --rtol --atol --norm --divergence --max-steps, control_options(), --precision with evaluation's defaults.
std::vector<Option> evaluation_options(const std::string& max_steps = "10000");

/// The solver's part, for a verb whose table has --solver --rtol --atol --norm --max-steps and control_options().
/// SIGINT and SIGTERM stop it. Throws UsageError for a --controller that cannot be, and a --min-step above --max-step.
SolveOptions solve_from(const Args& args);
DivergenceChoice divergence_from(const Args& args);
Precision precision_from(const Args& args);
/// Of evaluation_options(), --threads and --seed (Hutchinson's probes). Under --on-error=stop the first failed row ends
/// a call. Progress goes to `progress`, in rows.
EvaluationOptions evaluation_from(const Args& args, std::function<void(Index rows)> progress = {});

int threads_from(const Args& args);
Seed seed_from(const Args& args);

}  // namespace cnf
