// cnf solve and cnf workprecision: classic problems and a trained flow, as numbers and as pictures.
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/npy.hpp"
#include "solvers/problems/problems.hpp"
#include "tests/tools/occurrences.hpp"
#include "tests/tools/program.hpp"

using namespace cnf;
using Catch::Contains;
using Json = nlohmann::json;

namespace {

/// A folder with the runs `plane` and `line`, of two columns and of one, trained once a process.
Shell& shell() {
  static Shell sh;
  static const bool ready = [] {
    const Ran ran =
        sh("awk 'BEGIN { srand(1); print \"a\"; for (i = 0; i < 400; ++i) print rand() + rand() }' > line.csv && "
           "cnf train --hidden 8,8 --steps 20 --seed 3 -q --data moons -o plane && "
           "cnf train --hidden 8,8 --steps 20 --seed 3 -q --data line.csv -o line");
    if (ran.code != 0) FAIL("training failed: " << ran.err);
    return true;
  }();
  (void)ready;
  return sh;
}

/// What a command that must succeed writes to standard output.
std::string out(const std::string& command) {
  const Ran ran = shell()(command);
  CAPTURE(command, ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.err == "");
  return ran.out;
}

Json json(const std::string& command) { return Json::parse(out(command + " --json")); }

std::vector<std::vector<std::string>> cells(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream in(csv);
  for (std::string line; std::getline(in, line);) {
    rows.emplace_back();
    std::istringstream cell(line);
    for (std::string text; std::getline(cell, text, ',');) rows.back().push_back(text);
  }
  return rows;
}

std::string file(const std::string& name) { return contents(shell() / name); }

}  // namespace

TEST_CASE("a stiff problem is solved by what is made for it, and auto tells of its switches", "[verbs][solve]") {
  for (const char* solver : {"kvaerno5", "rodas5p", "auto"}) {
    CAPTURE(solver);
    const Json report = json("cnf solve robertson --rtol 1e-5 --solver " + std::string(solver));
    CHECK((report.at("status") == "ok" && report.at("error").get<double>() < 1e-4));
    CHECK(report.at("evaluations").get<int>() < 1000);
    CHECK(report.at("jvps").get<int>() > 0);
    CHECK((report.at("switches").get<int>() > 0) == (std::string(solver) == "auto"));
  }
}

TEST_CASE("every problem that is not stiff is solved by name, its cost and its error told", "[verbs][solve]") {
  for (const Problem& p : all_problems()) {
    if (p.stiff) continue;
    const std::string name(p.name);
    CAPTURE(name);
    const Json report = json("cnf solve " + name + " --solver dopri5 --rtol 1e-6");
    CHECK((report.at("problem") == name && report.at("solver") == "dopri5" && report.at("rtol") == 1e-6));
    CHECK((report.at("atol") == 1e-6 && report.at("status") == "ok"));
    CHECK(report.at("evaluations").get<int>() >= 6 * report.at("accepted").get<int>());
    CHECK(report.at("rejected").get<int>() >= 0);
    double error = 0;
    for (Index i = 0; i < p.dim(); ++i)
      error =
          std::max(error, std::abs(report.at("end")[i].get<double>() - p.end(i)) / std::max(1.0, std::abs(p.end(i))));
    CHECK(report.at("error").get<double>() == Approx(error).epsilon(1e-9));
    CHECK(error < (name == "arenstorf" ? 0.2 : 1e-3));
    CHECK(json("cnf solve " + name + " --solver dopri8 --rtol 1e-10").at("error").get<double>() < 1e-4 * error + 1e-8);
  }
}

TEST_CASE("an absolute tolerance far below the relative one asks for the error of small values", "[verbs][solve]") {
  const double end = find_problem("detest-a1")->end(0);
  const Json report = json("cnf solve detest-a1 --rtol 1e-6 --atol 1e-18");
  CHECK(report.at("error").get<double>() == Approx(std::abs(report.at("end")[0].get<double>() - end) / end));
  CHECK(report.at("error").get<double>() < 1e-4);
}

