// cnf density beyond the heatmap: contours, rows over it, curves, corner pictures and slices.
#include <catch2/catch.hpp>
#include <cmath>

#include "base/npy.hpp"
#include "base/random.hpp"
#include "tests/tools/occurrences.hpp"
#include "tests/tools/program.hpp"
#include "tools/verbs/flow/density_over.hpp"
#include "tools/verbs/flow/density_subject.hpp"

using namespace cnf;

namespace {

/// Rows of correlated columns a, b, c, d.
std::string table(Index columns, Index rows) {
  std::string text;
  for (Index j = 0; j < columns; ++j) text += std::string(j > 0 ? "," : "") + static_cast<char>('a' + j);
  for (Index i = 0; i < rows; ++i) {
    double carried = 0;
    for (Index j = 0; j < columns; ++j) {
      const double z = normal(Seed{5}, Purpose::data, 3, static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(j));
      carried = 0.6 * carried + z;
      text += (j > 0 ? "," : "\n") + std::to_string(10.0 * static_cast<double>(j) + carried);
    }
  }
  return text + "\n";
}

/// The runs `plane`, `one` and `three`, trained once a process.
Shell& shell() {
  static Shell sh;
  static const bool ready = [] {
    for (const Index columns : {1, 3}) {
      FileWriter file(sh / (columns == 1 ? "one.csv" : "three.csv"), 0, Links::follow);
      file.write(table(columns, 600));
      file.finish();
    }
    for (const char* run : {"moons -o plane", "one.csv -o one", "three.csv -o three"}) {
      const Ran ran = sh("cnf train --hidden 16,16 --steps 40 --seed 3 --quiet --data " + std::string(run));
      if (ran.code != 0) FAIL("training failed: " << ran.err);
    }
    return true;
  }();
  (void)ready;
  return sh;
}

/// Runs a command that must succeed and say nothing.
void works(const std::string& command) {
  const Ran ran = shell()(command);
  CAPTURE(command, ran.err);
  REQUIRE(ran.code == 0);
  CHECK((ran.err == "" && ran.out == ""));
}

std::string file(const std::string& name) { return contents(shell() / name); }

}  // namespace

TEST_CASE("contours are labelled lines, the same bytes on any number of threads, over the heatmap or alone",
          "[verbs][density]") {
  works("cnf density plane --size 300 --contours 0.9,0.5 --threads 1 -o a.svg");
  works("cnf density plane --size 300 --contours 0.5,0.9,0.5 --threads 2 -o b.svg");
  const std::string drawn = file("a.svg");
  CHECK(drawn == file("b.svg"));
  CHECK((times(drawn, ">50 %<") == 1 && times(drawn, ">90 %<") == 1));
  CHECK(times(drawn, "<image") == 2);  // the heatmap, the bar
  works("cnf density plane --size 300 --contours 0.5,0.9 --no-heatmap -o c.svg");
  CHECK(times(file("c.svg"), "<image") == 0);
  CHECK(times(file("c.svg"), "%<") == 2);
  works("cnf density plane --panels --size 900 --contours 0.5 -o p.svg");
  CHECK(times(file("p.svg"), ">50 %<") == 2);  // of the model, and of the truth beside it
  works("cnf density plane --size 300 --contours 0.5,0.9 -o a.png");
}

TEST_CASE("each share's lines are at its own level, the outermost first", "[verbs][density]") {
  Matrix<double> hill(41, 41);  // p = exp(-r^2 / 2) in a window of +-4
  for (Index j = 0; j < 41; ++j)
    for (Index i = 0; i < 41; ++i) {
      const double x = 8 * (static_cast<double>(i) + 0.5) / 41 - 4, y = 8 * (static_cast<double>(j) + 0.5) / 41 - 4;
      hill(j, i) = std::exp(-(x * x + y * y) / 2);
    }
  const std::vector<LinesOfLevel> lines = lines_through(hill, {-4, 4, -4, 4}, {0.5, 0.9}, {-0.5, -4.5});
  REQUIRE((lines.size() == 2 && lines[0].lines.size() == 1 && lines[1].lines.size() == 1));
  CHECK((lines[0].label == "90 %" && lines[1].label == "50 %"));
  CHECK(lines[0].lines[0].col(0).norm() == Approx(3).margin(0.01));
  CHECK(lines[1].lines[0].col(0).norm() == Approx(1).margin(0.01));
}

