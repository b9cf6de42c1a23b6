// The manual page cnf(1), made from the option tables.
#pragma once

#include <span>
#include <string>

#include "tools/cli/verb.hpp"

namespace cnf {

/// In the macros of man(7).
std::string manual(std::span<const Verb> verbs);

}  // namespace cnf
