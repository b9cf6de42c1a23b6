// cnf compare from end to end, and the words that it shares with cnf evaluate.
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/npy.hpp"
#include "base/number_text.hpp"
#include "base/random.hpp"
#include "datasets/csv.hpp"
#include "tests/tools/program.hpp"
#include "tools/run/run_folder.hpp"
#include "tools/verbs/flow/verdict.hpp"

using namespace cnf;

namespace {

using Json = nlohmann::ordered_json;

/// 1000 rows of a correlated Gaussian, and three runs on them: of one split, `a` and `b`, and of another, `c`.
struct Runs {
  Shell sh;

  Runs() {
    Batch x(2, 1000);
    for (Index i = 0; i < 1000; ++i)
      for (Index j = 0; j < 2; ++j)
        x(j, i) = normal(Seed{5}, Purpose::data, 0, static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(j));
    x.row(1) += 0.8 * x.row(0);
    put(sh / "table.csv", csv_bytes(x, {"u", "v"}));
    const std::string train = "cnf train --data table.csv --hidden 8 --batch 64 --quiet ";
    REQUIRE(sh(train + "--steps 30 -o a").code == 0);
    REQUIRE(sh(train + "--steps 60 --lr 0.01 -o b").code == 0);
    REQUIRE(sh(train + "--steps 10 --seed 1 -o c").code == 0);
    REQUIRE(sh("cp a/model.safetensors alone.safetensors").code == 0);
  }
};

Shell& shell() {
  static Runs runs;
  return runs.sh;
}

Json compared(const std::string& arguments) {
  const Ran ran = shell()("cnf compare --json " + arguments);
  CAPTURE(arguments, ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.err == "");
  return Json::parse(ran.out);
}

std::vector<std::string> words(const Json& list, const std::string& key) {
  std::vector<std::string> all;
  for (const Json& one : list) all.push_back(one[key]);
  return all;
}

}  // namespace

TEST_CASE("a model compared with itself is level at a difference of exactly zero", "[verbs][compare]") {
  const Json found = compared("a a");
  CHECK(found["rows"] == 100);
  for (const Json& one : found["candidates"]) {
    CHECK((one["behind"] == 0. && one["behind_low"] == 0. && one["behind_high"] == 0.));
    CHECK(one["level"] == true);
  }
  CHECK(found["verdict"]["text"] == "a and a are the same at every row");
}

TEST_CASE("of Gaussian rows the Gaussian is level with the best and recommended", "[verbs][compare]") {
  const Json found = compared("a mixture kde gaussian --data table.csv");
  CHECK((found["rows"] == 100 && found["seen_rows"] == 900 && found["draws"] == false));
  CHECK(found["fitted_to"] == "800 rows that a was trained on");
  CHECK(words(found["candidates"], "name") == std::vector<std::string>{"a", "mixture", "kde", "gaussian"});
  CHECK(found["candidates"][3]["level"] == true);
  CHECK(found["candidates"][2]["detail"].get<std::string>().starts_with("bandwidth "));
  CHECK(found["verdict"]["recommended"] == "gaussian");
  CHECK_THAT(found["verdict"]["text"].get<std::string>(), Catch::StartsWith("the Gaussian is "));
  const std::string text = shell()("cnf compare a mixture kde gaussian --data table.csv").out;
  CHECK_THAT(text, Catch::Contains("\nverdict     " + found["verdict"]["text"].get<std::string>() + "\n"));
  CHECK_THAT(text, Catch::StartsWith("data        table.csv, 100 held-out rows; 900 others left out: a run was trained "
                                     "on or chosen by them\nfitted to   800 rows that a was trained on\n"));
}

