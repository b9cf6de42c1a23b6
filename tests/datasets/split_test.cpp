#include "datasets/split.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/npy.hpp"

namespace cnf {

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
  CHECK(message(2) == ":2: 3, expected 0 (train), 1 (validation) or 2 (test)");
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
  CHECK(seen_rows(known, x) == std::vector<char>(1000, 1));
  Batch y = x;
  for (Index i = 0; i < 300; ++i) y(2, i) = std::nextafter(y(2, i), 2);
  std::vector<char> others(1000, 1);
  std::fill_n(others.begin(), 300, char{0});
  CHECK(seen_rows(known, y) == others);
  CHECK(seen_rows({}, x) == std::vector<char>(1000, 0));
  // XXH3-64 of eight zero bytes, as xxhsum prints it.
  CHECK(row_digests(Batch::Zero(1, 1))[0] == 0xc77b3abb6f87acd9ull);
}

}  // namespace cnf
