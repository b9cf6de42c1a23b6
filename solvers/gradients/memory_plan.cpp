// Invariants. Everything that a recording takes is counted before it is taken: marks of all steps that may come, pieces
// of slots whole, states with their places.
#include "solvers/gradients/memory_plan.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {

namespace binomial {

namespace {

/// C(n, k), or a number beyond every count of steps.
double choose(Index n, Index k) {
  constexpr double kBeyond = 1e18;
  if (k < 0 || k > n) return 0;
  double product = 1;
  for (Index i = 1; i <= std::min(k, n - k) && product < kBeyond; ++i)
    product = product * static_cast<double>(n - std::min(k, n - k) + i) / static_cast<double>(i);
  return std::min(product, kBeyond);
}

}  // namespace

Index repetitions(Index steps, Index checkpoints) {
  Index r = 0;
  while (choose(checkpoints + r, r) < static_cast<double>(steps)) ++r;
  return r;
}

double advances(Index steps, Index checkpoints) {
  if (steps <= 1) return 0;
  const Index r = repetitions(steps, checkpoints);
  return static_cast<double>(r) * static_cast<double>(steps) - choose(checkpoints + r, r - 1);
}

Index split(Index steps, Index checkpoints) {
  const Index r = repetitions(steps, checkpoints), c = checkpoints;
  // The first part is reversed with all checkpoints and a repetition fewer, the rest with one checkpoint fewer.
  const double first = choose(c + r - 1, c), rest = static_cast<double>(steps) - choose(c + r - 2, c - 1);
  return std::clamp<Index>(static_cast<Index>(std::min(first, rest)), 1, steps - 1);
}

}  // namespace binomial

namespace {

std::size_t marks(const StepMemory& step, const SolveLength& length) {
  const std::size_t all = length.equal ? kEqualMarkBytes : kMarkBytes,
                    own = step.reversible ? all - kEqualMarkBytes : all;
  return (static_cast<std::size_t>(length.steps > 0 ? length.steps : length.most) / kMarksOf + 1) * kMarksOf * own;
}

std::size_t pieces_for(std::size_t units, const Pieces& piece) {
  return (units + piece.units - 1) / piece.units * piece.bytes;
}
Index units_in(std::size_t bytes, const Pieces& piece) { return static_cast<Index>(bytes / piece.bytes * piece.units); }

/// What a plan divides: bytes, in pieces for stages and for states.
struct Room {
  const StepMemory& step;
  std::size_t bytes;
  Pieces slots, states;

  /// Steps whose stages fit into n bytes; the slope at the end of the last has a slot too.
  Index steps_in(std::size_t n) const { return std::max<Index>(units_in(n, slots) - 1, 0) / step.stages; }
  std::size_t tape_bytes(Index tapes) const {
    return tapes == 0 ? 0 : pieces_for(static_cast<std::size_t>(tapes * step.stages + 1), slots);
  }
  Index states_in(std::size_t n) const {
    // A state's place is beside its piece.
    const std::size_t piece = states.bytes + states.units * kPlaceBytes;
    return static_cast<Index>(n / piece * states.units);
  }
  std::size_t state_bytes(Index n) const {
    return pieces_for(static_cast<std::size_t>(n), {states.bytes + states.units * kPlaceBytes, states.units});
  }
};

/// Of N steps: what is computed again if the first `tapes` have their stages kept and `states` states are.
double again(Index N, Index tapes, Index states) {
  const Index L = N - tapes;
  return L <= 0 ? 0 : binomial::advances(L, states) + 1;  // advances, less those of the solve itself, and L steps
}

MemoryPlan best(const Room& room, Index N) {
  const Index most = std::min(N, room.steps_in(room.bytes));
  MemoryPlan plan;
  plan.again = std::numeric_limits<double>::infinity();
  const auto consider = [&](Index tapes) {
    const std::size_t stages = room.tape_bytes(tapes);
    const Index states = std::min(N - tapes, room.states_in(room.bytes - stages));
    if (tapes < N && states < 1) return;
    const double cost = again(N, tapes, states);
    if (cost >= plan.again) return;
    plan.tapes = tapes;
    plan.states = states;
    plan.again = cost;
    plan.bytes = stages + room.state_bytes(states);
  };
  constexpr Index kTried = 64;
  for (Index i = 0; i <= kTried; ++i) consider(most * i / kTried);
  for (Index less = 1; less < most; less *= 2) consider(most - less), consider(less);
  plan.steps = N;
  plan.kind = plan.tapes == N                 ? MemoryPlan::Kind::tape
              : plan.states == N - plan.tapes ? MemoryPlan::Kind::states
                                              : MemoryPlan::Kind::checkpoints;
  return plan;
}

/// How many eighths of the room are for stages: by what is computed again of 1, 2, 4, ... steps, a share of each.
MemoryPlan online(const Room& room, std::int64_t most) {
  MemoryPlan plan;
  plan.kind = MemoryPlan::Kind::online;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t eighths = 0; eighths < 8; ++eighths) {
    const Index tapes = room.steps_in(room.bytes / 8 * eighths);
    const std::size_t stages = room.tape_bytes(tapes);
    const Index states = room.states_in(room.bytes - stages);
    if (states < 1) continue;
    double cost = 0;
    for (Index N = 1; N <= most; N *= 2) cost += again(N, tapes, states) / static_cast<double>(N);
    if (cost > least) continue;
    least = cost;
    plan.tapes = tapes;
    plan.states = states;
    plan.bytes = stages + room.state_bytes(states);
  }
  return plan;
}

