// The program from end to end: a small model is trained once a process, then every verb is used on it.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file_writer.hpp"
#include "base/npy.hpp"
#include "base/number_text.hpp"
#include "base/safetensors.hpp"
#include "datasets/csv.hpp"
#include "datasets/toy.hpp"
#include "flows/files/model_file.hpp"
#include "flows/fit.hpp"
#include "tests/tools/program.hpp"
#include "tools/cli/output.hpp"
#include "tools/run/run_folder.hpp"

using namespace cnf;

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTrain = "cnf train --data moons --hidden 16,16 --steps 60 --seed 3 --quiet ";

/// Trains `model` in the process's one folder, the first time it is asked for.
Shell& shell() {
  static Shell sh;
  static const Ran trained = sh(std::string(kTrain) + "-o model");
  if (trained.code != 0) FAIL("training failed: " << trained.err);
  return sh;
}

/// Runs a command that must succeed and say nothing but its result.
std::string works(const std::string& command) {
  const Ran ran = shell()(command);
  CAPTURE(command, ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.err == "");
  return ran.out;
}

NpyArray array(const std::string& name) { return read_npy(shell() / name); }
std::string file(const std::string& name) { return contents(shell() / name); }

double greatest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

/// Width and height in a PNG's header; 0, 0 if it is none.
std::pair<unsigned, unsigned> png_size(const std::string& bytes) {
  if (bytes.size() < 24 || bytes.substr(0, 8) != "\x89PNG\r\n\x1a\n") return {0, 0};
  const auto number = [&](std::size_t at) {
    unsigned x = 0;
    for (std::size_t i = at; i < at + 4; ++i) x = 256 * x + static_cast<unsigned char>(bytes[i]);
    return x;
  };
  return {number(16), number(20)};
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Begins every case with the models alone in the folder.
struct Fresh {
  Fresh() {
    for (const auto& entry : std::filesystem::directory_iterator(shell().folder()))
      if (entry.path().filename() != "model" && entry.path().filename() != "table")
        std::filesystem::remove_all(entry.path());
  }
};

/// The run `table` and its file table.csv, two columns with names of their own.
void train_on_table() {
  std::string rows = "id,power (kW),price\n";
  for (int i = 0; i < 400; ++i) {
    const double a = std::sin(12.9898 * i) * 50 + 1200, b = std::cos(78.233 * i) + a / 100;
    rows += "r" + std::to_string(i) + "," + decimals(a, 6) + "," + decimals(b, 6) + "\n";
  }
  put(shell() / "table.csv", rows);
  if (!std::filesystem::exists(shell() / "table"))
    works("cnf train --data table.csv --drop id --hidden 8 --steps 30 --batch 64 --quiet -o table");
}

/// The rows of table.csv that the run `table` was not trained on, as CSV.
std::string unseen_rows() {
  const SplitRows split = read_split_rows(shell() / "table/rows.safetensors");
  Batch rows(2, split.validation.cols() + split.test.cols());
  rows << split.validation, split.test;
  return csv_bytes(rows, {"power (kW)", "price"});
}

}  // namespace

TEST_CASE_METHOD(Fresh, "a table's run trains the model that the library fits to its rows", "[verbs]") {
  const Batch x = find_toy("circles")->sample(Seed{3}, Purpose::data, 0, 0, 400);
  write_file(shell() / "rows.npy",
             npy_bytes(400, 2, std::span(x.data(), static_cast<std::size_t>(x.size())), NpyDtype::f8));
  works("cnf train --data rows.npy --hidden 8,8 --t-end 0.5 --steps 40 --batch 64 --test 0 --seed 9 -q -o of_rows");
  FitOptions options;
  options.field = MlpShape{.hidden = {8, 8}};
  options.t_data = 0.5;
  options.training.steps = 40;
  options.training.batch = 64;
  options.seed = Seed{9};
  const Cnf model = read_model(shell() / "of_rows/model.safetensors").model, fitted = fit(x, options);
  CHECK(model.params == fitted.params);
  CHECK(model.standardisation.scale == fitted.standardisation.scale);
  CHECK(model.end() == fitted.end());
}

TEST_CASE_METHOD(Fresh, "a sample is the same however many are asked for and wherever one begins", "[verbs]") {
  works("cnf sample model -N 20000 -o many.npy");  // more than a block
  works("cnf sample model -N 1000 -o few.npy");
  works("cnf sample model -N 700 --first 16300 -o later.npy");
  const NpyArray many = array("many.npy"), few = array("few.npy"), later = array("later.npy");
  REQUIRE(many.shape == std::vector<std::int64_t>{20000, 2});
  CHECK(std::equal(few.values.begin(), few.values.end(), many.values.begin()));
  CHECK(std::equal(later.values.begin(), later.values.end(), many.values.begin() + 2 * 16300));
  works("cnf sample model -N 1000 --seed 1 -o other.npy");
  CHECK(array("other.npy").values != few.values);
}

TEST_CASE_METHOD(Fresh, "a model is read once, so every verb takes it from a pipe", "[verbs]") {
  works("cnf data moons -N 200 -o points.npy");
  for (const std::string verb :
       {"sample MODEL -N 100", "logprob MODEL --data points.npy", "encode MODEL --data points.npy",
        "decode MODEL --data points.npy", "evaluate MODEL -N 200 --json", "evaluate MODEL --data points.npy",
        "gradcheck MODEL -N 2 --directions 1", "density MODEL --size 200 -o p.png --force && cat p.png",
        "train --init MODEL --data points.npy --steps 2 --batch 16 --quiet -o r --force && cat r/metrics.csv"}) {
    const auto with = [&](const std::string& model) {
      return "cnf " + std::string(verb).replace(verb.find("MODEL"), 5, model);
    };
    CAPTURE(verb);
    CHECK(works("cat model/model.safetensors | " + with("/dev/stdin")) == works(with("model/model.safetensors")));
  }
  const std::string info = works("cat model/model.safetensors | cnf info /dev/stdin");
  CHECK(info.substr(info.find('\n')) ==  // behind the file's name
        works("cnf info model/model.safetensors")
            .substr(std::string("file                model/model.safetensors").size()));
}

TEST_CASE_METHOD(Fresh, "sample writes the same numbers as csv, to standard output and as float32", "[verbs]") {
  works("cnf sample model -N 100 -o a.npy && cnf sample model -N 100 -o a.csv && cnf sample model -N 100 > b.csv");
  works("cnf sample model -N 100 --dtype f4 -o f.npy");
  const NpyArray a = array("a.npy"), f = array("f.npy");
  CHECK(file("a.csv") == file("b.csv"));
  CHECK(file("a.csv").starts_with("x,y\n"));
  CHECK(lines(file("a.csv")) == 101);
  CHECK(file("f.npy").find("'<f4'") != std::string::npos);
  for (std::size_t i = 0; i < a.values.size(); ++i)
    REQUIRE(f.values[i] == static_cast<double>(static_cast<float>(a.values[i])));
  works("cnf logprob model --data a.csv -o from_csv.npy && cnf logprob model --data a.npy -o from_npy.npy");
  CHECK(file("from_csv.npy") == file("from_npy.npy"));
}

