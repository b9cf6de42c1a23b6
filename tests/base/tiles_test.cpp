#include "base/tiles.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/base/temporary_folder.hpp"

namespace cnf {

TEST_CASE("balanced tiles cover the batch once, in order, as evenly as multiples of four allow", "[base][tiles]") {
  CHECK(balanced_tiles(100, 64) == std::vector<TileRange>{{0, 52}, {52, 48}});
  CHECK(balanced_tiles(512, 64).size() == 8);
  CHECK(balanced_tiles(101, 64) == std::vector<TileRange>{{0, 52}, {52, 49}});
  CHECK(balanced_tiles(0, 64).empty());
  int wrong = 0;
  for (const Index target : {1, 3, 4, 5, 8, 64, 100, 256}) {
    for (Index batch = 1; batch <= 700; ++batch) {
      const auto tiles = balanced_tiles(batch, target);
      const Index unit = target % 4 == 0 ? 4 : 1;
      Index next = 0, least = target, most = 0;
      for (std::size_t i = 0; i < tiles.size(); ++i) {
        wrong += tiles[i].first != next || tiles[i].count < 1 || tiles[i].count > target;
        wrong += i + 1 < tiles.size() && tiles[i].count % unit != 0;
        const Index whole = (tiles[i].count + unit - 1) / unit * unit;
        least = std::min(least, whole);
        most = std::max(most, whole);
        next += tiles[i].count;
      }
      wrong += next != batch || most - least > unit;
      wrong += static_cast<Index>(tiles.size()) != (batch + target - 1) / target;
    }
  }
  CHECK(wrong == 0);
  CHECK_THROWS_AS(balanced_tiles(-1, 64), std::invalid_argument);
  CHECK(message_of<std::invalid_argument>([] { balanced_tiles(5, 0); }) ==
        "balanced_tiles: a batch of 5 in tiles of 0");
}

TEST_CASE("fixed tiles do not depend on how many samples come after", "[base][tiles]") {
  CHECK(fixed_tiles(130, 64) == std::vector<TileRange>{{0, 64}, {64, 64}, {128, 2}});
  CHECK(fixed_tiles(128, 64).size() == 2);
  CHECK(fixed_tiles(0, 64).empty());
  CHECK_THROWS_AS(fixed_tiles(1, 0), std::invalid_argument);
}

TEST_CASE("ranges cover an array once, in whole units", "[base][tiles]") {
  for (const int threads : {1, 2, 3, 8}) {
    for (const Index n : {Index{0}, Index{1}, kRangeUnit, kRangeUnit + 1, 5 * kRangeUnit - 1, 20 * kRangeUnit + 3}) {
      std::vector<int> covered(static_cast<std::size_t>(n));
      std::atomic<int> ranges{0}, wrong{0};
      for_each_range(n, threads, [&](Index begin, Index end) {
        ++ranges;
        if (begin % kRangeUnit != 0 || (end % kRangeUnit != 0 && end != n) || begin >= end) ++wrong;
        for (Index i = begin; i < end; ++i) ++covered[static_cast<std::size_t>(i)];
      });
      for (const int times : covered) wrong += times != 1;
      CAPTURE(threads, n);
      CHECK(wrong == 0);
      CHECK(ranges <= threads);
    }
  }
}

TEST_CASE("every tile runs once, each worker on one thread at a time", "[base][tiles]") {
  for (const int threads : {1, 2, 3, 8}) {
    for (const int n : {0, 1, 2, 7, 100}) {
      std::vector<std::atomic<int>> ran(static_cast<std::size_t>(n)), busy(8);
      std::atomic<int> wrong{0};
      for_each_tile(n, threads, [&](int tile, int worker) {
        if (worker < 0 || worker >= std::min(threads, n) || busy[static_cast<std::size_t>(worker)]++ != 0) ++wrong;
        ++ran[static_cast<std::size_t>(tile)];
        busy[static_cast<std::size_t>(worker)]--;
      });
      for (const auto& times : ran) wrong += times != 1;
      CAPTURE(threads, n);
      CHECK(wrong == 0);
    }
  }
  CHECK_THROWS_AS(for_each_tile(1, 0, [](int, int) {}), std::invalid_argument);
  CHECK_THROWS_AS(for_each_tile(-1, 1, [](int, int) {}), std::invalid_argument);
  CHECK(available_threads() >= 1);
}

TEST_CASE("several threads really work at once", "[base][tiles]") {
  // Each of two tiles waits for the other: one thread alone would wait for the ten seconds.
  std::atomic<int> arrived{0};
  const auto start = std::chrono::steady_clock::now();
  for_each_tile(2, 2, [&](int, int) {
    ++arrived;
    while (arrived < 2 && std::chrono::steady_clock::now() - start < std::chrono::seconds(10))
      std::this_thread::yield();
  });
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("all tiles run when some throw, and the lowest one's exception arrives", "[base][tiles]") {
  for (const int threads : {1, 2, 4}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::atomic<int> ran{0};
      const std::string message = message_of<std::runtime_error>([&] {
        for_each_tile(20, threads, [&](int tile, int) {
          ++ran;
          if (tile == 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // tile 8 often throws first
          if (tile % 5 == 3) throw std::runtime_error("tile " + std::to_string(tile));
        });
      });
      CHECK(message == "tile 3");
      CHECK(ran == 20);
    }
  }
}

TEST_CASE("a loop inside a loop runs in its own thread", "[base][tiles]") {
  std::atomic<int> ran{0}, elsewhere{0};
  for_each_tile(4, 2, [&](int, int) {
    const auto here = std::this_thread::get_id();
    for_each_tile(10, 2, [&](int, int worker) {
      ++ran;
      if (worker != 0 || std::this_thread::get_id() != here) ++elsewhere;
    });
  });
  CHECK(ran == 40);
  CHECK(elsewhere == 0);
}

TEST_CASE("a forked child runs its tiles alone instead of hanging", "[base][tiles]") {
  // libgomp's threads do not survive fork, and a parallel region in the child waits for them for ever.
  std::atomic<int> before{0};
  for_each_tile(8, 4, [&](int, int) { ++before; });
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    int ran = 0;
    for_each_tile(8, 4, [&](int, int worker) { ran += worker == 0; });
    _exit(ran == 8 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  std::atomic<int> after{0};
  for_each_tile(8, 4, [&](int, int) { ++after; });
  CHECK((before == 8 && after == 8));
}

TEST_CASE("a constant functor can be the loop's body", "[base][tiles]") {
  struct Body {
    std::atomic<int>& sum;
    void operator()(int tile, int) const { sum += tile; }
  };
  std::atomic<int> sum{0};
  const Body body{sum};
  for_each_tile(5, 1, body);
  CHECK(sum == 10);
}

TEST_CASE("the tree's sum of any rank's range of tiles is made of whole subtrees", "[base][tiles]") {
  // The sum of n tiles, then the same from ranks that each add the pairs inside their own range first.
  const auto value = [](Index k) { return std::sin(1.0f + static_cast<float>(k)); };
  for (Index n = 1; n <= 129; ++n) {
    std::vector<float> whole;
    for (Index k = 0; k < n; ++k) whole.push_back(value(k));
    std::vector<float> parts = whole;
    for_each_tree_pair(n, [&](Index to, Index from) { whole[to] += whole[from]; });
    CHECK(static_cast<double>(whole[0]) == Approx(std::accumulate(parts.begin(), parts.end(), 0.0)).margin(1e-4));
    for (const Index ranks : {1, 2, 3, 4, 5, 7, 8, 16, 33, 64}) {
      std::vector<float> at = parts;
      const auto rank_of = [&](Index k) {
        Index r = 0;
        while (n * (r + 1) / ranks <= k) ++r;
        return r;
      };
      for (Index r = 0; r < ranks; ++r)
        for_each_tree_pair(n, [&](Index to, Index from) {
          const Index s = from - to, last = std::min(n, from + s) - 1;  // the subtree at `to` and the one at `from`
          if (rank_of(to) == r && rank_of(last) == r) at[to] += at[from];
        });
      for_each_tree_pair(n, [&](Index to, Index from) {
        const Index s = from - to, last = std::min(n, from + s) - 1;
        if (rank_of(to) != rank_of(last)) at[to] += at[from];
      });
      if (at[0] != whole[0]) FAIL_CHECK("n " << n << ", ranks " << ranks);
    }
  }
}

}  // namespace cnf
