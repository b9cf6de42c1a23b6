// What is said of a model that was trained towards an energy, by its own draws.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "datasets/energies/energy.hpp"
#include "flows/evaluator.hpp"
#include "flows/judge/importance.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/progress.hpp"
#include "tools/run/failures.hpp"

namespace cnf {

/// The first N draws of a model by their weights, and how they share an energy's modes.
struct EnergyFindings {
  Importance importance;
  double log_z = 0;              ///< the energy's own
  std::vector<Mode> modes;       ///< the energy's
  std::vector<double> shares{};  ///< of the draws that belong to each
};
EnergyFindings judge_by_energy(Evaluator& evaluator, const Energy& energy, Seed seed, Index N, PartProgress& progress,
                               Failures& failures);

/// As `energy` of --json has it, and as lines of text.
JsonReport report(const EnergyFindings& found);
std::vector<std::pair<std::string, std::string>> lines(const EnergyFindings& found);

inline constexpr const char* kEssIsBlind = "it cannot see a mode that the model misses";

}  // namespace cnf
