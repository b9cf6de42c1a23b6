#include "datasets/energies/energies.hpp"

#include <charconv>

#include "base/error.hpp"
#include "datasets/energies/banana.hpp"
#include "datasets/energies/eight_modes.hpp"
#include "datasets/energies/funnel.hpp"
#include "datasets/energies/rezende.hpp"

namespace cnf {

namespace {

/// To add an energy: a class in a header of this folder, and here its object.
const std::vector<std::shared_ptr<const Energy>>& all_energies() {
  static const std::vector<std::shared_ptr<const Energy>> all{
      std::make_shared<Banana>(),         std::make_shared<EightModes>(),     std::make_shared<Funnel>(2),
      std::make_shared<RezendeEnergy>(1), std::make_shared<RezendeEnergy>(2), std::make_shared<RezendeEnergy>(3),
      std::make_shared<RezendeEnergy>(4)};
  return all;
}

}  // namespace

std::shared_ptr<const Energy> find_energy(const std::string& name) {
  for (const auto& energy : all_energies())
    if (energy->name() == name) return energy;
  constexpr std::string_view kPrefix = "funnel:";
  if (!name.starts_with(kPrefix)) return nullptr;
  Index D = 0;
  const char* const end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + kPrefix.size(), end, D);
  if (error != std::errc() || at != end || D < 2 || D > 64)
    throw InputError("'" + name + "' is no funnel; expected funnel:D, D from 2 to 64");
  return std::make_shared<Funnel>(D);
}

std::vector<std::string> energy_names() {
  std::vector<std::string> names;
  for (const auto& energy : all_energies()) names.push_back(energy->name());
  return names;
}

}  // namespace cnf
