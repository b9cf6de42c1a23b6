// What takes long can be watched and ended, and what cannot succeed ends by itself.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/file_writer.hpp"
#include "flows/files/model_file.hpp"
#include "tests/tools/program.hpp"

using namespace cnf;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

void sleep_for(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

/// The exit code, or 128 + the signal that ended it; -1 if it still runs after so many seconds.
int end_of(pid_t process, double within) {
  const Clock::time_point begin = Clock::now();
  int status = 0;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    if (seconds_since(begin) > within) return -1;
    sleep_for(5);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Processes that are killed, however the test ends.
struct Begun {
  struct One {
    std::string command;
    pid_t process;
    std::filesystem::path err;
    bool over = false;
  };
  std::vector<One> all;
  ~Begun() {
    for (const One& one : all) {
      if (one.over) continue;
      ::kill(one.process, SIGKILL);
      ::waitpid(one.process, nullptr, 0);
    }
  }
};

/// A folder with a small model, tables, and pipes: `silent.csv`, which the test writes three rows to and keeps open,
/// and `a.csv` to `e.csv`, which no one opens at the other end.
struct Folder {
  Shell shell;
  int silent = -1;
  Folder() {
    REQUIRE(shell("cnf train --data moons --hidden 16,16 --steps 30 --validate-every 30 --quiet -o model").code == 0);
    REQUIRE(shell("cnf data moons -N 200000 -o points.npy; cnf data moons -N 2000 -o some.npy").code == 0);
    REQUIRE(::mkfifo((shell / "silent.csv").c_str(), 0600) == 0);
    for (const char* name : {"a.csv", "b.csv", "c.csv", "d.csv", "e.csv"})
      REQUIRE(::mkfifo((shell / name).c_str(), 0600) == 0);
    silent = ::open((shell / "silent.csv").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::write(silent, "x,y\n1,2\n3,4\n", 12) == 12);
  }
  ~Folder() { ::close(silent); }
};

/// Solves that take a minute each.
const std::string kEndless = " --solver rk4:1000000 --threads 1 --quiet";

}  // namespace

TEST_CASE("Ctrl-C ends whatever is being done within a second, and no part of a file is left", "[verbs][stop]") {
  Folder folder;
  Shell& shell = folder.shell;
  const std::vector<std::string> commands{
      "sample model -N 100 -o left1.npy" + kEndless,
      "logprob model --data some.npy -o left2.npy" + kEndless,
      "encode model --data some.npy -o left3.csv" + kEndless,
      "evaluate model" + kEndless,
      "evaluate model --data points.npy --no-mass --baselines --threads 1 --quiet",
      "compare model kde mixture --data points.npy --threads 1 --quiet",
      "compare model model -o left14.png" + kEndless,
      "gradcheck model" + kEndless,
      "density model -o left4.png" + kEndless,
      "density model --grid-size 8,8 --size 4000,4000 -o left5.png --threads 1 --quiet",
      "data pinwheel -N 1000000000 -o left6.npy --quiet",
      "data moons --density --size 4096,4096 -o left7.png --quiet",
      "train --data moons --steps 9 -o left8 --max-steps 1000000" + kEndless,
      "train --data moons --steps 9 -o left9 --hidden 512,512,512,512 --batch 1 --validate-every 1 --threads 1 --quiet",
      "logprob model --data a.csv -o left10.npy",
      "logprob model --data silent.csv -o left11.csv",
      "train --data b.csv -o left12",
      "sample model -o c.csv",
      "info d.csv",
      "sample e.csv -o left13.npy"};
  Begun begun;
  for (const std::string& command : commands) {
    const std::filesystem::path err = shell / ("err" + std::to_string(begun.all.size()));
    begun.all.push_back({command, shell.begin(command, err), err});
  }
  sleep_for(1500);  // a busy machine has begun them all
  for (Begun::One& one : begun.all) {
    const Clock::time_point begin = Clock::now();
    ::kill(one.process, SIGINT);
    const int code = end_of(one.process, 10);
    const double seconds = seconds_since(begin);
    CAPTURE(one.command, code, seconds, contents(one.err));
    one.over = code != -1;
    CHECK(code == 130);
    CHECK(seconds < 3);  // 1 on an idle machine; the others of the list are busy here
    CHECK_THAT(contents(one.err), Catch::Contains("stopped"));
  }
  for (const auto& entry : std::filesystem::directory_iterator(shell.folder())) {
    const std::string name = entry.path().filename().string();
    if (name.find("left") != std::string::npos) CHECK((name == "left8" || name == "left9"));  // runs, saved
    CHECK(name.find("tmp") == std::string::npos);
  }
}

TEST_CASE("a second signal ends at once what would save after the first", "[verbs][stop]") {
  Folder folder;
  const pid_t run = folder.shell.begin("train --data moons --steps 1000000 --quiet -o run");
  sleep_for(300);
  ::kill(run, SIGINT);
  ::kill(run, SIGTERM);
  const int code = end_of(run, 10);
  CHECK((code == 130 || code == 143));
}

TEST_CASE("whatever takes long shows a line at once on a terminal, as wide as that is", "[verbs][progress]") {
  Folder folder;
  const std::vector<std::string> commands{"sample model -N 100000 -o a.npy" + kEndless.substr(0, kEndless.size() - 8),
                                          "logprob model --data some.npy -o b.npy --solver rk4:1000000",
                                          "encode model --data some.npy -o c.npy --solver rk4:1000000",
                                          "evaluate model --solver rk4:1000000",
                                          "evaluate model --data points.npy -N 1000 --no-mass --baselines",
                                          "compare model gaussian --solver rk4:1000000",
                                          "gradcheck model --solver rk4:1000000",
                                          "density model -o d.png --solver rk4:1000000",
                                          "data pinwheel -N 1000000000 -o e.npy",
                                          "train --data moons --steps 9 -o f --solver rk4:1000000"};
  for (const std::string& command : commands) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) return;  // no terminals here
    REQUIRE((::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0));
    winsize size{.ws_row = 24, .ws_col = 40, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(::ioctl(terminal, TIOCSWINSZ, &size) == 0);
    ::setenv("TERM", "xterm", 1);
    const Clock::time_point begin = Clock::now();
    Begun begun;
    begun.all.push_back({command, folder.shell.begin(command, ::ptsname(terminal)), {}});
    std::string text(256, ' ');
    const ssize_t n = ::read(terminal, text.data(), text.size());
    const double seconds = seconds_since(begin);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    CAPTURE(command, text, seconds);
    CHECK(text.starts_with("\r"));
    const std::size_t line = text.find("\x1b[K");
    CHECK(line != std::string::npos);
    CHECK(line <= 40);
    CHECK(seconds < 1);  // 0.1 on an idle machine
    ::close(terminal);
  }
}

