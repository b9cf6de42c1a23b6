#include "datasets/csv.hpp"

#include <catch2/catch.hpp>
#include <clocale>
#include <cmath>
#include <limits>

#include "tests/datasets/csv_text.hpp"

namespace cnf {
TEST_CASE("small files in every usual dress are read alike", "[datasets][csv]") {
  const Batch expected = matrix({{1, 2.5}, {-3, 4e-3}, {0.5, 6}});
  const std::string text =
      GENERATE(as<std::string>{}, "1,2.5\n-3,4e-3\n.5,6\n", "1,2.5\n-3,4e-3\n.5,6", "1,2.5\r\n-3,4e-3\r\n.5,6\r\n",
               "a,b\n1,2.5\n-3,4e-3\n.5,6\n",
               "\xEF\xBB\xBF"
               "1,2.5\n-3,4e-3\n.5,6\n",
               "\xEF\xBB\xBF"
               "a,b\r\n1,2.5\r\n-3,4e-3\r\n.5,6",
               "1;2.5\n-3;4e-3\n.5;6\n", "1\t2.5\n-3\t4e-3\n.5\t6\n", "1 2.5\n-3   4e-3\n  .5\t 6  \n",
               " 1 , 2.5 \n-3,\t4e-3\n.5,6\n", "\"1\",\"2.5\"\n-3,\"4e-3\"\n\".5\" ,6\n",
               "\n\n1,2.5\n\n-3,4e-3\n   \n.5,6\n\n", "+1,2.5\n-3,+4e-3\n.5,6\n",
               "\"a, b\",\"say \"\"c\"\"\"\n1,2.5\n-3,4e-3\n.5,6\n", "1.0,2.50\n-3.,0.004\n5e-1,6E0\n");
  CAPTURE(text);
  CHECK(table_of(text).values == expected);
}

TEST_CASE("the first line is a header if a cell is neither a number nor empty", "[datasets][csv]") {
  CHECK(table_of("lat,lon\n1,2\n").columns == std::vector<std::string>{"lat", "lon"});
  CHECK(table_of("\"a, b\" ,\"say \"\"c\"\"\"\n1,2\n").columns == std::vector<std::string>{"a, b", "say \"c\""});
  CHECK(table_of("1,2\n3,4\n").columns == std::vector<std::string>{"x1", "x2"});
  CHECK(table_of(",y\n1,2\n").columns == std::vector<std::string>{"x1", "y"});
}

TEST_CASE("each row's line is known", "[datasets][csv]") {
  const std::string_view text = "a,b\n\n1,2\nx,1\n\n3,4\n5,6\n";
  const auto rows =
      read_csv(ByteSource(std::as_bytes(std::span(text)), "data.csv"), "data.csv", {.drop_invalid = true});
  Batch block(2, 2);
  REQUIRE(rows->read(Out<double>(block.data(), 2, 2)) == 2);
  CHECK(rows->place(0) == "data.csv:3");
  CHECK(rows->place(1) == "data.csv:6");
  REQUIRE(rows->read(Out<double>(block.data(), 2, 2)) == 1);
  CHECK(rows->place(0) == "data.csv:7");
}

TEST_CASE("what is wrong with a file is named by line and column", "[datasets][csv]") {
  const auto check = [](std::string_view text, const std::string& message) { CHECK(message_of(text) == message); };
  check("", "data.csv: is empty, expected rows of numbers");
  check("\n \n\n", "data.csv: is empty, expected rows of numbers");
  check("a,b\n", "data.csv: has a header and no rows, expected rows of numbers");
  check("1,2\n3,abc\n", "data.csv:2:2: 'abc' is not a number, expected a finite number in column 'x2'");
  check("u,v\n\n1,2\n3,\n", "data.csv:4:2: the field is empty, expected a finite number in column 'v'");
  check("1,2\n3,nan\n", "data.csv:2:2: 'nan' is not finite, expected a finite number in column 'x2'");
  check("-inf,2\n3,4\n", "data.csv:1:1: '-inf' is not finite, expected a finite number in column 'x1'");
  check("1,1e999\n3,4\n", "data.csv:1:2: '1e999' is out of a double's range, expected a finite number in column 'x2'");
  check("1,1e-999\n3,4\n",
        "data.csv:1:2: '1e-999' is out of a double's range, expected a finite number in column 'x2'");
  check("1,2\n0x10,4\n", "data.csv:2:1: '0x10' is not a number, expected a finite number in column 'x1'");
  check("1,2\n+-1,4\n", "data.csv:2:1: '+-1' is not a number, expected a finite number in column 'x1'");
  check("1,2\n1 2,4\n", "data.csv:2:1: '1 2' is not a number, expected a finite number in column 'x1'");
  check(std::string_view("1,2\n1\0,4\n", 9),
        "data.csv:2:1: '1\\x00' is not a number, expected a finite number in column 'x1'");
  check("1,2\n3\n", "data.csv:2: 1 field, expected 2 as in line 1");
  check("a,b\n3,4,5\n", "data.csv:2: 3 fields, expected 2 as in line 1");
  check("1,2\n\"3,4\n", "data.csv:2: a quoted field does not end on its line");
  check("1,2\n\"3\"4,4\n", "data.csv:2: a quoted field does not end on its line");
  check("\"a,b\n1,2\n", "data.csv:1: a quoted field does not end on its line");
  const std::string many(static_cast<std::size_t>(kMostColumns), ',');  // one field more
  check(many + "\n", "data.csv:1: more than 131072 columns, expected at most as many");
  check("1,2\n" + many + "\n", "data.csv:2: more than 131072 fields, expected 2 as in line 1");
  check(
      "\xFF\xFE"
      "1\0",
      "data.csv:1: text is UTF-16, expected UTF-8");
  check(std::string_view("1\0,\0002\0\n\0", 8), "data.csv:1: text is UTF-16, expected UTF-8");
  check("1,2\n" + std::string(100, 'z') + ",4\n",
        "data.csv:2:1: '" + std::string(40, 'z') + "...' is not a number, expected a finite number in column 'x1'");
}

TEST_CASE("all invalid rows are counted, or dropped when asked", "[datasets][csv]") {
  std::string text = "a,b\n";
  for (int i = 0; i < 50000; ++i) text += i % 50 == 17 ? "1,x\n" : i == 4000 ? "1\n" : "1,2\n";
  CHECK(message_of(text) ==
        "data.csv:19:2: 'x' is not a number, expected a finite number in column 'b' (the first of 1001 invalid rows)");
  CHECK(message_of(text, {.count_invalid = false}) ==
        "data.csv:19:2: 'x' is not a number, expected a finite number in column 'b'");
  const Table table = table_of(text, {.drop_invalid = true});
  CHECK(table.values.cols() == 48999);
  CHECK(table.left_out.invalid == 1001);
  CHECK(message_of("1,x\n2,y\n", {.columns = {"2"}, .drop_invalid = true}) ==
        "data.csv: no row is left: 1 invalid row");
}

TEST_CASE("columns are chosen by name or number and others are not looked at", "[datasets][csv]") {
  const std::string_view text = "set,x,y\ndino,1,2\nstar,3,4\n";
  CHECK(table_of(text, {.drop = {"set"}}).values == matrix({{1, 2}, {3, 4}}));
  CHECK(table_of(text, {.columns = {"y", "x"}}).values == matrix({{2, 1}, {4, 3}}));
  CHECK(table_of(text, {.columns = {"3"}}).columns == std::vector<std::string>{"y"});
  CHECK(table_of("1,x\n3,y\n", {.columns = {"1"}}).values == matrix({{3}}));
  CHECK(message_of(text, {.columns = {"z"}}) ==
        "data.csv: no column 'z', expected a number from 1 to 3 or one of set, x, y");
  CHECK(message_of(text, {.columns = {"4"}}) ==
        "data.csv: no column '4', expected a number from 1 to 3 or one of set, x, y");
  CHECK(message_of(text, {.columns = {"x", "2"}}) == "data.csv: column '2' is asked for twice");
  CHECK(message_of(text, {.drop = {"1", "2", "3"}}) == "data.csv: no column is left of 3");
  CHECK(message_of("a,a\n1,2\n", {.columns = {"a"}}) == "data.csv: more than one column is called 'a'");
  // A name wins over a number.
  CHECK(table_of("2,b\n5,6\n", {.columns = {"2"}}).values == matrix({{5}}));
}

TEST_CASE("a stream is read in blocks of any size to the same rows", "[datasets][csv]") {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i) + "," + std::to_string(-2 * i) + "\n";  // several buffers
  const Index size = GENERATE(1, 7, 64, 20000, 30000);
  const auto rows = read_csv(ByteSource(std::as_bytes(std::span(text)), "data.csv"), "data.csv");
  Batch block(2, size);
  Index n = 0;
  for (Index got = size; got == size; n += got) {
    got = rows->read(Out<double>(block.data(), 2, size));
    bool equal = true;
    for (Index i = 0; i < got; ++i)
      equal &= block(0, i) == static_cast<double>(n + i) && block(1, i) == -2 * static_cast<double>(n + i);
    CHECK(equal);
  }
  CHECK(n == 20000);
  CHECK(rows->read(Out<double>(block.data(), 2, size)) == 0);
  Batch wrong(3, 1);
  CHECK_THROWS_AS(rows->read(Out<double>(wrong.data(), 3, 1)), std::invalid_argument);
}

