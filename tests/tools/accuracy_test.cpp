// --accuracy and --with-error from end to end.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file_writer.hpp"
#include "base/npy.hpp"
#include "tests/tools/program.hpp"

using namespace cnf;

namespace {

using Json = nlohmann::ordered_json;

/// A run trained to be evaluated to 1e-3 nats, and points.
Shell& shell() {
  static Shell sh;
  static const Ran ran =
      sh("cnf train --data moons --hidden 16,16 --steps 60 --seed 3 --accuracy 1e-3 --quiet -o model && "
         "cnf data moons -N 300 --seed 9 -o points.npy");
  if (ran.code != 0) FAIL("training failed: " << ran.err);
  return sh;
}

Ran run(const std::string& command) {
  const Ran ran = shell()(command);
  CAPTURE(command, ran.err);
  REQUIRE(ran.code == 0);
  return ran;
}

std::vector<double> values(const std::string& name) { return read_npy(shell() / name).values; }

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("a run trained with --accuracy has log p right to it, the same whatever a row is beside",
          "[verbs][accuracy]") {
  run("cnf logprob model --data points.npy -f -o l.npy");
  run("cnf logprob model --data points.npy --rtol 1e-9 --precision double -f -o truth.npy");
  const std::vector<double> got = values("l.npy");
  const double error = largest_difference(got, values("truth.npy"));
  CHECK(error <= 2e-3);
  CHECK(error > 1e-9);
  run("cnf logprob model --data points.npy --rtol 1e-5 -f -o adaptive.npy");
  CHECK(largest_difference(got, values("adaptive.npy")) > 0);

  const NpyArray points = read_npy(shell() / "points.npy");
  std::string rows = "x,y\n";
  for (std::size_t i = 300; i-- > 250;)
    rows += Json(points.values[2 * i]).dump() + "," + Json(points.values[2 * i + 1]).dump() + "\n";
  write_file(shell() / "some.csv", rows);
  run("cnf logprob model --data some.csv -f -o some.npy");
  const std::vector<double> some = values("some.npy");
  for (std::size_t i = 0; i < 50; ++i) CHECK(some[i] == got[299 - i]);

  const Json judged = Json::parse(run("cnf evaluate model --data points.npy --no-mass --json").out);
  CHECK(judged["evaluation"]["accuracy"] == 1e-3);
  CHECK(judged["evaluation"]["error"].get<double>() <= 1e-3);
  CHECK(judged["nfe_mean"].get<double>() < 40);
  CHECK(Json::parse(run("cnf evaluate model --data points.npy --no-mass --json --rtol 1e-5").out)["evaluation"]
            .is_null());
}

TEST_CASE("a run of length keeps how its densities are evaluated to 1e-4 nats, a short one does not",
          "[verbs][accuracy]") {
  const std::string train = "cnf train --data circles --hidden 4 --batch 8192 --steps 62 --quiet ";
  run(train + "-o long");
  CHECK(Json::parse(contents(shell() / "long/evaluation.json"))["trained_for"] == 1e-4);
  const std::string judge = "cnf evaluate long --no-mass -N 500 --json --data circles";
  CHECK(Json::parse(run(judge).out)["evaluation"]["accuracy"] == 1e-4);
  CHECK(Json::parse(run(judge + " --rtol 1e-5").out)["evaluation"].is_null());
  run(train + "--objective flow-matching -o short");
  CHECK_FALSE(std::filesystem::exists(shell() / "short/evaluation.json"));
}

TEST_CASE("an accuracy is measured once, said, and kept in the run folder", "[verbs][accuracy]") {
  run("cp -r model measured");
  const std::string command = "cnf logprob measured --data points.npy --accuracy 1e-4 -f -o ";
  const Ran first = run(command + "a.npy");
  CHECK_THAT(first.err,
             Catch::StartsWith("cnf logprob: order ") && Catch::Contains("; kept in measured/evaluation.json"));
  CHECK(run(command + "b.npy").err == "");
  CHECK(values("a.npy") == values("b.npy"));
  const Json kept = Json::parse(contents(shell() / "measured/evaluation.json"));
  CHECK(kept["evaluations"].size() == 2);
  CHECK(kept["trained_for"] == 1e-3);

  // What is not understood, or of other weights, is measured again.
  for (const std::string& broken : {std::string("{"), std::string("{\"format\": 1, \"model\": \"x\"}"), [&] {
                                      Json other = kept;
                                      other["evaluations"][1]["grids"][0]["fractions"][1] = 2;
                                      return other.dump();
                                    }()}) {
    write_file(shell() / "measured/evaluation.json", broken);
    const std::string said = broken.find("\"x\"") == std::string::npos ? "damaged" : "of another model";
    const Ran unasked = run("cnf logprob measured --data points.npy -f -o c.npy");
    CHECK_THAT(unasked.err, Catch::StartsWith("cnf logprob: warning: measured/evaluation.json: " + said));
    CHECK_THAT(run(command + "c.npy").err, Catch::Contains(said) && Catch::Contains("kept in"));
    CHECK(values("c.npy") == values("a.npy"));
  }
  run("cp model/model.safetensors alone.safetensors");
  CHECK_THAT(run("cnf logprob alone.safetensors --data points.npy --accuracy 1e-4 -f -o d.npy").err,
             !Catch::Contains("kept in"));
  CHECK(values("d.npy") == values("a.npy"));
  run("cat alone.safetensors | cnf logprob /dev/stdin --data points.npy --accuracy 1e-4 -f -o e.npy");
  CHECK(values("e.npy") == values("a.npy"));
}

TEST_CASE("samples come with a log p right to --accuracy at the point given out", "[verbs][accuracy]") {
  run("cp -r model drawn");
  run("cnf sample drawn -N 500 --with-logprob --accuracy 1e-3 -f -o s.npy");
  const NpyArray drawn = read_npy(shell() / "s.npy");
  std::vector<double> said;
  std::string rows = "x,y\n";
  for (std::size_t i = 0; i < 500; ++i) {
    rows += Json(drawn.values[3 * i]).dump() + "," + Json(drawn.values[3 * i + 1]).dump() + "\n";
    said.push_back(drawn.values[3 * i + 2]);
  }
  write_file(shell() / "drawn.csv", rows);
  run("cnf logprob drawn --data drawn.csv --rtol 1e-9 --precision double -f -o judged.npy");
  CHECK(largest_difference(said, values("judged.npy")) <= 2e-3);
}

TEST_CASE("logprob --with-error adds a column, and does not change the first", "[verbs][accuracy]") {
  for (const std::string options : {" --rtol 1e-4", " --accuracy 1e-3"}) {
    run("cnf logprob model --data points.npy -f -o l.npy" + options);
    run("cnf logprob model --data points.npy --with-error -f -o both.npy" + options);
    run("cnf logprob model --data points.npy --rtol 1e-10 --precision double -f -o truth.npy");
    const NpyArray both = read_npy(shell() / "both.npy");
    REQUIRE(both.shape == std::vector<Index>{300, 2});
    const std::vector<double> l = values("l.npy"), truth = values("truth.npy");
    int within = 0;
    for (std::size_t i = 0; i < 300; ++i) {
      CHECK(both.values[2 * i] == l[i]);
      within += std::abs(l[i] - truth[i]) <= 3 * both.values[2 * i + 1];
    }
    CHECK(within >= 285);
  }
  CHECK_THAT(run("cnf logprob model --data points.npy --with-error").out,
             Catch::StartsWith("log_prob,log_prob_error\n"));
}

TEST_CASE("an accuracy beside what it decides is refused, and so is one that cannot be met",
          "[verbs][accuracy][errors]") {
  for (const std::string verb : {"logprob model --data points.npy", "sample model", "density model", "evaluate model"})
    for (const std::string other :
         {"--rtol 1e-3", "--atol 1e-3", "--solver rk4:8", "--norm tile", "--logp-tol 1e-3", "--max-step 0.1"}) {
      const Ran ran = shell()("cnf " + verb + " --accuracy 1e-3 " + other);
      CHECK(ran.code == 2);
      CHECK_THAT(ran.err, Catch::Contains("were both given"));
    }
  const Ran beyond = shell()("cnf logprob model --data points.npy --accuracy 1e-9 --precision float");
  CHECK(beyond.code == 1);
  CHECK_THAT(beyond.err, Catch::Contains("no method or tolerance that was tried is right to 1e-09 nats in float"));
  for (const std::string verb : {"logprob model --data points.npy", "sample model", "density model", "evaluate model",
                                 "train --data moons --steps 1 -o new"})
    for (const std::string wrong : {"0", "1", "-1e-3", "nan", "inf", "x", "''"}) {
      const Ran ran = shell()("cnf " + verb + " --accuracy=" + wrong);
      CAPTURE(verb, wrong, ran.err);
      CHECK(ran.code == 2);
      CHECK_THAT(ran.err, Catch::Contains("accuracy"));
    }
}
