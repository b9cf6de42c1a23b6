// A recipe is the command line, kept: JSON, TOML and words lead to the same values, and all refuse the same ones.
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/error.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tools/cli/settings.hpp"
#include "tools/run/objective_options.hpp"
#include "tools/run/recipe.hpp"
#include "tools/run/recipe_options.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;
using Catch::Contains;
using Json = nlohmann::ordered_json;

namespace {

using Strings = std::vector<std::string>;

const std::vector<Option>& table() {
  static const std::vector<Option> rows = recipe_options();
  return rows;
}

Args said(const Strings& words = {}) {
  static const Verb verb = train_verb();
  return Args(verb, words);
}

Args from_json(const std::string& json) { return args_from(said(), table(), values_from_json(json, "run")); }

Args from_toml(const std::string& text, const Strings& words = {}) {
  const TemporaryFolder folder;
  put(folder / "run.toml", text);
  return args_from(said(words), table(), values_from_toml(folder / "run.toml"));
}

/// Values of an option that are not its default, each as it would be typed.
Strings others(const Option& option) {
  switch (option.kind) {
    case Kind::flag:
      return {"true"};
    case Kind::integer:
      return {std::to_string(std::max<std::int64_t>(option.range.whole_min, 0) + 7),
              std::to_string(option.range.whole_max)};
    case Kind::real:
      return {"0.1234567890123456", "0.3", "0.5"};
    case Kind::integers:
      return {"5", "7,65536,1"};
    case Kind::reals:
      return {"0.1,0.2"};
    case Kind::choice: {
      Strings all;
      for (const std::string& choice : option.choices) {
        const auto end = choice.find_first_of("[:");
        if (end == choice.npos || choice[end] == '[') all.push_back(choice.substr(0, end));
        if (end != choice.npos) all.push_back(choice.substr(0, end) + ":3");
      }
      return all;
    }
    case Kind::text:
      if (option.check) return option.choices;  // a text that not everything can be
      return {"a \"quoted\" text, with commas", "0.25"};
    case Kind::path:
      return {"folder/file.csv"};
  }
  return {};
}

Strings words_for(const Option& option, const std::string& value) {
  if (option.kind == Kind::flag) return {"--" + option.name};
  return {"--" + option.name + "=" + value};
}

/// The same value as the verb's work sees it; the text of a number may be spelled otherwise.
bool same(const Option& option, const Args& a, const Args& b) {
  const Value &x = a.value(option.name), &y = b.value(option.name);
  const bool number = option.kind == Kind::integer || option.kind == Kind::real || option.kind == Kind::integers ||
                      option.kind == Kind::reals;
  return x.set == y.set && x.integers == y.integers && x.reals == y.reals &&
         (number || option.kind == Kind::flag || x.text == y.text);
}

/// A JSON value as TOML: all but null and objects are spelled alike.
std::string toml_of(const Json& object) {
  std::string text;
  for (const auto& item : object.items()) text += item.key() + " = " + item.value().dump() + "\n";
  return text;
}

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const InputError& error) {
    return error.what() + (error.help().empty() ? "" : "; " + error.help());
  }
  return "nothing was refused";
}

}  // namespace

TEST_CASE("every option of cnf train goes through JSON and TOML to the same value", "[settings]") {
  for (const Option& option : table())
    for (const std::string& value : others(option)) {
      CAPTURE(option.name, value);
      const Args typed = said(words_for(option, value));
      const std::string json = settings_json(typed, table());
      const Args back = from_json(json), toml = from_toml(toml_of(Json::parse(json)));
      for (const Option& row : table()) {
        CAPTURE(row.name);
        CHECK(same(row, typed, back));
        CHECK(same(row, typed, toml));
      }
      CHECK(settings_json(back, table()) == json);
      CHECK(settings_json(toml, table()) == json);
    }
}

TEST_CASE("what is said on the command line is stronger than a file", "[settings]") {
  const std::string file =
      "lr = 0.5\nbatch = 64\nhidden = [8, 8]\noutput-gate = true\nvalid = 0.25\nsolver = \"rk4:8\"\n";
  const Args args = from_toml(file, {"--lr", "0.25", "--hidden", "16"});
  CHECK(args.real("lr") == 0.25);
  CHECK(args.list("hidden") == std::vector<std::int64_t>{16});
  CHECK(args.integer("batch") == 64);
  CHECK(args.flag("output-gate"));
  CHECK(args.text("valid") == "0.25");
  CHECK(args.choice("solver").number == 8);
  CHECK(args.given("batch"));
  CHECK_FALSE(args.given("beta1"));
  CHECK(from_toml("hidden = 24").list("hidden") == std::vector<std::int64_t>{24});
  CHECK(from_toml("columns = [\"a\", \"b\"]").text("columns") == "a,b");
}

