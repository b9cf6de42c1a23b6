// cnf train: maximum likelihood or flow matching on a built-in set, a picture or a table, or towards an energy without
// data, into a run folder that resumes to the same bits.
#include <optional>

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/run/objective_options.hpp"
#include "tools/run/recipe.hpp"
#include "tools/run/recipe_options.hpp"
#include "tools/run/run_folder.hpp"
#include "tools/verbs/flow/flow_run.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

/// The options of a new run, checked.
Args args_of_new_run(const Args& said) {
  Args args = with_recipe_file(said);
  if (args.given("draws")) {
    if (args.given("data") || args.given("energy") || !args.given("init"))
      throw UsageError("--draws is of the model of --init, in place of --data and --energy",
                       "for example: cnf straighten runs/8g, or cnf train --init runs/8g --draws 100000 -o runs/copy");
    return args;
  }
  if (!args.given("data") && !args.given("energy"))
    throw UsageError("give --data or --energy for a new run, or --resume RUN to go on with one",
                     "for example: cnf train --data 8gaussians -o runs/8g");
  decide_objective(args);
  check_recipe(args);
  return args;
}

/// The folder of a new run, from what it is told; OutputError if it cannot be had.
RunFolder folder_of_new_run(const Args& args, const DataArgument& data) {
  RunFolder run{args.given("output") ? args.path("output") : fs::path("runs") / fs::path(data.name).stem()};
  const std::string name = run.folder.string();
  std::error_code error;
  if (fs::exists(run.folder, error) && !fs::is_directory(run.folder, error))
    throw OutputError(name + ": is no folder, where a run keeps its files", "choose another name with -o");
  try {
    refuse_overwrite(run.folder, args.flag("force"));
  } catch (const OutputError& in_the_way) {
    if (!fs::exists(run.training(), error)) throw;
    throw OutputError(in_the_way.what(), "or go on with it: cnf train --resume " + shell_word(name));
  }
  return run;
}

std::vector<Option> output_options() {
  return {output_option("RUN", "The run's folder. Not given: runs/NAME of the data."),
          force_option(),
          {.name = "recipe",
           .value = "FILE.toml",
           .kind = Kind::path,
           .help = "Options from a file, lr = 0.02; those on the command line are stronger.",
           .group = "Data"},
          {.name = "resume",
           .value = "RUN",
           .kind = Kind::path,
           .help = "Go on with a run where its last checkpoint is, to the same bits.",
           .group = "Output"}};
}

/// The run to go on with, which must be there. Only what cannot change its bits may be said again beside --resume.
RunFolder folder_to_resume(const Args& said) {
  if (said.given("data"))
    throw UsageError("--resume and --data were both given; a run that goes on has its data in its folder");
  for (const Option& option : joined({recipe_options(), output_options()}))
    if (said.given(option.name) && option.name != "resume")
      throw UsageError(
          "--" + option.name + " cannot change in a run that goes on; its recipe is in its folder",
          "to train its model on: cnf train --init " + shell_word(said.text("resume")) + " --data DATA -o NEW");
  RunFolder run{said.path("resume")};
  run.choose_newer();
  std::error_code error;
  if (!fs::exists(run.training(), error))
    throw InputError(run.folder.string() + ": no training.safetensors in it; there is nothing to resume");
  run.refuse_strange_files();
  return run;
}

/// What a model was trained on, as the data of a run that trains on its draws.
DataArgument data_of(const ModelArgument& opened) {
  const RecipeData known = recipe_data(opened.file.recipe, opened.path.string());
  DataArgument data{known.name.empty() ? "draws.npy" : known.name, known_density(opened), false, {}};
  data.built_in = known.kind == DataKind::built_in;
  if (known.kind == DataKind::picture && data.density) {
    constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
    data.picture = ByteSource(opened.run->source()).read_up_to(kMostBytes);
  } else if (known.kind == DataKind::picture) {
    data.name = "draws.npy";  // it is not known any more
  }
  return data;
}

Work prepare_train(const Args& said) {
  const bool dry = said.flag("dry-run");
  if (said.given("resume")) {
    RunFolder folder = folder_to_resume(said);
    if (dry) rehearse_resume(said, folder);
    return [&said] { return run_resume(said); };
  }
  Args recipe = args_of_new_run(said);
  std::optional<ModelArgument> init;
  if (recipe.given("init")) init = open_model(recipe.path("init"));
  DataArgument data;
  if (recipe.given("draws")) {
    data = data_of(*init);
    decide(recipe, "data", kept_argument(data.name, data.built_in));
    check_recipe(recipe);
  } else {
    data = recipe.given("energy") ? find_energy_argument(recipe.text("energy"))
                                  : find_data(recipe.text("data"), recipe.flag("invert"));
  }
  RunFolder folder = folder_of_new_run(recipe, data);
  return begin_run({said, std::move(recipe), std::move(data), std::move(init), std::move(folder)});
}

}  // namespace

Verb train_verb() {
  return {.name = "train",
          .summary = "Train a flow on data, into a run folder",
          .examples = {"cnf train --data 8gaussians -o runs/8g", "cnf train --data points.csv --seconds 30",
                       "cnf train --data 8gaussians --divergence hutchinson:1 --gradient continuous",
                       "cnf train --data 8gaussians --objective flow-matching --seconds 30",
                       "cnf train --energy eight-modes -o runs/modes", "cnf train --recipe run.toml --lr 0.005",
                       "cnf train --resume runs/8g", "cnf train --init runs/8g --data 8gaussians -o runs/longer"},
          .options = joined({data_options(), model_options(), training_options(), output_options(), common_options()}),
          .prepare = prepare_train};
}

}  // namespace cnf
