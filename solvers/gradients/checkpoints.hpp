// States of a solve in bounded memory, thinned as it goes on, placed anew as it is reversed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "solvers/gradients/memory_plan.hpp"

namespace cnf {

/// States of one size, by the number of the step that begins there.
///
/// Forwards (add) the first state stays. Where the number of steps is known, binomial::split says which others do.
/// Where it is not, all do while there is room; then one gives way to each new one, so that every step is advanced at
/// most as often again as binomial::repetitions() says of the steps there were.
/// Backwards (rewind, seek, put) the places of states that lie behind are free for new ones.
/// Source  Wang, Moin and Iaccarino (2009), SIAM J. Sci. Comput. 31(4), 2549-2567.
class Checkpoints {
 public:
  /// Forgets all. steps: how many will come, 0: not known. Memory is kept while pieces are of one size.
  void begin(std::size_t state_bytes, const Pieces& pieces, Index capacity, Index steps);
  /// After begin(): memory for all of them is taken, and written to.
  void reserve();
  /// The next step is about to begin: memory for its state, or null if it is not kept.
  std::byte* add(Index step);

  /// All that add() kept is there; the last is at hand.
  void rewind();
  /// The last state at or before `step`, which never grows, is at hand. Returns its number.
  Index seek(Index step);
  const std::byte* state() const { return at(places_[cursor_].slot); }
  Index free() const;  ///< places for put()
  /// Memory for the state of `step`, later than the one at hand, which it becomes. One must be free.
  std::byte* put(Index step);

  Index kept() const { return static_cast<Index>(places_.size() - (run_ - dead_)); }
  /// Steps that the way back from the end, at `steps`, advances and computes again.
  double again(Index steps) const;

 private:
  struct Place {
    Index step;
    std::uint32_t slot, level;
  };
  struct Free {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };

  std::byte* at(std::uint32_t slot) const;
  std::uint32_t fresh();
  void grow();
  std::byte* planned(Index step);
  std::byte* online(Index step);
  void drop_dead();

  std::size_t state_bytes_ = 0;
  Index capacity_ = 0;
  bool known_ = false;
  Index next_ = 0, left_ = 0;  ///< known: the next step to keep (-1: none), and how many steps there are from it on
  std::vector<Place> places_;
  std::size_t dead_ = 0, run_ = 0, run_end_ = 0;
  std::size_t cursor_ = 0;
  std::uint32_t used_ = 0;
  Pieces piece_{0, 1};
  std::vector<std::unique_ptr<std::byte[], Free>> pieces_;
};

}  // namespace cnf
