#include "datasets/rows.hpp"

#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/npy.hpp"
#include "datasets/csv.hpp"
#include "datasets/table.hpp"

namespace cnf {
namespace {

/// A folder that goes with the test.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("cnf_rows_test_" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string npy(const Batch& x, NpyDtype dtype = NpyDtype::f8) {
  return npy_bytes(x.cols(), x.rows(), std::span(x.data(), static_cast<std::size_t>(x.size())), dtype);
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a table is read by its extension", "[datasets][rows]") {
  const Folder folder;
  const Batch x = (Batch(2, 3) << 1, 2, 3, 4.5, 5, 6).finished();
  write_file(folder.path / "a.npy", npy(x));
  write_file(folder.path / "b.CSV", std::string_view("1,4.5\n2,5\n3,6\n"));
  write_file(folder.path / "c.tsv", std::string_view("u, v\tw\n1\t4.5\n2\t5\n3\t6\n"));
  write_file(folder.path / "d.txt", std::string_view("1 4.5\n2 5\n3 6\n"));
  for (const char* name : {"a.npy", "b.CSV", "c.tsv", "d.txt"}) {
    CAPTURE(name);
    CHECK(read_table(folder.path / name).values == x);
  }
  CHECK(read_table(folder.path / "c.tsv").columns == std::vector<std::string>{"u, v", "w"});
  CHECK(open_rows(folder.path / "a.npy")->rows() == 3);
  CHECK_FALSE(open_rows(folder.path / "b.CSV")->rows().has_value());
  CHECK_THAT(message_of([&] { read_table(folder.path / "e.xyz"); }), Catch::Contains("unknown kind of table"));
  CHECK_THROWS_AS(read_table(folder.path / "missing.csv"), InputError);
}

TEST_CASE("npy rows are checked, chosen, dropped and counted as text rows are", "[datasets][rows]") {
  const Folder folder;
  const auto path = folder.path / "x.npy";
  Batch x = Batch::Random(3, 70000);
  write_file(path, npy(x));
  CHECK(read_table(path).values == x);
  CHECK(read_table(path).columns == std::vector<std::string>{"x1", "x2", "x3"});
  CHECK(read_table(path, {.columns = {"3", "x1"}}).values.row(0) == x.row(2));
  CHECK(read_table(path, {.drop = {"2"}}).values.row(1) == x.row(2));

  x(1, 41) = std::nan("");
  x(2, 41) = INFINITY;
  x(0, 69999) = -INFINITY;
  write_file(path, npy(x));
  const std::string place =
      path.string() + ": row 42, column 2 (both from 1): nan, expected a finite number in column 'x2'";
  CHECK(message_of([&] { read_table(path); }) == place + " (the first of 2 invalid rows)");
  CHECK(message_of([&] { read_table(path, {.count_invalid = false}); }) == place);
  CHECK(message_of([&] { read_table(path, {.columns = {"1"}}); }) ==
        path.string() + ": row 70000, column 1 (both from 1): -inf, expected a finite number in column 'x1'");
  CHECK(read_table(path, {.columns = {"2"}, .drop_invalid = true}).values.cols() == 69999);
  const Table table = read_table(path, {.drop_invalid = true});
  CHECK(table.left_out.invalid == 2);
  CHECK(table.values.col(41) == x.col(42));
}

TEST_CASE("a pipe that nothing comes through is waited for until the flag is raised", "[datasets][rows][stop]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  constexpr std::string_view kRows = "x,y\n1,2\n3,4\n";
  REQUIRE(::write(ends[1], kRows.data(), kRows.size()) == std::ssize(kRows));
  std::atomic<bool> stop{false};
  RowOptions options;
  options.stop = &stop;
  std::thread raiser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop = true;
  });
  const auto read = [&] {
    const auto rows = read_csv(ByteSource("/dev/fd/" + std::to_string(ends[0]), &stop), "pipe", options);
    Matrix<double> block(2, 4);
    rows->read(Out<double>(block.data(), 2, 4));
  };
  CHECK_THROWS_AS(read(), Stopped);
  raiser.join();
  ::close(ends[1]);
  ::close(ends[0]);
}

TEST_CASE("npy arrays that are not tables are refused", "[datasets][rows]") {
  const Folder folder;
  const auto path = folder.path / "x.npy";
  const double values[] = {1, 2, 3};
  write_file(path, npy_bytes(3, 1, values, NpyDtype::f4, true));
  CHECK(read_table(path).values == (Batch(1, 3) << 1, 2, 3).finished());
  write_file(path, npy_bytes(0, 2, {}, NpyDtype::f8));
  CHECK_THAT(message_of([&] { read_table(path); }), Catch::EndsWith("(0, 2) is empty, expected rows of numbers"));
  write_file(path, npy_bytes(3, 0, {}, NpyDtype::f8));
  CHECK_THAT(message_of([&] { read_table(path); }), Catch::EndsWith("(3, 0) is empty, expected rows of numbers"));
  write_file(path, npy(Batch::Ones(2, 2)).substr(0, 140));
  CHECK_THROWS_AS(read_table(path), InputError);
}

}  // namespace cnf