TEST_CASE("an impossible value in a file is refused with file, line and name", "[settings]") {
  struct Case {
    std::string line, message;
  };
  for (const Case& c : std::vector<Case>{
           {"lr = -1", "run.toml:2: lr: -1 is out of range, expected a number above 0"},
           {"beta1 = 2", "run.toml:2: beta1: 2 is out of range, expected a number of at least 0 and below 1"},
           {"norm = \"x\"", "run.toml:2: norm: 'x' is not known, expected one of sample, tile"},
           {"steps = 1.5", "run.toml:2: steps: 1.5 is not a whole number"},
           {"lr = inf", "run.toml:2: lr: inf is not a finite number"},
           {"batch = true", "run.toml:2: batch: 'true' is not a whole number"},
           {"invert = 1", "run.toml:2: invert: '1' is neither true nor false"},
           {"hidden = []", "run.toml:2: hidden: the list is empty"},
           {"hidden = [[1]]", "run.toml:2: hidden is a list of lists"},
           {"solver = \"rk4\"", "run.toml:2: solver: rk4 needs a number behind a colon"},
           {"lr = 2024-01-01", "run.toml:2: lr is a date or a time"},
           {"[training]", "run.toml:2: training is a heading or a table"},
           {"learning-rate = 1", "run.toml:2: 'learning-rate' is not a setting of cnf train"},
           {"weight_deca = 1", "'weight_deca' is not a setting of cnf train; did you mean weight-decay?"},
           {"lrr = 1", "did you mean lr?"},
           {"threads = 2", "run.toml:2: threads says nothing about the result"},
           {"lr 1", "run.toml:2: no TOML"},
           {"batch = 3\nbatch = 4", "run.toml:3: no TOML"},
       }) {
    CAPTURE(c.line);
    CHECK_THAT(refusal([&] { from_toml("# a recipe\n" + c.line + "\n"); }), Contains(c.message));
  }
  CHECK_THAT(refusal([] { from_json(R"({"lr": -1})"); }), Contains("run: its recipe: lr: -1 is out of range"));
  CHECK_THAT(refusal([] { from_json(R"({"lr": null})"); }), Contains("run: its recipe: lr is null"));
  CHECK_THAT(refusal([] { from_json(R"({"lr": {}})"); }), Contains("run: its recipe: lr is an object"));
  CHECK_THAT(refusal([] { from_json("[]"); }), Contains("run: its recipe is not a JSON object"));
  CHECK_THAT(refusal([] { from_json(R"({"lr": 1)"); }), Contains("run: its recipe is not a JSON object"));
}

TEST_CASE("a recipe of the first release is read, and an impossible one refused by name", "[settings]") {
  const std::string likelihood =
      R"("objective":"likelihood","steps":400,"batch":64,"lr":0.02,"beta1":0.9,"beta2":0.99,"weight_decay":0.25,)"
      R"("clip":0.0,"ema":0.998,"validate_every":100,"patience":3,"warm_start":7,"solver":"rk4:8","rtol":0.001,)"
      R"("atol":0.002,"norm":"tile","max_steps":300,"divergence":"hutchinson:2","probe":"gaussian",)"
      R"("gradient":"continuous"})";
  const std::string toy = R"({"data":"moons","data_kind":"toy","invert":false,"seed":5,)";
  const Args args = args_of_recipe(said(), toy + likelihood, "run");
  const FlowTrainOptions options = train_options(args, Precision::single_float);
  CHECK(args.text("data") == "moons");
  CHECK((options.steps == 400 && options.batch == 64 && options.optimizer.adam.weight_decay == 0.25));
  CHECK((options.validate_every == 100 && options.patience == 3 && options.warm_start == 7));
  const FlowOptions& flow = *options.objective.flow();
  CHECK((options.objective.seed.value == 5 && flow.solve.fixed_steps == 8));
  CHECK((flow.solve.rtol == 0.001 && flow.solve.atol == 0.002));
  CHECK((flow.divergence.probes == 2 && flow.divergence.probe == Probe::gaussian));
  CHECK(flow.gradient == GradientMode::continuous);

  const Args by_seconds = args_of_recipe(
      said(),
      R"({"data":"moons","data_kind":"table","invert":false,"seed":0,"objective":"flow-matching","steps":0,"batch":64,)"
      R"("lr":0.02,"beta1":0.9,"beta2":0.99,"weight_decay":0.0,"clip":0.0,"ema":0.998,"validate_every":100,)"
      R"("patience":0,"seconds":12.5})",
      "run");
  CHECK(train_options(by_seconds, Precision::single_float).steps == 0);
  CHECK(train_options(by_seconds, Precision::single_float).seconds == 12.5);
  CHECK(data_kind(by_seconds.text("data")) == DataKind::table);  // a file that is called like a set

  CHECK_THAT(refusal([&] { args_of_recipe(said(), R"({"lr": 1})", "run"); }),
             Contains("run: its recipe names no data"));
  CHECK_THAT(refusal([&] { args_of_recipe(said(), R"({"data": "moons"})", "run"); }),
             Contains("run: its recipe names no validate-every"));
  for (const auto& [was, is, message] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"\"beta1\":0.9", "\"beta1\":2", "run: its recipe: beta1: 2 is out of range"},
           {"\"likelihood\"", "\"flow-matching\"", "flow-matching needs none"},
           {"\"max_steps\":300", "\"max_steps\":0", "run: its recipe: max-steps: 0 is out of range"},
           {"\"patience\":3", "\"patience\":3,\"seconds\":3", "--steps and --seconds were both given"},
           {"\"patience\"", "\"patiense\"", "did you mean patience?"}}) {
    std::string changed = toy + likelihood;
    changed.replace(changed.find(was), was.size(), is);
    CAPTURE(changed);
    CHECK_THAT(refusal([&] { args_of_recipe(said(), changed, "run"); }), Contains(message));
  }
}

