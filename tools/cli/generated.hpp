// What is installed beside the program and made from its option tables.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "tools/cli/verb.hpp"

namespace cnf {

/// What `cnf --generate` can write: the manual page, and the completions of shells.
inline constexpr std::array<std::string_view, 4> kGenerated{"man", "bash", "zsh", "fish"};

/// --generate, which stands where a verb does.
Option generate_option();

/// Throws UsageError if the text names none of them.
std::string generated(std::span<const Verb> verbs, const std::string& text);

/// "cnf 0.1.0".
std::string program_and_version();

}  // namespace cnf
