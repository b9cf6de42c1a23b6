#include "tools/run/objective_options.hpp"

#include <algorithm>

#include "tools/cli/exit_code.hpp"
#include "tools/run/gradient_options.hpp"
#include "tools/run/setting_options.hpp"

namespace cnf {

namespace {

constexpr const char* kGroup = "Training";
/// Options that say how an objective solves the flow, and that of a run which begins with another.
const std::vector<std::string> kOfSolves{"warm-start", "divergence", "solver",       "rtol",        "atol",
                                         "norm",       "max-steps",  "logp-tol",     "controller",  "min-step",
                                         "max-step",   "memory",     "adjoint-rtol", "adjoint-norm"};

}  // namespace

Option objective_option() {
  Option objective{.name = "objective", .value = "WHAT", .kind = Kind::choice, .group = kGroup};
  for (const AnyObjective& one : all_objectives()) {
    objective.choices.emplace_back(traits(one).name);
    objective.help += (objective.help.empty() ? "" : " ") + std::string(traits(one).help);
  }
  objective.initial = objective.choices.front();
  return objective;
}

std::vector<Option> objective_options() {
  std::vector<Option> options;
  for (AnyObjective& objective : all_objectives()) add_setting_options(options, settings(objective), kGroup);
  return options;
}

std::vector<std::string> idle_objective_options(const Args& args) {
  AnyObjective chosen = objective_from(args);
  std::vector<std::string> idle, of_others = idle_options(objective_options(), settings(chosen));
  if (!traits(chosen).solves) idle = kOfSolves;
  idle.insert(idle.end(), of_others.begin(), of_others.end());
  return idle;
}

void check_objective(const Args& args) {
  const std::string& name = args.text("objective");
  const ObjectiveOptions told{objective_from(args)};
  if (const FlowOptions* const flow = told.flow()) check_gradient_options(args, flow->gradient);
  for (const std::string& option : idle_objective_options(args)) {
    if (!args.given(option)) continue;
    if (option == "warm-start")
      throw UsageError("--warm-start: " + name + " needs none; it is the start of a run by likelihood");
    if (std::find(kOfSolves.begin(), kOfSolves.end(), option) != kOfSolves.end())
      throw UsageError("--" + option + " says how the flow is solved; " + name + " trains without a solve",
                       "validation is always by dopri5 at 1e-5, with the exact divergence");
    throw UsageError("--" + option + " says nothing to --objective " + name);
  }
}

AnyObjective objective_from(const Args& args) {
  AnyObjective objective = *find_objective(args.text("objective"));
  tell(settings(objective), args);
  return objective;
}

}  // namespace cnf