TEST_CASE("a solve that fails says so in a line, in its report and by its code", "[verbs][solve]") {
  const Ran ran = shell()("cnf solve van-der-pol-stiff --max-steps 100 --json");
  CHECK(ran.code == 1);
  const Json report = Json::parse(ran.out);
  CHECK((report.at("status") == "step_limit" && report.at("error").is_null()));
  CHECK(report.at("accepted").get<int>() + report.at("rejected").get<int>() == 100);
  CHECK_THAT(ran.err, Contains("cnf solve: van-der-pol-stiff, by dopri5 at rtol 1e-06: step_limit: 100 steps"));
  CHECK(times(ran.err, "\n") <= 2);
}

TEST_CASE("a path is written at the times asked for, as text or as numbers", "[verbs][solve]") {
  const auto rows = cells(out("cnf solve lotka-volterra --rtol 1e-9 --times 0,2.5,10 -o -"));
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == std::vector<std::string>{"t", "prey", "predators"});
  CHECK((rows[1] == std::vector<std::string>{"0", "1", "1"} && rows[2][0] == "2.5" && rows[3][0] == "10"));
  CHECK(std::stod(rows[3][1]) == Approx(find_problem("lotka-volterra")->end(0)).epsilon(1e-7));
  CHECK_THAT(out("cnf solve lotka-volterra --times 11 -o even.csv"), Contains("error"));
  const auto even = cells(file("even.csv"));
  REQUIRE(even.size() == 12);
  CHECK((even[1][0] == "0" && even[2][0] == "1" && even[11][0] == "10"));
  out("cnf solve detest-c4 -o chain.npy");
  const NpyArray chain = read_npy(shell() / "chain.npy");
  CHECK(chain.shape == std::vector<std::int64_t>{101, 52});
}

TEST_CASE("values between the steps are the path's", "[verbs][solve]") {
  const auto rows = cells(out("cnf solve harmonic-oscillator --solver dopri5 --rtol 1e-8 --times 1001 -o -"));
  double worst = 0;
  for (std::size_t i = 1; i < rows.size(); ++i)
    worst = std::max(worst, std::abs(std::stod(rows[i][1]) - std::cos(3 * std::stod(rows[i][0]))));
  CHECK(rows.size() == 1002);
  CHECK(worst < 1e-5);
}

TEST_CASE("pictures show lines over time with their names, or a phase plane", "[verbs][solve]") {
  out("cnf solve lotka-volterra -o time.svg");
  const std::string time = file("time.svg");
  CHECK((times(time, ">prey<") == 1 && times(time, ">predators<") == 1 && times(time, ">t<") == 1));
  CHECK(times(time, ">lotka-volterra, by dopri5 at rtol 1e-06<") == 1);
  out("cnf solve arenstorf --phase --solver dopri8 --rtol 1e-9 -o orbit.svg");
  const std::string orbit = file("orbit.svg");
  CHECK((times(orbit, ">x<") == 1 && times(orbit, ">y<") == 1 && times(orbit, "<circle") == 1));
  out("cnf solve robertson --columns B --title 'what is made and lost' --size 400,300 -o one.svg");
  CHECK((times(file("one.svg"), ">B (\u00d710\u207b\u2075)<") == 1 &&
         times(file("one.svg"), ">what is made and lost<") == 1));
  out("cnf solve detest-c4 --columns 1,51 -o two.pdf && cnf solve detest-c4 --size 500 -o all.png");
  CHECK((file("two.pdf").starts_with("%PDF") && file("all.png").substr(1, 3) == "PNG"));
}

TEST_CASE("a flow's samples go from the base to the data", "[verbs][solve]") {
  const Json report = json("cnf solve plane -N 5 --rtol 1e-5");
  CHECK((report.at("problem") == "moons" && report.at("samples") == 5 && report.at("status") == "ok"));
  CHECK(report.at("error").get<double>() < 1e-3);
  CHECK(report.at("error").get<double>() > 0);
  const auto rows = cells(out("cnf solve plane -N 5 --rtol 1e-7 --times 0,0.5,1 --seed 4 -o -"));
  REQUIRE(rows.size() == 16);
  CHECK(rows[0] == std::vector<std::string>{"sample", "t", "x", "y"});
  const auto samples = cells(out("cnf sample plane -N 5 --rtol 1e-7 --precision double --seed 4"));
  for (std::size_t j = 0; j < 5; ++j) {
    CHECK((rows[3 * j + 3][0] == std::to_string(j) && rows[3 * j + 3][1] == "1"));
    CHECK(std::stod(rows[3 * j + 3][2]) == Approx(std::stod(samples[j + 1][0])).epsilon(1e-9));
  }
  out("cnf solve plane --phase -o flow.svg && cnf solve line -N 100 -o line.svg");
  CHECK((times(file("flow.svg"), ">base<") == 1 && times(file("flow.svg"), "<circle") >= 40));
  CHECK(times(file("line.svg"), ">a<") == 1);
}