TEST_CASE("compare and evaluate find the same numbers, and say the same of them", "[verbs][compare]") {
  const Json judged = Json::parse(shell()("cnf evaluate a --baselines --no-mass --json").out);
  const Json found = compared("a gaussian mixture kde");
  CHECK(found["candidates"][0]["nll"] == judged["nll"]);
  CHECK(found["candidates"][0]["nll_stderr"].get<double>() ==
        Approx(judged["nll_stderr"].get<double>()).epsilon(1e-12));
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(found["candidates"][k + 1]["name"] == judged["baselines"][k]["name"]);
    CHECK(found["candidates"][k + 1]["nll"] == judged["baselines"][k]["nll"]);
    CHECK(found["candidates"][k + 1]["detail"] == judged["baselines"][k]["detail"]);
  }
  // The flow is called a in one and the flow in the other; of Gaussian rows another is recommended.
  CHECK(found["verdict"]["recommended"] == judged["verdict"]["recommended"]);
  const std::string text = shell()("cnf evaluate a --baselines --no-mass").out;
  CHECK_THAT(text, Catch::Contains("\nverdict     " + judged["verdict"]["text"].get<std::string>() + "\n"));
  CHECK(Json::parse(shell()("cnf evaluate a --no-mass --json").out)["verdict"].is_null());
}

TEST_CASE("rows that any run has seen are left out, and runs of different splits share what is left",
          "[verbs][compare]") {
  const SplitRows a = read_split_rows(shell() / "a/rows.safetensors"),
                  c = read_split_rows(shell() / "c/rows.safetensors");
  Index both = 0;
  for (Index i = 0; i < a.test.cols(); ++i)
    for (Index j = 0; j < c.test.cols(); ++j) both += a.test.col(i) == c.test.col(j);
  REQUIRE(both > 1);
  const Json found = compared("a c --data table.csv");
  CHECK((found["rows"] == both && found["seen_rows"] == 1000 - both));
  CHECK(found["fitted_to"].is_null());
  // Its own rows are not known of a model that left its folder.
  const Ran alone = shell()("cnf compare alone.safetensors gaussian --data table.csv");
  CHECK(alone.err ==
        "cnf compare: warning: the rows that alone.safetensors was trained on are not known without its run folder; "
        "where they are among those judged by, its NLL flatters it\n");
  CHECK_THAT(alone.out, Catch::Contains("100 held-out rows\nfitted to   800 other rows of table.csv\n"));
}

TEST_CASE("a table is split as training splits it, and judged alike by blocks, threads and words alone",
          "[verbs][compare]") {
  const Json by_run = compared("a gaussian kde"), by_table = compared("gaussian kde --data table.csv");
  for (std::size_t k = 0; k < 2; ++k) CHECK(by_table["candidates"][k]["nll"] == by_run["candidates"][k + 1]["nll"]);
  CHECK(compared("gaussian kde --data table.csv --threads 2") == by_table);
  const Json shares = compared("gaussian kde --data table.csv --test 0.25 --valid 0.05 --seed 4");
  CHECK((shares["rows"] == 250 && shares["fitted_to"] == "700 other rows of table.csv"));
  CHECK(compared("a gaussian --data table.csv -N 950")["rows"].get<int>() < 100);
  const Json drawn = compared("gaussian mixture --data moons -N 2000");
  CHECK((drawn["draws"] == true && drawn["rows"] == 2000 && drawn["fitted_to"] == "20000 other draws"));
  CHECK(drawn["verdict"]["best"] == "mixture");
  CHECK_THAT(drawn["verdict"]["text"].get<std::string>(),
             Catch::StartsWith("the mixture is better than the Gaussian by "));
}