Pieces pieces(std::size_t unit, std::size_t bytes, std::size_t most) {
  const std::size_t piece = std::max(unit, std::min(most, bytes / 16) / 64 * 64);
  return {piece, piece / unit};
}
Pieces slot_pieces(std::size_t slot, std::size_t bytes) { return pieces(slot, bytes, std::size_t{1} << 20); }
Pieces state_pieces(std::size_t state, std::size_t bytes) { return pieces(state, bytes, std::size_t{1} << 16); }

std::size_t fixed(const StepMemory& step, const SolveLength& length) { return step.work + marks(step, length); }

}  // namespace

std::size_t least_memory(const StepMemory& step, const SolveLength& length) {
  return fixed(step, length) + step.state + kPlaceBytes;
}

MemoryPlan plan_memory(const StepMemory& step, const SolveLength& length, std::size_t budget) {
  const std::size_t least = least_memory(step, length);
  if (budget < least)
    throw std::invalid_argument("the gradient's memory is " + size_text(budget) + ", expected at least " +
                                size_text(least) + ": a step computed again takes " + size_text(step.work) +
                                ", times of " + std::to_string(length.steps > 0 ? length.steps : length.most) +
                                " steps " + size_text(fixed(step, length) - step.work));
  const std::size_t bytes = budget - fixed(step, length);
  if (step.reversible) {
    MemoryPlan plan{.kind = MemoryPlan::Kind::reversible, .steps = length.steps, .bytes = least};
    plan.again = static_cast<double>(length.steps);
    return plan;
  }
  const Room room{step, bytes, slot_pieces(step.slot, bytes), state_pieces(step.state, bytes)};
  MemoryPlan plan = length.steps > 0 ? best(room, length.steps) : online(room, length.most);
  plan.bytes += budget - bytes;
  plan.slots = room.slots;
  plan.places = room.states;
  return plan;
}

std::string MemoryPlan::text() const {
  const std::string size = ", " + size_text(bytes), N = std::to_string(steps);
  const std::string first = tapes > 0 ? ", stages of the first " + std::to_string(tapes) : "";
  switch (kind) {
    case Kind::tape:
      return "stages of all " + N + " steps" + size;
    case Kind::states:
      return "states of all " + N + " steps" + first + ": " + decimals(again, 0) + " computed again" + size;
    case Kind::checkpoints:
      return std::to_string(states) + " checkpoints of " + N + " steps" + first + ": each computed again " +
             significant(again / static_cast<double>(steps), 3) + " times in the mean" + size;
    case Kind::reversible:
      return "the end and the times, steps taken back once each" + size;
    case Kind::online:
      break;
  }
  return "stages of the first " + std::to_string(tapes) + " steps, states of " + std::to_string(states) +
         " more, then fewer of them as steps come" + size;
}

}  // namespace cnf
