#include "base/split.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

namespace cnf {

TEST_CASE("a split has every row once, in the fractions asked for", "[base][split]") {
  for (const Index n : {1, 2, 9, 10, 100, 1237}) {
    CAPTURE(n);
    const Split split = split_rows(n, {}, Seed{4});
    CHECK(static_cast<Index>(split.validation.size()) == std::lround(0.1 * static_cast<double>(n)));
    CHECK(split.test.size() == split.validation.size());
    std::vector<Index> all;
    for (const std::vector<Index>* part : {&split.train, &split.validation, &split.test}) {
      CHECK(std::is_sorted(part->begin(), part->end()));
      all.insert(all.end(), part->begin(), part->end());
    }
    std::sort(all.begin(), all.end());
    std::vector<Index> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(all == expected);
  }
  CHECK(split_rows(50, {1, 0, 0}, Seed{4}).train.size() == 50);
  CHECK(split_rows(100, {}, Seed{4}).test == split_rows(100, {}, Seed{4}).test);
  CHECK(split_rows(100, {}, Seed{4}).test != split_rows(100, {}, Seed{5}).test);
}

TEST_CASE("the parts are what follows from sorting by the rows' random bits", "[base][split]") {
  for (const Index n : {3, 100, 1237}) {
    std::vector<std::pair<std::uint64_t, Index>> order;
    for (Index i = 0; i < n; ++i) {
      const PhiloxWords words = philox(Seed{4}, Purpose::split, 0, static_cast<std::uint64_t>(i), 0);
      order.emplace_back((static_cast<std::uint64_t>(words.word[1]) << 32) | words.word[0], i);
    }
    std::sort(order.begin(), order.end());
    const Split split = split_rows(n, {0.6, 0.3, 0.1}, Seed{4});
    std::vector<int> part(static_cast<std::size_t>(n), 0);
    for (const Index i : split.validation) part[static_cast<std::size_t>(i)] = 1;
    for (const Index i : split.test) part[static_cast<std::size_t>(i)] = 2;
    CHECK(std::is_sorted(order.begin(), order.end(), [&](const auto& a, const auto& b) {
      return part[static_cast<std::size_t>(a.second)] < part[static_cast<std::size_t>(b.second)];
    }));
  }
}

TEST_CASE("every row is as likely to be a test row as any other", "[base][split][statistics]") {
  const int n = 20, seeds = 5000;
  std::vector<int> tests(n);
  for (int seed = 0; seed < seeds; ++seed)
    for (const Index i : split_rows(n, {0.5, 0.25, 0.25}, Seed{static_cast<std::uint64_t>(seed)}).test) ++tests[i];
  for (const int count : tests)
    CHECK(std::abs(count - 0.25 * seeds) < 4.5 * std::sqrt(seeds * 0.25 * 0.75));  // by chance once in 7 000
}

TEST_CASE("fractions that make no split are refused", "[base][split]") {
  CHECK_THROWS_AS(split_rows(10, {0.8, 0.1, 0.2}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(10, {1.1, -0.1, 0}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(10, {NAN, 0.5, 0.5}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(10, {0, 0.5, 0.5}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(0, {}, Seed{1}), std::invalid_argument);
}

TEST_CASE("taking rows keeps their order and refuses those that are not there", "[base][split]") {
  const Batch x = Batch::Random(2, 4);
  const Index rows[] = {3, 0, 3};
  const Batch y = take(x, rows);
  CHECK(y.col(0) == x.col(3));
  CHECK(y.col(1) == x.col(0));
  CHECK(y.cols() == 3);
  const Index wrong[] = {4};
  CHECK_THROWS_AS(take(x, wrong), std::invalid_argument);
}

}  // namespace cnf
