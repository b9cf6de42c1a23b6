// Runs towards an energy, without data.
#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/tools/program.hpp"

using namespace cnf;
using Catch::Contains;
using Json = nlohmann::json;

namespace {

const std::string kSmall = "cnf train --energy eight-modes --hidden 8 --batch 64 --validate-every 100 --quiet ";

void check_same_run(const Shell& shell, const std::string& run, const std::string& other) {
  for (const std::string name : {"/model.safetensors", "/training.safetensors", "/metrics.csv"}) {
    CAPTURE(name);
    CHECK((contents(shell / (run + name)) == contents(shell / (other + name))));
  }
}

}  // namespace

TEST_CASE("a run towards an energy is judged, drawn from and weighted without data", "[verbs][energy]") {
  Shell shell;
  const Ran trained = shell(kSmall + "--steps 100 --threads 1 -o run --json");
  CAPTURE(trained.err);
  REQUIRE(trained.code == 0);
  const Json said = Json::parse(trained.out);
  CHECK((said["reverse_kl"].is_number() && said["ess"].is_number() && said["log_z"].is_number()));
  const Json recipe = Json::parse(shell("cnf info run --json").out)["recipe"];
  CHECK((recipe["energy"] == "eight-modes" && recipe["objective"] == "reverse-kl:0.1+forward-kl"));
  CHECK((recipe["anneal"] == 50 && !recipe.contains("data") && !recipe.contains("valid")));
  CHECK(contents(shell / "run/metrics.csv").find("reverse_kl,reverse_kl_stderr,ess") != std::string::npos);
  CHECK(std::filesystem::exists(shell / "run/density.png"));

  const Ran judged = shell("cnf evaluate run -N 2000 --no-mass --json");
  CAPTURE(judged.err);
  REQUIRE(judged.code == 0);
  const Json report = Json::parse(judged.out), &energy = report["energy"];
  CHECK((report["kl"].is_number() && energy["draws"] == 2000 && energy["mode_shares"].size() == 8));
  CHECK(energy["log_z_exact"].get<double>() == Approx(std::log(2 * 3.14159265358979 * 0.16)));
  double shares = 0;
  for (const double share : energy["mode_shares"]) shares += share;
  CHECK(shares == Approx(1));
  CHECK_THAT(shell("cnf evaluate run -N 200 --no-mass").out,
             Contains("ESS ") && Contains("it cannot see a mode that the model misses"));

  // The weights are -U - log p of the same draws, whether or not log p is asked for.
  const Ran both = shell("cnf sample run -N 5 --with-logprob --with-weight");
  REQUIRE(both.code == 0);
  std::istringstream lines(both.out);
  std::string line;
  std::getline(lines, line);
  CHECK(line == "x,y,log_prob,log_weight");
  while (std::getline(lines, line)) {
    double x = 0, y = 0, log_prob = 0, log_weight = 0;
    REQUIRE(std::sscanf(line.c_str(), "%lf,%lf,%lf,%lf", &x, &y, &log_prob, &log_weight) == 4);
    const double w[] = {0.05, 0.20, 0.10, 0.15, 0.05, 0.25, 0.08, 0.12};
    double p = 0;
    for (int k = 0; k < 8; ++k) {
      const double u = x - 4 * std::cos(k * std::atan(1)), v = y - 4 * std::sin(k * std::atan(1));
      p += w[k] * std::exp(-(u * u + v * v) / 0.32);
    }
    CHECK(log_weight + log_prob == Approx(std::log(p)).epsilon(1e-3).margin(1e-3));
  }
  CHECK(shell("cnf sample run -N 5 --with-weight").out.starts_with("x,y,log_weight\n"));
  for (const char* more : {"density run --panels -o panels.png", "train --energy u1 --init run --steps 2 -o on --quiet",
                           "density run -o plain.png"}) {
    const Ran ran = shell("cnf " + std::string(more));
    CAPTURE(more, ran.err);
    CHECK(ran.code == 0);
  }
}

TEST_CASE("a run towards an energy has the same bits on any threads, and goes on to them", "[verbs][energy]") {
  Shell shell;
  const std::string what = kSmall + "--steps 600 ";
  REQUIRE(shell(what + "--threads 1 -o one").code == 0);
  REQUIRE(shell(what + "--threads 2 -o two").code == 0);
  check_same_run(shell, "one", "two");
  const pid_t process = shell.begin(what.substr(4) + "--threads 1 -o cut");
  for (int i = 0; i < 2000 && contents(shell / "cut/metrics.csv").find("\n100,") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::kill(process, SIGINT);
  int status = 0;
  ::waitpid(process, &status, 0);
  const Ran resumed = shell("cnf train --resume cut --quiet");
  CAPTURE(resumed.err);
  REQUIRE(resumed.code == 0);
  check_same_run(shell, "one", "cut");
}

TEST_CASE("what speaks of data says nothing to an energy, and is refused in a line", "[verbs][energy][errors]") {
  Shell shell;
  const auto refused = [&](const std::string& arguments, const std::string& message) {
    const Ran ran = shell("cnf train " + arguments + " -o refused");
    CAPTURE(arguments, ran.err);
    CHECK(ran.code == 2);
    CHECK_THAT(ran.err, Contains(message));
    CHECK(!std::filesystem::exists(shell / "refused"));
  };
  for (const char* option : {"--valid 0.2", "--test 0", "--columns x", "--split s.npy", "--invert", "--data moons"})
    refused("--energy u1 " + std::string(option), "speaks of data, and a run by --energy has none");
  refused("--energy eight-mode", "did you mean");
  refused("--energy funnel:1", "expected funnel:D");
  refused("--energy u1 --objective likelihood", "trains on data");
  refused("--energy u1 --objective reverse-kl --defensive 0.5", "--defensive says nothing");
  refused("--energy u1 --warm-start 10", "--warm-start");
  refused("--data moons --objective reverse-kl", "give --energy in place of --data");
  REQUIRE(shell("cnf train --data moons --hidden 8 --steps 3 --quiet -o moons").code == 0);
  const Ran weights = shell("cnf sample moons --with-weight");
  CHECK(weights.code == 2);
  CHECK_THAT(weights.err, Contains("was not trained towards an energy"));
}