TEST_CASE_METHOD(Fresh, "the log-density of a sample is the one it was drawn with", "[verbs]") {
  works("cnf sample model -N 500 --with-logprob -o drawn.npy");
  works("cnf sample model -N 500 --with-logprob | cnf logprob model --data - -o judged.npy");
  const NpyArray drawn = array("drawn.npy"), judged = array("judged.npy");
  REQUIRE(drawn.shape == std::vector<std::int64_t>{500, 3});
  REQUIRE(judged.shape == std::vector<std::int64_t>{500});
  for (std::size_t i = 0; i < 500; ++i)
    REQUIRE(drawn.values[3 * i + 2] == Approx(judged.values[i]).margin(2e-4));  // two solves, each at 1e-5 a step
}

TEST_CASE_METHOD(Fresh, "decode is the inverse of encode, which makes samples standard normal", "[verbs]") {
  works("cnf sample model -N 4000 -o x.npy && cnf encode model --data x.npy -o z.npy");
  works("cnf decode model --data z.npy -o back.npy && cnf encode model --data x.npy -o z.csv");
  works("cnf decode model --data z.csv -o back_from_csv.npy");
  CHECK(greatest_difference(array("x.npy").values, array("back.npy").values) < 1e-4);
  CHECK(file("back.npy") == file("back_from_csv.npy"));
  CHECK(file("z.csv").starts_with("z1,z2\n"));
  const NpyArray z = array("z.npy");
  double sum = 0, squares = 0;
  for (const double v : z.values) sum += v, squares += v * v;
  CHECK(std::abs(sum / std::sqrt(8000)) < 5);                     // by chance once in 1.7 million seeds
  CHECK(std::abs((squares - 8000) / std::sqrt(2 * 8000)) < 5.2);  // likewise
}

