// The table of objectives: everything that can be minimised, and how one is chosen by its name.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "flows/objectives/flow_matching.hpp"
#include "flows/objectives/max_likelihood.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// An objective with its options. To add one: a struct with
///   kTraits           its name, a sentence, and what training has to know
///   kUsesDivergence   whether a tile writes the fields' tails, as everything does that takes a divergence's gradient
///   check(model)      std::invalid_argument for a model or options that make no sense
///   settings()        optional: its own options, a row each (flows/setting.hpp), beside how it solves the flow
///   run_tile<T>(job)  sets job.share.loss (the tile's part of the batch's mean) and job.u_bar, adds to params_bar
/// in a header of this folder, and its name in this list. Training, recipes and `cnf train --objective` find it here.
using AnyObjective = std::variant<MaximumLikelihood, FlowMatching>;

const ObjectiveTraits& traits(const AnyObjective& objective);
std::vector<Setting> settings(AnyObjective& objective);  ///< they point into it
std::vector<AnyObjective> all_objectives();              ///< one of each, with its defaults
/// The objective of that name with its defaults, or none.
std::optional<AnyObjective> find_objective(std::string_view name);

struct ObjectiveOptions {
  AnyObjective minimise = MaximumLikelihood{};
  int threads = 0;          ///< 0: as many as OpenMP gives
  Seed seed{};              ///< of all that is drawn: Hutchinson's probes, paths
  StopFlag stop = nullptr;  ///< once it is raised, a call throws Stopped

  /// How the flow is solved, where the objective solves it; else null.
  FlowOptions* flow();
  const FlowOptions* flow() const;
};

/// The objective that the options name, for this model's shape. Throws std::invalid_argument for a model or options
/// that make no sense.
template <class T>
std::unique_ptr<Objective<T>> make_objective(const Cnf& model, const ObjectiveOptions& options);

}  // namespace cnf
