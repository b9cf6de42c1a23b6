// What a program says to the shell by the number it ends with.
#pragma once

#include "base/error.hpp"

namespace cnf {

/// Exit codes of the program `cnf`; documented in its --help.
enum class ExitCode : int { ok = 0, computation = 1, usage = 2, input = 3, output = 4, memory = 5 };

/// An option or argument is wrong.
struct UsageError : Error {
  using Error::Error;
};

inline ExitCode exit_code(const Error& error) {
  if (dynamic_cast<const UsageError*>(&error) != nullptr) return ExitCode::usage;
  if (dynamic_cast<const InputError*>(&error) != nullptr) return ExitCode::input;
  if (dynamic_cast<const OutputError*>(&error) != nullptr) return ExitCode::output;
  return ExitCode::computation;
}

}  // namespace cnf
