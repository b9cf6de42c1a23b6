#include "tools/recipe.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "solvers/method.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/evaluation_arguments.hpp"

namespace cnf {

namespace {

constexpr const char* kGroup = "Training";

Option real_option(std::string name, std::string initial, Range range, std::string help) {
  return {.name = std::move(name),
          .value = "X",
          .kind = Kind::real,
          .initial = std::move(initial),
          .range = range,
          .help = std::move(help),
          .group = kGroup};
}

Option whole_option(std::string name, std::string initial, Range range, std::string help) {
  return {.name = std::move(name),
          .value = "N",
          .kind = Kind::integer,
          .initial = std::move(initial),
          .range = range,
          .help = std::move(help),
          .group = kGroup};
}

Option choice_option(std::string name, std::vector<std::string> choices, std::string help) {
  return {.name = std::move(name),
          .value = "WHAT",
          .kind = Kind::choice,
          .initial = choices.front(),
          .choices = std::move(choices),
          .help = std::move(help),
          .group = kGroup};
}

std::string with_number(const Choice& choice) {
  return choice.number ? choice.name + ":" + std::to_string(*choice.number) : choice.name;
}

}  // namespace

std::vector<Option> recipe_options() {
  constexpr std::int64_t kMostSteps = 1'000'000'000;
  const TrainOptions defaults;
  const SolveOptions& solve = defaults.objective.solve;
  const auto text = [](auto number) { return shortest(static_cast<double>(number)); };
  Option rtol = rtol_option(text(solve.rtol)), atol = atol_option(text(solve.atol));
  rtol.help = "Error allowed in a step while training; validation is always at 1e-5.";
  return {
      choice_option("objective", {"likelihood", "flow-matching"},
                    "Maximum likelihood, or the mean square of flow matching: cheaper updates, no solves."),
      whole_option("warm-start", "0", Range::whole(0, kMostSteps),
                   "Updates by flow matching before those of --steps, by the same rate and schedule."),
      whole_option("steps", "", Range::whole(1, kMostSteps), "Updates to make: the same bits on every run."),
      real_option("seconds", text(defaults.seconds), Range::above(0),
                  "Without --steps: train about that long, then say the --steps."),
      whole_option("batch", text(defaults.batch), Range::whole(1, 1 << 24), "Samples per update."),
      real_option("lr", text(defaults.adam.lr), Range::above(0),
                  "Peak learning rate, after a warm-up and before a cosine to 0."),
      real_option("beta1", text(defaults.adam.beta1), Range{.min = 0, .max = 1, .max_open = true},
                  "Adam's decay of the mean."),
      real_option("beta2", text(defaults.adam.beta2), Range{.min = 0, .max = 1, .max_open = true},
                  "Adam's decay of the square."),
      real_option("weight-decay", text(defaults.adam.weight_decay), Range::at_least(0),
                  "Above 0: AdamW's decoupled decay."),
      real_option("clip", text(defaults.adam.clip), Range::at_least(0),
                  "Above 0: bring the gradient's norm down to this."),
      real_option("ema", text(defaults.adam.ema), Range{.min = 0, .max = 1, .max_open = true},
                  "Decay per update of the averaged weights, the ones validated and saved."),
      choice_option("gradient", {"discrete", "continuous"},
                    "The exact gradient of the steps taken, or the adjoint equation solved backwards."),
      choice_option("probe", {"rademacher", "gaussian"}, "The distribution of Hutchinson's probes."),
      whole_option("validate-every", "", Range::whole(1, kMostSteps),
                   "Updates between validations. Not given: 25 to 250, by the number of validation rows; flow matching "
                   "16 times that."),
      whole_option("patience", text(defaults.patience), Range::whole(0, kMostSteps),
                   "Above 0: stop after that many validations without a better one."),
      solver_option(adaptive_methods(), fixed_methods(), "dopri5"),
      rtol,
      atol,
      norm_option(solve.norm == Norm::tile ? "tile" : "sample"),
      divergence_option(),
      whole_option("max-steps", text(solve.max_steps), Range::whole(1, kMostSteps),
                   "Steps a solve may try before the update is skipped.")};
}

Recipe recipe_from(const Args& args) {
  Recipe recipe;
  recipe.seed = seed_from(args).value;
  if (args.text("objective") == name(ObjectiveKind::flow_matching)) recipe.objective = ObjectiveKind::flow_matching;
  recipe.warm_start = args.integer("warm-start");
  recipe.steps = args.given("steps") ? args.integer("steps") : 0;
  recipe.seconds = args.given("steps") ? 0 : args.real("seconds");
  recipe.batch = args.integer("batch");
  recipe.adam = {.lr = args.real("lr"),
                 .beta1 = args.real("beta1"),
                 .beta2 = args.real("beta2"),
                 .weight_decay = args.real("weight-decay"),
                 .clip = args.real("clip"),
                 .ema = args.real("ema")};
  recipe.solver = with_number(args.choice("solver"));
  recipe.norm = args.text("norm");
  recipe.divergence = with_number(args.choice("divergence"));
  recipe.probe = args.text("probe");
  recipe.gradient = args.text("gradient");
  const SolveOptions solve = solve_from(args);
  recipe.rtol = solve.rtol;
  recipe.atol = solve.atol;
  recipe.max_steps = args.integer("max-steps");
  recipe.validate_every = args.given("validate-every") ? args.integer("validate-every") : 0;
  recipe.patience = static_cast<int>(args.integer("patience"));
  return recipe;
}

void check_objective(const Args& args) {
  if (args.text("objective") != name(ObjectiveKind::flow_matching)) return;
  if (args.given("warm-start"))
    throw UsageError("--warm-start: flow matching needs none; it is the start of a run by likelihood");
  for (const char* option : {"gradient", "divergence", "probe", "solver", "rtol", "atol", "norm", "max-steps"})
    if (args.given(option))
      throw UsageError("--" + std::string(option) + " says how likelihood solves; flow matching trains without a solve",
                       "validation is always by dopri5 at 1e-5, with the exact divergence");
}

std::int64_t validation_interval(Index rows, ObjectiveKind objective) {
  return std::clamp<std::int64_t>(rows / 16, 25, 250) * (objective == ObjectiveKind::flow_matching ? 16 : 1);
}

std::string recipe_json(const Recipe& r) {
  nlohmann::ordered_json json{{"data", r.data},
                              {"data_kind", r.data_kind},
                              {"invert", r.invert},
                              {"seed", r.seed},
                              {"objective", name(r.objective)},
                              {"steps", r.steps},
                              {"batch", r.batch},
                              {"lr", r.adam.lr},
                              {"beta1", r.adam.beta1},
                              {"beta2", r.adam.beta2},
                              {"weight_decay", r.adam.weight_decay},
                              {"clip", r.adam.clip},
                              {"ema", r.adam.ema},
                              {"validate_every", r.validate_every},
                              {"patience", r.patience}};
  if (r.objective == ObjectiveKind::likelihood)
    json.update({{"warm_start", r.warm_start},
                 {"solver", r.solver},
                 {"rtol", r.rtol},
                 {"atol", r.atol},
                 {"norm", r.norm},
                 {"max_steps", r.max_steps},
                 {"divergence", r.divergence},
                 {"probe", r.probe},
                 {"gradient", r.gradient}});
  if (r.steps == 0) json["seconds"] = r.seconds;
  return json.dump();
}

Recipe parse_recipe(const std::string& text, const std::string& path) {
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    Recipe r;
    r.data = json.at("data").get<std::string>();
    r.data_kind = json.at("data_kind").get<std::string>();
    r.invert = json.at("invert").get<bool>();
    r.seed = json.at("seed").get<std::uint64_t>();
    r.steps = json.at("steps").get<std::int64_t>();
    r.seconds = json.value("seconds", 0.0);
    r.batch = json.at("batch").get<Index>();
    r.adam.lr = json.at("lr").get<double>();
    r.adam.beta1 = json.at("beta1").get<double>();
    r.adam.beta2 = json.at("beta2").get<double>();
    r.adam.weight_decay = json.at("weight_decay").get<double>();
    r.adam.clip = json.at("clip").get<double>();
    r.adam.ema = json.at("ema").get<double>();
    r.validate_every = json.at("validate_every").get<std::int64_t>();
    r.patience = json.at("patience").get<int>();
    const auto objective = json.value("objective", std::string(name(ObjectiveKind::likelihood)));
    if (objective == name(ObjectiveKind::flow_matching)) {
      r.objective = ObjectiveKind::flow_matching;
      return r;
    }
    if (objective != name(r.objective))
      throw InputError(path + ": its recipe has the objective " + in_quotes(objective) +
                       ", expected likelihood or flow-matching");
    r.warm_start = json.value("warm_start", std::int64_t{0});
    r.solver = json.at("solver").get<std::string>();
    r.rtol = json.at("rtol").get<double>();
    r.atol = json.at("atol").get<double>();
    r.norm = json.at("norm").get<std::string>();
    r.max_steps = json.at("max_steps").get<std::int64_t>();
    r.divergence = json.at("divergence").get<std::string>();
    r.probe = json.at("probe").get<std::string>();
    r.gradient = json.at("gradient").get<std::string>();
    return r;
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path + ": its recipe cannot be read: " + error.what());
  }
}