TEST_CASE_METHOD(Fresh, "the bytes of every output do not depend on the number of threads", "[verbs]") {
  train_on_table();
  works("cnf data moons -N 3000 -o points.npy");
  std::vector<std::string> all;
  for (const std::string threads : {"1", "2", "3", "4"}) {
    const std::string t = " --threads " + threads + " ";
    works(std::string(kTrain) + t + "-o t" + threads);
    works("cnf sample model -N 3000 --with-logprob --force -o s.npy" + t);
    works("cnf logprob model --data points.npy --force -o l.npy --divergence hutchinson:2" + t);
    works("cnf encode model --data points.npy --force -o z.npy" + t);
    works("cnf density model --size 260,220 --samples 100 --grid g.npy --force -o d.png" + t);
    const std::string numbers =
        works("cnf evaluate model -N 3000 --json" + t) + works("cnf evaluate table --baselines --json" + t);
    std::string bytes;
    for (const std::string& name : {"t" + threads + "/model.safetensors", "t" + threads + "/training.safetensors",
                                    "t" + threads + "/metrics.csv", "t" + threads + "/density.png"})
      bytes += file(name);
    for (const std::string name : {"s.npy", "l.npy", "z.npy", "g.npy", "d.png"}) bytes += file(name);
    all.push_back(bytes + numbers);
  }
  CHECK(all[0].size() > 100'000);
  CHECK(all[1] == all[0]);
  CHECK(all[2] == all[0]);
  CHECK(all[3] == all[0]);
}

TEST_CASE_METHOD(Fresh, "the density's grid is exp of logprob at the cells' centres, lowest y first, and sums to one",
                 "[verbs]") {
  works("cnf density model --range=-6,6,-5,5 --grid-size 120,100 --grid g.npy");
  CHECK_FALSE(std::filesystem::exists(shell() / "density.png"));
  const NpyArray grid = array("g.npy");
  REQUIRE(grid.shape == std::vector<std::int64_t>{100, 120});
  double mass = 0;
  for (const double p : grid.values) mass += p * 0.01;
  CHECK(mass == Approx(1).margin(0.01));  // the window leaves a little outside
  std::string centres = "x,y\n";
  for (const auto& [i, j] : {std::pair{0, 0}, std::pair{119, 0}, std::pair{37, 61}, std::pair{60, 50}})
    centres += decimals(-6 + 0.1 * (i + 0.5), 6) + "," + decimals(-5 + 0.1 * (j + 0.5), 6) + "\n";
  put(shell() / "centres.csv", centres);
  works("cnf logprob model --data centres.csv -o p.npy");
  const NpyArray p = array("p.npy");
  CHECK(grid.values[0] == Approx(std::exp(p.values[0])).epsilon(2e-3));
  CHECK(grid.values[119] == Approx(std::exp(p.values[1])).epsilon(2e-3));
  CHECK(grid.values[61 * 120 + 37] == Approx(std::exp(p.values[2])).epsilon(2e-3));
  CHECK(grid.values[50 * 120 + 60] == Approx(std::exp(p.values[3])).epsilon(2e-3));
}

TEST_CASE_METHOD(Fresh, "pictures have the size asked for, and training leaves one in its folder", "[verbs]") {
  works("cnf density model --size 300,260 -o d.png");
  CHECK(png_size(file("d.png")) == std::pair{300U, 260U});
  works("cnf density model --panels --size 700 --log --colormap magma -o panels.png");
  CHECK(png_size(file("panels.png")).first == 700);
  works("cnf data moons --density --size 200,180 -o truth.png");
  CHECK(png_size(file("truth.png")) == std::pair{200U, 180U});
  CHECK(png_size(file("model/density.png")).first == 480);
}

TEST_CASE_METHOD(Fresh, "evaluate says the mean and the error of what logprob says row by row", "[verbs]") {
  works("cnf data moons -N 2000 --seed 9 -o points.npy && cnf logprob model --data points.npy -o l.npy");
  const Json report = Json::parse(works("cnf evaluate model --data points.npy --json"));
  const std::vector<double> l = array("l.npy").values;
  double mean = 0, variance = 0;
  for (const double v : l) mean += v / 2000;
  for (const double v : l) variance += (v - mean) * (v - mean) / 1999;
  CHECK(report["nll"].get<double>() == Approx(-mean).epsilon(1e-12));
  CHECK(report["nll_stderr"].get<double>() == Approx(std::sqrt(variance / 2000)).epsilon(1e-9));
  CHECK(report["points"] == 2000);
  CHECK(report["kl"].is_null());
  CHECK(report["seen_rows"].is_null());
  std::vector<std::string> keys;
  for (const auto& item : report.items()) keys.push_back(item.key());
  CHECK(keys == std::vector<std::string>{"nll", "nll_stderr", "entropy", "kl", "kl_stderr", "mass", "mass_stderr",
                                         "nfe_mean", "points", "seen_rows", "unseen_nll", "unseen_nll_stderr",
                                         "failed_rows", "evaluation", "baselines", "verdict"});
}

TEST_CASE_METHOD(Fresh, "evaluate knows a built-in set's entropy, the divergence from it and the mass", "[verbs]") {
  const Json report = Json::parse(works("cnf evaluate model -N 4000 --json"));
  const double kl = report["kl"], error = report["kl_stderr"], nll = report["nll"], entropy = report["entropy"];
  CHECK(report["mass"].get<double>() == Approx(1).margin(1e-3));
  CHECK(entropy == Approx(2.39387919597).margin(1e-9));
  // mean(-log p) - entropy estimates the same as the KL, with the NLL's error: 5 of it, by chance once in 1.7 million.
  CHECK(std::abs(nll - entropy - kl) < 5 * report["nll_stderr"].get<double>());
  CHECK(kl > 0.05);
  CHECK(error < 0.2 * kl);
  CHECK(report["nfe_mean"].get<double>() > 12);
  CHECK(report["baselines"].empty());
  CHECK(works("cnf evaluate model -N 500 --no-mass").find("KL ") != std::string::npos);
}

TEST_CASE_METHOD(Fresh, "a small table is told of, and its run by seconds ends where it is learned by heart",
                 "[verbs]") {
  std::string few = "a,b\n", other = few;  // two tight clusters, and validation by rows between and beyond them
  for (int i = 0; i < 30; ++i) {
    const double t = 0.37 * i, side = i % 2 == 0 ? 1 : -1;
    few += shortest(side + 0.05 * std::sin(t * t)) + ',' + shortest(0.5 * side + 0.05 * std::cos(3.1 * t)) + '\n';
  }
  for (int i = 0; i < 9; ++i) other += shortest(0.3 * (i - 4)) + ',' + shortest(std::sin(i - 4)) + '\n';
  put(shell() / "few.csv", few), put(shell() / "other.csv", other);
  const Ran run = shell()(
      "cnf train --data few.csv --valid other.csv --test 0 --hidden 16,16 --seconds 200 --validate-every 5 -o few");
  CAPTURE(run.err);
  REQUIRE(run.code == 0);
  CHECK_THAT(run.err,
             Catch::Contains("30 rows for a network of 480 weights") && Catch::Contains("9 rows validate, by"));
  CHECK_THAT(run.err, Catch::Contains("ended at step ") && Catch::Contains("repeat with: --steps "));
  const Ran one = shell()("cnf train --data few.csv --hidden 4 --steps 5 --valid 0.034 -o one");
  CHECK_THAT(one.err, Catch::Contains(" nats, of one row") && !Catch::Contains("±"));
}

TEST_CASE_METHOD(Fresh, "a table's model is judged by its test rows, and rows it was trained on are counted",
                 "[verbs]") {
  train_on_table();
  const Json own = Json::parse(works("cnf evaluate table --baselines --json"));
  CHECK(own["points"] == 40);
  CHECK(own["seen_rows"] == 0);
  CHECK(own["entropy"].is_null());
  REQUIRE(own["baselines"].size() == 3);
  CHECK(own["baselines"][0]["name"] == "gaussian");
  for (const Json& baseline : own["baselines"]) {
    CHECK(baseline["nll"].get<double>() == Approx(own["nll"].get<double>()).margin(3));
    CHECK(baseline["nll_stderr"].get<double>() > 0);
    // On the same rows the mean difference is the difference of the means.
    const double gain = baseline["gain"], low = baseline["gain_low"], high = baseline["gain_high"];
    CHECK(gain == Approx(baseline["nll"].get<double>() - own["nll"].get<double>()).epsilon(1e-9));
    CHECK((low < gain && gain < high));
    CHECK(gain - low == Approx(high - gain));
    CHECK(baseline["unseen_gain"] == baseline["gain"]);
  }
  CHECK(own["unseen_nll"].get<double>() == Approx(own["nll"].get<double>()).epsilon(1e-12));
  const Ran all = shell()("cnf evaluate table --data table.csv --no-mass --json");
  CHECK(all.code == 0);
  CHECK(Json::parse(all.out)["seen_rows"] == 320);
  CHECK(all.err ==
        "cnf evaluate: warning: 320 of 400 rows equal rows the model was trained on (repeated in the data, or leaked); "
        "its "
        "numbers may flatter it\n");
  // 320 of these rows trained it: the other 80 are judged apart, and beside each baseline.
  const Json apart = Json::parse(shell()("cnf evaluate table --data table.csv --no-mass --baselines --json").out);
  put(shell() / "unseen.csv", unseen_rows());
  const Json alone = Json::parse(works("cnf evaluate table --data unseen.csv --no-mass --baselines --json"));
  CHECK((alone["points"] == 80 && alone["seen_rows"] == 0));
  CHECK(apart["unseen_nll"].get<double>() == Approx(alone["nll"].get<double>()).epsilon(1e-4));
  for (std::size_t k = 0; k < 3; ++k)
    for (const std::string key : {"nll", "gain", "gain_low", "gain_high"})
      CHECK(apart["baselines"][k]["unseen_" + key].get<double>() ==
            Approx(alone["baselines"][k][key].get<double>()).epsilon(1e-3));
  const std::string text = shell()("cnf evaluate table --data table.csv --no-mass --baselines").out;
  CHECK(text.find("\nunseen      ") != std::string::npos);
  CHECK(text.find("\n  unseen    ") != std::string::npos);
  CHECK(text.find("log p of the flow is ") != std::string::npos);
  CHECK(text.find(", by the unseen rows\n") != std::string::npos);
  CHECK(apart["verdict"] == alone["verdict"]);
}

TEST_CASE_METHOD(Fresh, "a model finds its columns by name in a file and in a pipe", "[verbs]") {
  train_on_table();
  put(shell() / "shuffled.csv", "price,n,power (kW)\n12,7,1201\n13,8,1190\n");
  put(shell() / "plain.csv", "1201,12\n1190,13\n");
  const std::string by_name = works("cnf logprob table --data shuffled.csv");
  CHECK(lines(by_name) == 3);
  CHECK(works("cnf logprob table --data - < shuffled.csv") == by_name);
  CHECK(works("cnf logprob table --data plain.csv") == by_name);
  CHECK(works("cnf logprob table --data shuffled.csv --columns 3,1") == by_name);
  CHECK(works("cnf sample table -N 1").starts_with("power (kW),price\n") == false);  // quoted, for it has a blank
  CHECK(works("cnf sample table -N 1").starts_with("\"power (kW)\",price\n"));
}

TEST_CASE_METHOD(Fresh, "what a reader of rows noticed is said once, before or after them", "[verbs]") {
  std::string indexed = "# by hand\n,x,y\n";
  for (int i = 0; i < 40; ++i)
    indexed += std::to_string(i) + "," + std::to_string(i % 7) + ".5," + std::to_string(i % 5) + "\n";
  put(shell() / "indexed.csv", indexed);
  put(shell() / "numbers.csv", "0,1\n# here\n0.5,1\n");
  const auto said = [](const std::string& command) {
    const Ran ran = shell()(command);
    CHECK(ran.code == 0);
    return ran.err;
  };
  CHECK_THAT(said("cnf train --data indexed.csv --steps 2 --batch 8 --hidden 4 -q -o r"),
             Catch::StartsWith("cnf train: warning: indexed.csv: column 1 counts the rows, as an index does; --drop 1 "
                               "leaves it out\ncnf train: indexed.csv: 1 comment passed over\n"));
  CHECK(said("cnf logprob model --data indexed.csv -q") == "cnf logprob: indexed.csv: 1 comment passed over\n");
  const std::string names =
      "warning: numbers.csv: line 1, '0,1', is read as names of the columns; if it is a row, put a "
      "line of names above it\n";
  const std::string comment = "numbers.csv: 1 comment passed over\n";
  CHECK(said("cnf encode model --data numbers.csv -q") == "cnf encode: " + names + "cnf encode: " + comment);
  CHECK(said("cnf evaluate model --data numbers.csv --no-mass -q") ==
        "cnf evaluate: " + names + "cnf evaluate: " + comment);
  CHECK_THAT(said("cnf logprob model --data - -q < numbers.csv"),
             Catch::StartsWith("cnf logprob: warning: standard input: line 1"));
}

TEST_CASE_METHOD(Fresh, "what is wrong is said in one line with the exit code of its kind", "[verbs]") {
  train_on_table();
  put(shell() / "three.csv", "a,b,c\n1,2,3\n");
  put(shell() / "text.csv", "x,y\n1,2\n3,abc\n4,nan\n");
  put(shell() / "names.csv", "u,v\n1,2\n");
  put(shell() / "empty.csv", "");
  put(shell() / "header.csv", "x,y\n");
  put(shell() / "broken.safetensors", "no model at all");
  works("cnf sample model -N 10 -o there.npy");
  struct Case {
    std::string command;
    int code;
    std::string says;
  };
  const std::vector<Case> cases{
      {"cnf sample nowhere", 3, "nowhere"},
      {"cnf sample .", 3, "no model.safetensors in this folder"},
      {"cnf sample broken.safetensors", 3, "broken.safetensors"},
      {"cnf sample model -o there.npy", 4, "there.npy exists; use --force"},
      {"cnf sample model -o there.xyz", 2, "ends in neither .npy nor .csv"},
      {"cnf sample model -o nofolder/there.npy", 4, "nofolder"},
      {"cnf sample model -N 0", 2, "out of range"},
      {"cnf sample model -N 1e9", 2, "whole number"},
      {"cnf logprob model", 2, "--data"},
      {"cnf logprob model --data missing.csv", 3, "missing.csv: no such file"},
      {"cnf logprob model --data three.csv", 3, "three.csv: 3 columns, the model takes 2: x, y"},
      {"cnf logprob model --data text.csv", 3, "text.csv:3:2: 'abc' is not a number"},
      {"cnf logprob model --data empty.csv", 3, "empty.csv"},
      {"cnf logprob model --data header.csv", 3, "header.csv"},
      {"cnf logprob table --data names.csv", 3, "names.csv: its columns are u, v; the model's are power (kW), price"},
      {"cnf logprob model --data there.npy --max-steps 2", 1, "step_limit"},
      {"cnf logprob model --data there.npy --rtol -1", 2, "--rtol"},
      {"cnf density model --range=1,0,0,1", 2, "--range"},
      {"cnf density model -o picture.jpg", 2, "does not end in .png, .svg or .pdf"},
      {"cnf density model --grid there.npy", 4, "there.npy exists; use --force"},
      {"cnf evaluate model --data mons", 2, "neither a built-in set nor a file"},
      {"cnf evaluate model --data three.csv", 3, "3 columns"},
      {"cnf data", 2, "DATA is missing"},
      {"cnf data there.npy", 2, "is a table, not a density"},
      {"cnf data moons --density -o there.npy", 2, "does not end in .png, .svg or .pdf"},
      {"cnf encode model --data three.csv -o z.npy", 3, "3 columns"},
      {"cnf decode model --data three.csv -o z.npy", 3, "the model takes 2: z1, z2"},
      {"cnf info broken.safetensors", 3, "broken.safetensors"},
      {"cnf gradcheck nowhere", 3, "nowhere"},
      {"cnf gradcheck nowhere --gradient discrete --solver kvaerno5", 2, "no transpose of kvaerno5's steps"},
  };
  for (const Case& c : cases) {
    const Ran ran = shell()(c.command);
    CAPTURE(c.command, ran.out, ran.err);
    CHECK(ran.code == c.code);
    CHECK(ran.out == "");
    CHECK(ran.err.find(c.says) != std::string::npos);
    CHECK(ran.err.starts_with("cnf " + c.command.substr(4, c.command.find(' ', 4) - 4) + ": "));
    CHECK(lines(ran.err) == (ran.err.find("\nhelp: ") == std::string::npos ? 1 : 2));
  }
  for (const std::string left : {"z.npy", "density.png", "picture.jpg", "there.xyz"})
    CHECK_FALSE(std::filesystem::exists(shell() / left));
}

TEST_CASE_METHOD(Fresh, "a dry run refuses what the work would refuse and writes nothing", "[verbs]") {
  works(
      "cnf sample model --dry-run -o new.npy && cnf density model --dry-run -o new.png && cnf evaluate model "
      "--dry-run");
  CHECK_FALSE(std::filesystem::exists(shell() / "new.npy"));
  CHECK_FALSE(std::filesystem::exists(shell() / "new.png"));
  CHECK(shell()("cnf density nowhere --dry-run").code == 3);
}

TEST_CASE_METHOD(Fresh, "a reader that leaves early is no error and a full disk is one", "[verbs]") {
  const Ran head = shell()("{ cnf sample model -N 300000 --rtol 1e-2; echo $? >&2; } | head -1");
  CHECK(head.out == "x,y\n");
  CHECK(head.err == "0\n");
  for (const std::string command : {"cnf sample model > /dev/full", "cnf sample model -o /dev/full",
                                    "cnf evaluate model -N 64 --no-mass > /dev/full", "cnf info model > /dev/full",
                                    "cnf data moons > /dev/full", "cnf density model --size 200 -o /dev/full"}) {
    const Ran ran = shell()(command);
    CAPTURE(command, ran.err);
    CHECK(ran.code == 4);
    CHECK(ran.err.find("o space left") != std::string::npos);
  }
}

TEST_CASE_METHOD(Fresh, "an output that exists is kept unless --force is given", "[verbs]") {
  put(shell() / "old.npy", "precious");
  CHECK(shell()("cnf sample model -N 3 -o old.npy").code == 4);
  CHECK(shell()(std::string(kTrain) + "-o model").code == 4);
  CHECK(file("old.npy") == "precious");
  works("cnf sample model -N 3 -o old.npy --force");
  CHECK(array("old.npy").shape == std::vector<std::int64_t>{3, 2});
  works("cnf logprob model --data old.npy -o old.npy --force");  // over its own input
  CHECK(array("old.npy").shape == std::vector<std::int64_t>{3});
}

TEST_CASE_METHOD(Fresh, "failed rows stop the work or are NaN among good rows that they do not change", "[verbs]") {
  put(shell() / "hard.csv", "x,y\n\n0,0\n1,1\n\n1e7,-1e7\n2,2\n");  // so far out that 30 steps are too few
  put(shell() / "easy.csv", "x,y\n0,0\n1,1\n2,2\n");
  const Ran skipped = shell()("cnf logprob model --data hard.csv --max-steps 30 --on-error skip");
  CHECK(skipped.code == 0);
  CHECK(skipped.err.starts_with(
      "cnf logprob: warning: 1 row failed, the first of them: hard.csv:6: step_limit: 30 steps"));
  std::string good = skipped.out;
  const std::size_t bad = good.find("nan\n");
  REQUIRE(bad != std::string::npos);
  CHECK(good.erase(bad, 4) == works("cnf logprob model --data easy.csv"));
  const Ran stopped = shell()("cnf logprob model --data hard.csv --max-steps 30 -o stopped.npy");
  CHECK(stopped.code == 1);
  CHECK(stopped.err.find("--on-error=skip") != std::string::npos);
  // Every verb that reads rows counts them as the reader does: lines of a text, rows of an array, dropped ones too.
  put(shell() / "hard.npy", npy_bytes(4, 2, std::vector<double>{0, 0, NAN, 1, 1e7, -1e7, 2, 2}, NpyDtype::f8));
  put(shell() / "three.csv", "y,z,x\n0,0,0\n-1e7,0,1e7\n");
  const std::string hard = " --max-steps 30 ";
  for (const auto& [command, place] : std::vector<std::pair<std::string, std::string>>{
           {"cnf evaluate model --no-mass --data hard.csv" + hard, "hard.csv:6: step_limit"},
           {"cnf logprob model --drop-invalid --data hard.npy" + hard, "hard.npy: row 3 (from 1): step_limit"},
           {"cnf logprob model --columns x,y --data three.csv" + hard, "three.csv:3: step_limit"},
           {"cat three.csv | cnf logprob model --data -" + hard, "standard input:3: step_limit"},
           {"cnf sample model --solver dopri5 --max-steps 1 -N 5 --first 3", "row 4 (from 1): step_limit"}}) {
    const Ran ran = shell()(command);
    CAPTURE(command, ran.err);
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Catch::Contains("the first of them: " + place));
  }
  CHECK_FALSE(std::filesystem::exists(shell() / "stopped.npy"));
}

