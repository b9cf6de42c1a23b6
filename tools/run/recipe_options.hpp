// The option table of `cnf train` that a recipe is made of.
#pragma once

#include <vector>

#include "tools/cli/option.hpp"

namespace cnf {

/// By heading.
std::vector<Option> data_options();
std::vector<Option> model_options();
std::vector<Option> training_options();

/// All of them and --seed: everything that a run's bits depend on.
std::vector<Option> recipe_options();

}  // namespace cnf