TEST_CASE("work-precision is a row for each method and tolerance, and falls", "[verbs][solve]") {
  const auto rows =
      cells(out("cnf workprecision lotka-volterra --solver dopri5,rk4,dopri8:200 --rtol 1e-3..1e-9 "
                "--steps 64..512"));
  REQUIRE(rows.size() == 1 + 7 + 4 + 1);
  CHECK(rows[0] == std::vector<std::string>{"solver", "rtol", "steps", "evaluations", "jvps", "accepted", "rejected",
                                            "seconds", "error", "mean_error", "status"});
  for (std::size_t i = 1; i <= 7; ++i) {
    CHECK((rows[i][0] == "dopri5" && rows[i][2].empty() && rows[i][10] == "ok"));
    CHECK(std::stod(rows[i][1]) == std::stod("1e-" + std::to_string(i + 2)));
    if (i > 1) CHECK(std::stod(rows[i][8]) < std::stod(rows[i - 1][8]));
    if (i > 1) CHECK(std::stod(rows[i][3]) > std::stod(rows[i - 1][3]));
  }
  CHECK((rows[8][0] == "rk4" && rows[8][1].empty() && rows[8][2] == "64" && rows[8][3] == "256"));
  CHECK(std::log2(std::stod(rows[10][8]) / std::stod(rows[11][8])) == Approx(4).margin(0.4));
  CHECK((rows[12][0] == "dopri8" && rows[12][2] == "200"));
  const Json report = json("cnf workprecision detest-d1 --solver tsit5 --rtol 1e-4,1e-6");
  CHECK((report.at("problem") == "detest-d1" && report.at("points").size() == 2));
  CHECK(report.at("points")[1].at("error").get<double>() < report.at("points")[0].at("error").get<double>());
}

TEST_CASE("work-precision is drawn, a line a method, beside its table", "[verbs][solve]") {
  const std::string table = out("cnf workprecision brusselator --solver bosh3,dopri5 --rtol 1e-3..1e-5 -o work.svg");
  CHECK(cells(table).size() == 7);
  const std::string work = file("work.svg");
  CHECK((times(work, ">bosh3<") == 1 && times(work, ">dopri5<") == 1 && times(work, "<circle") == 12));
  CHECK((times(work, ">evaluations<") == 1 && times(work, ">tolerance<") == 0));
  // Where all took about as long, the powers of ten stand once, beside the unit.
  CHECK(times(work, ">seconds<") + times(work, ">seconds (×10") == 1);
  CHECK(out("cnf workprecision brusselator --solver bosh3 --rtol 1e-3 -o work.csv") == "");
  CHECK(cells(file("work.csv")).size() == 2);
}

TEST_CASE("products with the Jacobian are work too, in the table, the report and the picture", "[verbs][solve]") {
  const auto rows = cells(out("cnf workprecision van-der-pol --solver dopri5,rodas5p --rtol 1e-5 -o jvps.svg"));
  REQUIRE(rows.size() == 3);
  CHECK((rows[1][0] == "dopri5" && rows[1][4] == "0"));
  CHECK((rows[2][0] == "rodas5p" && std::stol(rows[2][4]) >= 2 * std::stol(rows[2][5])));  // a Jacobian a step
  const std::string picture = file("jvps.svg");
  CHECK((times(picture, ">evaluations and jvps<") == 1 && times(picture, ">evaluations<") == 0));
  const Json report = json("cnf workprecision van-der-pol --solver rodas5p --rtol 1e-5");
  CHECK(report.at("points")[0].at("jvps").get<long>() == std::stol(rows[2][4]));
}

