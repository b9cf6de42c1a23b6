// What a run of `cnf train` says of its best weights at its end.
#pragma once

#include <cstdint>
#include <string>

#include "datasets/density.hpp"
#include "flows/training/energy_task.hpp"
#include "flows/training/flow_task.hpp"
#include "tools/cli/json_report.hpp"

namespace cnf {

// Each sets its keys in the report and returns what there is to say.

/// `truth`: what the data are drawn from, or null. `rows`: of the validation.
std::string training_report(const Validation& best, const Density* truth, Index rows, JsonReport& report);
/// Of weights from before the end of the annealing it says so.
std::string training_report(const EnergyJudgement& best, std::int64_t best_step, std::int64_t anneal,
                            JsonReport& report);

}  // namespace cnf
