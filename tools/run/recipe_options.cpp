#include "tools/run/recipe_options.hpp"

#include "datasets/energies/energies.hpp"
#include "datasets/toy.hpp"
#include "flows/training/flow_task.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/field_options.hpp"
#include "tools/run/gradient_options.hpp"
#include "tools/run/objective_options.hpp"
#include "tools/run/setting_options.hpp"

namespace cnf {

namespace {

Option number_option(Kind kind, std::string name, std::string initial, Range range, std::string help) {
  return {.name = std::move(name),
          .value = kind == Kind::real ? "X" : "N",
          .kind = kind,
          .initial = std::move(initial),
          .range = range,
          .help = std::move(help),
          .group = kTrainingGroup};
}

}  // namespace

std::vector<Option> data_options() {
  const std::vector<Option> of_all{
      {.name = "data",
       .value = "DATA",
       .kind = Kind::path,
       .choices = toy_names(),
       .help = "A built-in set (cnf data --list), FILE.csv, FILE.npy, or a picture FILE.pgm or FILE.png as a density.",
       .group = "Data"},
      {.name = "energy",
       .value = "NAME",
       .kind = Kind::text,
       .choices = energy_names(),
       .help =
           "Without data: towards the density exp(-U) / Z of a built-in energy U, known without its Z; funnel:D too.",
       .group = "Data"},
      {.name = "valid",
       .value = "SHARE|FILE",
       .kind = Kind::text,
       .initial = "0.1",
       .help = "Of a table: rows that choose the best weights.",
       .group = "Data"},
      {.name = "test",
       .value = "SHARE|FILE",
       .kind = Kind::text,
       .initial = "0.1",
       .help = "Of a table: rows kept for cnf evaluate.",
       .group = "Data"},
      {.name = "split",
       .value = "FILE.npy",
       .kind = Kind::path,
       .help = "Of a table: 0, 1 or 2 a row for training, validation, test.",
       .group = "Data"},
      {.name = "drop-constant", .help = "Leave out columns that do not vary in the rows trained on.", .group = "Data"}};
  return joined({of_all, table_options()});
}

std::vector<Option> model_options() {
  return joined({{{.name = "init",
                   .value = "RUN",
                   .kind = Kind::path,
                   .help = "Begin with the weights, network and scaling of a trained model instead of new ones.",
                   .group = kModelGroup},
                  {.name = "draws",
                   .value = "N",
                   .kind = Kind::integer,
                   .range = Range::whole(1, 100'000'000),
                   .help = "With --init in place of --data: train on so many draws of that model, and judge by what it "
                           "was trained on.",
                   .group = "Data"}},
                 field_options(),
                 {{.name = "t-end",
                   .value = "T",
                   .kind = Kind::real,
                   .initial = "1",
                   .range = Range::above(0),
                   .help = "How long the flow runs: its base is at time 0, the data at T.",
                   .group = kModelGroup},
                  precision_option()}});
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const OptimizerKind kind : kAllOptimizers) names.emplace_back(name(kind));
  return names;
}

std::vector<Option> training_options() {
  constexpr std::int64_t kMostSteps = 1'000'000'000;
  const FlowTrainOptions defaults;
  const SolveOptions& solve = defaults.objective.flow()->solve;
  const auto text = [](auto number) { return shortest(static_cast<double>(number)); };
  Option rtol = rtol_option(text(solve.rtol)), atol = atol_option(text(solve.atol));
  rtol.help = "Relative error allowed in each step while training; validation is always at 1e-5.";
  const std::vector<Option> of_updates{
      objective_option(),
      number_option(Kind::integer, "warm-start", "0", Range::whole(0, kMostSteps),
                    "Updates by flow matching before those of --steps, by the same rate and schedule."),
      number_option(Kind::integer, "steps", "", Range::whole(1, kMostSteps),
                    "Updates to make: the same bits on every run."),
      {.name = "schedule",
       .value = "NAME",
       .kind = Kind::choice,
       .initial = "root",
       .choices = {"root", "cosine"},
       .help =
           "How the rate falls: as the root of the steps made, and to 0 over the last fifth; or by a cosine over the "
           "last nine tenths, which needs --steps.",
       .group = kTrainingGroup},
      number_option(Kind::integer, "schedule-steps", "", Range::whole(1, kMostSteps),
                    "With --steps: the rate falls as in a run of so many, at least --steps."),
      number_option(Kind::real, "seconds", text(defaults.seconds), Range::above(0),
                    "Without --steps: train that long, then say the --steps."),
      number_option(Kind::integer, "batch", text(defaults.batch), Range::whole(1, 1 << 24), "Samples per update."),
      number_option(Kind::real, "lr", text(defaults.lr), Range::above(0),
                    "Peak learning rate, after a warm-up and before a fall to 0."),
      {.name = "optimizer",
       .value = "NAME",
       .kind = Kind::choice,
       .initial = std::string(name(defaults.optimizer.kind)),
       .choices = optimizer_names(),
       .help = "What turns gradients into updates: Adam, or Adam in the coordinates in which a layer's gradients are "
               "uncorrelated, which gets further with a step.",
       .group = kTrainingGroup},
      number_option(Kind::real, "beta1", text(defaults.optimizer.adam.beta1),
                    Range{.min = 0, .max = 1, .max_open = true}, "Adam's decay of the mean."),
      number_option(Kind::real, "beta2", text(defaults.optimizer.adam.beta2),
                    Range{.min = 0, .max = 1, .max_open = true}, "Adam's decay of the square."),
      number_option(Kind::real, "weight-decay", text(defaults.optimizer.adam.weight_decay), Range::at_least(0),
                    "Above 0: AdamW's decoupled decay."),
      number_option(Kind::real, "clip", text(defaults.clip), Range::at_least(0),
                    "Above 0: bring the gradient's norm down to this."),
      number_option(Kind::real, "ema", text(defaults.ema), Range{.min = 0, .max = 1, .max_open = true},
                    "Decay per update of the averaged weights, the ones validated and saved.")};
  const std::vector<Option> of_the_run{
      number_option(
          Kind::integer, "validate-every", "", Range::whole(1, kMostSteps),
          "Updates between validations. Not given: 25 to 250, by the number of validation rows; flow matching "
          "16 times that."),
      number_option(
          Kind::integer, "patience", "", Range::whole(0, kMostSteps),
          "Stop after that many validations without a better one; 0: never. Not given: of a table, by seconds, "
          "once validation is far worse than its best and has long been."),
      solver_option(adaptive_methods(), fixed_methods(), "dopri5"),
      rtol,
      atol,
      norm_option(solve.norm == Norm::tile ? "tile" : "sample"),
      divergence_option(),
      number_option(Kind::integer, "max-steps", text(solve.max_steps), Range::whole(1, kMostSteps),
                    "Steps a solve may try before the update is skipped; in validation four times that, or 1000."),
      {.name = "accuracy",
       .value = "NATS",
       .kind = Kind::real,
       .range = Range::open(0, 1),
       .help = "At the end, measure how a log p is right to so many nats at the least cost: so logprob, density and "
               "evaluate do then, unless told how. Not given: 1e-4 after a run of length, of up to four columns.",
       .group = kTrainingGroup}};
  return joined({of_updates, objective_options(), gradient_options(), of_the_run, control_options()});
}

std::vector<Option> recipe_options() {
  return joined({data_options(), model_options(), training_options(), {seed_option()}});
}

}  // namespace cnf
