// A verb of the program: its names, its option table and its work.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/cli/option.hpp"

namespace cnf {

class Args;

/// The work of a verb that is ready for it. Returns the exit code.
using Work = std::function<int()>;

/// `cnf NAME`. Its options are these and -h, --help.
struct Verb {
  std::string name{};                   ///< "train", or a noun and what is done to it: "classify train"
  std::string summary{};                ///< one line, no full stop
  std::vector<std::string> examples{};  ///< whole command lines, the commonest first
  std::vector<Option> positionals{};    ///< in order; the required ones before the others
  std::vector<Option> options{};
  /// Refuses what can be refused before the work (rules between options, outputs in the way), opens what the work
  /// reads, so that it is read once, and returns the work, which --dry-run leaves undone; but what the work would read
  /// is then read too. The Args outlive it.
  Work (*prepare)(const Args&) = nullptr;
};

/// Throws std::invalid_argument naming the row if the table is wrong: a name twice, a default that its own range
/// refuses, an option that takes a value and does not name it, a row without help.
void check_table(const Verb& verb);

/// `-h, --help`, which every verb has.
Option help_option();

/// How messages call an option or a positional argument: "--steps", "MODEL".
std::string shown_name(const Verb& verb, const Option& option);

}  // namespace cnf
