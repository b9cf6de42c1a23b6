// The texts of --help, made from the option tables.
#pragma once

#include <span>
#include <string>

#include "tools/cli/verb.hpp"

namespace cnf {

/// `cnf VERB --help`: summary, usage, examples, then every option under its group with range, default and choices.
/// No line is longer than `width` columns (at least 80), but for an example that is.
std::string help_text(const Verb& verb, int width);

/// `cnf --help`: the verbs, the exit codes, and what all verbs have in common. With a noun, `cnf classify --help`: the
/// verbs of two words that begin with it.
std::string help_text(std::span<const Verb> verbs, const std::string& noun, int width);

}  // namespace cnf
