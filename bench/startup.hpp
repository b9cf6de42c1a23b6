// How soon the program is of use: its help, and its first training step.
#pragma once

#include <filesystem>

namespace cnf::bench {

/// Wall seconds from the start of the process, medians of several runs.
struct Startup {
  double help = 0;        ///< cnf --help, to its end
  double first_step = 0;  ///< cnf train with its defaults, interrupted in its first step: step made and run saved
};

/// Throws std::runtime_error saying which command of `program` did not do what was expected.
Startup startup(const std::filesystem::path& program);

}  // namespace cnf::bench