TrainOptions train_options(const Recipe& recipe, Precision precision, int threads) {
  TrainOptions options;
  options.steps = recipe.steps;
  options.seconds = recipe.seconds;
  options.batch = recipe.batch;
  options.adam = recipe.adam;
  options.validate_every = recipe.validate_every;
  options.patience = recipe.patience;

  options.evaluation.divergence.kind = DivergenceChoice::Kind::exact;
  options.evaluation.precision = precision;
  options.evaluation.threads = threads;

  ObjectiveOptions& objective = options.objective;
  objective.kind = recipe.objective;
  objective.threads = threads;
  objective.seed = {recipe.seed};
  if (recipe.objective == ObjectiveKind::flow_matching) return options;
  options.warm_start = recipe.warm_start;
  const Method method = parse_method(recipe.solver);
  objective.solve.method = method.tableau;
  objective.solve.fixed_steps = method.fixed_steps;
  objective.solve.rtol = recipe.rtol;
  objective.solve.atol = recipe.atol;
  objective.solve.norm = recipe.norm == "tile" ? Norm::tile : Norm::sample;
  objective.solve.max_steps = recipe.max_steps;
  objective.adjoint = objective.solve;
  objective.adjoint.control_s = false;  // as training_objective()
  objective.divergence =
      parse_divergence(recipe.divergence, recipe.probe == "gaussian" ? Probe::gaussian : Probe::rademacher);
  objective.gradient = recipe.gradient == "continuous" ? GradientMode::continuous : GradientMode::discrete;
  return options;
}

}  // namespace cnf