TEST_CASE("what cannot be compared is refused in a line, with what to do", "[verbs][compare]") {
  REQUIRE(shell()("cnf train --data moons --hidden 4 --steps 2 -q -o moons").code == 0);
  put(shell() / "other.csv", "v,u\n1,2\n3,4\n5,7\n2,2\n");
  put(shell() / "few.csv", "u,v\n1,2\n3,4\n5,7\n2,2\n1,1\n0,3\n");
  put(
      shell() / "flat.csv", "u,v\n" + [] {
        std::string rows;
        for (int i = 0; i < 40; ++i) rows += std::to_string(i) + ",3\n";
        return rows;
      }());
  REQUIRE(shell()("cnf train --data table.csv --columns v,u --hidden 4 --steps 2 -q -o turned").code == 0);
  struct Case {
    std::string arguments;
    int code;
    std::string says;
  };
  const std::vector<Case> cases{
      {"a", 2, "MODEL: 1 was given, expected 2 to 16"},
      {"gaussian kde", 2, "bring no data"},
      {"a moons", 3, "'x', 'y'"},
      {"a turned", 3, "expected models of the same columns, in one order"},
      {"a kde kde", 2, "'kde' stands there twice"},
      {"a gausian", 3, "did you mean gaussian?"},
      {"a kernel", 3, "did you mean kde?"},
      {"a table.csv", 3, "table.csv"},
      {"a c", 3, "a and c were not trained, chosen and tested on the same rows"},
      {"a c kde --data table.csv", 3, "--test 0.1 fits it to a part of --data"},
      {"a b --test 0.2", 2, "--data names it"},
      {"a b --data moons --valid 0.2", 2, "--data names it"},
      {"a kde --data table.csv --valid 0.6 --test 0.4", 2, "add up to 1"},
      {"a kde --data table.csv --test 0", 2, "--test"},
      {"a b --data nowhere.csv", 3, "nowhere.csv"},
      {"gaussian kde --data few.csv", 3, "2 or more are needed"},
      {"gaussian kde --data flat.csv", 3, "'v'"},
      {"a b --title x", 2, "is about a picture"},
      {"a b -o picture.jpg", 2, "does not end in .png, .svg or .pdf"},
      {"a b -o picture.png --size 100,100", 2, "do not fit 100 x 100 pixels"},
  };
  for (const Case& c : cases) {
    const Ran ran = shell()("cnf compare " + c.arguments);
    CAPTURE(c.arguments, ran.out, ran.err);
    CHECK(ran.code == c.code);
    CHECK_THAT(ran.err, Catch::StartsWith("cnf compare: ") && Catch::Contains(c.says));
  }
  const Ran mixture = shell()("cnf compare gaussian mixture --data few.csv --test 0.4 --valid 0");
  CHECK((mixture.code == 3 && mixture.err == "cnf compare: mixture: 4 rows to fit it to are too few\n"));
  REQUIRE(shell()("cnf logprob a --data table.csv -o l.csv && head -n 700 table.csv > seen.csv").code == 0);
  CHECK(shell()("cnf compare a b --data a/rows.safetensors").code == 3);
}

TEST_CASE("when every row has been seen nothing is compared, and it is said why", "[verbs][compare]") {
  const SplitRows a = read_split_rows(shell() / "a/rows.safetensors");
  put(shell() / "seen.csv", csv_bytes(a.train, {"u", "v"}));
  const Ran ran = shell()("cnf compare a b --data seen.csv");
  CHECK(ran.code == 3);
  CHECK_THAT(ran.err, Catch::StartsWith("cnf compare: seen.csv: 800 of 800 rows are among those that a run was trained "
                                        "on or chosen by, and none is left to judge by\nhelp: "));
  CHECK(ran.out == "");
}

TEST_CASE("rows that a model cannot solve stop the comparison or are left out for all", "[verbs][compare]") {
  put(shell() / "hard.csv", "u,v\n0.1,0.2\n0.3,-0.2\n1e7,1e7\n0.5,0.4\n-0.2,0\n");
  const std::string command = "cnf compare a b gaussian --data hard.csv --max-steps 60";
  const Ran stopped = shell()(command);
  CHECK(stopped.code == 1);
  CHECK_THAT(stopped.err, Catch::StartsWith("cnf compare: a: 1 row failed, the first of them: hard.csv:4: "));
  const Ran skipped = shell()(command + " --on-error skip --json");
  CAPTURE(skipped.err);
  REQUIRE(skipped.code == 0);
  const Json found = Json::parse(skipped.out);
  CHECK(found["rows"] == 4);
  CHECK((found["candidates"][0]["failed_rows"] == 1 && found["candidates"][2]["failed_rows"] == 0));
  CHECK_THAT(shell()(command + " --on-error skip").out, Catch::Contains("1 row failed, left out for all"));
}