TEST_CASE_METHOD(Fresh, "rows that hold no number are left out on request, and counted", "[verbs]") {
  put(shell() / "text.csv", "x,y\n1,2\n3,abc\n4,nan\n0,1\n");
  const Ran ran = shell()("cnf logprob model --data text.csv --drop-invalid -o l.npy");
  CHECK(ran.code == 0);
  CHECK(ran.err == "cnf logprob: text.csv: 2 invalid rows left out\n");
  CHECK(array("l.npy").shape == std::vector<std::int64_t>{2});
}

TEST_CASE_METHOD(Fresh, "row i of the output is row i of the input on request, NaN where there is no answer",
                 "[verbs]") {
  put(shell() / "gaps.csv", "x,y,kind\n0,0,a\nNA,1,a\n1,,a\n1,1,a\n1e7,-1e7,a\n2,2,b\n-999,0,a\n5\n1,0,a\n");
  put(shell() / "good.csv", "x,y\n0,0\n1,1\n1e7,-1e7\n1,0\n");
  const std::string options = " --data gaps.csv --missing -999,NA --where kind=a --on-error=nan --max-steps 40";
  for (const std::string verb : {"logprob", "encode", "decode"}) {
    CAPTURE(verb);
    const bool decodes = verb == "decode";
    const std::string columns = decodes ? " --columns x,y" : "";
    const Ran ran = shell()("cnf " + verb + " model -o o.npy --force" + columns + options);
    CHECK(ran.code == 0);
    CHECK_THAT(ran.err, Catch::Contains("gaps.csv: 2 invalid rows, 2 rows with a missing value, 1 row not asked for "
                                        "written as NaN; the first invalid: gaps.csv:4:2: the field is empty"));
    const NpyArray out = array("o.npy");
    REQUIRE(out.shape[0] == 9);
    const Index cols = verb == "logprob" ? 1 : 2;
    shell()("cnf " + verb + " model --data good.csv --max-steps 40 --on-error=skip -o good.npy --force" + columns);
    const std::vector<double> good = array("good.npy").values;
    Index next = 0;
    for (Index i = 0; i < 9; ++i) {
      const double* row = out.values.data() + i * cols;
      CAPTURE(i);
      if (i == 0 || i == 3 || i == 4 || i == 8)
        CHECK(std::memcmp(row, good.data() + cols * next++, sizeof(double) * static_cast<std::size_t>(cols)) == 0);
      else
        CHECK((std::isnan(row[0]) && std::isnan(row[cols - 1])));
    }
  }
  const Ran text = shell()("cnf logprob model" + options);
  CHECK(lines(text.out) == 10);
  CHECK(shell()("cnf logprob model --drop-invalid" + options).code == 2);
  CHECK_THAT(shell()("cnf logprob model --data gaps.csv --where kind --on-error=nan").err,
             Catch::StartsWith("cnf logprob: --where: 'kind' has none of ="));
}

