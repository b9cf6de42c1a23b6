// Tiles are handed out one by one to whoever is free; that is all that threads decide. A tile's exception is kept, not
// thrown, so that every tile runs, and of several the lowest tile's is thrown: errors too do not depend on threads.
#include "base/tiles.hpp"

#include <omp.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>

namespace cnf {
namespace {

std::atomic<bool> forked{false};
// When the program starts: the parent's threads may also come from another library's use of libgomp.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { forked = true; });

/// Of a team of `wanted` threads as many as the system grants, found out once for each size by starting them: libgomp
/// ends the program where it cannot have one.
int granted_threads(int wanted) {
  static std::atomic<int> tried{1}, granted{1};
  if (wanted <= tried.load(std::memory_order_acquire)) return std::min(wanted, granted.load(std::memory_order_relaxed));
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  std::vector<pthread_t> threads(static_cast<std::size_t>(wanted - 1));
  std::mutex gate;  // they wait before it, so that all are there at once
  const auto pass = [](void* at) -> void* {
    const std::lock_guard passing(*static_cast<std::mutex*>(at));
    return nullptr;
  };
  std::size_t started = 0;
  gate.lock();
  while (started < threads.size() && pthread_create(&threads[started], nullptr, pass, &gate) == 0) ++started;
  gate.unlock();
  for (std::size_t i = 0; i < started; ++i) pthread_join(threads[i], nullptr);
  granted.store(static_cast<int>(started) + 1, std::memory_order_relaxed);
  tried.store(wanted, std::memory_order_release);
  return granted;
}

void check(Index batch, Index size, const char* function) {
  if (batch < 0 || size < 1)
    throw std::invalid_argument(std::string(function) + ": a batch of " + std::to_string(batch) + " in tiles of " +
                                std::to_string(size));
}

/// What one tile threw, kept if it is the lowest so far.
class FirstException {
 public:
  void keep(int tile) {
    if (exception_ && tile_ < tile) return;
    tile_ = tile;
    exception_ = std::current_exception();
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  int tile_ = 0;
  std::exception_ptr exception_;
};

}  // namespace

std::vector<TileRange> balanced_tiles(Index batch, Index target) {
  check(batch, target, "balanced_tiles");
  const Index unit = target % 4 == 0 ? 4 : 1;
  const Index units = batch / unit + (batch % unit != 0), n_tiles = batch / target + (batch % target != 0);
  std::vector<TileRange> tiles;
  tiles.reserve(static_cast<std::size_t>(n_tiles));
  for (Index i = 0, first = 0; i < n_tiles; ++i) {
    const Index size = (units / n_tiles + (i < units % n_tiles)) * unit;
    tiles.push_back({first, std::min(size, batch - first)});
    first += size;
  }
  return tiles;
}

std::vector<TileRange> fixed_tiles(Index batch, Index size) {
  check(batch, size, "fixed_tiles");
  std::vector<TileRange> tiles;
  tiles.reserve(static_cast<std::size_t>(batch / size + 1));
  for (Index first = 0; first < batch; first += size) tiles.push_back({first, std::min(size, batch - first)});
  return tiles;
}

int available_threads() { return omp_get_num_procs(); }

void detail::for_each_tile(int n_tiles, int threads, void* context, void (*call)(void*, int, int)) {
  if (n_tiles < 0 || threads < 1)
    throw std::invalid_argument("for_each_tile: " + std::to_string(n_tiles) + " tiles on " + std::to_string(threads) +
                                " threads");
  FirstException first;
  const bool alone = std::min(threads, n_tiles) <= 1 || omp_in_parallel() || forked;
  const int team = alone ? 1 : granted_threads(std::min(threads, n_tiles));
  if (team == 1) {
    for (int tile = 0; tile < n_tiles; ++tile) {
      try {
        call(context, tile, 0);
      } catch (...) {
        first.keep(tile);
      }
    }
  } else {
#pragma omp parallel for num_threads(team) schedule(dynamic, 1) default(none) shared(n_tiles, context, call, first)
    for (int tile = 0; tile < n_tiles; ++tile) {
      try {
        call(context, tile, omp_get_thread_num());
      } catch (...) {
#pragma omp critical(cnf_first_exception)
        first.keep(tile);
      }
    }
  }
  first.rethrow();
}

}  // namespace cnf
