// --objective and what objectives can be told, as options of the command line; and the objective that they describe.
#pragma once

#include <string>
#include <vector>

#include "flows/objectives/objectives.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

/// --objective, a sum of what stands in the table of objectives.
Option objective_option();
/// One option for each setting of each objective.
std::vector<Option> objective_options();
/// Names of the options above that say nothing to the objective chosen: those of others, and where it makes no solve,
/// those of the solver and --warm-start.
std::vector<std::string> idle_objective_options(const Args& args);
/// Of a new run by --energy, what is not given: the objective, and an annealing that ends at half its --steps at the
/// latest; none where it begins with a model.
void decide_objective(Args& args);
/// Throws UsageError for one of these that was given.
void check_objective(const Args& args);
/// The sum of objectives chosen, each told what was given; how they solve the flow is still to be set.
ObjectiveSum objective_from(const Args& args);

}  // namespace cnf
