// The table of objectives: everything that can be minimised, and how one is chosen by its name.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "flows/objectives/few_steps.hpp"
#include "flows/objectives/flow_matching.hpp"
#include "flows/objectives/forward_kl.hpp"
#include "flows/objectives/max_likelihood.hpp"
#include "flows/objectives/reverse_kl.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// An objective with its options. To add one: a struct with
///   kTraits           its name, a sentence, and what training has to know
///   kUsesDivergence   whether a tile writes the fields' tails, as everything does that takes a divergence's gradient
///   check(model)      std::invalid_argument for a model or options that make no sense
///   settings()        optional: its own options, a row each (flows/setting.hpp), beside how it solves the flow
///   before_tiles(u, seed, step, threads)  optional: what the batch as a whole decides
///   rises(), raised, more_parts()  optional: a weight that rises while solves grow (max_likelihood.hpp)
///   run_tile<T>(job)  sets job.share.loss (the tile's part of the batch's mean) and job.u_bar, adds to params_bar
/// in a header of this folder, and its name in this list. Training, recipes and `cnf train --objective` find it here.
using AnyObjective = std::variant<MaximumLikelihood, FlowMatching, ReverseKl, ForwardKl, FewSteps>;

const ObjectiveTraits& traits(const AnyObjective& objective);
std::vector<Setting> settings(AnyObjective& objective);     ///< they point into it
std::vector<AnyObjective> all_objectives();                 ///< one of each, with its defaults
const FlowOptions* flow_of(const AnyObjective& objective);  ///< how it solves the flow, or null
/// The objective of that name with its defaults, or none.
std::optional<AnyObjective> find_objective(std::string_view name);

struct WeightedObjective {
  AnyObjective what;
  double weight = 1;
};

/// A weighted sum of objectives, most often of one: sum_k weight_k loss_k, all on the same batch.
struct ObjectiveSum {
  std::vector<WeightedObjective> summands;

  explicit ObjectiveSum(std::vector<WeightedObjective> of) : summands(std::move(of)) {}
  template <class Kind>
  requires std::is_constructible_v<AnyObjective, Kind&&> ObjectiveSum(Kind&& one)  // NOLINT: an objective is a sum
      : summands{{AnyObjective(std::forward<Kind>(one)), 1.0}} {}

  /// Throws std::invalid_argument: no summand, a weight that is not positive and finite, and what a summand refuses.
  void check(const Cnf& model) const;
  const FlowOptions* flow_options() const;  ///< of the first that solves the flow, or null
  void set_stop(StopFlag stop);             ///< of all solves
  void share_flow();                        ///< every summand that solves the flow does as the first, without its terms
  void set_target(const Target& target);    ///< of those that train towards one
  bool uses_divergence() const;
  bool rises() const;     ///< whether a weight of some summand's term does
  void raise(double by);  ///< multiplies those weights by this, from now on
  /// How many parts the loss is told by: each summand's without its terms, and its terms. 0 if there is but one.
  std::size_t told_parts() const;
  template <class T>
  void before_tiles(const Samples<T>& u, Seed seed, std::uint32_t step, int threads);
  template <class T>
  void run_tile(TileJob<T> job) const;
};

/// The few steps that it is for, or null.
const FewSteps* few_steps_of(const ObjectiveSum& sum);

/// Of one summand its own. Of several: the first one's name, and what is true of any of them.
ObjectiveTraits traits(const ObjectiveSum& sum);
/// Of the parts in LossGradient::parts.
std::vector<std::string_view> part_names(const ObjectiveSum& sum);
/// Of each part: its weight if it is a log-density in unit coordinates, else 0.
std::vector<double> log_density_weights(const ObjectiveSum& sum);

struct ObjectiveOptions {
  ObjectiveSum minimise = MaximumLikelihood{};
  int threads = 0;          ///< 0: as many as OpenMP gives
  Seed seed{};              ///< of all that is drawn: Hutchinson's probes, paths
  StopFlag stop = nullptr;  ///< once it is raised, a call throws Stopped

  /// How the flow is solved by the first of the objectives that solves it; else null.
  FlowOptions* flow();
  const FlowOptions* flow() const;
};

/// The objective that the options name, for this model's shape. Throws std::invalid_argument for a model or options
/// that make no sense.
template <class T>
std::unique_ptr<Objective<T>> make_objective(const Cnf& model, const ObjectiveOptions& options);

}  // namespace cnf