TEST_CASE("of very many rows evenly chosen ones are kept", "[verbs][density]") {
  constexpr Index kRows = 450'000;
  NpyWriter file(shell() / "count.npy", kRows, 1, NpyDtype::f8);
  const Vector<double> count = Vector<double>::LinSpaced(kRows, 0, kRows - 1);
  file.write({count.data(), static_cast<std::size_t>(kRows)});
  file.finish();
  const std::unique_ptr<RowReader> rows = open_rows(shell() / "count.npy");
  const Batch kept = read_points(*rows, "test");
  REQUIRE(kept.cols() == 112'500);
  Index wrong = 0;
  for (Index k = 0; k < kept.cols(); ++k) wrong += kept(0, k) != static_cast<double>(4 * k);
  CHECK(wrong == 0);
}

TEST_CASE("a large training table is drawn by a part of it", "[verbs][density]") {
  const Batch train = Vector<double>::LinSpaced(450'001, 0, 450'000).transpose();
  const RowsBeside beside = rows_beside(nullptr, train, Seed{});
  REQUIRE(beside.rows.cols() == 150'001);
  CHECK((beside.rows(0, 1) == 3 && beside.rows(0, 150'000) == 450'000));
  CHECK(beside.name == "data, 150001 of 450001 training rows");
  CHECK(rows_beside(nullptr, train.leftCols(5), Seed{}).name == "data, 5 training rows");
  CHECK(rows_beside(nullptr, Batch(), Seed{}).rows.size() == 0);
}

TEST_CASE("rows of a file lie over the density, found by the model's names", "[verbs][density]") {
  works("printf 'y,name,x\\n0.5,q,0\\n0.25,r,1\\n99,s,99\\n' > rows.csv");
  works("cnf density plane --size 300 --points rows.csv --no-heatmap -o over.svg");
  const std::string drawn = file("over.svg");
  CHECK(times(drawn, "<circle") == 2);  // one is outside
  works("cnf sample plane -N 200001 --seed 4 -o many.npy");
  const Ran many = shell()("cnf density plane --size 300 --points many.npy -o many.png");
  CHECK(many.code == 0);
  CHECK(many.err == "cnf density: warning: many.npy: of its 200001 rows one in 2 is drawn\n");
}

TEST_CASE("a model of one column is drawn as a curve over its run's rows, and its grid is x and exp of logprob",
          "[verbs][density]") {
  CHECK(file("one/density.png").substr(0, 4) == "\x89PNG");
  works("cnf density one -o one.svg");
  const std::string drawn = file("one.svg");
  CHECK((times(drawn, ">the model's density<") == 1 && times(drawn, ">data, 480 training rows<") == 1));
  CHECK(times(drawn, ">density, per unit of a<") == 1);
  works("cnf density one --points one.csv --range=-1,1 -o rows.svg");
  CHECK(times(file("rows.svg"), "600 rows of one.csv") == 1);

  works("cnf density one --range=-4,4 --grid-size 400 --grid g.npy");
  const NpyArray grid = read_npy(shell() / "g.npy");
  REQUIRE(grid.shape == std::vector<std::int64_t>{400, 2});
  double mass = 0;
  std::string rows = "a\n";
  for (Index k = 0; k < 400; ++k) {
    CHECK(grid.values[2 * k] == Approx(-4 + 8 * (static_cast<double>(k) + 0.5) / 400));
    mass += grid.values[2 * k + 1] * 8 / 400;
    rows += std::to_string(grid.values[2 * k]) + "\n";
  }
  CHECK(mass == Approx(1).margin(0.01));
  FileWriter out(shell() / "x.csv", 0, Links::follow);
  out.write(rows);
  out.finish();
  works("cnf logprob one --data x.csv -o lp.npy");
  const NpyArray log_prob = read_npy(shell() / "lp.npy");
  for (Index k = 0; k < 400; k += 37)
    CHECK(std::exp(log_prob.values[k]) == Approx(grid.values[2 * k + 1]).epsilon(1e-3).margin(1e-6));
}

TEST_CASE("a model of more columns is drawn as a corner of its samples beside the run's rows", "[verbs][density]") {
  CHECK(file("three/density.png").substr(0, 4) == "\x89PNG");
  works("cnf density three --samples 3000 -o corner.svg");
  works("cnf density three --samples 3000 --threads 1 -o again.svg");
  const std::string drawn = file("corner.svg");
  CHECK(drawn == file("again.svg"));
  CHECK((times(drawn, ">a<") == 1 && times(drawn, ">b<") == 2 && times(drawn, ">c<") == 2));
  CHECK((times(drawn, ">the model, 3000 samples<") == 1 && times(drawn, ">data, 480 training rows<") == 1));
  CHECK(times(drawn, ">lines around 50 %, 90 % of the model<") == 1);
  works("cnf density three --samples 2000 --columns c,1 --contours 0.3 --points three.csv -o two.svg");
  const std::string two = file("two.svg");
  CHECK((times(two, ">c<") == 1 && times(two, ">a<") == 2 && times(two, ">b<") == 0));
  CHECK((times(two, "600 rows of three.csv") == 1 && times(two, "lines around 30 %") == 1));
  works("cnf density three/model.safetensors --samples 2000 -o corner.png");
}

TEST_CASE("a slice is the exact density in its plane, its contours by the plane's own mass", "[verbs][density]") {
  works("cnf density three --slice b=10.5 --grid-size 40,30 --grid s.npy --range=-3,3,17,23");
  const NpyArray grid = read_npy(shell() / "s.npy");
  REQUIRE(grid.shape == std::vector<std::int64_t>{30, 40});
  std::string rows = "c,b,a\n";
  for (Index j = 0; j < 30; j += 7)
    for (Index i = 0; i < 40; i += 9)
      rows += std::to_string(17 + 6 * (static_cast<double>(j) + 0.5) / 30) + ",10.5," +
              std::to_string(-3 + 6 * (static_cast<double>(i) + 0.5) / 40) + "\n";
  FileWriter out(shell() / "plane.csv", 0, Links::follow);
  out.write(rows);
  out.finish();
  works("cnf logprob three --data plane.csv -o plane.npy");
  const NpyArray log_prob = read_npy(shell() / "plane.npy");
  Index k = 0;
  for (Index j = 0; j < 30; j += 7)
    for (Index i = 0; i < 40; i += 9, ++k)
      CHECK(std::exp(log_prob.values[k]) == Approx(grid.values[40 * j + i]).epsilon(1e-3).margin(1e-7));
  works("cnf density three --slice 2=10.5 --size 300 --contours 0.5,0.9 -o slice.svg");
  const std::string drawn = file("slice.svg");
  CHECK((times(drawn, ">50 %<") == 1 && times(drawn, ">90 %<") == 1 && times(drawn, " at b = 10.5<") == 1));
  CHECK((times(drawn, ">a<") == 1 && times(drawn, ">c<") == 1));
  works("cnf density three --slice b=10.5 -o large.svg");
  CHECK(times(file("large.svg"), ">density, per unit of all 3 columns<") == 1);
  works("cnf density three --slice b=10.5 --scale mass -o mass.svg");
  CHECK(times(file("mass.svg"), ">share of probability at lower density<") == 1);
}

TEST_CASE("what a picture cannot show is refused in one line and a help", "[verbs][density]") {
  struct Wrong {
    const char* command;
    int code;
    const char* says;
  };
  works("printf 'u,v,w\\n1,2,3\\n' > other.csv");
  for (const Wrong& wrong : std::initializer_list<Wrong>{
           {"three --slice q=1", 2, "no column 'q'"},
           {"three --slice b", 2, "'b' is not COLUMN=VALUE"},
           {"three --slice b=x", 2, "'x' is not a finite number"},
           {"three --slice b=nan", 2, "'nan' is not a finite number"},
           {"three --slice b=1,c=2", 2, "2 of the model's 3 columns are held, 1 left; a plane needs 2"},
           {"three --slice b=1,2=2", 2, "'b' is named twice"},
           {"plane --slice x=1", 2, "a plane needs 2"},
           {"three --slice b=1e6", 1, "b is held at 1e+06, the model's samples lie from "},
           {"three --columns a", 2, "1 column, a corner picture shows 2 to 12"},
           {"three --columns a,z", 2, "no column 'z'"},
           {"three --columns a,a", 2, "'a' is named twice"},
           {"plane --columns x,y", 2, "--columns means nothing to a model of two columns"},
           {"plane --contours 0,0.5", 2, "expected"},
           {"plane --contours 0.5,1", 2, "expected"},
           {"plane --no-heatmap", 2, "--no-heatmap leaves nothing to draw"},
           {"three --range=0,1,0,1", 2, "--range means nothing to the corner picture"},
           {"three --grid c.npy", 2, "--grid means nothing to the corner picture"},
           {"one --contours 0.5", 2, "--contours means nothing to the curve"},
           {"one --range=0,1,0,1", 2, "expected 2 of a model of one column"},
           {"one --range=1,0", 2, "x0 must be below x1"},
           {"plane --range=0,1", 2, "expected 4: X0,X1,Y0,Y1"},
           {"plane --grid-size 4", 2, "expected 2: NX,NY"},
           {"plane --points nowhere.csv", 3, "nowhere.csv"},
           {"plane --points other.csv", 3, "3 columns, the model takes 2: x, y"},
           {"plane --slice x=1 --panels", 2, "a plane needs 2"},
           {"three --slice b=10 --panels", 2, "--panels means nothing to a slice"}}) {
    const Ran ran = shell()("cnf density " + std::string(wrong.command) + " -o refused.png");
    CAPTURE(wrong.command, ran.err);
    CHECK(ran.code == wrong.code);
    CHECK(ran.err.find(wrong.says) != std::string::npos);
    CHECK(ran.err.find("--columns says") == std::string::npos);
    CHECK(times(ran.err, "\n") <= 2);
    CHECK_FALSE(std::filesystem::exists(shell() / "refused.png"));
  }
}

TEST_CASE("of more than twelve columns the first twelve are drawn, which is said", "[verbs][density]") {
  FileWriter out(shell() / "wide.csv", 0, Links::follow);
  out.write(table(13, 200));
  out.finish();
  REQUIRE(shell()("cnf train --data wide.csv --hidden 8 --steps 2 --quiet -o wide").code == 0);
  CHECK_FALSE(std::filesystem::exists(shell() / "wide/density.png"));
  const Ran ran = shell()("cnf density wide --samples 200 -o wide.svg");
  CHECK(ran.code == 0);
  CHECK(ran.err ==
        "cnf density: warning: the model has 13 columns, the first 12 are drawn; --columns chooses others\n");
  CHECK((times(file("wide.svg"), ">l<") == 2 && times(file("wide.svg"), ">m<") == 0));
}
