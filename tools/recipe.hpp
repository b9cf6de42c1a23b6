// What a training run was told: from the command line into a model file, and back for --resume.
#pragma once

#include <string>
#include <vector>

#include "flows/train.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

/// Every setting that a run's bits depend on. Saved as JSON in its files, so that --resume needs the folder alone.
struct Recipe {
  std::string data;       ///< the set's or file's name, without a path
  std::string data_kind;  ///< "toy", "picture" or "table"
  bool invert = false;    ///< of a picture
  std::uint64_t seed = 0;
  ObjectiveKind objective = ObjectiveKind::likelihood;
  std::int64_t warm_start = 0;
  std::int64_t steps = 0;  ///< without the warm start's; 0: not fixed yet
  double seconds = 0;      ///< of a run by seconds until its steps are fixed, then 0
  Index batch = 0;
  AdamOptions adam;
  std::string solver, norm, divergence, probe, gradient;  ///< of likelihood, as the next line
  double rtol = 0, atol = 0;
  std::int64_t max_steps = 0;
  std::int64_t validate_every = 0;  ///< 0: validation_interval decides
  int patience = 0;
};

/// The options of `cnf train` that a recipe is made of.
std::vector<Option> recipe_options();
Recipe recipe_from(const Args& args);
/// Throws UsageError for an option that was given but says nothing to the objective.
void check_objective(const Args& args);

/// Updates between validations on so many rows: their cost stays about a tenth of training's, and a small table, which
/// soon overfits, is looked at often. Flow matching's updates are sixteen times as cheap.
std::int64_t validation_interval(Index rows, ObjectiveKind objective);

std::string recipe_json(const Recipe& recipe);
/// Throws InputError naming `path` if the text is not a recipe.
Recipe parse_recipe(const std::string& json, const std::string& path);

/// For the library. Validation is always at evaluation accuracy: dopri5 at 1e-5, every sample's own error, exact
/// divergence.
TrainOptions train_options(const Recipe& recipe, Precision precision, int threads);

}  // namespace cnf
