#include "datasets/npy_rows.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "datasets/table.hpp"
#include "tests/base/packed.hpp"
#include "tests/base/temporary_folder.hpp"

namespace cnf {
namespace {

/// A version 1 file.
std::string array(const std::string& descr, const std::string& shape, const std::string& data) {
  const std::string dict = "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + "}";
  return std::string("\x93NUMPY\1\0", 8) + number(dict.size(), 2) + dict + data;
}

/// As message and help, a line each.
template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const InputError& error) {
    return std::string(error.what()) + "\n" + error.help();
  }
  return "no error";
}

Batch matrix(std::initializer_list<std::initializer_list<double>> rows) { return Matrix<double>(rows).transpose(); }

}  // namespace

TEST_CASE("fields of records are columns by their names", "[datasets][npy_rows]") {
  const TemporaryFolder folder;
  put(folder / "r.npy",
      array("[('lon', '|i1'), ('kind', '|S1'), ('p', [('x', '|i1'), ('y', '|i1')])]", "(2,)", "\1a\2\3\4b\5\6"));
  const auto read = [&](const RowOptions& options) { return read_table(folder / "r.npy", options); };
  CHECK(read({.drop = {"kind"}}).values == matrix({{1, 2, 3}, {4, 5, 6}}));
  CHECK(read({.columns = {"p.y", "lon"}}).values == matrix({{3, 1}, {6, 4}}));
  CHECK(read({.drop = {"2"}, .where = parse_conditions("lon>1")}).columns ==
        std::vector<std::string>{"lon", "p.x", "p.y"});
  CHECK(read({.columns = {"a"}, .names = {"a", "b", "c", "d"}}).values == matrix({{1}, {4}}));
  CHECK(refusal([&] { read({}); }) ==
        (folder / "r.npy").string() +
            ": column 2, 'kind': '|S1' holds text; only numbers are read\nleave it out: --drop kind");
  CHECK_THAT(refusal([&] { read({.drop = {"kind"}, .where = parse_conditions("kind=1")}); }),
             Catch::Contains("column 2, 'kind': '|S1' holds text"));
  put(folder / "c.npy", array("'|i1'", "(1, 2, 2)", "abcd"));
  CHECK(refusal([&] { read_table(folder / "c.npy"); }) ==
        (folder / "c.npy").string() +
            ": an array of 3 dimensions, expected (rows, columns) or (rows,)\none row each is a.reshape(len(a), -1)");
}

TEST_CASE("an archive of one array is that array", "[datasets][npy_rows]") {
  const TemporaryFolder folder;
  Batch x = Batch::Random(2, 20000);
  const std::string bytes = npy_bytes(20000, 2, std::span(x.data(), 40000), NpyDtype::f8);
  const bool deflated = GENERATE(true, false), wide = GENERATE(true, false), descriptor = GENERATE(true, false);
  CAPTURE(deflated, wide, descriptor);
  const Zip zip{.deflated = deflated, .wide = wide, .descriptor = descriptor};
  put(folder / "a.npz", zip({{"notes.txt", "no array"}, {"X.npy", bytes}}));
  CHECK(read_table(folder / "a.npz").values == x);
  CHECK(open_rows(folder / "a.npz")->rows() == 20000);
  const auto with = [&](const std::vector<std::pair<std::string, std::string>>& members) {
    put(folder / "b.npz", zip(members));
    const std::string text = refusal([&] { read_table(folder / "b.npz"); }), name = (folder / "b.npz").string();
    REQUIRE(text.starts_with(name));
    return text.substr(name.size());
  };
  CHECK(with({{"X.npy", bytes}, {"y.npy", bytes}}) ==
        ": 2 arrays, expected one: X, y\nsave one of them: np.save('a.npy', np.load('" + (folder / "b.npz").string() +
            "')['X'])");
  CHECK_THAT(with({{"data.npy", ""}, {"indices.npy", ""}, {"indptr.npy", ""}}), Catch::Contains("sparse matrix"));
  CHECK_THAT(with({{"notes.txt", ""}}), Catch::Contains("an archive without an array"));
  CHECK_THAT(with({}), Catch::Contains("an archive without an array"));
  CHECK_THAT(with({{"X.npy", bytes.substr(0, 20000)}}), Catch::Contains("X.npy: truncated: the array at byte"));
  CHECK_THAT(with({{"X.npy", bytes + "x"}}), Catch::Contains("bytes left over"));
  CHECK_THAT(with({{"X.npy", "no array"}}), Catch::Contains("X.npy: no .npy file"));
}

TEST_CASE("text and arrays packed by gzip are read as they are unpacked, whatever they are called",
          "[datasets][rows]") {
  const TemporaryFolder folder;
  const std::string text = "a,b\n1,2\n3,4.5\n",
                    array = npy_bytes(2, 2, std::vector<double>{1, 2, 3, 4.5}, NpyDtype::f8);
  put(folder / "a.csv.gz", packed(text));
  put(folder / "b.csv", packed(text));
  put(folder / "c.csv.gz", text);
  put(folder / "d.npy.gz", packed(array));
  put(folder / "e.tsv.gz", packed("a\tb\n1\t2\n") + packed("3\t4.5\n"));
  for (const char* name : {"a.csv.gz", "b.csv", "c.csv.gz", "d.npy.gz", "e.tsv.gz"}) {
    CAPTURE(name);
    CHECK(read_table(folder / name).values == matrix({{1, 2}, {3, 4.5}}));
  }
  const std::string half = packed(text);
  put(folder / "f.csv.gz", half.substr(0, half.size() - 9));
  CHECK_THAT(refusal([&] { read_table(folder / "f.csv.gz"); }),
             Catch::Contains("f.csv.gz: truncated: the packed data"));
  put(folder / "g.npy", "PK\3\4....");
  CHECK_THAT(refusal([&] { read_table(folder / "g.npy"); }), Catch::EndsWith("it is a zip archive: name it .npz"));
}

}  // namespace cnf