TEST_CASE("a comparison is drawn beside its table, in every format, and a dry run does neither", "[verbs][compare]") {
  for (const std::string name : {"p.png", "p.svg", "p.pdf"}) {
    const Ran ran = shell()("cnf compare a b gaussian kde -o " + name);
    CAPTURE(name, ran.err);
    CHECK((ran.code == 0 && ran.err == ""));
    CHECK_THAT(ran.out, Catch::Contains("behind the best, 95 %"));
    CHECK(contents(shell() / name).size() > 2000);
  }
  CHECK_THAT(contents(shell() / "p.svg"), Catch::Contains("nats behind the best") && Catch::Contains("recommended"));
  CHECK(shell()("cnf compare a b -o p.png").code == 4);  // it exists
  const Ran dry = shell()("cnf compare gaussian kde --data table.csv --dry-run -o q.png");
  CHECK((dry.code == 0 && dry.out == ""));
  CHECK_THAT(dry.err, Catch::Contains("would take 1000 rows"));
  CHECK_FALSE(std::filesystem::exists(shell() / "q.png"));
}

TEST_CASE("the verdict is one sentence for every outcome", "[verbs][compare]") {
  const std::vector<Compared> three{{"flow", "the flow", 3}, {"kde", "the kernel estimate", 2}, {"x", "x", 3}};
  const auto said = [&](const std::vector<double>& behind, double spread, std::size_t n) {
    Matrix<double> log_prob(4, static_cast<Index>(n));
    for (Index k = 0; k < log_prob.cols(); ++k)
      for (Index i = 0; i < 4; ++i)
        log_prob(i, k) = -behind[static_cast<std::size_t>(k)] + (k == 0 ? 0 : i % 2 == 0 ? spread : -spread);
    Comparison comparison(log_prob.cols());
    comparison.add(log_prob);
    const std::span<const Compared> densities(three.data(), n);
    return text(comparison, judge(comparison, densities), densities);
  };
  // The half width is 1.84 times the spread.
  CHECK(said({0, 0.5}, 0.0625, 2) == "the flow is better than the kernel estimate by 0.50 ± 0.11 nats");
  CHECK(said({0, 0.5, 0.25}, 0.0625, 3) == "the flow is better than x, the next best, by 0.25 ± 0.11 nats");
  CHECK(said({0.5, 0}, 0.0625, 2) == "the kernel estimate is better than the flow by 0.50 ± 0.11 nats");
  CHECK(said({0, 0.5}, 0.5, 2) ==
        "the kernel estimate is as good here as the flow, as far as 4 rows show (0.50 ± 0.92 nats behind): take the "
        "simpler");
  CHECK(said({0.5, 0}, 0.5, 2) ==
        "the kernel estimate is best, though 4 rows do not set it apart from the flow (0.50 ± 0.92 nats behind)");
  CHECK(said({0, 5, 0.5}, 0.5, 3) ==
        "the flow is best, though 4 rows do not set it apart from x (0.50 ± 0.92 nats behind)");
  CHECK(said({0, 0}, 0, 2) == "the kernel estimate and the flow are the same at every row");
  CHECK(said({0, INFINITY}, 0, 2) == "the flow is the only one with a density at every row");
  CHECK(said({INFINITY, INFINITY}, 0, 2) == "no density is above 0 at every row: the kernel estimate is 0 at 4 rows");
}
