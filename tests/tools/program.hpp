// Runs the program `cnf` as a user would: through the shell, as a process of its own.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "tests/base/temporary_folder.hpp"

namespace cnf {

/// How a command ended.
struct Ran {
  int code = 0;  ///< of the exit; 128 + the signal that ended it
  std::string out, err;
  long peak_kib = 0;  ///< of memory
};

/// A shell command line in a folder of its own, in which `cnf` is the program.
class Shell {
 public:
  Ran operator()(const std::string& command) {
    const std::filesystem::path out = folder_ / ".out", err = folder_ / ".err";
    int status = 0;
    rusage usage{};
    const pid_t child = start(command, out, err);
    ::wait4(child, &status, 0, &usage);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(out), contents(err),
            usage.ru_maxrss};
  }

  /// Begins `cnf ARGUMENTS` and returns its process, for a signal; the caller waits for it.
  pid_t begin(const std::string& arguments, const std::filesystem::path& err = "/dev/null") {
    return start("exec cnf " + arguments, "/dev/null", err);
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  pid_t start(const std::string& command, const std::filesystem::path& out, const std::filesystem::path& err) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (::chdir(folder_.path().c_str()) != 0) ::_exit(126);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    const std::string path = std::string(CNF_PROGRAM_FOLDER ":") + ::getenv("PATH");
    ::setenv("PATH", path.c_str(), 1);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }

  TemporaryFolder folder_;
};

}  // namespace cnf
