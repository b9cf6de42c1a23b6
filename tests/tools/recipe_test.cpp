// Recipes as a user has them: in a file, on the command line, in a run's folder.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/safetensors.hpp"
#include "tests/tools/program.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/run/field_options.hpp"
#include "tools/run/gradient_options.hpp"
#include "tools/run/recipe.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

namespace {

using Json = nlohmann::ordered_json;

/// The example of docs/recipes.md.
std::string example() {
  const std::string page = contents(std::filesystem::path(CNF_DOCS) / "recipes.md"), fence = "```toml\n";
  const std::size_t begin = page.find(fence) + fence.size();
  return page.substr(begin, page.find("```", begin) - begin);
}

void check_same_run(const Shell& shell, const std::string& run, const std::string& other) {
  for (const std::string name : {"/model.safetensors", "/training.safetensors", "/metrics.csv"}) {
    CAPTURE(name);
    CHECK((contents(shell / (run + name)) == contents(shell / (other + name))));
  }
}

}  // namespace

TEST_CASE("the example of the recipes' page trains to the bits of the same options typed", "[verbs][settings]") {
  Shell shell;
  put(shell / "moons.toml", example());
  const Ran by_file = shell("cnf train --recipe moons.toml --steps 20 -o file --quiet");
  CAPTURE(by_file.err);
  REQUIRE(by_file.code == 0);
  REQUIRE(shell("cnf train --data moons --hidden 32,32 --activation tanh --steps 20 --lr 0.02 --solver rk4:8 "
                "--divergence hutchinson:2 -o typed --quiet")
              .code == 0);
  check_same_run(shell, "file", "typed");
  const Ran piped = shell("cat moons.toml | cnf train --recipe /dev/stdin --steps 20 -o piped --quiet");
  CAPTURE(piped.err);
  REQUIRE(piped.code == 0);
  check_same_run(shell, "piped", "typed");
  const Json recipe = Json::parse(shell("cnf info file --json").out)["recipe"];
  CHECK((recipe["data"] == "moons" && recipe["steps"] == 20 && recipe["solver"] == "rk4:8" && recipe["lr"] == 0.02));
}

TEST_CASE("a run's own recipe, as TOML, repeats it to the bit", "[verbs][settings]") {
  Shell shell;
  REQUIRE(shell("cnf train --data moons --hidden 8 --seconds 1 --rtol 1e-2 --seed 3 -o run --quiet").code == 0);
  std::string toml;
  const Json recipe = Json::parse(shell("cnf info run --json").out)["recipe"];
  for (const auto& item : recipe.items()) toml += item.key() + " = " + item.value().dump() + "\n";
  put(shell / "run.toml", toml);
  const Ran again = shell("cnf train --recipe run.toml -o again --quiet");
  CAPTURE(toml, again.err);
  REQUIRE(again.code == 0);
  check_same_run(shell, "run", "again");
}

