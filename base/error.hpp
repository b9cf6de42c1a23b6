// What can go wrong outside a solve, as exceptions that carry the program's exit code.
// Misuse of the library throws std::invalid_argument; numerical trouble is a Status (status.hpp), not an exception.
#pragma once

#include <stdexcept>
#include <string>

namespace cnf {

/// Exit codes of the program `cnf`; documented in its --help.
enum class ExitCode : int { ok = 0, computation = 1, usage = 2, input = 3, output = 4, memory = 5 };

/// An error with a one-line cause and, optionally, a line that says what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& what, std::string help = {})
      : std::runtime_error(what), code_(code), help_(std::move(help)) {}
  ExitCode code() const { return code_; }
  const std::string& help() const { return help_; }

 private:
  ExitCode code_;
  std::string help_;
};

/// The computation could not be carried out (diverged, solver failed).
struct ComputationError : Error {
  explicit ComputationError(const std::string& what, std::string help = {})
      : Error(ExitCode::computation, what, std::move(help)) {}
};
/// An option or argument is wrong.
struct UsageError : Error {
  explicit UsageError(const std::string& what, std::string help = {}) : Error(ExitCode::usage, what, std::move(help)) {}
};
/// An input file is missing, malformed or inconsistent. The text names file and place: "data.csv:1042:2: ...".
struct InputError : Error {
  explicit InputError(const std::string& what, std::string help = {}) : Error(ExitCode::input, what, std::move(help)) {}
};
/// An output could not be written. The text names the path and the system's reason.
struct OutputError : Error {
  explicit OutputError(const std::string& what, std::string help = {})
      : Error(ExitCode::output, what, std::move(help)) {}
};

}  // namespace cnf
