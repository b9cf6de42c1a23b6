// What completes a command line in bash, zsh and fish, made from the option tables.
#pragma once

#include <span>
#include <string>

#include "tools/cli/verb.hpp"

namespace cnf {

/// A script for the shell: verbs, options, the choices of an option, names that mean data, files and folders.
/// What can stand for a value follows from its row: `choices`; a file if its value is called FILE, DATA or MODEL, one
/// of that ending if FILE.png; a folder if RUN or DIR.
std::string bash_completion(std::span<const Verb> verbs);
std::string zsh_completion(std::span<const Verb> verbs);
std::string fish_completion(std::span<const Verb> verbs);

}  // namespace cnf
