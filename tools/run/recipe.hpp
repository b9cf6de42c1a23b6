// What a training run was told: the command line of `cnf train`, kept in its files and read back for --resume.
#pragma once

#include <string>

#include "flows/files/training_file.hpp"
#include "flows/training/flow_task.hpp"
#include "tools/cli/args.hpp"
#include "tools/rows/data_argument.hpp"

namespace cnf {

/// `said`, and what it leaves open from the TOML file of --recipe, if there is one.
/// Throws InputError naming file, line and option.
Args with_recipe_file(const Args& said);

/// Throws UsageError for options that say nothing to the objective or contradict each other.
void check_recipe(const Args& args);

/// The recipe that goes into a run's files: of the options those that apply.
std::string recipe_json(const Args& args);
/// `said`, and what it leaves open from a recipe; those of the first releases are understood too.
/// Throws InputError naming `path` if the text is no recipe of `cnf train`.
Args args_of_recipe(const Args& said, const std::string& json, const std::string& path);

/// A run's training state, and into `args` what they leave open from the recipe in it. Throws as read_training and
/// args_of_recipe, and InputError for a state of another optimizer than its recipe's.
template <class T>
TrainingFile<T> read_training_by_recipe(const std::string& path, Args& args);

/// What a recipe says of the data it was trained on, which may be nothing.
struct RecipeData {
  std::string name;  ///< as kept_argument; empty: unknown
  DataKind kind = DataKind::table;
  bool invert = false;
};
RecipeData recipe_data(const std::string& json, const std::string& path);

/// Puts a value that the run has decided in the place of what was given or left open: "steps", "1840".
void decide(Args& args, const std::string& option, const std::string& text);

/// Updates between validations on so many rows: their cost stays about a tenth of training's, and a small table, which
/// soon overfits, is looked at often. Flow matching's updates are sixteen times as cheap.
std::int64_t validation_interval(Index rows, const Args& args);

/// What makes its updates.
OptimizerOptions optimizer_from(const Args& args);

/// For the library. Validation is always at evaluation accuracy: dopri5 at 1e-5, every sample's own error, exact
/// divergence.
FlowTrainOptions train_options(const Args& args, Precision precision);

}  // namespace cnf
