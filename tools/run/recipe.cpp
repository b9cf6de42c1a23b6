// Three ways lead to Args and from there one to the library: the command line, a TOML file, a run's own recipe. What an
// option is called, may be and is by default stands in its row (recipe_options.cpp) and nowhere else.
#include "tools/run/recipe.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/settings.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/field_options.hpp"
#include "tools/run/gradient_options.hpp"
#include "tools/run/objective_options.hpp"
#include "tools/run/recipe_options.hpp"

namespace cnf {

namespace {

/// Options that say something of a table alone.
const std::vector<std::string> kOfTables{"valid", "test",  "split",   "columns",      "drop",
                                         "names", "where", "missing", "drop-invalid", "drop-constant"};

/// What a model has that a run begins with.
std::vector<std::string> options_of_new_models() {
  std::vector<std::string> names{"t-end"};
  for (const Option& option : field_options()) names.push_back(option.name);
  return names;
}

/// The rows of the table that this run has a use for.
std::vector<Option> applicable(const Args& args) {
  std::vector<std::string> idle;
  const auto leave_out = [&](const auto& names) { idle.insert(idle.end(), std::begin(names), std::end(names)); };
  leave_out(idle_field_options(args));
  if (args.given("init")) leave_out(options_of_new_models());
  leave_out(idle_objective_options(args));
  idle.emplace_back(args.given("steps") ? "seconds" : "schedule-steps");
  const DataKind kind = args.given("energy") ? DataKind::energy : data_kind(args.text("data"));
  idle.emplace_back(kind == DataKind::energy ? "data" : "energy");
  if (kind != DataKind::table) leave_out(kOfTables);
  if (kind != DataKind::picture) idle.emplace_back("invert");
  if (args.given("split")) leave_out(std::vector<std::string>{"valid", "test"});
  return without(recipe_options(), idle);
}

/// Of values that exclude each other, a file's give way to what was said.
void give_way(std::vector<KeptValue>& kept, const Args& said) {
  constexpr std::pair<const char*, const char*> kEither[] = {
      {"steps", "seconds"}, {"seconds", "steps"}, {"steps", "schedule-steps"}, {"seconds", "schedule-steps"},
      {"split", "valid"},   {"split", "test"},    {"valid", "split"},          {"test", "split"}};
  for (const auto& either : kEither)
    if (said.given(either.first))
      std::erase_if(kept, [&](const KeptValue& value) { return value.name == either.second; });
}

/// Recipes of the first releases: underscores in four names, the kind of data as a value of its own, steps of 0 where
/// the run had not fixed them, and no schedule, which was the cosine.
void translate(std::vector<KeptValue>& kept) {
  const auto at = [&](std::string_view name) {
    return std::find_if(kept.begin(), kept.end(), [&](const KeptValue& value) { return value.name == name; });
  };
  for (KeptValue& value : kept)
    if (value.name == "weight_decay" || value.name == "warm_start" || value.name == "validate_every" ||
        value.name == "max_steps")
      std::replace(value.name.begin(), value.name.end(), '_', '-');
  if (at("steps") != kept.end() && at("steps")->text == "0" && at("seconds") != kept.end()) kept.erase(at("steps"));
  if (at("schedule") == kept.end() && at("steps") != kept.end()) {
    kept.push_back(*at("steps"));
    kept.back().name = "schedule", kept.back().text = "cosine";
  }
  const auto kind = at("data_kind"), data = at("data");
  if (kind == kept.end()) return;
  if (data != kept.end()) data->text = kept_argument(data->text, kind->text == "toy");
  kept.erase(at("data_kind"));
}

}  // namespace

Args with_recipe_file(const Args& said) {
  if (!said.given("recipe")) return said;
  std::vector<KeptValue> kept = values_from_toml(said.path("recipe"));
  give_way(kept, said);
  return args_from(said, recipe_options(), kept);
}

void check_recipe(const Args& args) {
  if (args.given("energy")) {
    std::vector<std::string> of_data = kOfTables;
    of_data.insert(of_data.end(), {"data", "invert"});
    for (const std::string& name : of_data)
      if (args.given(name))
        throw UsageError("--" + name + " speaks of data, and a run by --energy has none", "leave one of them out");
    find_energy_argument(args.text("energy"));
  }
  if (args.given("steps") && args.given("seconds"))
    throw UsageError("--steps and --seconds were both given; one of them says how long to train");
  if (args.text("schedule") == "cosine" && !args.given("steps"))
    throw UsageError("--schedule cosine is for a run by --steps: it has to know their number early");
  if (args.given("schedule-steps")) {
    if (!args.given("steps"))
      throw UsageError("--schedule-steps is for a run by --steps: it says of how many the learning rate's fall is");
    if (args.integer("schedule-steps") < args.integer("steps"))
      throw UsageError("--schedule-steps is " + std::to_string(args.integer("schedule-steps")) +
                       ", expected at least --steps, " + std::to_string(args.integer("steps")));
  }
  if (args.given("init"))
    for (const std::string& name : options_of_new_models())
      if (args.given(name))
        throw UsageError("--init and --" + name + " were both given; the model that the run begins with has its own");
  row_options(args);
  check_field(args);
  check_objective(args);
}

std::string recipe_json(const Args& args) { return settings_json(args, applicable(args)); }

Args args_of_recipe(const Args& said, const std::string& json, const std::string& path) {
  std::vector<KeptValue> kept = values_from_json(json, path);
  translate(kept);
  Args args = args_from(said, recipe_options(), kept);
  const std::string its_recipe = path + ": its recipe";
  if (!args.given("data") && !args.given("energy")) throw InputError(its_recipe + " names no data");
  if (!args.given("validate-every")) throw InputError(its_recipe + " names no validate-every");
  try {
    check_recipe(args);
  } catch (const UsageError& error) {
    throw InputError(its_recipe + ": " + error.what());
  }
  return args;
}

template <class T>
TrainingFile<T> read_training_by_recipe(const std::string& path, Args& args) {
  TrainingFile<T> training = read_training<T>(path);
  args = args_of_recipe(args, training.file.recipe, path);
  if (training.optimizer != args.text("optimizer"))
    throw InputError(path + ": a state of the optimizer " + in_quotes(training.optimizer) + ", whose recipe says " +
                     in_quotes(args.text("optimizer")));
  return training;
}
template TrainingFile<float> read_training_by_recipe(const std::string&, Args&);
template TrainingFile<double> read_training_by_recipe(const std::string&, Args&);

RecipeData recipe_data(const std::string& json, const std::string& path) {
  std::vector<KeptValue> kept = values_from_json(json, path);
  translate(kept);
  RecipeData data;
  for (const KeptValue& value : kept) {
    if (value.name == "energy") return {value.text, DataKind::energy};
    if (value.name == "data") data.name = value.text;
    if (value.name == "invert") data.invert = value.text == "true";
  }
  data.kind = data_kind(data.name);
  return data;
}

void decide(Args& args, const std::string& option, const std::string& text) {
  const std::vector<Option> table = recipe_options();
  args.set(find_option(table, option), "--" + option, text);
}

std::int64_t validation_interval(Index rows, const Args& args) {
  return validation_interval(rows, objective_from(args));
}

OptimizerOptions optimizer_from(const Args& args) {
  return {
      .kind = *find_optimizer(args.text("optimizer")),
      .adam = {.beta1 = args.real("beta1"), .beta2 = args.real("beta2"), .weight_decay = args.real("weight-decay")}};
}

FlowTrainOptions train_options(const Args& args, Precision precision) {
  FlowTrainOptions options;
  options.steps = args.given("steps") ? args.integer("steps") : 0;
  options.schedule_steps = args.given("schedule-steps") ? args.integer("schedule-steps") : 0;
  options.seconds = args.given("steps") ? 0 : args.real("seconds");
  options.batch = args.integer("batch");
  options.lr = args.real("lr");
  options.schedule = args.text("schedule") == "cosine" ? warm_hold_cosine : warm_root_fall;
  options.optimizer = optimizer_from(args);
  options.clip = args.real("clip");
  options.ema = args.real("ema");
  options.validate_every = args.integer("validate-every");
  if (args.given("patience")) options.patience = static_cast<int>(args.integer("patience"));

  set_shared(options, precision, threads_from(args), seed_from(args), interrupt_flag());
  // At 1e-5 a solve takes two to three times the steps of one at 1e-3, so who allows more there allows more here.
  std::int64_t& most = options.evaluation.solve.max_steps;
  most = std::max(most, 4 * args.integer("max-steps"));
  ObjectiveOptions& objective = options.objective;
  objective.minimise = objective_from(args);
  if (traits(objective.minimise).log_density) options.warm_start = args.integer("warm-start");
  FlowOptions* flow = objective.flow();
  if (flow == nullptr) return options;
  flow->solve = solve_from(args);
  tell_adjoint(*flow, args);
  flow->divergence = parse_divergence(args.choice("divergence").spelled(), flow->divergence.probe);
  objective.minimise.share_flow();
  return options;
}

}  // namespace cnf
