#include "flows/frozen_flow.hpp"

#include <stdexcept>
#include <string>

#include "base/number_text.hpp"

namespace cnf {

int FrozenFlow::steps() const {
  std::size_t steps = 0;
  for (const FrozenGrid& grid : grids) steps += grid.fractions.size() - 1;
  return static_cast<int>(steps);
}

void check(const FrozenFlow& frozen, const Cnf& model) {
  if (frozen.grids.size() != model.blocks.size())
    throw std::invalid_argument("frozen flow: " + std::to_string(frozen.grids.size()) + " grids for " +
                                std::to_string(model.blocks.size()) + " blocks");
  for (const FrozenGrid& grid : frozen.grids) check(grid);
  if (!(frozen.limit > 0))
    throw std::invalid_argument("frozen flow: the limit is " + shortest(frozen.limit) + ", expected more than 0");
}

FrozenFlow halved(const FrozenFlow& frozen) {
  FrozenFlow finer = frozen;
  for (FrozenGrid& grid : finer.grids) grid = halved(grid);
  return finer;
}

}  // namespace cnf