TEST_CASE("sizes of memory are read with their units, or refused", "[settings]") {
  CHECK(parse_bytes("64MB") == 64'000'000);
  CHECK(parse_bytes("1.5 GiB") == std::size_t{3} << 29);
  CHECK(parse_bytes("500000") == 500'000);
  CHECK(parse_bytes("2k") == 2000);
  for (const char* wrong : {"", "MB", "64 XB", "-1MB", "0", "1e3", "64MB ", "nan", "inf", "9999999GB", "64mb"})
    CHECK_THROWS_AS(parse_bytes(wrong), UsageError);
}

TEST_CASE("no bit of a run depends on its memory, which it keeps when it goes on", "[verbs][settings]") {
  Shell shell;
  const std::string run = "cnf train --data moons --hidden 8 --steps 4 --batch 96 --solver rk4:20 ";
  REQUIRE(shell(run + "-o plain --quiet").code == 0);
  const Ran small = shell(run + "-o small --memory 400kB");
  REQUIRE(small.code == 0);
  CHECK_THAT(small.err, Catch::Contains("of each solve its gradient keeps states of all 20 steps"));
  CHECK(shell("cnf sample small -N 9").out == shell("cnf sample plain -N 9").out);
  const Json recipe = Json::parse(read_safetensors(shell / "small/training.safetensors").metadata.at("cnf.recipe"));
  CHECK(recipe.at("memory") == "400kB");
  const Ran less = shell(run + "-o less --memory 4kB");
  CHECK(less.code == 2);
  CHECK_THAT(less.err, Catch::Contains("--memory 4kB: of a worker's share: the gradient's memory is"));
  CHECK_FALSE(std::filesystem::exists(shell / "less"));
  CHECK(shell(run + "-o less --memory 4XB --dry-run").code == 2);
  const Ran back = shell(run + "-o back --gradient reversible --memory 400kB --json");
  CHECK(back.code == 0);
  CHECK_THAT(Json::parse(back.out).at("gradient_keeps").get<std::string>(), Catch::Contains("steps taken back"));
  CHECK_THAT(back.err, Catch::Contains("steps taken back once each"));
  const Ran refused = shell("cnf train --data moons --solver abm4:20 --gradient reversible --dry-run");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Catch::Contains("cannot take back abm4's steps; take the discrete gradient"));
  CHECK_THAT(shell("cnf train --data moons --solver adams --dry-run").err, Catch::Contains("no transpose of adams'"));
}

TEST_CASE("the adjoint's solves have a tolerance and a norm of their own, which a run keeps", "[verbs][settings]") {
  Shell shell;
  const std::string run = "cnf train --data moons --hidden 8 --steps 3 --batch 64 -q ";
  const auto samples = [&](const std::string& name, const std::string& options) {
    const Ran ran = shell(run + "-o " + name + " " + options);
    CAPTURE(options, ran.err);
    CHECK(ran.code == 0);
    return shell("cnf sample " + name + " -N 9").out;
  };
  for (const std::string mode : {"continuous", "interpolated"}) {
    const std::string own = samples(mode, "--gradient " + mode);
    CHECK(samples(mode + "-as", "--gradient " + mode + " --adjoint-rtol 1e-3") == own);
    CHECK(samples(mode + "-tight", "--gradient " + mode + " --adjoint-rtol 1e-6") != own);
  }
  CHECK(samples("full", "--gradient continuous --adjoint-norm full") != shell("cnf sample continuous -N 9").out);
  const Json recipe = Json::parse(read_safetensors(shell / "full/training.safetensors").metadata.at("cnf.recipe"));
  CHECK(recipe.at("adjoint-norm") == "full");
  for (const auto& [options, why] :
       {std::pair<std::string, std::string>{"--adjoint-rtol 1e-6", "--gradient discrete solves none"},
        {"--gradient interpolated --adjoint-norm full", "--adjoint-norm says nothing to --gradient interpolated"},
        {"--gradient continuous --memory 1MB", "--memory says nothing to --gradient continuous"},
        {"--objective flow-matching --memory 1MB", "trains without a solve"}}) {
    const Ran refused = shell("cnf train --data moons --dry-run " + options);
    CAPTURE(options, refused.err);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Catch::Contains(why));
  }
}