TEST_CASE("a recipe keeps what applies to the run and leaves out the rest", "[settings]") {
  const auto recipe = [](const Strings& words) { return Json::parse(recipe_json(said(words))); };
  const Json by_likelihood = recipe({"--data", "moons", "--steps", "10"});
  CHECK((by_likelihood.contains("solver") && by_likelihood.contains("warm-start") && by_likelihood["steps"] == 10));
  CHECK_FALSE(
      (by_likelihood.contains("seconds") || by_likelihood.contains("valid") || by_likelihood.contains("invert")));
  const Json matching = recipe({"--data", "points.csv", "--objective", "flow-matching", "--split", "split.npy"});
  CHECK((matching["seconds"] == 60.0 && matching["split"] == "split.npy" && matching.contains("drop-invalid")));
  CHECK_FALSE((matching.contains("solver") || matching.contains("gradient") || matching.contains("valid")));
  CHECK(recipe({"--data", "a.png", "--invert"})["invert"] == true);
}

TEST_CASE("what an objective can be told is an option, and says nothing to another objective", "[settings]") {
  const Strings start{"--data", "moons", "--objective"};
  const auto with = [&](std::string_view objective, const Strings& more) {
    Strings words = start;
    if (find_objective(objective) && traits(*find_objective(objective)).towards_target)
      words = {"--energy", "u1", "--objective"};
    words.emplace_back(objective);
    words.insert(words.end(), more.begin(), more.end());
    return said(words);
  };
  for (AnyObjective& objective : all_objectives())
    for (const Setting& setting : settings(objective)) {
      CAPTURE(setting.name);
      std::string name(setting.name);
      std::replace(name.begin(), name.end(), '_', '-');
      const Option& option = find_option(table(), name);
      CHECK(option.help == setting.help);
      for (const std::string& other : others(option)) {
        const Args args = with(traits(objective).name, {"--" + name + "=" + other});
        check_recipe(args);
        const Json kept = Json::parse(recipe_json(args))[name];
        CHECK((kept.is_string() ? kept.get<std::string>() : kept.dump()) == other);
      }
    }
  const ObjectiveSum told = objective_from(with("likelihood", {"--gradient", "continuous", "--probe", "gaussian"}));
  const FlowOptions& flow = std::get<MaximumLikelihood>(told.summands.at(0).what).flow;
  CHECK((flow.gradient == GradientMode::continuous && flow.divergence.probe == Probe::gaussian));
  for (const char* solver : {"kvaerno5", "auto", "adams"}) {
    CHECK_THROWS_WITH(check_recipe(with("likelihood", {"--solver", solver})),
                      Contains("--gradient discrete") && Contains(solver));
    check_recipe(with("likelihood", {"--solver", solver, "--gradient", "continuous"}));
  }
  CHECK_THROWS_WITH(check_recipe(with("flow-matching", {"--gradient", "discrete"})),
                    Contains("--gradient says nothing to --objective flow-matching"));
  CHECK_THROWS_WITH(check_recipe(with("flow-matching", {"--rtol", "1e-3"})),
                    Contains("--rtol says how the flow is solved; flow-matching trains without a solve"));
  check_recipe(with("flow-matching+likelihood:0.5+kinetic:0.01", {"--rtol", "1e-3", "--steer", "0.5"}));
  CHECK_THROWS_WITH(check_recipe(with("likelihood+kinetics:0.01", {})),
                    Contains("--objective: 'kinetics' is not known, expected a sum of likelihood, flow-matching"));
  CHECK_THROWS_WITH(check_recipe(with("flow-matching+kinetic:0.01", {})), Contains("add likelihood"));
  CHECK_THROWS_WITH(check_recipe(with("likelihood+kinetic:-1", {})), Contains("'-1', expected a number above 0"));
}
