#include "datasets/split.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/npy.hpp"

namespace cnf {

TEST_CASE("a split has every row once, in the fractions asked for", "[datasets][split]") {
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

TEST_CASE("every row is as likely to be a test row as any other", "[datasets][split][statistics]") {
  const int n = 20, seeds = 5000;
  std::vector<int> tests(n);
  for (int seed = 0; seed < seeds; ++seed)
    for (const Index i : split_rows(n, {0.5, 0.25, 0.25}, Seed{static_cast<std::uint64_t>(seed)}).test) ++tests[i];
  for (const int count : tests)
    CHECK(std::abs(count - 0.25 * seeds) < 4.5 * std::sqrt(seeds * 0.25 * 0.75));  // by chance once in 7 000
}

TEST_CASE("fractions that make no split are refused", "[datasets][split]") {
  CHECK_THROWS_AS(split_rows(10, {0.8, 0.1, 0.2}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(10, {1.1, -0.1, 0}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(10, {NAN, 0.5, 0.5}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(10, {0, 0.5, 0.5}, Seed{1}), std::invalid_argument);
  CHECK_THROWS_AS(split_rows(0, {}, Seed{1}), std::invalid_argument);
}

TEST_CASE("a split file is read row by row and checked", "[datasets][split]") {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("cnf_split_test_" + std::to_string(::getpid()) + ".npy");
  const auto write = [&](std::vector<double> values) {
    write_file(path, npy_bytes(static_cast<Index>(values.size()), 1, values, NpyDtype::f4, true));
  };
  const auto message = [&](Index n) -> std::string {
    try {
      read_split(path, n);
    } catch (const InputError& error) {
      return std::string(error.what()).substr(path.string().size());
    }
    return "no error";
  };
  write({0, 2, 1, 0, 1, 0});
  const Split split = read_split(path, 6);
  CHECK(split.train == std::vector<Index>{0, 3, 5});
  CHECK(split.validation == std::vector<Index>{2, 4});
  CHECK(split.test == std::vector<Index>{1});
  CHECK(message(7) == ": 6 x 1 values, expected one for each of the data's 7 rows");
  write({0, 3});
  CHECK(message(2) == ":2: 3.000000, expected 0 (train), 1 (validation) or 2 (test)");
  write({0, NAN});
  CHECK(message(2) == ":2: nan, expected 0 (train), 1 (validation) or 2 (test)");
  write({1, 2});
  CHECK(message(2) == ": no row is 0, expected rows to train on");
  std::filesystem::remove(path);
}

TEST_CASE("seen rows are found by their digests", "[datasets][split]") {
  const Batch x = Batch::Random(5, 1000);
  const std::vector<std::uint64_t> known = row_digests(x);
  CHECK(std::is_sorted(known.begin(), known.end()));
  CHECK(seen_rows(known, x) == 1000);
  Batch y = x;
  for (Index i = 0; i < 300; ++i) y(2, i) = std::nextafter(y(2, i), 2);
  CHECK(seen_rows(known, y) == 700);
  CHECK(seen_rows(known, y.leftCols(300)) == 0);
  CHECK(seen_rows({}, x) == 0);
  // XXH3-64 of eight zero bytes, as xxhsum prints it.
  CHECK(row_digests(Batch::Zero(1, 1))[0] == 0xc77b3abb6f87acd9ull);
}

TEST_CASE("taking rows keeps their order and refuses those that are not there", "[datasets][split]") {
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
