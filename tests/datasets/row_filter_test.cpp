#include "datasets/row_filter.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "datasets/csv.hpp"
#include "datasets/npy_rows.hpp"
#include "datasets/table.hpp"

namespace cnf {
namespace {

std::unique_ptr<RowReader> csv(std::string_view text, const RowOptions& options) {
  return read_csv(ByteSource(std::as_bytes(std::span(text)), "data.csv"), "data.csv", options);
}

/// One column of a text, from the rows that are left.
std::vector<double> column(std::string_view text, const RowOptions& options, Index j = 0) {
  const Batch x = read_table(*csv(text, options)).values;
  const Vector<double> row = x.row(j);
  return {row.begin(), row.end()};
}
std::vector<double> where(std::string_view text, std::string_view conditions, std::vector<std::string> keep = {"1"}) {
  return column(text, {.columns = std::move(keep), .where = parse_conditions(conditions)});
}

template <class E, class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("rows with a cell that stands for no value are left out and counted", "[datasets][missing]") {
  const std::string_view text = "a,b\n1,2\n-200,3\n4, NA \n5,\n-2e2,6\n7,\"NA\"\n8,-200.0\n9,9\n";
  const Table table = read_table(*csv(text, {.missing = {"-200", "NA", ""}}));
  CHECK(table.values == (Batch(2, 2) << 1, 9, 2, 9).finished());
  CHECK((table.left_out.missing == 6 && table.left_out.all() == 6));
  CHECK(table.left_out.text() == "6 rows with a missing value");
  // Only columns that are used are asked.
  CHECK(column(text, {.columns = {"a"}, .missing = {"NA", ""}}) == Values{1, -200, 4, 5, -200, 7, 8, 9});
  // What is not said to be missing is invalid as before.
  CHECK_THAT(message_of<InputError>([&] {
               column(text, {.missing = {"-200", ""}});
             }),
             Catch::StartsWith("data.csv:4:2: 'NA' is not a number"));
  CHECK(column("a\n1\nnan\nNaN\n-nan\n2\n", {.missing = {"nan"}}) == Values{1, 2});
  CHECK(column("a\n1\ninf\n-999.9\n2\n", {.missing = {"inf", "-999.90"}}) == Values{1, 2});
  CHECK_THAT(message_of<InputError>([&] { column("a\n1\nnan\n", {.missing = {"NA"}}); }),
             Catch::Contains("'nan' is not finite"));
  CHECK(message_of<InputError>([&] { column("a\nNA\nNA\n", {.missing = {"NA"}}); }) ==
        "data.csv: no row is left: 2 rows with a missing value");
}

TEST_CASE("rows are chosen by what stands in a column", "[datasets][where]") {
  const std::string_view text = "v,kind,depth\n1,rock,0\n2,sand,5\n3,rock,2.50\n4,12:30,-1e1\n5,,7\n";
  const auto [conditions, expected] = GENERATE(table<const char*, Values>({{"kind=rock", {1, 3}},
                                                                           {"kind==rock", {1, 3}},
                                                                           {" kind = rock ", {1, 3}},
                                                                           {"kind=rock,sand", {1, 2, 3}},
                                                                           {"kind!=rock", {2, 4, 5}},
                                                                           {"kind!=rock,sand", {4, 5}},
                                                                           {"kind=", {5}},
                                                                           {"kind!=", {1, 2, 3, 4}},
                                                                           {"2=sand", {2}},
                                                                           {"depth=2.5", {3}},
                                                                           {"depth=+2.5", {3}},
                                                                           {"depth=-10", {4}},
                                                                           {"depth!=5", {1, 3, 4, 5}},
                                                                           {"depth>2.5", {2, 5}},
                                                                           {"depth>=2.5", {2, 3, 5}},
                                                                           {"depth<0", {4}},
                                                                           {"depth<=0", {1, 4}},
                                                                           {"depth=0:5", {1, 2, 3}},
                                                                           {"depth=5:", {2, 5}},
                                                                           {"depth=:0", {1, 4}},
                                                                           {"depth=-10,5:7", {2, 4, 5}},
                                                                           {"depth!=0:5", {4, 5}},
                                                                           {"depth>=0,kind=rock,v<3", {1}}}));
  CAPTURE(conditions);
  CHECK(where(text, conditions) == expected);
}

TEST_CASE("a condition that cannot be asked or asked for is refused by name", "[datasets][where]") {
  const std::string_view text = "v,kind\n1,rock\n2,3\n";
  CHECK(message_of<InputError>([&] { where(text, "kind>2"); }) ==
        "data.csv:2:2: 'rock' is not a number, which kind>2 compares");
  CHECK(message_of<InputError>([&] { where(text, "kind=1:3"); }) ==
        "data.csv:2:2: 'rock' is not a number, which kind=1:3 compares");
  CHECK(column(text, {.where = parse_conditions("kind>2"), .drop_invalid = true}) == Values{2});
  CHECK(column(text, {.where = parse_conditions("kind>2"), .missing = {"rock"}}) == Values{2});
  CHECK_THAT(message_of<InputError>([&] { where(text, "speed=2"); }), Catch::StartsWith("data.csv: no column 'speed'"));
  CHECK(message_of<InputError>([&] { where(text, "v=7"); }) == "data.csv: no row is left: 2 rows not asked for");
  for (const auto& [wrong, part] : std::vector<std::pair<const char*, const char*>>{
           {"", "'' has none of ="},
           {"kind", "'kind' has none of ="},
           {"kind=1,", ""},
           {"=2", "'=2' names no column"},
           {"kind>rock", "'kind>rock' compares with what is not one number"},
           {"kind<1,2", "'kind<1,2' compares with"},
           {"kind<", "'kind<' compares with"},
           {"kind!2", "'kind!2' has none of ="},
           {"x=1,y!2", "'y!2' has none of ="}}) {
    CAPTURE(wrong);
    const std::string message = message_of<std::invalid_argument>([&] { parse_conditions(wrong); });
    CHECK_THAT(message, Catch::Contains(*part == '\0' ? "no error" : part));
  }
}

TEST_CASE("an array's rows are chosen and found missing as a text's are", "[datasets][where][missing]") {
  const std::vector<double> values{1, 10, 2, -9999, 3, NAN, 4, 40, 5, -999.9};
  const auto rows = [&](RowOptions options, NpyDtype dtype = NpyDtype::f8) {
    const std::string bytes = npy_bytes(5, 2, values, dtype);
    const Table table =
        read_table(*read_npy_rows(ByteSource(std::as_bytes(std::span(bytes)), "a.npy"), "a.npy", options));
    return Values(table.values.row(0).begin(), table.values.row(0).end());
  };
  CHECK(rows({.missing = {"-9999", "nan", "-999.9"}}) == Values{1, 4});
  CHECK(rows({.missing = {"-9999", "nan", "-999.9"}}, NpyDtype::f4) == Values{1, 4});
  for (const std::string word : {"nan", "NA", ""}) CHECK(rows({.missing = {word}}) == Values{1, 2, 4, 5});
  CHECK(rows({.where = parse_conditions("x2>=10")}) == Values{1, 4});
  CHECK(rows({.where = parse_conditions("x2=-999.9")}, NpyDtype::f4) == Values{5});
  CHECK(rows({.where = parse_conditions("x2!=nan")}) == Values{1, 2, 4, 5});
  CHECK(rows({.columns = {"time"}, .names = {"time", "depth"}, .where = parse_conditions("depth=40")}) == Values{4});
  CHECK(message_of<InputError>([&] { rows({.where = parse_conditions("x1=rock")}); }) ==
        "a.npy: 'x1=rock' compares with 'rock', an array holds numbers");
  CHECK(message_of<InputError>([&] {
          rows({.names = {"a", "b", "c"}});
        }) == "a.npy: 2 columns, but 3 names are given for them");
  CHECK(message_of<InputError>([&] { rows({.missing = {"-9999"}}); }) ==
        "a.npy: row 3, column 2 (both from 1): nan, expected a finite number in column 'x2'");
}

TEST_CASE("rows that are left out keep their places on request, in blocks of any size", "[datasets][missing]") {
  const std::string_view text = "a,b\n1,2\nNA,3\n4\n5,x\n6,6\n7,70\n";
  const Index size = GENERATE(1, 2, 4, 6, 9);
  const auto rows =
      csv(text, {.where = parse_conditions("b<50"), .missing = {"NA"}, .drop_invalid = true, .keep_places = true});
  CAPTURE(size);
  Values a;
  std::vector<std::string> places;
  Batch block(2, size);
  for (Index got = size; got == size;) {
    got = rows->read(Out<double>(block.data(), 2, size));
    for (Index i = 0; i < got; ++i) {
      a.push_back(block(0, i));
      if (rows->ledger().usable(i))
        places.push_back(rows->place(i));
      else
        CHECK((std::isnan(block(0, i)) && std::isnan(block(1, i))));
    }
  }
  REQUIRE(a.size() == 6);
  CHECK((a[0] == 1 && a[4] == 6));
  CHECK(places == std::vector<std::string>{"data.csv:2", "data.csv:6"});
  const LeftOut& left_out = rows->ledger().left_out();
  CHECK(left_out.text() == "2 invalid rows, 1 row with a missing value, 1 row not asked for");
  CHECK_THAT(left_out.first_invalid, Catch::StartsWith("data.csv:4: 1 field"));
}

}  // namespace cnf
