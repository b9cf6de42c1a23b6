// Long work that can be asked to end before it is done.
#pragma once

#include <atomic>
#include <stdexcept>

namespace cnf {

/// A flag that others raise, on any thread or in a handler of signals. Work that is given one looks at it after every
/// step of a solve and before every tile. Null: nobody asks.
using StopFlag = const std::atomic<bool>*;
static_assert(std::atomic<bool>::is_always_lock_free);  // or a handler may not touch it

/// What work throws that was asked to end: it has no result.
struct Stopped : std::runtime_error {
  Stopped() : std::runtime_error("stopped before the end") {}
};

inline bool stop_asked(StopFlag stop) { return stop != nullptr && stop->load(std::memory_order_relaxed); }
inline void stop_if_asked(StopFlag stop) {
  if (stop_asked(stop)) throw Stopped();
}

}  // namespace cnf
