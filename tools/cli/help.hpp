// The texts of --help, made from the option tables.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/cli/verb.hpp"

namespace cnf {

/// `cnf VERB --help`: summary, usage, examples, then every option under its group with range, default and choices.
/// No line is longer than `width` columns (at least 80), but for an example that is.
std::string help_text(const Verb& verb, int width);

/// `cnf --help`: the verbs, the exit codes, and what all verbs have in common. With a noun, `cnf classify --help`: the
/// verbs of two words that begin with it.
std::string help_text(std::span<const Verb> verbs, const std::string& noun, int width);

// What the texts above are made of, and the manual page (manual.hpp).
inline constexpr char kGlue = '\x1f';  ///< in a row's text: a blank no line is broken at
inline constexpr const char* kWhereResultsGo =
    "Results go to standard output or to the file of -o, messages to standard error.";

struct HelpRow {
  std::string head, text;  ///< "-o, --output FILE" (without a letter four blanks stand for it), and what it does
};
struct HelpGroup {
  std::string name;  ///< "Output"
  std::vector<HelpRow> rows;
};
std::vector<HelpGroup> help_groups(const Verb& verb);  ///< its arguments, then its options by heading
std::string usage(const Verb& verb);                   ///< what follows its name: "MODEL --data FILE [options]"
std::vector<HelpRow> everywhere_rows();                ///< what all verbs have in common
std::vector<HelpRow> exit_code_rows();

}  // namespace cnf
