#include "bench/startup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/harness.hpp"

extern char** environ;

namespace cnf::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// A temporary folder, gone at the end of the scope.
struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "cnf_bench_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("startup: no temporary folder " + name);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;
};

/// Starts the program with its standard output and error in `log`.
pid_t start(const std::vector<std::string>& words, const fs::path& log) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, argv[0], &files, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("startup: " + words[0] + " cannot be started");
  return child;
}

int exit_code(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

double help(const std::string& program, const fs::path& log) {
  const auto begin = Clock::now();
  const int code = exit_code(start({program, "--help"}, log));
  const double seconds = seconds_since(begin);
  if (code != 0) throw std::runtime_error("startup: " + program + " --help ended with " + std::to_string(code));
  return seconds;
}

/// The metrics file is begun right before the first step, and an interrupted run ends with the step under way.
double first_step(const std::string& program, const fs::path& folder, const fs::path& log) {
  constexpr double kPatience = 30;
  for (int attempt = 0; attempt < 5; ++attempt) {
    fs::remove_all(folder);
    const auto begin = Clock::now();
    const pid_t child =
        start({program, "train", "--data", "8gaussians", "--seconds", "60", "-o", folder.string()}, log);
    std::error_code ignored;
    while (!fs::exists(folder / "metrics.csv", ignored) && seconds_since(begin) < kPatience)
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    ::kill(child, SIGINT);
    const int code = exit_code(child);
    const double seconds = seconds_since(begin);
    const std::string said = text_of(log);
    if (code != 128 + SIGINT || said.find("stopped after step ") == std::string::npos)
      throw std::runtime_error("startup: an interrupted training ended with " + std::to_string(code) + ": " + said);
    if (said.find("stopped after step 1;") != std::string::npos) return seconds;
  }
  throw std::runtime_error("startup: training was never interrupted in its first step");
}

}  // namespace

Startup startup(const fs::path& program) {
  constexpr int kRuns = 9;
  const Folder temporary;
  const fs::path log = temporary.path / "log";
  std::vector<double> helps, steps;
  for (int i = 0; i < kRuns; ++i) {
    helps.push_back(help(program.string(), log));
    steps.push_back(first_step(program.string(), temporary.path / "run", log));
  }
  return {median(helps), median(steps)};
}

}  // namespace cnf::bench
