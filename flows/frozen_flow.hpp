// A flow walked along frozen grids, one way: how, and which rows it is good for.
#pragma once

#include <limits>
#include <vector>

#include "flows/cnf.hpp"
#include "solvers/frozen_grid.hpp"

namespace cnf {

/// Grids fitted to a flow (flows/accuracy.hpp), and the correction up to which a row is taken from them.
///
/// A row whose correction (walk_grid) exceeds `limit`, or is not finite, is solved again with every step halved, up to
/// kMostHalvings times; what is left then is solved adaptively, alone. So the answer to a row is its own, whatever
/// stands beside it, and a smooth function of it wherever the correction stays on one side of the limit.
struct FrozenFlow {
  static constexpr int kMostHalvings = 3;

  Way way = Way::to_base;
  std::vector<FrozenGrid> grids;  ///< a block each, block 0 first
  double limit = std::numeric_limits<double>::infinity();

  int steps() const;  ///< of all grids
};

/// Throws std::invalid_argument unless there is a sound grid for every block of the model, and a limit above 0.
void check(const FrozenFlow& frozen, const Cnf& model);

FrozenFlow halved(const FrozenFlow& frozen);

}  // namespace cnf
