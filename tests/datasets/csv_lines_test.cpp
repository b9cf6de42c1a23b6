#include <catch2/catch.hpp>

#include "datasets/text_lines.hpp"
#include "tests/datasets/csv_text.hpp"

namespace cnf {

TEST_CASE("lines end in any way, and are numbered alike", "[datasets][csv]") {
  for (const std::string end : {"\n", "\r\n", "\r\r\n", "\r"}) {
    std::string text = "x,y" + end + end;
    for (int i = 0; i < 20000; ++i) text += std::to_string(i) + ".5,2" + end;  // several buffers
    const Table table = table_of(text + "-1,3");
    REQUIRE(table.values.cols() == 20001);
    bool equal = table.values(0, 20000) == -1;
    for (Index i = 0; i < 20000; ++i)
      equal &= table.values(0, i) == static_cast<double>(i) + 0.5 && table.values(1, i) == 2;
    CHECK(equal);
    CHECK_THAT(message_of(text + "oops,3" + end), Catch::StartsWith("data.csv:20003:1: 'oops'"));
  }
  CHECK(table_of("1,2\r\n3,4\r\n\x1A").values.cols() == 2);  // DOS's mark of an end
  CHECK(table_of(std::string(3'000'000, '\r') + "1,2\r").values.cols() == 1);
}

TEST_CASE("lines are looked at ahead and given again", "[datasets][csv]") {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += std::to_string(i) + (i % 3 == 0 ? "\r\n" : "\n");
  TextLines lines(ByteSource(std::as_bytes(std::span(text)), "data.csv"), "data.csv");
  TextLine line;
  for (Index i = 1; i <= 50000; ++i) {
    if (i % 7777 == 1) {
      const auto ahead = lines.ahead(20000, 100'000);
      REQUIRE(!ahead.empty());
      bool right = true;
      for (std::size_t k = 0; k < ahead.size(); ++k)
        right &= ahead[k].number == i + static_cast<Index>(k) && ahead[k].text == std::to_string(ahead[k].number - 1);
      CHECK(right);
      CHECK(ahead.size() <= 20000);
      CHECK(ahead.size() >= static_cast<std::size_t>(std::min<Index>(13000, 50001 - i)));
    }
    REQUIRE(lines.next(line));
    if (line.number != i || line.text != std::to_string(i - 1)) FAIL(i);
  }
  CHECK(!lines.next(line));
}

TEST_CASE("comments before, among, after and behind rows are passed over and counted", "[datasets][csv]") {
  const Batch rows = matrix({{1, 2}, {3, 4}});
  const auto check = [&](const std::string& text, int comments) {
    CAPTURE(text);
    CHECK(table_of(text).values == rows);
    CHECK(notes_of(text) == (comments == 0   ? ""
                             : comments == 1 ? "1 comment passed over\n"
                                             : std::to_string(comments) + " comments passed over\n"));
  };
  check("# made by\n  # station 4\nx,y\n1,2\n3,4\n", 2);
  check("x,y\n# a\n1,2\n\n# b, c\n3,4\n# d\n", 3);
  check("// a\nx,y\n1,2\n% b\n3,4\n", 2);
  check("x,y\n1,2 # seen twice, yes\n3,4 # no\n", 2);
  check("x y\n--- ---\n1 2\n3 4\n", 1);
  check("x y\n1 2 # \"\n3 4\n", 1);
  check("+---+---+\n| x | y |\n+---+---+\n| 1 | 2 |\n| 3 | 4 |\n+---+---+\n", 3);
  CHECK(message_of("x y\n1 2\n--- ---\n3 4\n") ==
        "data.csv:3:1: '---' is not a number, expected a finite number in column 'x'");
  std::string license;
  for (int i = 0; i < 20000; ++i) license += "# nothing is promised\n";
  check(license + "x,y\n1,2\n3,4\n", 20000);
  CHECK(message_of("# a\n# b\n") == "data.csv: holds comments alone, expected rows of numbers");
  // A colour in every line is no comment.
  CHECK(table_of("colour,x,y\n#ff0000,1,2\n#00ff00,3,4\n", {.drop = {"colour"}}).values == rows);
}

TEST_CASE("separators at the end of lines are no columns", "[datasets][csv]") {
  const Batch rows = matrix({{1, 2}, {3, 4}});
  for (const char* text :
       {"x,y,\n1,2,\n3,4,\n", "x,y\n1,2,\n3,4,\n", "x,y,\n1,2\n3,4\n", "1,2,\n3,4,\n", "x;y;;\n1;2;;\n3;4;;\n",
        "x,y,\n1,2,\n3,4", "x\ty\t\n1\t2\t\n3\t4\t\n", ",x,y\n,1,2\n,3,4\n"}) {
    CAPTURE(text);
    CHECK(table_of(text).values == rows);
    CHECK(notes_of(text).empty());
  }
  CHECK(message_of("x,y,\n1,2,\n3,4,5\n") ==
        "data.csv:2:3: the field is empty, expected a finite number in column 'x3'");
  CHECK(message_of("x,y,z\n1,2,\n3,4,\n") ==
        "data.csv:2:3: the field is empty, expected a finite number in column 'z' (the first of 2 invalid rows)");
}

TEST_CASE("a quoted cell may hold line breaks, and a lost quote costs its line alone", "[datasets][csv]") {
  const char* text = "a,b,note\n1,2,\"hi\nthere, you\"\n3,4,\"\r\n\r\nok\"\n5,6,z\n";
  CHECK(table_of(text, {.drop = {"note"}}).values == matrix({{1, 2}, {3, 4}, {5, 6}}));
  CHECK(message_of("a,b\n1,2\n\"3,4\n5,x\n") ==
        "data.csv:3: a quoted field does not end on its line (the first of 2 invalid rows)");
  const Table table = table_of("a,b\n1,2\n\"3,4\n5,6\n\"7,8\n9,10\n", {.drop_invalid = true});
  CHECK(table.values == matrix({{1, 2}, {5, 6}, {9, 10}}));
  CHECK(table.left_out.invalid == 2);
  CHECK(table_of("a,b\n1,2\n\"3,4\n5,6\n7,8\"\n9,10\n", {.drop_invalid = true}).values == table.values);
}

}  // namespace cnf