TEST_CASE_METHOD(Fresh, "rows are chosen, and left out where a value is missing, in every verb that reads a table",
                 "[verbs]") {
  std::string rows = "x,y,kind\n", chosen = "x,y\n";
  for (int i = 0; i < 60; ++i) {
    const std::string point = decimals(std::sin(12.9 * i), 6) + "," + decimals(std::cos(7.7 * i), 6);
    rows += (i % 5 == 0 ? "-200,1" : point) + (i % 3 == 0 ? ",rock\n" : ",sand\n");
    if (i % 5 != 0 && i % 3 == 0) chosen += point + "\n";
  }
  put(shell() / "rows.csv", rows);
  put(shell() / "chosen.csv", chosen);
  const std::string options = " --data rows.csv --missing -200 --where kind=rock ";
  const std::string said = ": rows.csv: 4 rows with a missing value, 40 rows not asked for left out\n";
  const Ran piped = shell()("cat rows.csv | cnf logprob model --data - --missing=-200 --where kind=rock");
  CHECK(piped.out == works("cnf logprob model --data chosen.csv"));
  CHECK_THAT(piped.err, Catch::EndsWith("4 rows with a missing value, 40 rows not asked for left out\n"));
  const Ran judged = shell()("cnf evaluate model --no-mass --json" + options);
  CHECK(judged.out == works("cnf evaluate model --no-mass --json --data chosen.csv"));
  CHECK(judged.err == "cnf evaluate" + said);
  const std::string small = " --hidden 4 --steps 20 --batch 8 -q -o ";
  const Ran trained = shell()("cnf train" + options + small + "rows");
  CAPTURE(trained.err);
  REQUIRE(trained.code == 0);
  CHECK_THAT(trained.err, Catch::Contains("cnf train" + said));
  REQUIRE(shell()("cnf train --data chosen.csv" + small + "chosen").code == 0);
  CHECK(file("rows/rows.safetensors") == file("chosen/rows.safetensors"));
  CHECK(Json::parse(works("cnf info rows --json"))["recipe"]["where"] == "kind=rock");
}