TEST_CASE("a line without end is refused before memory is spent on it", "[datasets][csv]") {
  const std::string text = "1,2\n" + std::string((std::size_t{1} << 24) + 200000, '7');
  CHECK(message_of(text) == "data.csv:2: line is longer than 16 MiB, expected rows of numbers");
}

TEST_CASE("written values come back bit for bit", "[datasets][csv]") {
  const Batch x = matrix({{0.1, -0.0, 1e-310},
                          {std::numeric_limits<double>::max(), std::numeric_limits<double>::denorm_min(), 1. / 3},
                          {123456789012345678., -2, 5e-324}});
  const std::vector<std::string> columns{"a", "b, c", "say \"d\""};
  const Table table = table_of(csv_bytes(x, columns));
  CHECK(table.columns == columns);
  REQUIRE(table.values.cols() == 3);
  CHECK(std::equal(x.data(), x.data() + x.size(), table.values.data(),
                   [](double a, double b) { return a == b && std::signbit(a) == std::signbit(b); }));
  CHECK(csv_bytes(matrix({{1, 0.5}, {-2, 1e300}})) == "1,0.5\n-2,1e+300\n");
  CHECK(csv_bytes(matrix({{std::nan(""), -std::nan("")}, {INFINITY, -INFINITY}}), {"x", "y"}) ==
        "x,y\nnan,nan\ninf,-inf\n");
  CHECK_THROWS_AS(csv_bytes(x, {"a"}), std::invalid_argument);
  // Names that look like something else, too.
  for (const std::vector<std::string>& names : {std::vector<std::string>{"#id", "b|c", "%d"},
                                                {"2001", "2002", "1,5"},
                                                {"0", "1", "2"},
                                                {"NA", "nan", "'t"},
                                                {"sep=;", "//", "---"}}) {
    CAPTURE(csv_bytes(x, names));
    CHECK(table_of(csv_bytes(x, names)).columns == names);
    CHECK(table_of(csv_bytes(x, names)).values.cols() == x.cols());
  }
}

TEST_CASE("a comma-decimal locale changes nothing", "[datasets][csv]") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) std::setlocale(LC_ALL, locale);
  const Batch x = matrix({{0.5, 1.25}});
  CHECK(csv_bytes(x) == "0.5,1.25\n");
  CHECK(table_of("0.5,1.25\n").values == x);
  std::setlocale(LC_ALL, before.c_str());
}

}  // namespace cnf
