// Runs of `cnf train` that are stopped, killed, doubled, and go on.
#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "base/random.hpp"
#include "tests/tools/program.hpp"

using namespace cnf;

namespace {

constexpr const char* kRecipe = "--data moons --hidden 16,16 --steps 400 --batch 256 --validate-every 20 --quiet ";

/// Sends `signal` after so many milliseconds. Returns the exit code, or 128 + the signal that ended the process.
int stopped_after(pid_t run, int milliseconds, int signal) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  ::kill(run, signal);
  int status = 0;
  ::waitpid(run, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void wait_for(const std::filesystem::path& path) {
  for (int wait = 0; wait < 3000 && !std::filesystem::exists(path); ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  REQUIRE(std::filesystem::exists(path));
}

void check_same_files(const Shell& shell, const std::string& run, const std::string& other) {
  for (const std::string name : {"/model.safetensors", "/training.safetensors", "/metrics.csv", "/density.png"}) {
    CAPTURE(name);
    CHECK((contents(shell / (run + name)) == contents(shell / (other + name))));
  }
}

}  // namespace

TEST_CASE("a run killed or stopped at any moment ends in the bits of one left alone", "[runs]") {
  Shell shell;
  REQUIRE(shell(std::string("cnf train ") + kRecipe + "-o whole").code == 0);
  pid_t run = shell.begin(std::string("train ") + kRecipe + "-o cut --threads 4");
  wait_for(shell / "cut/training.safetensors");  // before its first checkpoint a killed run has nothing to resume
  int stops = 0, interrupts = 0;
  for (std::uint32_t k = 0; k < 12; ++k) {
    const int signal = k % 3 == 0 ? SIGKILL : k % 3 == 1 ? SIGINT : SIGTERM;
    const int code = stopped_after(run, static_cast<int>(uniform_index({7}, Purpose::data, 0, k, 0, 250)), signal);
    CAPTURE(k, signal, code);
    if (code == 0) break;  // it had ended before the signal came
    CHECK(code == 128 + signal);
    ++stops;
    interrupts += signal != SIGKILL;
    run = shell.begin("train --resume cut --quiet --threads " + std::to_string(1 + k % 4));
  }
  CHECK(stops >= 3);
  CHECK(interrupts >= 1);
  stopped_after(run, 0, SIGTERM);
  const Ran last = shell("cnf train --resume cut --quiet --threads 1");
  CHECK(last.code == 0);
  check_same_files(shell, "cut", "whole");
}

TEST_CASE("a run killed before its first validation goes on, and ends in the bits of one left alone", "[runs]") {
  const std::string how = GENERATE("", "--memory 1MB --solver rk4:20 ", "--gradient reversible --memory 1MB ",
                                   "--gradient continuous --adjoint-rtol 1e-2 --adjoint-norm full ");
  const std::string recipe = "--data moons --hidden 16,16 --batch 256 --steps 300 --validate-every 1000 --quiet " + how;
  CAPTURE(how);
  Shell shell;
  REQUIRE(shell("cnf train " + recipe + "-o whole").code == 0);
  const pid_t run = shell.begin("train " + recipe + "-o cut");
  wait_for(shell / "cut/training.safetensors");
  CHECK(stopped_after(run, 0, SIGKILL) == 128 + SIGKILL);
  const Ran early = shell("cnf info cut");
  CHECK(early.code == 3);
  CHECK_THAT(early.err, Catch::Contains("cnf train --resume cut"));
  REQUIRE(shell("cnf train --resume cut --quiet --threads 1").code == 0);
  check_same_files(shell, "cut", "whole");
}

TEST_CASE("a run killed at any moment while it replaces another leaves one that can be used and one that goes on",
          "[runs]") {
  const std::string recipe = "--data moons --hidden 16,16 --batch 256 --validate-every 20 --quiet ";
  Shell shell;
  REQUIRE(shell("cnf train " + recipe + "--steps 20 --seed 1 -o old").code == 0);
  REQUIRE(shell("cnf train " + recipe + "--steps 60 --seed 2 -o new").code == 0);
  for (std::uint32_t k = 0; k < 10; ++k) {
    REQUIRE(shell("rm -rf run && cp -r old run").code == 0);
    const pid_t run = shell.begin("train " + recipe + "--steps 60 --seed 2 -o run --force");
    const int code = stopped_after(run, static_cast<int>(uniform_index({8}, Purpose::data, 0, k, 0, 300)), SIGKILL);
    CAPTURE(k, code);
    CHECK((code == 0 || code == 128 + SIGKILL));
    CHECK(shell("cnf sample run -N 1").code == 0);
    const bool old = contents(shell / "run/model.safetensors") == contents(shell / "old/model.safetensors");
    const bool begun = std::filesystem::exists(shell / "run/.new/training.safetensors") ||
                       std::filesystem::exists(shell / "run/.ready");
    CHECK(shell("cnf train --resume run --quiet").code == 0);
    check_same_files(shell, "run", old && !begun ? "old" : "new");
    CHECK(shell("find run -name '.*' ! -name .lock ! -name run").out.empty());
  }
}

TEST_CASE("a run stopped while it matches, as its warm start or to its end, goes on to the same bits", "[runs]") {
  const std::string of = GENERATE("--warm-start 800 --steps 20 --validate-every 10 ",
                                  "--objective flow-matching --steps 800 --validate-every 100 ");
  const std::string recipe = "--data moons --hidden 16,16 --batch 256 --quiet --threads 1 " + of;
  CAPTURE(recipe);
  Shell shell;
  REQUIRE(shell("cnf train " + recipe + "-o whole").code == 0);
  const std::string metrics = contents(shell / "whole/metrics.csv");
  CHECK(metrics.find("\n800,") != std::string::npos);
  const pid_t run = shell.begin("train " + recipe + "-o cut");
  wait_for(shell / "cut/training.safetensors");
  CHECK(stopped_after(run, 0, SIGTERM) == 143);
  CHECK(contents(shell / "cut/metrics.csv").size() < metrics.size());
  REQUIRE(shell("cnf train --resume cut --quiet --threads 1").code == 0);
  check_same_files(shell, "cut", "whole");
}

TEST_CASE("a stopped run says how to go on, and a second trainer in its folder who holds it", "[runs]") {
  Shell shell;
  const pid_t holder = shell.begin("train --data moons --hidden 16,16 --steps 1000000 --validate-every 20 -o held");
  wait_for(shell / "held/training.safetensors");
  const Ran second = shell("cnf train --resume held");
  CHECK(second.code == 4);
  CHECK_THAT(second.err, Catch::Contains("in use by process " + std::to_string(holder)));
  CHECK(stopped_after(holder, 0, SIGINT) == 130);

  // A shell without job control starts what it puts in the background with SIGINT ignored; SIGTERM is not.
  const Ran again = shell("cnf train --resume held & sleep 0.7; kill -TERM $!; wait $!");
  CHECK(again.code == 143);
  CHECK_THAT(again.err, Catch::Contains("go on with: cnf train --resume held"));
  const Ran changed = shell("cnf train --resume held --lr 0.1");
  CHECK(changed.code == 2);
  CHECK_THAT(changed.err, Catch::Contains("--lr cannot change"));
}

TEST_CASE("a run folder from elsewhere cannot make a run write to another file", "[runs]") {
  Shell shell;
  REQUIRE(shell("cnf train --data moons --hidden 8 --steps 40 --validate-every 20 --quiet -o run").code == 0);
  REQUIRE(shell("printf precious >p.txt").code == 0);
  const std::string lengthen =
      "cnf train --data moons --hidden 8 --steps 40 --validate-every 20 --quiet -o run --force";
  for (const char* link : {"ln -s ../p.txt run/.lock", "ln p.txt run/.lock"}) {
    CAPTURE(link);
    for (const std::string& verb : {std::string("cnf train --resume run"), lengthen}) {
      REQUIRE(shell(std::string("rm -f run/.lock; ") + link).code == 0);
      const Ran ran = shell(verb);
      CHECK(ran.code == 4);
      CHECK_THAT(ran.err, Catch::Contains("run/.lock: is a link") && Catch::Contains("remove it"));
      CHECK(contents(shell / "p.txt") == "precious");
    }
  }
  // Nor make it read one, or wait for a pipe.
  REQUIRE(shell("rm run/.lock").code == 0);
  for (const char* log :
       {"ln -s ../p.txt run/metrics.csv", "mkfifo run/metrics.csv", "printf 'step,lr\\nroot:x\\n' >run/metrics.csv"}) {
    CAPTURE(log);
    REQUIRE(shell(std::string("mv run/metrics.csv m.csv; ") + log).code == 0);
    const Ran ran = shell("timeout 20 cnf train --resume run --quiet");
    CHECK(ran.code == 3);
    CHECK_THAT(ran.err, Catch::Contains("run/metrics.csv") && Catch::Contains("remove it: then the log begins anew"));
    REQUIRE(shell("rm run/metrics.csv; cp m.csv run/metrics.csv").code == 0);
  }
  REQUIRE(shell("cp run/training.safetensors t; rm run/training.safetensors && mkfifo run/training.safetensors").code ==
          0);
  const Ran pipe = shell("timeout 20 cnf train --resume run --quiet");
  CHECK(pipe.code == 3);
  CHECK_THAT(pipe.err, Catch::Contains("run/training.safetensors: not a file"));
  REQUIRE(shell("rm run/training.safetensors && mv t run/training.safetensors && mv m.csv run/metrics.csv").code == 0);
  const Ran none = shell("cnf train --resume nosuch --dry-run");
  CHECK(none.code == 3);
  CHECK_THAT(none.err, Catch::Contains("nothing to resume"));

  for (const char* file : {"model.safetensors", "training.safetensors", "metrics.csv", "timing.csv", "density.png"}) {
    CAPTURE(file);
    // A copy that links elsewhere: what it names is read, and replaced in the run alone.
    REQUIRE(shell(std::string("rm -f run/.lock && mv run/") + file + " p.txt && ln -s ../p.txt run/" + file).code == 0);
    const std::string before = contents(shell / "p.txt");
    const bool log = std::string(file).ends_with(".csv");  // what a log links to is not the run's own, and not read
    CHECK(shell("cnf train --resume run --quiet").code == (log ? 3 : 0));
    CHECK(shell(lengthen).code == 0);
    CHECK(contents(shell / "p.txt") == before);
  }
}
