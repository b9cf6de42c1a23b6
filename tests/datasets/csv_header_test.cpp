#include <catch2/catch.hpp>

#include "tests/datasets/csv_text.hpp"

namespace cnf {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kTaken = "', is read as names of the columns; if it is a row, put a line of names above it\n";
constexpr const char* kDoubted =
    "', is read as a row; if it names the columns, put other names there, or a # before it\n";

}  // namespace

TEST_CASE("numbers from 0 above rows that they do not go on with are names, said so", "[datasets][csv]") {
  const Table floats = table_of("0,1\n2.5,3\n4,5.5\n");
  CHECK(floats.columns == Names{"0", "1"});
  CHECK(floats.values == matrix({{2.5, 3}, {4, 5.5}}));
  CHECK(notes_of("0,1\n2.5,3\n4,5.5\n") == std::string("warning: line 1, '0,1") + kTaken);
  CHECK(table_of("0;1;2\n5;3;9\n2;7;1\n").columns == Names{"0", "1", "2"});  // whole numbers below: three names or more
  CHECK(table_of("\"2001\",\"2002\"\n1,2\n3,4\n").columns == Names{"2001", "2002"});
  // Rows of an array that counts, of zeros and ones, of permutations.
  for (const char* rows : {"0,1,2\n3,4,5\n6,7,8\n", "0,1\n1,0\n1,1\n0,0\n", "0,1,2\n2,1,0\n1,0,2\n"}) {
    CAPTURE(rows);
    CHECK(table_of(rows).columns[0] == "x1");
    CHECK(notes_of(rows).find("names") == std::string::npos);
  }
}

TEST_CASE("a first line of numbers unlike those below is a row, with a warning", "[datasets][csv]") {
  CHECK(notes_of("1,2\n2.5,3.5\n4.5,5.5\n1.5,2.5\n") == std::string("warning: line 1, '1,2") + kDoubted);
  CHECK(table_of("1,2\n2.5,3.5\n4.5,5.5\n1.5,2.5\n").values.cols() == 4);
  CHECK(notes_of("2001 2002\n1 2\n3 4\n2 1\n") == std::string("warning: line 1, '2001 2002") + kDoubted);
  CHECK(notes_of("0,1\n5,3\n2,7\n8,8\n") == std::string("warning: line 1, '0,1") + kDoubted);
  for (const char* rows :
       {"0,0\n0.5,0.3\n1.5,0.2\n2.5,0.1\n", "1,2.5\n2.5,3.5\n4.5,5.5\n1.5,2.5\n", "1,2\n3,4\n5,6\n2,1\n"})
    CHECK(notes_of(rows).empty());
}

TEST_CASE("names stand behind a comment's mark too", "[datasets][csv]") {
  const Batch rows = matrix({{1.5, 2}, {3, 4}});
  const auto named = [&](const char* text, const Names& names) {
    CAPTURE(text);
    const Table table = table_of(text);
    CHECK(table.columns == names);
    CHECK(table.values == rows);
  };
  named("# lon,lat\n1.5,2\n3,4\n", {"lon", "lat"});
  named("# lon lat\n1.5 2\n3 4\n", {"lon", "lat"});
  named("#  lon   lat\n 1.5  2\n 3  4\n", {"lon", "lat"});
  named("#lon\tlat\n1.5\t2\n3\t4\n", {"lon", "lat"});
  named("# lon, lat\n1.5 2\n3 4\n", {"lon", "lat"});
  named("% lon lat\n1.5 2\n3 4\n", {"lon", "lat"});
  named("%lon,%lat\n1.5,2\n3,4\n", {"%lon", "%lat"});  // part of the name
  named("# run 5\n# seed = 4\n# lon lat\n1.5 2\n3 4\n", {"lon", "lat"});
  named("# lon lat\n# [deg] [m]\n1.5 2\n3 4\n", {"lon", "lat"});
  named("# lon lat\n# deg deg\n1.5 2\n3 4\n", {"lon", "lat"});
  named("# units: m, m\n1.5,2\n3,4\n", {"x1", "x2"});
  named("# units: m, m\nx,y\n1.5,2\n3,4\n", {"x", "y"});
  named("# a, b\nx,y\n1.5,2\n3,4\n", {"x", "y"});
  CHECK(table_of("#,lon\n7,1\n9,2\n").columns == Names{"#", "lon"});
}