TEST_CASE("training that diverges ends before long and names step, loss, rate, gradient norm and what to do",
          "[verbs][stop][trouble]") {
  Shell shell;
  for (const std::string options : {"--lr 1e30", "--lr 1e39", "--t-end 1e6"}) {
    const Clock::time_point begin = Clock::now();
    const Ran ran = shell("cnf train --data moons --hidden 16,16 --steps 400 --quiet --force -o run " + options);
    const double seconds = seconds_since(begin);
    CAPTURE(options, seconds, ran.err);
    CHECK(ran.code == 1);
    for (const char* word : {" at step ", "loss ", ", rate ", ", gradient norm ", "help: ", "--lr"})
      CHECK_THAT(ran.err, Catch::Contains(word));
    CHECK(seconds < 60);  // some seconds on an idle machine
  }
  const Ran wild =
      shell("cnf train --data moons --hidden 16,16 --steps 60 --validate-every 30 --lr 1e3 --force -o run");
  CAPTURE(wild.err);
  CHECK_THAT(wild.err, Catch::Contains("cnf train: step 6: loss nan, gradient norm ") &&
                           Catch::Contains("back to the last sound weights, at half the rate: "));
}

TEST_CASE("a model whose solves cannot end says so at once, with the row or the place and what to do",
          "[verbs][stop][trouble]") {
  Shell shell;
  ModelFile file;
  const Cnf start =
      start_flow(MlpShape{.dim = 2, .hidden = {16, 16}}, Standardisation::identity(2), Seed{1}, 1e6, {"x", "y"});
  file.model = start;
  file.model.params *= 30;
  write_file(shell / "stiff.safetensors", model_bytes(file));
  REQUIRE(shell("cnf data moons -N 5000 -o points.npy").code == 0);
  for (const std::string verb :
       {"sample stiff.safetensors -N 5000", "logprob stiff.safetensors --data points.npy",
        "encode stiff.safetensors --data points.npy", "evaluate stiff.safetensors --data points.npy",
        "density stiff.safetensors -o a.png", "density stiff.safetensors --range=-2,2,-2,2 -o a.png"}) {
    const Clock::time_point begin = Clock::now();
    const Ran ran = shell("cnf " + verb);
    const double seconds = seconds_since(begin);
    CAPTURE(verb, seconds, ran.err);
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Catch::Contains("step_limit") && Catch::Contains("help: "));
    CHECK(seconds < 60);
  }
}

TEST_CASE("data far from zero are trained on and drawn in the time that data near it take, or the reason is said",
          "[verbs][stop][trouble]") {
  Shell shell;
  for (const std::int64_t far : {std::int64_t{1'000'000'000}, std::int64_t{1'000'000'000'000'000}}) {
    const bool drawable = far < 1'000'000'000'000;
    std::string rows = "x,y\n";
    for (int i = 0; i < 400; ++i)
      rows += std::to_string(far + (i * 37) % 101) + "," + std::to_string(std::sin(12.9898 * i)) + "\n";
    put(shell / "far.csv", rows);
    const Clock::time_point begin = Clock::now();
    const Ran ran = shell("cnf train --data far.csv --hidden 8 --steps 30 --batch 64 --quiet --force -o far");
    const Ran drawn = shell("cnf density far --on-error stop -o far.png --force");
    const double seconds = seconds_since(begin);
    CAPTURE(far, seconds, ran.err, drawn.err);
    CHECK(ran.code == 0);
    CHECK(seconds < 60);
    CHECK(std::filesystem::exists(shell / "far/density.png") == drawable);
    CHECK(drawn.code == (drawable ? 0 : 1));
    if (drawable) continue;
    CHECK_THAT(ran.err, Catch::Contains("warning: no picture is drawn: of the rows x runs from"));
    CHECK_THAT(drawn.err, Catch::Contains("too narrow") && Catch::Contains("help: subtract a constant"));
  }
}
