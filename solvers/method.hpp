// A method as the command line spells it: "dopri5" adaptive, "rk4:8" eight fixed steps.
#pragma once

#include <string>
#include <string_view>

#include "solvers/tableau.hpp"

namespace cnf {

struct Method {
  const Tableau* tableau = &kDopri5;
  int fixed_steps = 0;  ///< 0: adaptive
};

/// Throws std::invalid_argument naming the text and the known methods: an unknown name, a count that is not a whole
/// number from 1 to 1000000, or a method without an error estimate and without a count.
Method parse_method(std::string_view text);

/// What parse_method reads back.
std::string to_string(const Method& method);

}  // namespace cnf
