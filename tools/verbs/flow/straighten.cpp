// cnf straighten: a trained flow made one that few steps solve, sampled and judged at their cost. It is a run of cnf
// train: its command line is written here, and its folder goes on and is read like any other.
#include <memory>

#include "flows/objectives/few_steps.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/settings.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/run/recipe.hpp"
#include "tools/run/recipe_options.hpp"
#include "tools/run/setting_options.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

constexpr double kCloseness = 2;  // docs/decisions/022: what keeps the likelihood

/// A row of cnf train's table, with another default.
Option of_train(const char* name, std::string initial) {
  const std::vector<Option> table = recipe_options();
  Option option = find_option(table, name);
  option.initial = std::move(initial);
  return option;
}

/// What is said to cnf train as it is.
std::vector<Option> options_of_training() {
  FewSteps few;
  few.weight = kCloseness;
  std::vector<Option> of_few;
  add_setting_options(of_few, few.settings(), kTrainingGroup);
  Option draws = of_train("draws", "200000");
  draws.help = "Draws of the flow to train on.";
  Option data = of_train("data", "");
  data.help = "Train on these data instead of draws of the flow: a built-in set, FILE.csv, FILE.npy or a picture.";
  Option reflow = of_train("warm-start", "0");
  reflow.help = "Updates of reflow before the others: flow matching along straight lines from where draws came from.";
  return joined({{data, draws, reflow, of_train("steps", "6000"), of_train("seconds", ""), of_train("batch", "512"),
                  of_train("lr", "0.02"), of_train("optimizer", "soap"), of_train("validate-every", "")},
                 of_few});
}

/// The command line of cnf train that this one means.
std::vector<std::string> words_of(const Args& said) {
  std::vector<std::string> words;
  const auto add = [&](std::vector<Option> table, bool defaults) {
    if (!defaults) std::erase_if(table, [&](const Option& option) { return !said.given(option.name); });
    for (const KeptValue& value : values_from_json(settings_json(said, table), "straighten")) {
      if (find_option(table, value.name).kind == Kind::flag) {
        if (value.text == "true") words.push_back("--" + value.name);
      } else {
        words.push_back("--" + value.name + "=" + value.text);
      }
    }
  };
  add(common_options(), false);
  if (said.given("resume")) {
    add(options_of_training(), false);  // which train refuses
    words.push_back("--resume=" + said.text("resume"));
    return words;
  }
  std::vector<std::string> left_out;
  if (said.given("data")) left_out.emplace_back("draws");
  if (said.given("seconds")) left_out.emplace_back("steps");
  add(without(options_of_training(), left_out), true);
  words.insert(words.end(), {"--objective=few-steps", "--init=" + said.text("model")});
  words.push_back("--output=" +
                  (said.given("output") ? said.text("output") : said.path("model").native() + "-straight"));
  if (said.flag("force")) words.emplace_back("--force");
  return words;
}

Work prepare_straighten(const Args& said) {
  if (said.given("resume") == said.given("model"))
    throw UsageError("give a model to straighten, or --resume RUN to go on with a run",
                     "for example: cnf straighten runs/8g -o runs/8g-straight");
  if (said.given("data") && said.given("draws"))
    throw UsageError("--data and --draws were both given; one of them is trained on");
  Verb train = train_verb();
  train.name = said.verb();
  const auto args = std::make_shared<const Args>(train, words_of(said));
  return [args, work = train.prepare(*args)] { return work(); };
}

}  // namespace

Verb straighten_verb() {
  Option model{.name = "model",
               .value = "MODEL",
               .kind = Kind::path,
               .help = "The flow: a run folder of cnf train, or a .safetensors model."};
  return {.name = "straighten",
          .summary = "Make a flow one that a few steps solve",
          .examples = {"cnf straighten runs/8g -o runs/8g-straight", "cnf straighten runs/8g --data 8gaussians",
                       "cnf straighten runs/8g --few-solver rk4 --few 1 --closeness 20",
                       "cnf straighten --resume runs/8g-straight"},
          .positionals = {model},
          .options = joined({{output_option("RUN", "The new run's folder. Not given: that of MODEL and -straight."),
                              force_option(),
                              {.name = "resume",
                               .value = "RUN",
                               .kind = Kind::path,
                               .help = "Go on with a run where its last checkpoint is, to the same bits.",
                               .group = "Output"}},
                             options_of_training(),
                             common_options()}),
          .prepare = prepare_straighten};
}

}  // namespace cnf