TEST_CASE("quoted names may hold line breaks, and are typed with blanks", "[datasets][csv]") {
  const std::string text =
      GENERATE(as<std::string>{}, "\"lon\n(deg)\",\"lat\n\n(deg)\"\n1,2\n3,4\n",
               "\"lon\r\n(deg)\",\"lat \r\n (deg)\"\r\n1,2\r\n3,4\r\n", "\"lon\n(deg)\";\"lat\n(deg)\"\n1;2\n3;4\n",
               "'lon\n(deg)','lat\n(deg)'\n1,2\n3,4\n", "lon\u00A0(deg),lat\u2009(\u200Bdeg)\n1,2\n3,4\n");
  CAPTURE(text);
  const Table table = table_of(text);
  CHECK(table.columns == Names{"lon (deg)", "lat (deg)"});
  CHECK(table.values == matrix({{1, 2}, {3, 4}}));
}

TEST_CASE("row names without a name above are left out", "[datasets][csv]") {
  for (const char* text :
       {"\"a\" \"b\"\n\"1\" 2 3\n\"2\" 4 5\n", "a\tb\n1\t2\t3\n2\t4\t5\n", "a b\nMazda 2 3\nMerc 4 5\n",
        "\"a\",\"b\"\n\"7\",2,3\n\"3\",4,5\n", "a b\n7 2 3\n9 4 5\n", "0 1\n0 2 3\n1 4 5\n"}) {
    CAPTURE(text);
    const Table table = table_of(text);
    CHECK(table.values == matrix({{2, 3}, {4, 5}}));
    CHECK(notes_of(text) == "the first column, row names without a name above, is left out\n");
  }
  CHECK(table_of("\"a\"\n\"1\" 2.5\n\"2\" 4\n").values == matrix({{2.5}, {4}}));
  CHECK(table_of("a b\n\"r\" 2 3\n\"s\" 4 5\n", {.columns = {"2"}}).values == matrix({{3}, {5}}));
  CHECK(message_of("a b\n\"r\" 2 3\n\"s\" 4 z\n") ==
        "data.csv:3:3: 'z' is not a number, expected a finite number in column 'b'");
  // Not where decimal commas make as many fields.
  CHECK(help_of("x\n1,5\n2,25\n3,7\n") ==
        "commas inside numbers, and between columns? save it with ; between columns, or numbers in quotes");
  CHECK(message_of("x,y\n1,5,2\n2,25,3\n") ==
        "data.csv:2: 3 fields, expected 2 as in line 1 (the first of 2 invalid rows)");
}

TEST_CASE("a column that counts the rows and has no name is warned of", "[datasets][csv]") {
  const auto warning = [](const std::string& column, const std::string& drop) {
    return "warning: column " + column + " counts the rows, as an index does; --drop " + drop + " leaves it out\n";
  };
  CHECK(notes_of(",a\n0,5\n1,7\n2,6\n") == warning("1", "1"));
  CHECK(notes_of("\"\",\"a\"\n\"1\",5\n\"2\",7\n\"3\",6\n") == warning("1", "1"));
  CHECK(notes_of("Unnamed: 0,a\n0,5\n1,7\n2,6\n") == warning("1", "1"));
  CHECK(notes_of("a,id\n5,1\n7,2\n6,3\n") == warning("2", "id"));
  CHECK(notes_of(",0,1\n0,5.5,1\n1,7,2\n2,6,1\n") == warning("1", "x1"));  // 1 is the third one's name
  CHECK(table_of(",0,1\n0,5.5,1\n1,7,2\n2,6,1\n", {.drop = {"x1"}}).columns == Names{"0", "1"});
  CHECK(notes_of(",a\n0,5\n1,7\n2,6\n", {.drop = {"1"}}).empty());
  CHECK(notes_of("t,a\n0,5\n1,7\n2,6\n").empty());
  CHECK(notes_of("#,a\n0,5\n1,7\n2,6\n3,1\n") == warning("1", "1"));
  CHECK(notes_of(",a\n0.5,5\n1,7\n3,6\n").empty());
  CHECK(notes_of(",a\n7,5\n1,7\n3,6\n") ==  // of shuffled rows
        "warning: column 1 has no name and whole numbers, as an index; --drop 1 leaves it out\n");
}

