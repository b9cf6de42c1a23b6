// cnf straighten and what its runs have by default, from end to end.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/npy.hpp"
#include "tests/tools/program.hpp"

using namespace cnf;
using Catch::Contains;

namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kShort = " --steps 12 --draws 3000 --warm-start 5 --validate-every 4 --seed 3 --json --quiet";

/// A flow, and the same straightened.
Shell& shell() {
  static Shell sh;
  static const Ran ran =
      sh("cnf train --data moons --hidden 16,16 --steps 40 --seed 3 --quiet -o flow && "
         "cnf straighten flow -o straight --threads 2" +
         std::string(kShort) + " > said.json");
  if (ran.code != 0) FAIL("straightening failed: " << ran.err);
  return sh;
}

Ran run(const std::string& command) {
  const Ran ran = shell()(command);
  CAPTURE(command, ran.err);
  REQUIRE(ran.code == 0);
  return ran;
}

std::string bytes(const std::string& name) { return contents(shell() / name); }

}  // namespace

TEST_CASE("a straightened run has a certificate, which is the default of samples and log p", "[verbs][straighten]") {
  const Json said = Json::parse(bytes("said.json"));
  const Json of_run = said["after"]["certificate"],
             told = Json::parse(run("cnf info straight --json").out)["few_steps"];
  CHECK(told == of_run);
  CHECK(told["method"] == "midpoint");
  CHECK(told["steps"] == 2);
  CHECK(told["evaluations"] == 4.0);
  CHECK(told["rows"] == 4096);
  for (const char* of : {"log_prob_error", "sample_log_prob_error", "sample_distance"}) {
    CHECK(told[of]["mean"].get<double>() > 0);
    CHECK(told[of]["quantile_999"] >= told[of]["mean"]);
    CHECK(told[of]["largest"] >= told[of]["quantile_999"]);
  }
  CHECK(said["before"]["w2"].size() == 5);
  CHECK(said["after"]["w2"][0]["by"] == "euler:1");

  const Ran sampled = run("cnf sample straight -N 300 -o few.npy");
  CHECK_THAT(sampled.err, Contains("by midpoint:2, 4 evaluations a row") && Contains("--rtol 1e-5 is exact"));
  run("cnf sample straight -N 300 --solver midpoint:2 -o same.npy && cnf sample straight -N 300 --rtol 1e-5 -o "
      "exact.npy");
  CHECK(bytes("few.npy") == bytes("same.npy"));
  CHECK(bytes("few.npy") != bytes("exact.npy"));
  run("cnf logprob straight --data few.npy -o l.npy --quiet");
  run("cnf logprob straight --data few.npy --solver midpoint:2 -o l_same.npy");
  CHECK(bytes("l.npy") == bytes("l_same.npy"));
  CHECK_THAT(run("cnf evaluate straight -N 200").out, !Contains("midpoint"));  // judged exactly, by the truth
  CHECK(run("cnf sample straight/model.safetensors -N 2 --quiet").code == 0);
  CHECK(run("cnf sample flow -N 2").err.empty());
}

TEST_CASE("a straightened run has the same bits on any number of threads, and goes on to them",
          "[verbs][straighten][bits]") {
  run("cnf straighten flow -o again --threads 1" + std::string(kShort));
  for (const char* file : {"/model.safetensors", "/training.safetensors", "/metrics.csv", "/evaluation.json"})
    CHECK(bytes("again" + std::string(file)) == bytes("straight" + std::string(file)));
  // As a run that was killed after its last checkpoint.
  run("cp -r straight cut && rm cut/evaluation.json");
  run("cnf straighten --resume cut --quiet");
  CHECK(bytes("cut/evaluation.json") == bytes("straight/evaluation.json"));
  CHECK_THAT(run("cnf train --resume cut").err, Contains("the run is complete"));
}

TEST_CASE("a model without its folder is straightened by its draws alone", "[verbs][straighten]") {
  run("cp flow/model.safetensors alone.safetensors");
  run("cnf straighten alone.safetensors -o of_file" + std::string(kShort));
  run("cnf straighten flow -o by_data --data moons --steps 4 --few-solver rk4 --few 1 --quiet");
  CHECK_THAT(run("cnf sample by_data -N 2").err, Contains("by rk4:1, 4 evaluations a row"));
}

TEST_CASE("what cannot be straightened is refused", "[verbs][straighten][errors]") {
  const auto refused = [&](const std::string& command) {
    const Ran ran = shell()(command);
    CHECK(ran.code != 0);
    return ran.err;
  };
  CHECK_THAT(refused("cnf straighten"), Contains("give a model"));
  CHECK_THAT(refused("cnf straighten nothing -o x"), Contains("nothing"));
  CHECK_THAT(refused("cnf straighten flow -o straight"), Contains("--force"));
  CHECK_THAT(refused("cnf straighten flow -o x --data moons --draws 9"), Contains("--data and --draws"));
  CHECK_THAT(refused("cnf train --draws 9 -o x"), Contains("--init"));
  CHECK_FALSE(std::filesystem::exists(shell() / "x"));
}
