#include <catch2/catch.hpp>

#include "datasets/cell_number.hpp"
#include "tests/datasets/csv_text.hpp"

namespace cnf {

TEST_CASE("a number is read in every way of writing that has one meaning", "[datasets][csv]") {
  const auto check = [](std::string_view cell, double value) {
    CAPTURE(cell);
    const CellNumber number = read_number(cell);
    CHECK(number.form == CellNumber::Form::certain);
    CHECK(number.value == value);
  };
  check("1D+3", 1000), check("-2.5d-03", -0.0025), check(".5", 0.5), check("5.", 5), check("+7", 7);
  check("1,5", 1.5), check("0,123", 0.123), check("1234,567", 1234.567), check("1,234e2", 123.4), check(",5", 0.5);
  check("1.234,5", 1234.5), check("1.234.567", 1234567), check("1,234,567", 1234567), check("22,062.87", 22062.87);
  check("12,34,567.5", 1234567.5), check("1'234.5", 1234.5), check("1\u2019234\u2019567", 1234567),
      check("1_000", 1000);
  check("22\u2009062.87", 22062.87), check("1\u00A0234,5", 1234.5), check("1\u202F234\u202F567", 1234567);
  for (const char* minus : {"\u2212", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\uFE63", "\uFF0D"})
    check(minus + std::string("2.5e") + minus + "1", -0.25);
  check("\u00A01.5\u3000", 1.5), check("\u200B1.5\uFEFF", 1.5), check("\u202A7\u202C", 7);
  check("'1.5'", 1.5), check("\"1.5\"", 1.5), check("\u201C1.5\u201D", 1.5), check("\u2018 -3 \u2019", -3);
  check("\u00AB1\u00BB", 1), check("`2\u00B4", 2), check("\u201E1,5\u201C", 1.5);
  for (const char* cell : {"",
                           "'",
                           "''",
                           "1,",
                           "1 234",
                           "1.2.3",
                           "1,23,4",
                           "1,2345,678",
                           "1,234.567,8",
                           "12.34.567",
                           "1'23",
                           "e5",
                           "--1",
                           "1e",
                           "1e+",
                           "+-1",
                           "- 1",
                           "1,234,",
                           "0x10",
                           "1-2",
                           "01,234,567",
                           "1\xA0"
                           "5",
                           "\u00A0",
                           "-",
                           "1__000"}) {
    CAPTURE(cell);
    CHECK(read_number(cell).form == CellNumber::Form::none);
  }
  CHECK(read_number("1,234").form == CellNumber::Form::comma_or_group);
  CHECK(read_number("-1.234").form == CellNumber::Form::point_or_group);
  CHECK(read_number("1D+999").form == CellNumber::Form::out_of_range);
  CHECK(read_number(std::string(500, '1')).form == CellNumber::Form::none);
  CHECK(table_of(std::string(300, '1') + "\n").values(0, 0) == std::stod(std::string(300, '1')));
}

TEST_CASE("what 1,234 and 1.234 are is told by cells of their column, or by others with a warning", "[datasets][csv]") {
  CHECK(table_of("x;y\n1,234;2\n0,5;3\n").values == matrix({{1.234, 2}, {0.5, 3}}));
  CHECK(table_of("x,y\n\"1,234\",2\n\"22,062.87\",3\n").values == matrix({{1234, 2}, {22062.87, 3}}));
  CHECK(table_of("x;y\n1.234;2\n1.234,56;3\n").values == matrix({{1234, 2}, {1234.56, 3}}));
  CHECK(table_of("x;y\n1.234;2\n2.345;3\n").values == matrix({{1.234, 2}, {2.345, 3}}));  // as everyone reads it
  CHECK(table_of("x;y\n1,234;5,5\n2;6\n").values == matrix({{1.234, 5.5}, {2, 6}}));
  CHECK(notes_of("x;y\n1,234;5,5\n2,345;6\n") ==
        "warning: line 2: '1,234' in column 'x' is read as 1.234, the way that others are written\n");
  CHECK(table_of("x;y\n1.234;5,5\n2;1.234,5\n").values == matrix({{1234, 5.5}, {2, 1234.5}}));
  CHECK(table_of("x;y\n\"1,234\";5.5\n2;1,234.5\n").values == matrix({{1234, 5.5}, {2, 1234.5}}));
  // What other columns say does not depend on which are kept.
  CHECK(table_of("x;y\n1,234;5,5\n2;6\n", {.columns = {"x"}}).values == matrix({{1.234}, {2}}));
  const auto undecided = [](std::string_view text, const std::string& first) {
    CAPTURE(text);
    CHECK_THAT(message_of(text),
               Catch::StartsWith("data.csv:2:1: " + first + ", and nothing in column 'x' tells which"));
    CHECK(help_of(text) == "write decimal points, and no separators of thousands");
  };
  undecided("x;y\n1,234;5,678\n2,345;6,789\n", "'1,234' may be 1.234 or 1234");
  undecided("x;y\n1,234;2.5\n2;3\n", "'1,234' may be 1.234 or 1234");
  undecided("x;y\n1.234;0,5\n2;3\n", "'1.234' may be 1.234 or 1234");
  undecided("x;y\n1,234;1.5\n2,345;2,5\n", "'1,234' may be 1.234 or 1234");
  const auto mixed = [](std::string_view text, const std::string& first) {
    CAPTURE(text);
    CHECK_THAT(message_of(text), Catch::StartsWith(first + " has another decimal mark than other cells of column 'x'"));
  };
  mixed("x;y\n1.5;2\n2,5;3\n", "data.csv:3:1: '2,5'");
  mixed("x;y\n1,5;2\n2.5;3\n", "data.csv:2:1: '1,5'");
  CHECK(table_of("x;y\n1.5;2\n2,5;3\n", {.drop_invalid = true}).values == matrix({{1.5, 2}}));
  // Far behind the lines that are looked at ahead, too.
  std::string whole = "x\ty\n";
  for (int i = 0; i < 10000; ++i) whole += "1\t2\n";
  CHECK(table_of(whole + "0,5\t1\n1,234\t1\n").values.rightCols(2) == matrix({{0.5, 1}, {1.234, 1}}));
  CHECK_THAT(message_of(whole + "1.5\t1\n0,5\t1\n"),
             Catch::StartsWith("data.csv:10003:1: '0,5' has another decimal mark"));
  CHECK_THAT(message_of(whole + "1,234\t1\n0,5\t1\n"),
             Catch::StartsWith("data.csv:10002:1: '1,234' may be 1.234 or 1234"));
}

TEST_CASE("what is no number is helped with by its kind", "[datasets][csv]") {
  const auto check = [](const std::string& cell, const std::string& help) {
    CAPTURE(cell);
    CHECK_THAT(help_of("x,y\n1,\"" + cell + "\"\n2,3\n"), Catch::StartsWith(help));
  };
  check("", "a value is missing"), check("NA", "a value is missing"), check("null", "a value is missing");
  check("TRUE", "a truth value"), check("#DIV/0!", "a spreadsheet's error"), check("=A1", "a spreadsheet's formula");
  check("5 %", "a percentage"), check("$5.20", "a currency"), check("5 \u20AC", "a currency");
  check("(5.20)", "a negative number in brackets"), check("5.2-", "a minus behind"), check("[1, 2]", "several values");
  check("1.5\u00B10.1", "a value with its uncertainty"), check("1.50(3)", "a value with its uncertainty");
  check("2020-01-31", "a date or a time"), check("31.01.2020", "a date or a time"),
      check("12:30:05", "a date or a time");
  check("1/2/2020", "a date or a time"), check("2020-01-31T12:30:00Z", "a date or a time");
  check("12\u00B030'", "an angle"), check("0x1F", "a hexadecimal"), check("1+2j", "a complex"),
      check("<0.1", "a bound");
  check("1/2", "a fraction"), check("1.5x10^3", "a power of ten"), check("1.5-301", "an exponent without its letter");
  check("1,23,4", "commas in a number"), check("1 234", "blanks between digits"), check("1-2", "a range");
  check("5 km", "a number with a unit"), check("1\u00A023.5", "blanks between digits"),
      check("****", "a number too long"), check("'1.5", "an apostrophe"),
      check("1\u200B5", "characters that cannot be seen"), check("5#", "a comment"),
      check("\u0661\u0662", "digits of another script");
  check("a\xFF", "the text is not UTF-8"), check("red", "text: --drop y leaves the column out");
  CHECK(help_of("day,x\n2020-01-31,1\n") ==
        "a date or a time: write it as one number, say seconds since a day; --drop day leaves the column out");
  CHECK(help_of(",x\nred,1\nblue,2\n") == "text: --drop 1 leaves the column out, --drop-invalid such rows");
}

TEST_CASE("characters that cannot be seen are shown as codes", "[datasets][csv]") {
  CHECK(message_of("x,y\n1,2\n3,a\u00A0b\u200B4\n") ==
        "data.csv:3:2: 'a\\u00a0b\\u200b4' is not a number, expected a finite number in column 'y'");
}

}  // namespace cnf