TEST_CASE("Excel's line of the separator is obeyed", "[datasets][csv]") {
  for (const char* text :
       {"sep=;\nx, m;y\n1,5;2\n3;4\n", "\"sep=;\"\r\nx, m;y\r\n1,5;2\r\n3;4\r\n", "SEP=|\nx, m|y\n1,5|2\n3|4\n",
        "\xEF\xBB\xBFsep=\t\nx, m\ty\n1,5\t2\n3\t4\n", "sep=:\nx, m:y\n1,5:2\n3:4\n"}) {
    CAPTURE(text);
    CHECK(table_of(text).columns == Names{"x, m", "y"});
    CHECK(table_of(text).values == matrix({{1.5, 2}, {3, 4}}));
  }
  CHECK(table_of("sep=,\n1,2\n3,4\n", {}, '\t').values == matrix({{1, 2}, {3, 4}}));
  CHECK(message_of("sep=5\n1,2\n") == "data.csv:1: 'sep=5' names no separator, expected , ; | or a tab");
}

TEST_CASE("the separator is the one that makes a table of the first lines", "[datasets][csv]") {
  const Batch rows = matrix({{1.5, 2}, {3, 4.25}});
  for (const char* text :
       {"x|y\n1.5|2\n3|4.25\n", "1.5|2\n3|4.25\n", "x, m|y, m\n1.5|2\n3|4.25\n", "x,y\n1.5 2\n3 4.25\n",
        "x\ty\n1.5 2\n3 4.25\n", "x;y\n1,5;2\n3;4,25\n", "1,5;2\n3;4,25\n", "x|y\n1,5|2\n3|4,25\n",
        "x y\n1,5 2\n3 4,25\n", "| x | y |\n|---|---|\n| 1.5 | 2 |\n| 3 | 4.25 |\n"}) {
    CAPTURE(text);
    CHECK(table_of(text).values == rows);
  }
  CHECK(table_of("1,5 2,5\n3,5 4,5\n").values == matrix({{1.5, 2.5}, {3.5, 4.5}}));
}

TEST_CASE("a table of rows alone with a column of text loses no row", "[datasets][csv]") {
  const char* text = "setosa,5.1,3.5\nsetosa,4.9,3.0\nvirginica,4.7,3.2\n";
  CHECK(table_of(text, {.drop = {"1"}}).values == matrix({{5.1, 3.5}, {4.9, 3}, {4.7, 3.2}}));
  CHECK_THAT(notes_of(text, {.drop = {"1"}}), Catch::Contains("is read as a row, being like those below"));
  CHECK(table_of("kind,2001,2002\na,5,3\nb,4,3\n", {.drop = {"1"}}).columns == Names{"2001", "2002"});
  CHECK(notes_of("kind,2001,2002\na,5,3\nb,4,3\n", {.drop = {"1"}}).empty());
  CHECK(notes_of("town,2001\nA,2100\nB,1900\n", {.drop = {"1"}}) ==
        std::string("warning: line 1, 'town,2001") + kTaken);
  CHECK(message_of("NA,1\n2,3\n") == "data.csv:1:1: 'NA' is not a number, expected a finite number in column 'x1'");
}

TEST_CASE("more than one line above the rows is helped with", "[datasets][csv]") {
  const std::string names = "names stand in one line above the rows: begin others, a title or units, with #";
  CHECK(help_of("x,y\nm,s\n1,2\n3,4\n") == names);
  CHECK(help_of("My data\nx,y\n1,2\n3,4\n") == names);
  CHECK_THAT(help_of("x,y\n5%,6%\n1,2\n"), Catch::StartsWith("a percentage"));
  const std::string title = "line 1 is not like those below: if it is a title, or a number of rows, begin it with #";
  CHECK(help_of("All of my data\nx,y\n1,2\n3,4\n") == title);
  CHECK(help_of("200 3\n1 2 3\n4 5 6\n") == title);
}

}  // namespace cnf