TEST_CASE_METHOD(Fresh, "a split knows the file's rows, and held-out files are read as the table is", "[verbs]") {
  std::string rows = "x,y\n";
  std::vector<double> uses;
  for (int i = 0; i < 90; ++i) {
    rows += i % 10 == 0 ? "NA,0\n" : decimals(std::sin(3.7 * i), 6) + "," + decimals(std::cos(7.7 * i), 6) + "\n";
    uses.push_back(i < 50 ? 0 : i < 70 ? 1 : 2);
  }
  put(shell() / "rows.csv", rows);
  put(shell() / "split.npy", npy_bytes(90, 1, uses, NpyDtype::f8, true));
  put(shell() / "valid.csv", "y,x\n0.5,NA\n0.25,0.5\n1,0.75\n");
  const std::string small = "cnf train --hidden 4 --steps 20 --batch 8 -q --missing NA --data rows.csv ";
  const Ran split = shell()(small + "--split split.npy -o split");
  CAPTURE(split.err);
  REQUIRE(split.code == 0);
  CHECK_THAT(split.err, Catch::Contains("rows.csv: 9 rows with a missing value left out"));
  Safetensors kept = read_safetensors(shell() / "split/rows.safetensors");
  std::map<std::string, Index> count;
  for (const Tensor& tensor : kept.tensors) count[tensor.name] = tensor.shape[0];
  CHECK((count["train"] == 45 && count["validation"] == 18 && count["test"] == 18));
  std::string filtered;  // the same rows, by a file without the others
  for (std::size_t at = 0, end; at < rows.size(); at = end + 1) {
    end = rows.find('\n', at);
    if (rows[at] != 'N') filtered += rows.substr(at, end + 1 - at);
  }
  put(shell() / "filtered.csv", filtered);
  std::vector<double> fewer;
  for (int i = 0; i < 90; ++i)
    if (i % 10 != 0) fewer.push_back(uses[static_cast<std::size_t>(i)]);
  put(shell() / "fewer.npy", npy_bytes(81, 1, fewer, NpyDtype::f8, true));
  REQUIRE(shell()("cnf train --hidden 4 --steps 20 --batch 8 -q --data filtered.csv --split fewer.npy -o same").code ==
          0);
  CHECK(file("split/rows.safetensors") == file("same/rows.safetensors"));
  const Ran held = shell()(small + "--valid valid.csv --test 0 -o held");
  CHECK(held.code == 0);
  CHECK_THAT(held.err, Catch::Contains("valid.csv: 1 row with a missing value left out"));
}

TEST_CASE_METHOD(Fresh, "a value that marks what is missing is warned of before training", "[verbs]") {
  std::string rows = "CO,T\n";
  for (int i = 0; i < 100; ++i)
    rows += (i % 10 == 0 ? "-200" : decimals(2 + std::sin(3.7 * i), 4)) + "," + decimals(std::cos(7.7 * i), 6) + "\n";
  put(shell() / "air.csv", rows);
  const std::string small = "cnf train --hidden 4 --steps 5 --batch 8 -q --data air.csv ";
  const Ran warned = shell()(small + "-o warned"), told = shell()(small + "--missing -200 -o told");
  CHECK_THAT(warned.err,
             Catch::Contains("cnf train: warning: air.csv: -200 in 'CO' (10 of 100 rows, the others from 1"));
  CHECK_THAT(warned.err, Catch::Contains(": if it marks a missing value, --missing -200 leaves such rows out\n"));
  CHECK_THAT(told.err, Catch::Contains("air.csv: 10 rows with a missing value left out\n") &&
                           !Catch::Contains("if it marks a missing value"));
}

TEST_CASE_METHOD(Fresh, "a row far out is told how far, and a tolerance beyond float where it is kept", "[verbs]") {
  put(shell() / "far.csv", "x,y\n0,0\n1e30,1\n0.5,0.5\n");
  put(shell() / "near.csv", "x,y\n0.1,0.2\n");
  const std::string options = " model --data far.csv --max-steps 30";
  for (const std::string verb : {"logprob", "evaluate --no-mass"}) {
    const Ran ran = shell()("cnf " + verb + options);
    CAPTURE(ran.err);
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Catch::Contains("far.csv:3: ") && Catch::Contains("e+29 standard deviations from the mean of "
                                                                          "the data that the model was trained on, "
                                                                          "most of all in column 'x'"));
    CHECK_THAT(ran.err, Catch::Contains("help: check the row's units and columns; --on-error=skip"));
    CHECK(ran.err.find("raise max_steps") == std::string::npos);
  }
  const Ran decoded = shell()("cnf decode --columns x,y" + options);
  CHECK_THAT(decoded.err, Catch::Contains("1e+30 standard deviations from the mean of the base, most of all in z1"));
  // A row that lies among the data is not far out: the solver's own advice stands.
  const Ran near = shell()("cnf logprob model --data near.csv --max-steps 2");
  CHECK_THAT(near.err, Catch::Contains("raise max_steps or loosen") && !Catch::Contains("deviations"));
  const Ran fine = shell()("cnf logprob model --data near.csv --rtol 1e-9 --max-steps 20");
  CHECK_THAT(fine.err, Catch::StartsWith("cnf logprob: warning: --rtol 1e-09 and --atol 1e-09 are below what float "
                                         "holds, 1.2e-07; --precision double keeps to them\n"));
  CHECK_THAT(fine.err, Catch::Contains("are too fine for float\nhelp: --precision double keeps to them; --on-error"));
  const Ran finer = shell()("cnf logprob model --data near.csv --rtol 1e-18 --precision double --max-steps 40");
  CHECK_THAT(finer.err, Catch::Contains("below what double holds") && !Catch::Contains("max_steps"));
  for (const std::string enough : {"--rtol 1e-9 --precision double", "--rtol 1e-9 --atol 1e-5", "--rtol 1e-6"})
    works("cnf logprob model --data near.csv " + enough);
}

TEST_CASE_METHOD(Fresh, "a solve's steps are controlled as is asked for, or what cannot be is refused", "[verbs]") {
  put(shell() / "near.csv", "x,y\n0.1,0.2\n");
  const std::string logprob = "cnf logprob model --data near.csv --precision double ";
  const std::string plain = works(logprob);
  for (const char* how : {"--controller i", "--controller pid:0.49,-0.34,0.1", "--max-step 0.01", "--logp-tol 1e-9"}) {
    CAPTURE(how);
    const std::string other = works(logprob + how);
    CHECK(other != plain);
    CHECK(std::stod(other.substr(other.find('\n') + 1)) ==
          Approx(std::stod(plain.substr(plain.find('\n') + 1))).margin(1e-3));
  }
  CHECK(works(logprob + "--controller pi --min-step 1e-9 --max-step 1") == plain);
  for (const auto& [how, text] : std::vector<std::pair<std::string, std::string>>{
           {"--controller pd", "--controller 'pd': unknown; expected one of i, pi, pid"},
           {"--min-step 2 --max-step 1", "--min-step is above --max-step"},
           {"--max-step 0", "--max-step: 0 is out of range"},
           {"--solver dopri6", "dopri5[:N] (order 5, adaptive: the default)"}}) {
    const Ran refused = shell()(logprob + how);
    CAPTURE(how, refused.err);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Catch::Contains(text));
  }
  CHECK_THAT(works("cnf logprob --help"), Catch::Contains("--solver METHOD:") && Catch::Contains("dopri8[:N]") &&
                                              Catch::Contains("order 8, adaptive: for errors below 1e-6, in double"));
}

TEST_CASE_METHOD(Fresh, "a file of a kind that is not read is refused before any work, with how to make one that is",
                 "[verbs]") {
  put(shell() / "cat.jpg", "\xff\xd8\xff");
  put(shell() / "t.parquet", "PAR1");
  for (const std::string command : {"train -o new --data ", "logprob model --data ", "evaluate model --data "})
    for (const auto& [name, help] : {std::pair("cat.jpg", "help: convert it: magick cat.jpg cat.png\n"),
                                     std::pair("t.parquet", "pandas.read_parquet('t.parquet').to_csv('t.csv'")}) {
      const Ran ran = shell()("cnf " + command + name + " --dry-run");
      CAPTURE(command, name);
      CHECK(ran.code == 3);
      CHECK_THAT(ran.err, Catch::Contains(help));
    }
}

