// Private to training: what a trainer is told of an objective's loss.
#pragma once

#include "flows/objectives/objective.hpp"
#include "flows/training/task.hpp"

namespace cnf {

/// Its gradient and parts are `at`'s own memory.
template <class T>
StepResult<T> step_result(const LossGradient<T>& at) {
  return {.loss = at.loss,
          .parts = at.parts,
          .dloss_dparams = {at.dloss_dparams.data(), static_cast<std::size_t>(at.dloss_dparams.size())},
          .forward = at.forward,
          .tiles = at.tiles,
          .failures = at.failures};
}

}  // namespace cnf
