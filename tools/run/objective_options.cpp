#include "tools/run/objective_options.hpp"

#include <algorithm>
#include <stdexcept>

#include "flows/objectives/objective_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/suggest.hpp"
#include "tools/run/gradient_options.hpp"
#include "tools/run/recipe.hpp"
#include "tools/run/setting_options.hpp"

namespace cnf {

namespace {

/// Options that say how an objective solves the flow, and that of a run which begins with another.
const std::vector<std::string> kOfSolves{"warm-start", "divergence", "solver",       "rtol",        "atol",
                                         "norm",       "max-steps",  "logp-tol",     "controller",  "min-step",
                                         "max-step",   "memory",     "adjoint-rtol", "adjoint-norm"};

/// Throws UsageError for a text that is no sum of objectives.
ObjectiveSum read_sum(const std::string& text) {
  try {
    const std::vector<NamedWeight> summands = split_objective(text);
    std::vector<std::string> known;
    for (const std::string_view name : summand_names()) known.emplace_back(name);
    for (const NamedWeight& one : summands)
      if (std::find(known.begin(), known.end(), one.name) == known.end()) {
        std::string all;
        for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
        throw UsageError(in_quotes(one.name) + " is not known, expected a sum of " + all,
                         did_you_mean(one.name, known));
      }
    return objective_sum(summands);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

Option objective_option() {
  Option objective{.name = "objective", .value = "WHAT", .kind = Kind::text, .group = kTrainingGroup};
  std::string terms;
  for (const Quadrature term : kAllQuadratures)
    terms += (terms.empty() ? "" : ", ") + std::string(name(term)) + " (" + std::string(help(term)) + ")";
  for (const AnyObjective& one : all_objectives()) {
    objective.choices.emplace_back(traits(one).name);  // for completion: a sum of them is right too
    objective.help += std::string(traits(one).name) + ": " + std::string(traits(one).help) + " ";
  }
  objective.help += "Or a sum by weights, likelihood+kinetic:0.01, with terms of the solve: " + terms +
                    "; with ^ behind it a term's weight rises while solves take more evaluations.";
  objective.check = [](const std::string& text) { read_sum(text); };
  objective.initial = objective.choices.front();
  return objective;
}

std::vector<Option> objective_options() {
  std::vector<Option> options;
  for (AnyObjective& objective : all_objectives()) add_setting_options(options, settings(objective), kTrainingGroup);
  return options;
}

std::vector<std::string> idle_objective_options(const Args& args) {
  ObjectiveSum chosen = objective_from(args);
  std::vector<Setting> used;
  for (WeightedObjective& one : chosen.summands)
    for (Setting& setting : settings(one.what)) used.push_back(std::move(setting));
  std::vector<std::string> idle, of_others = idle_options(objective_options(), used);
  if (!traits(chosen).solves) idle = kOfSolves;
  if (traits(chosen).log_density) std::erase(idle, "warm-start");
  if (traits(chosen).towards_target) idle = {"warm-start"};
  idle.insert(idle.end(), of_others.begin(), of_others.end());
  return idle;
}

void decide_objective(Args& args) {
  if (!args.given("energy")) return;
  if (!args.given("objective")) decide(args, "objective", "reverse-kl:0.1+forward-kl");
  if (args.given("anneal")) return;
  if (args.given("init"))
    decide(args, "anneal", "0");
  else if (args.given("steps") && args.integer("steps") < 2 * Target{}.anneal)
    decide(args, "anneal", std::to_string(args.integer("steps") / 2));
}

void check_objective(const Args& args) {
  const std::string& name = args.text("objective");
  const bool towards = traits(objective_from(args)).towards_target;
  if (towards && !args.given("energy") && args.given("data"))
    throw UsageError("--objective " + name + " trains towards an energy; give --energy in place of --data");
  if (!towards && args.given("energy"))
    throw UsageError("--objective " + name + " trains on data, and a run by --energy has none",
                     "its objectives are reverse-kl and forward-kl, by default reverse-kl:0.1+forward-kl");
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

ObjectiveSum objective_from(const Args& args) {
  ObjectiveSum sum = read_sum(args.text("objective"));
  for (WeightedObjective& one : sum.summands) tell(settings(one.what), args);
  return sum;
}

}  // namespace cnf
