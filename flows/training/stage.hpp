// The stages of a run, one after the other: how long, at what rate, how often judged.
#pragma once

#include <cstdint>
#include <span>

#include "flows/training/task.hpp"

namespace cnf {

/// The learning rate as a share of its peak at step `step` (from 0) of `steps`. A stage by seconds needs one that does
/// not depend on their number before kFreeShare of them: it is fixed that late, and still repeats the stage.
using Schedule = double (*)(std::int64_t step, std::int64_t steps);
inline constexpr double kFreeShare = 0.82;

/// A linear warm-up over 100 steps, the peak until 200, then as the inverse root of the step; and from kFreeShare of
/// the steps on, half a cosine of that to zero.
double warm_root_fall(std::int64_t step, std::int64_t steps);
/// The same warm-up, the peak until a tenth of the steps, then half a cosine to zero. Not for a stage by seconds.
double warm_hold_cosine(std::int64_t step, std::int64_t steps);

struct Stage {
  std::int64_t steps = 0;  ///< 0, in the last stage alone: as many as fit in TrainOptions::seconds
  std::int64_t schedule_steps =
      0;               ///< of how many the schedule is; 0: of `steps`. A run cut short by its clock has more
  double rate = 2e-2;  ///< the peak
  Schedule schedule = warm_root_fall;
  std::int64_t validate_every = 250;  ///< steps of the whole run; a stage's end is always validated
  /// Begin from the averaged weights that the stage before ended with, as new weights: the optimizer and the rate's
  /// scale start anew. Else everything goes on. Says nothing in the first stage.
  bool fresh_optimizer = true;
};

template <class T>
struct RunStage {
  Stage stage;
  Task<T>* task;
};

/// The stage that makes step number `step`, counted from 0 over the whole run: a function of the step and the stages,
/// so that a state stores nothing of it. Steps after the last belong to it.
template <class T>
std::size_t stage_of_step(std::span<const RunStage<T>> stages, std::int64_t step) {
  std::size_t k = 0;
  for (std::int64_t end = stages[0].stage.steps; k + 1 < stages.size() && step >= end;) end += stages[++k].stage.steps;
  return k;
}

}  // namespace cnf
