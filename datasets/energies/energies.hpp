// The built-in energies by their names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datasets/energies/energy.hpp"

namespace cnf {

/// The energy of that name, "funnel:D" in D dimensions among them; null if there is none.
/// Throws InputError for a funnel of no dimension, or of too many.
std::shared_ptr<const Energy> find_energy(const std::string& name);

/// All names, in alphabetical order.
std::vector<std::string> energy_names();

}  // namespace cnf