TEST_CASE_METHOD(Fresh, "logprob of ten times the rows takes no more memory", "[verbs]") {
  works(
      "cnf data moons -N 200000 -o many.csv && cnf data moons -N 20000 -o few.csv && cnf data moons -N 200000 -o "
      "m.npy && cnf data moons -N 20000 -o f.npy");
  const std::string loose = " --threads 1 --rtol 1e-2 -o ";
  const Ran few = shell()("exec cnf logprob model --data few.csv" + loose + "few.npy");
  const Ran many = shell()("exec cnf logprob model --data many.csv" + loose + "many.npy");
  const Ran npy = shell()("exec cnf logprob model --data m.npy" + loose + "l.npy");
  const Ran few_npy = shell()("exec cnf logprob model --data f.npy" + loose + "lf.npy");
  CHECK(array("many.npy").shape == std::vector<std::int64_t>{200000});
  CAPTURE(few.peak_kib, many.peak_kib, npy.peak_kib, few_npy.peak_kib);
#if defined(__SANITIZE_ADDRESS__)
  constexpr int kNoise = 1 << 20;  // the sanitizer holds back what is freed
#else
  constexpr int kNoise = 256;  // KiB by which the peak of one command varies from run to run
#endif
  CHECK(20 * many.peak_kib < 21 * (few.peak_kib + kNoise));
  CHECK(20 * npy.peak_kib < 21 * (few_npy.peak_kib + kNoise));
  CHECK(file("many.npy") == file("l.npy"));  // in blocks of the same rows, from text or not
}

TEST_CASE_METHOD(Fresh, "every row has probes of its own, beyond the first block too", "[verbs]") {
  std::string rows = "x,y\n";
  for (int i = 0; i < 16384 + 64; ++i) rows += "0.3,-0.2\n";
  put(shell() / "same.csv", rows);
  works("cnf logprob model --data same.csv --divergence hutchinson --rtol 1e-2 -o l.npy");
  const std::vector<double> l = array("l.npy").values;
  CHECK_FALSE(std::equal(l.begin(), l.begin() + 64, l.begin() + 16384));  // all 64 signs agree once in 2^64 seeds
}

TEST_CASE_METHOD(Fresh, "flow matching trains and is described as such", "[verbs][matching]") {
  const std::string recipe = "--data moons --hidden 16,16 --objective flow-matching --steps 200 --validate-every 100 ";
  const Json report = Json::parse(works("cnf train " + recipe + "--threads 1 --json --quiet -o whole"));
  CHECK(report["steps"] == 200);
  CHECK(report["kl"].get<double>() < 1.2);
  const std::string metrics = file("whole/metrics.csv");
  CHECK(metrics.rfind("step,lr,train_loss,validation_nll,", 0) == 0);
  CHECK(lines(metrics) == 3);
  const Json info = Json::parse(works("cnf info whole --json"));
  CHECK(info["recipe"]["objective"] == "flow-matching");
  CHECK_FALSE(info["recipe"].contains("gradient"));
  CHECK(Json::parse(works("cnf info model --json"))["recipe"]["objective"] == "likelihood");
  works("cnf train " + recipe + "--quiet --threads 3 -o threads");
  CHECK((file("threads/model.safetensors") == file("whole/model.safetensors")));
}

TEST_CASE_METHOD(Fresh, "what flow matching does not use is refused beside it in one line", "[verbs][matching]") {
  for (const std::string option : {"--gradient continuous", "--divergence exact", "--probe gaussian", "--solver rk4:8",
                                   "--rtol 1e-4", "--atol 1e-4", "--norm tile", "--max-steps 9", "--warm-start 5"}) {
    const Ran ran = shell()("cnf train --data moons --objective flow-matching " + option + " -o refused");
    CAPTURE(option, ran.err);
    CHECK(ran.code == 2);
    CHECK(ran.err.rfind("cnf train: " + option.substr(0, option.find(' ')), 0) == 0);
  }
  const Ran typo = shell()("cnf train --data moons --objective flow-matchin -o refused");
  CHECK(typo.code == 2);
  CHECK_THAT(typo.err, Catch::Contains("flow-matching"));
  CHECK_FALSE(std::filesystem::exists(shell() / "refused"));
}