TEST_CASE("a flow's trade-off has evaluations and error of log p against the tolerance", "[verbs][solve]") {
  const auto rows = cells(out("cnf workprecision plane -N 64 --solver dopri5 --rtol 1e-3..1e-6 -o flow-work.svg"));
  REQUIRE(rows.size() == 5);
  CHECK(std::stod(rows[4][8]) < 0.1 * std::stod(rows[1][8]));
  CHECK(std::stod(rows[4][9]) <= std::stod(rows[4][8]));
  const std::string work = file("flow-work.svg");
  CHECK((times(work, ">tolerance<") == 2 && times(work, ">error of log p, nats<") == 3));
}

TEST_CASE("what cannot be solved, looked at or drawn is refused in a line", "[verbs][solve]") {
  struct Row {
    std::string command;
    int code;
    std::string says;
  };
  out("touch there.csv");
  for (const Row& row : std::vector<Row>{
           {"solve arenstorff", 2, "'arenstorff' is neither a problem nor a run\nhelp: did you mean arenstorf?"},
           {"solve nowhere/run", 2, "problems: detest-a1 to detest-e5, arenstorf"},
           {"solve .", 3, "no model.safetensors"},
           {"solve arenstorf --solver rk4", 2, "rk4"},
           {"solve arenstorf --solver dopri6", 2, "dopri6"},
           {"solve arenstorf --rtol 2", 2, "--rtol"},
           {"solve arenstorf -o a.txt", 2, "does not end in .png, .svg or .pdf\nhelp: numbers are .csv or .npy"},
           {"solve arenstorf -o there.csv", 4, "there.csv exists; use --force"},
           {"solve arenstorf --times 5", 2, "nothing is written"},
           {"solve arenstorf --times 0,99 -o a.csv", 2, "99 is out of range, expected times from 0 to 17.06"},
           {"solve arenstorf --times 3,2 -o a.csv", 2, "2 comes after 3"},
           {"solve arenstorf --times 1 -o a.csv", 2, "--times"},
           {"solve arenstorf --phase", 2, "--phase is about a picture"},
           {"solve arenstorf --phase -o a.csv", 2, "--phase is about a picture"},
           {"solve detest-a1 --phase -o a.png", 2, "has one variable"},
           {"solve arenstorf --phase --columns x -o a.png", 2, "1 variables, and a phase plane takes 2"},
           {"solve arenstorf --columns w -o a.png", 2, "'w' is no variable of arenstorf\nhelp: it has x, y, vx, vy"},
           {"solve arenstorf -N 5", 2, "--num is about a flow's samples"},
           {"workprecision arenstorf --solver dopri5,rk45x", 2, "'rk45x' is not known"},
           {"workprecision arenstorf --solver rk4:0", 2, "--solver: rk4: 0 is out of range"},
           {"workprecision arenstorf --rtol 1e-3..x", 2, "--rtol"},
           {"workprecision arenstorf --rtol 1e-3..2", 2, "--rtol"},
           {"workprecision arenstorf --solver rk4 --steps 64..8", 2, "goes down"},
           {"workprecision arenstorf -o a.npy", 2, "does not end in .png, .svg or .pdf\nhelp: numbers are .csv"},
           {"workprecision arenstorf --title x", 2, "--title is about a picture"}}) {
    const Ran ran = shell()("cnf " + row.command);
    CAPTURE(row.command, ran.err, ran.out);
    CHECK(ran.code == row.code);
    CHECK_THAT(ran.err, Contains(row.says));
    CHECK(times(ran.err, "\n") <= 2);
    CHECK(ran.out == "");
  }
}

TEST_CASE("a dry run checks and writes nothing", "[verbs][solve]") {
  CHECK(out("cnf solve arenstorf --dry-run -o dry.csv && cnf workprecision arenstorf --dry-run -o dry.png") == "");
  CHECK_FALSE(std::filesystem::exists(shell() / "dry.csv"));
  CHECK_FALSE(std::filesystem::exists(shell() / "dry.png"));
  CHECK(shell()("cnf solve nowhere --dry-run").code == 2);
}
