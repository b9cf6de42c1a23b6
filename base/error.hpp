// What can go wrong outside a solve, as exceptions. A program turns their kinds into exit codes:
// tools/cli/exit_code.hpp.
// Misuse of the library throws std::invalid_argument; numerical trouble is a Status (status.hpp), not an exception.
#pragma once

#include <stdexcept>
#include <string>

namespace cnf {

/// An error with a one-line cause and, optionally, a line that says what to do. Thrown as one of the kinds below.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, std::string help = {}) : std::runtime_error(what), help_(std::move(help)) {}
  const std::string& help() const { return help_; }

 private:
  std::string help_;
};

/// The computation could not be carried out (diverged, solver failed).
struct ComputationError : Error {
  using Error::Error;
};
/// An input file is missing, malformed or inconsistent. The text names file and place: "data.csv:1042:2: ...".
struct InputError : Error {
  using Error::Error;
};
/// An output could not be written. The text names the path and the system's reason.
struct OutputError : Error {
  using Error::Error;
};

}  // namespace cnf