TEST_CASE_METHOD(Fresh, "Ctrl-C stops a draw without leaving a part of its file", "[verbs]") {
  shell();
  const pid_t run = shell().begin("sample model -N 1000000000 -o endless.npy");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ::kill(run, SIGINT);
  int status = 0;
  ::waitpid(run, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
  for (const auto& entry : std::filesystem::directory_iterator(shell().folder()))
    CHECK(entry.path().filename().string().find("endless") == std::string::npos);
}

TEST_CASE_METHOD(Fresh, "data draws the same points in whatever pieces and lists its sets", "[verbs]") {
  works("cnf data 8gaussians -N 1000 -o a.npy && cnf data 8gaussians -N 300 --first 700 -o b.npy");
  const NpyArray a = array("a.npy"), b = array("b.npy");
  CHECK(std::equal(b.values.begin(), b.values.end(), a.values.begin() + 1400));
  const Json list = Json::parse(works("cnf data --list --json"));
  CHECK(list["sets"].size() == 8);
  CHECK(works("cnf data --list").find("checkerboard  3.46573590") != std::string::npos);
  put(shell() / "spot.pgm", "P2 2 2 255 0 0 0 9\n");  // all mass in the lower right pixel
  works("cnf data spot.pgm -N 50 -o spot.npy");
  const NpyArray spot = array("spot.npy");
  for (std::size_t i = 0; i < 50; ++i)
    REQUIRE((spot.values[2 * i] > 0 && spot.values[2 * i] < 4 && spot.values[2 * i + 1] < 0));
}

TEST_CASE_METHOD(Fresh, "info tells what a model is, in JSON too", "[verbs]") {
  const Json info = Json::parse(works("cnf info model --json"));
  CHECK(info["dim"] == 2);
  CHECK(info["hidden"] == Json::array({16, 16}));
  CHECK(info["columns"] == Json::array({"x", "y"}));
  // Three layers of weight, bias and time weight; the hidden two with a gate's weight and bias.
  CHECK(info["parameters"] == (2 * 16 + 16 + 16 + 32) + (16 * 16 + 16 + 16 + 32) + (16 * 2 + 2 + 2));
  CHECK(info["recipe"]["data"] == "moons");
  CHECK(info["recipe"]["steps"] == 60);
  CHECK(info["digest"].get<std::string>().size() == 32);
  CHECK(Json::parse(works("cnf info model/model.safetensors --json")) == info);
  CHECK(works("cnf info model").find("  data              moons\n") != std::string::npos);
}

TEST_CASE_METHOD(Fresh, "nothing that is shown can steer a terminal", "[verbs]") {
  // Escape, a C1 control and a mark that turns the direction of writing: in metadata, in names of columns and files.
  const std::string evil =
                        "a\x1b[2Jb\xc2\x9b"
                        "31mc\xe2\x80\xae",
                    json =
                        "a\\u001b[2Jb\xc2\x9b"
                        "31mc\xe2\x80\xae";
  const auto is_calm = [](const std::string& text) {
    return text.find_first_of("\x1b\x7f\r") == std::string::npos && text.find("\xc2\x9b") == std::string::npos &&
           text.find("\xe2\x80\xae") == std::string::npos;
  };
  Safetensors file = read_safetensors(shell() / "model/model.safetensors");
  file.metadata["cnf.recipe"] = R"({"data":")" + json + R"(",")" + json + R"(":[[")" + json + R"("]]})";
  file.metadata["cnf.numbers"] = R"({")" + json + R"(":{"x":")" + json + R"("}})";
  put(shell() / "evil.safetensors", safetensors_bytes(file));
  file.metadata["cnf.columns"] = R"(["x",")" + json + R"("])";
  put(shell() / "columns.safetensors", safetensors_bytes(file));
  put(shell() / "evil.csv", "x," + evil + "\n1,2\n3,4\n5,5\n6,1\n" + "q" + evil + ",1\n");
  const std::string folder = "'" + evil + "'";
  works("mkdir -p " + folder + " && cp evil.safetensors " + folder + "/model.safetensors");
  const Ran columns = shell()("cnf info columns.safetensors");
  CHECK(columns.code == 3);
  CHECK_THAT(columns.err, Catch::Contains("'cnf.columns' has a name with a control character"));
  for (const std::string command :
       {"cnf info evil.safetensors", "cnf info evil.safetensors --json", "cnf info columns.safetensors",
        "cnf logprob evil.safetensors --data evil.csv",
        "cnf train --data evil.csv --drop-invalid --valid 0 --test 0 "
        "--steps 1 --validate-every 1 --hidden 4,4 --batch 4 -o t && cnf sample t -N 1",
        "cnf evaluate evil.safetensors --data evil.csv --drop-invalid --json", "cnf nosuch\x1b[2J"}) {
    const Ran ran = shell()(command);
    CAPTURE(command, ran.out, ran.err);
    CHECK(is_calm(ran.out));
    CHECK(is_calm(ran.err));
  }
  for (const std::string verb :
       {"cnf info ", "cnf evaluate --no-mass --data moons -N 64 --json ", "cnf train --resume ",
        "cnf train --data moons --steps 1 --validate-every 1 --hidden 4,4 --force -o "}) {
    const Ran ran = shell()(verb + folder);
    CAPTURE(verb, ran.out, ran.err);
    CHECK(is_calm(ran.out));
    CHECK(is_calm(ran.err));
  }
  // The hint can be typed as it stands.
  const std::string word = shell_word(evil + "\xff'\\");
  CHECK(is_calm(word));
  Shell bash;
  put(bash / "word", "printf %s " + word);
  CHECK(bash("bash word").out == evil + "\xff'\\");
}

TEST_CASE_METHOD(Fresh, "gradcheck passes on a trained model, by other solvers and estimates too", "[verbs]") {
  const Json report = Json::parse(works("cnf gradcheck model --directions 3 --json"));
  CHECK(report["discrete"]["relative_error"].get<double>() < 1e-6);
  CHECK(report["discrete"]["cosine"].get<double>() > 1 - 1e-9);
  CHECK(report["discrete"]["worst"].is_string());
  CHECK(report["continuous"]["relative_error"].get<double>() < 1e-4);
  CHECK(report["passed"] == true);
  CHECK(report["worst_ratio"].get<double>() ==
        Approx(std::max(report["discrete"]["relative_error"].get<double>() / 1e-6,
                        report["continuous"]["relative_error"].get<double>() / 1e-4)));
  const std::string text = works("cnf gradcheck model --directions 1 -N 4 --solver rk4:6 --divergence hutchinson");
  CHECK(text.find("discrete") != std::string::npos);
  CHECK(text.find("\n\npassed: the worst error is ") != std::string::npos);
  CHECK(text.ends_with(")\n"));
  const Json one = Json::parse(
      works("cnf gradcheck model --directions 1 -N 4 --solver rk4:200 --gradient discrete --memory 300kB --json"));
  CHECK((one.contains("discrete") && !one.contains("continuous")));
  CHECK_THAT(one.at("discrete").at("keeps").get<std::string>(), Catch::Contains("of all 200 steps"));
  CHECK_THAT(works("cnf gradcheck model --directions 1 -N 4 --gradient reversible --memory 1MB"),
             Catch::Contains("reversible keeps the end and the times"));
  const Json shrinking = Json::parse(works("cnf gradcheck model --directions 1 -N 4 --at-tolerances --json"));
  const auto& at = shrinking["at_tolerances"];
  REQUIRE(at.size() == 3);
  CHECK(at[2]["relative_error"].get<double>() < 0.1 * at[0]["relative_error"].get<double>());
}

TEST_CASE_METHOD(Fresh, "a gradcheck that fails says so, in text and JSON, and exits with 1", "[verbs]") {
  // One loose step of the continuous adjoint is far from the differences.
  const std::string loose = "cnf gradcheck model --directions 1 -N 4 --continuous-rtol 0.5";
  const Ran text = shell()(loose), json = shell()(loose + " --json");
  CHECK(text.code == 1);
  CHECK(text.out.find("\n\nfailed: the worst error is ") != std::string::npos);
  CHECK(text.out.find(" times what is allowed (continuous, ") != std::string::npos);
  CHECK(text.err.find("the bound is 1e-04") != std::string::npos);
  CHECK(json.code == 1);
  CHECK(Json::parse(json.out)["passed"] == false);
  CHECK(Json::parse(json.out)["worst_ratio"].get<double>() > 1);
}

TEST_CASE("a potential field is trained with its transport cost, saved in format 2 and judged; others are refused hjb",
          "[verbs][field]") {
  Shell shell;
  const std::string recipe = "cnf train --data moons --batch 64 --validate-every 10 --quiet ";
  const std::string transport = "--objective likelihood+kinetic:0.005+hjb:0.05 --steps 40 -o whole";
  REQUIRE(shell(recipe + "--field potential --width 12 --rank 2 " + transport).code == 0);
  CHECK(shell("cnf info whole").out.find("potential") != std::string::npos);
  CHECK(shell("cnf evaluate whole --data moons -N 200 --json").code == 0);
  CHECK(shell("cnf train --resume whole --quiet").code == 0);
  const Ran refused = shell(recipe + "--objective likelihood+hjb:0.05 --steps 2 -o other");
  CHECK(refused.code != 0);
  CHECK(refused.err.find("hjb is for a field that is the slope of a potential, this is mlp") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(shell / "other"));
}

TEST_CASE("a planar field is trained, saved in format 2, judged and complete when resumed", "[verbs][field]") {
  Shell shell;
  const std::string recipe = "cnf train --data moons --field planar --units 12 --batch 64 --validate-every 10 --quiet ";
  REQUIRE(shell(recipe + "--steps 40 -o whole").code == 0);
  CHECK(shell("cnf info whole").out.find("planar") != std::string::npos);
  CHECK(shell("cnf evaluate whole --data moons -N 200 --json").code == 0);
  CHECK(shell("cnf train --resume whole --quiet").code == 0);
  const Ran idle = shell(recipe + "--steps 2 --hidden 8 -o other");
  CHECK(idle.code == 2);
  CHECK(idle.err.find("--hidden says nothing to --field planar") != std::string::npos);
}
