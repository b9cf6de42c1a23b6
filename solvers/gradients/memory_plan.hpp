// What is kept of a solve for its gradient within a budget of memory, and what that leaves to be computed again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/types.hpp"

namespace cnf {

/// Checkpoints that reverse a sequence of steps: states from which later steps are computed again.
///
/// Of L steps, the state before the first being one of c checkpoints, the others placed and placed again as they become
/// free, r L - C(c + r, r - 1) steps are advanced, each at most r times, C(c + r, c) >= L: no schedule does with fewer.
/// Source  Griewank (1992), Optim. Methods Softw. 1, 35-54; Griewank and Walther (2000), ACM TOMS 26, 19-45.
namespace binomial {

/// The fewest repetitions r: C(c + r, c) >= steps. checkpoints >= 1.
Index repetitions(Index steps, Index checkpoints);
/// Steps advanced to reverse `steps` of them, those of the first sweep among them.
double advances(Index steps, Index checkpoints);
/// How many steps to advance before the next checkpoint is placed: 1 ... steps - 1. steps >= 2, checkpoints >= 2.
Index split(Index steps, Index checkpoints);

}  // namespace binomial

/// What one step of a solve takes, in bytes.
struct StepMemory {
  std::size_t slot = 0;  ///< a stage: its slope and its tape
  int stages = 0;        ///< slots a step, at most
  int history = 0;       ///< earlier slopes that a step reads, at most: they are part of its state
  bool reversible = false;
  std::size_t state = 0;  ///< what a step is computed again from
  std::size_t work = 0;   ///< of the way back: the step at hand, computed again, and its cotangents
};

/// How long a solve is.
struct SolveLength {
  Index steps = 0;        ///< 0: not known in advance
  std::int64_t most = 0;  ///< then: steps that it may take
  bool equal = false;     ///< the steps are of one length: no times are kept
};

/// Memory is taken in pieces of one size, each for some whole units: it can be used again for units of other sizes.
struct Pieces {
  std::size_t bytes, units;  ///< of a piece; in a piece
};

/// What a recording keeps of a solve.
struct MemoryPlan {
  enum class Kind {
    tape,         ///< every step's stages: nothing is computed again
    states,       ///< every step's state, and the stages of the first: each other step is computed again once
    checkpoints,  ///< some states, by binomial::split
    online,       ///< the number of steps is not known: the first steps' stages, states, then thinned as steps come
    reversible,   ///< the end alone, and the times: steps are taken back, once each
  };

  Kind kind = Kind::tape;
  Index steps = 0;                   ///< of the solve; 0: not known
  Index tapes = 0;                   ///< of the first steps the stages are kept: of so many at most
  Index states = 0;                  ///< most states kept at one time
  std::size_t bytes = 0;             ///< all of it takes at most
  Pieces slots{0, 1}, places{0, 1};  ///< memory for stages, for states
  double again = 0;                  ///< steps computed again, known once `steps` is

  /// In words, without a period: "stages of all 38 steps, 2.1 MB".
  std::string text() const;
};

/// The plan by which fewest steps are computed again within `budget` bytes; where the number of steps is not known, the
/// one for which their share, over all numbers that it may become, is least. What is kept of each step (kMarkBytes) is
/// counted for all that the solve may take.
/// Throws std::invalid_argument for less than least_memory().
MemoryPlan plan_memory(const StepMemory& step, const SolveLength& length, std::size_t budget);

/// The least budget: with it, every step is computed again from the first.
std::size_t least_memory(const StepMemory& step, const SolveLength& length);

/// A step: its rule and where its stages are; and where steps are not equal its time and its share of the way.
inline constexpr std::size_t kEqualMarkBytes = 5, kMarkBytes = 16 + kEqualMarkBytes;
inline constexpr std::size_t kMarksOf = 512;    ///< steps whose marks are made room for at once
inline constexpr std::size_t kPlaceBytes = 48;  ///< beside a state: its place in order, in a list that grows

}  // namespace cnf