TEST_CASE("a recipe that cannot be is an input's fault and leaves no folder", "[verbs][settings]") {
  Shell shell;
  put(shell / "bad.toml", "data = \"moons\"\nlr = -1\n");
  for (const std::string mode : {"", "--dry-run "}) {
    const Ran ran = shell("cnf train --recipe bad.toml -o bad " + mode);
    CHECK(ran.code == 3);
    CHECK(ran.err == "cnf train: bad.toml:2: lr: -1 is out of range, expected a number above 0\n");
  }
  put(shell / "sum.toml", "data = \"moons\"\nsteps = 3\nobjective = \"likelihood+kinetc:0.1\"\n");
  const Ran sum = shell("cnf train --recipe sum.toml -o bad");
  CHECK(sum.code == 3);
  CHECK_THAT(sum.err, Catch::StartsWith("cnf train: sum.toml:3: objective: 'kinetc' is not known, expected a sum of "));
  CHECK_THAT(sum.err, Catch::Contains("did you mean kinetic?"));
  put(shell / "sum.toml", "data = \"moons\"\nobjective = \"likelihood:-1\"\n");
  CHECK_THAT(shell("cnf train --recipe sum.toml -o bad").err,
             Catch::StartsWith("cnf train: sum.toml:2: objective: the weight of likelihood is '-1'"));
  CHECK(shell("cnf train --recipe absent.toml -o bad").code == 3);
  CHECK_FALSE(std::filesystem::exists(shell / "bad"));
  put(shell / "twice.toml", "data = \"moons\"\nsteps = 10\nseconds = 3\n");
  CHECK(shell("cnf train --recipe twice.toml --dry-run").code == 2);
  CHECK(shell("cnf train --recipe twice.toml --steps 5 --dry-run").code == 0);
  put(shell / "steps.toml", "data = \"moons\"\nsteps = 10\n");
  CHECK(shell("cnf train --recipe steps.toml --seconds 5 --dry-run").code == 0);
  CHECK(shell("cnf train --recipe steps.toml --resume run").code == 2);
  CHECK(shell("cnf train --recipe steps.toml --data 8gaussians --lr 0.1 --dry-run").code == 0);
}

TEST_CASE("whatever a recipe says, it is taken or refused as an input's fault, by file and key", "[verbs][settings]") {
  Shell shell;
  REQUIRE(shell("cnf train --data moons --hidden 8 --steps 20 -o run --quiet").code == 0);
  const Json recipe = Json::parse(read_safetensors(shell / "run/training.safetensors").metadata.at("cnf.recipe"));
  const Verb verb = train_verb();
  const Args said(verb, {"--resume", "run"});
  int taken = 0, refused = 0;
  const auto try_recipe = [&](const std::string& key, const Json& changed) {
    try {
      const Args args = args_of_recipe(said, changed.dump(), "run/training.safetensors");
      train_options(args, Precision::single_float);
      (void)field_from(args);
      ++taken;
    } catch (const InputError& error) {
      ++refused;
      CAPTURE(error.what());
      CHECK_THAT(error.what(), Catch::StartsWith("run/training.safetensors: its recipe"));
      if (!key.empty()) CHECK_THAT(error.what(), Catch::Contains(key));
    }
  };
  for (const auto& item : recipe.items()) {
    CAPTURE(item.key());
    Json without = recipe;
    without.erase(item.key());
    try_recipe(item.key() == "data" ? "" : item.key(), without);
    for (const Json& value : {Json(nullptr), Json(-1), Json(0), Json(2), Json(1e308), Json(-1e308), Json("x"), Json(""),
                              Json(true), Json::array(), Json::array({1, -1}), Json::array({"x"}), Json::object()}) {
      Json changed = recipe;
      changed[item.key()] = value;
      CAPTURE(value.dump());
      try_recipe(item.key(), changed);
    }
  }
  CHECK(taken > 30);
  CHECK(refused > 200);
}

TEST_CASE("a training state with an impossible recipe is not resumed", "[verbs][settings]") {
  Shell shell;
  REQUIRE(shell("cnf train --data moons --hidden 8 --steps 20 -o run --quiet").code == 0);
  Safetensors file = read_safetensors(shell / "run/training.safetensors");
  std::string& recipe = file.metadata.find("cnf.recipe")->second;
  recipe.replace(recipe.find("\"beta1\":0.9"), 11, "\"beta1\":2.0");
  put(shell / "run/training.safetensors", safetensors_bytes(file));
  const Ran ran = shell("cnf train --resume run");
  CHECK(ran.code == 3);
  CHECK_THAT(ran.err, Catch::Contains("run/training.safetensors: its recipe: beta1: 2 is out of range"));
  recipe.replace(recipe.find("\"beta1\":2.0"), 11, "\"beta1\":0.9");
  recipe.replace(recipe.find("\"adam\""), 6, "\"soap\"");
  put(shell / "run/training.safetensors", safetensors_bytes(file));
  const Ran other = shell("cnf train --resume run");
  CHECK(other.code == 3);
  CHECK_THAT(other.err, Catch::Contains("a state of the optimizer 'adam', whose recipe says 'soap'"));
}

TEST_CASE("a run begins with another's weights, network and scaling, and resumes like any", "[verbs][settings]") {
  Shell shell;
  REQUIRE(shell("cnf train --data moons --hidden 8,8 --activation tanh --steps 20 -o first --quiet").code == 0);
  const std::string on = "cnf train --init first --data circles --steps 30 --validate-every 10 ";
  REQUIRE(shell(on + "--lr 1e-30 --ema 0 -o still --quiet").code == 0);
  const Ran samples = shell("cnf sample first -N 5");
  CHECK((samples.code == 0 && samples.out == shell("cnf sample still -N 5").out));
  REQUIRE(shell(on + "-o whole --quiet").code == 0);
  CHECK(shell("cnf sample whole -N 5").out != samples.out);
  const Json recipe = Json::parse(shell("cnf info whole --json").out)["recipe"];
  CHECK((recipe["init"] == "first" && recipe["data"] == "circles" && !recipe.contains("hidden")));
  CHECK(shell("cnf train --resume whole --quiet").code == 0);

  CHECK_THAT(shell(on + "--hidden 4 -o no").err, Catch::Contains("--init and --hidden were both given"));
  const Ran lengthened = shell("cnf train --resume first --steps 40");
  CHECK(lengthened.code == 2);
  CHECK_THAT(lengthened.err, Catch::Contains("cnf train --init first --data DATA -o NEW"));
  put(shell / "three.csv", "a,b,c\n1,2,3\n2,3,5\n4,1,7\n5,5,1\n8,2,2\n");
  const Ran other = shell("cnf train --init first --data three.csv --valid 0.2 --test 0 --steps 3 -o no");
  CHECK(other.code == 3);
  CHECK_THAT(other.err, Catch::Contains("first/model.safetensors: a model over 2 columns, the data have 3"));
  CHECK(shell("cnf train --init absent --data moons -o no --dry-run").code == 3);
  CHECK_FALSE(std::filesystem::exists(shell / "no"));
}

TEST_CASE("a run by seconds ends by them, and says the steps that repeat it", "[verbs][settings]") {
  Shell shell;
  const Ran run =
      shell("cnf train --data moons --hidden 8 --seconds 3 --validate-every 50 -o run --json --progress none");
  CAPTURE(run.err);
  REQUIRE(run.code == 0);
  const double seconds = Json::parse(run.out)["seconds"];
  CHECK((seconds > 2.4 && seconds < 4.5));  // the trainer's own margins stand in flows/training/clock_test.cpp
  const std::size_t at = run.err.find("repeat with: ") + 13;
  const std::string steps = run.err.substr(at, run.err.find('\n', at) - at);
  REQUIRE(steps.starts_with("--steps "));
  REQUIRE(shell("cnf train --data moons --hidden 8 " + steps + " --validate-every 50 -o again --quiet").code == 0);
  check_same_run(shell, "run", "again");
  const Ran patient =
      shell("cnf train --data moons --hidden 4 --seconds 60 --lr 1e-30 --patience 2 --validate-every 5 -o patient");
  CHECK(patient.code == 0);
  CHECK_THAT(patient.err, Catch::Contains("--schedule-steps") && !Catch::Contains("cut short"));
  CHECK_THAT(patient.err,
             Catch::Contains("ended at step ") && Catch::Contains(": no validation was better than that of step "));
  const Ran counted =
      shell("cnf train --data moons --hidden 4 --steps 90 --lr 1e-30 --patience 2 --validate-every 5 -o c");
  CHECK_THAT(counted.err, Catch::Matches("(.|\n)*repeat with: --steps (15|20|25) --schedule-steps 90\n(.|\n)*"));
  CHECK_THAT(shell("cnf train --data moons --schedule cosine -o no").err, Catch::Contains("is for a run by --steps"));
  CHECK_THAT(shell("cnf train --data moons --schedule-steps 4 -o no").err, Catch::Contains("is for a run by --steps"));
  CHECK_THAT(shell("cnf train --data moons --steps 5 --schedule-steps 4 -o no").err,
             Catch::Contains("--schedule-steps is 4, expected at least --steps, 5"));
}
