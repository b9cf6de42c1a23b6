// What memory a command may take, and what it does without.
#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <thread>

#include "base/npy.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tests/tools/program.hpp"

namespace cnf {
namespace {

const std::string kModel = CNF_GOLDEN "/plane.safetensors";

/// The header of a .npy file of that shape.
std::string npy_header(const std::string& shape, bool fortran = false) {
  std::string dict =
      "{'descr': '<f8', 'fortran_order': " + std::string(fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
  dict.resize(117, ' ');
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + dict + "\n";
}

/// Runs a command, and takes the memory that the program itself needs off its peak.
struct Memory {
  Shell sh;
  long idle = sh("cnf --version").peak_kib;

  Ran operator()(const std::string& command) {
    Ran ran = sh(command);
    ran.peak_kib -= idle;
    CAPTURE(command, ran.err, idle, ran.peak_kib);
    CHECK(ran.code < 128);
    return ran;
  }
};

constexpr long kMiB = 1024;

}  // namespace

TEST_CASE("a claim of columns is refused before memory is spent on them", "[verbs][memory]") {
  Memory run;
  const Shell& sh = run.sh;
  put(sh / "header", npy_header("(1, 1000000000)"));
  put(sh / "fortran", npy_header("(1000000000, 2)", true));
  put(sh / "wide.npy", npy_header("(1, 100000000)"));
  REQUIRE(::truncate((sh / "wide.npy").c_str(), 128 + 800'000'000) == 0);  // a hole: it claims and costs nothing
  REQUIRE(::mkfifo((sh / "pipe.npy").c_str(), 0600) == 0);
  put(sh / "commas.csv", std::string(16'000'000, ','));
  put(sh / "second.csv", "1,2\n" + std::string(16'000'000, ',') + "\n");
  put(sh / "quotes.csv", "1,2\n" + std::string(16'000'000, '"') + "\n");
  const auto refused = [&](const std::string& arguments, const std::string& part) {
    const Ran ran = run("cnf logprob " + kModel + " --data " + arguments);
    CAPTURE(arguments, ran.err, ran.peak_kib);
    CHECK(ran.code == 3);
    CHECK_THAT(ran.err, Catch::Contains(part));
    CHECK(ran.peak_kib < 64 * kMiB);
  };
  refused("wide.npy", "more than 131072 columns");
  refused("commas.csv", "commas.csv:1: more than 131072 columns");
  refused("second.csv", "second.csv:2: more than 131072 fields, expected 2");
  refused("quotes.csv", "quotes.csv:2:");
  refused("pipe.npy & cat header > pipe.npy; wait $!", "");  // the code is wait's: the program's
  refused("pipe.npy & cat fortran > pipe.npy; wait $!", "at most 134217728 can be held");
}

TEST_CASE("columns are found by name in a table of very many", "[verbs][memory]") {
  Memory run;
  std::string names, ones, twos;
  for (int j = 0; j < 100'000; ++j) {
    names += (j > 0 ? ",c" : "c") + std::to_string(j);
    ones += j > 0 ? ",1" : "1", twos += j > 0 ? ",2" : "2";
  }
  put(run.sh / "wide.csv", names + "\n" + ones + "\n" + twos + "\n");
  const Ran refused = run("cnf train --data wide.csv --valid wide.csv -o r");
  CHECK(refused.code == 3);
  CHECK_THAT(refused.err, Catch::Contains("100000 columns, a flow is trained on at most 16384"));
  CHECK(refused.peak_kib < 64 * kMiB);
  const Ran judged = run("cnf logprob " + kModel + " --data wide.csv --columns c99999,c1");
  CHECK(judged.code == 0);
  CHECK(std::count(judged.out.begin(), judged.out.end(), '\n') == 3);
  // From a pipe, by the model's own names among very many: a block of all of them would be 13 GB.
  put(run.sh / "named.csv", "x,y," + names + "\n0.5,0.5," + ones + "\n");
  const Ran piped = run("cat named.csv | cnf logprob " + kModel + " --data -");
  CHECK(piped.code == 0);
  CHECK(piped.peak_kib < 300 * kMiB);
}

TEST_CASE("a training table is held once, and a little", "[verbs][memory]") {
  Memory run;
  constexpr Index kRows = 2'000'000;  // of two columns: 32 MB
  {
    NpyWriter file(run.sh / "t.npy", kRows, 2, NpyDtype::f8);
    std::vector<double> piece(2 * 1000);
    for (Index row = 0; row < kRows; row += 1000) {
      for (std::size_t i = 0; i < piece.size(); ++i)
        piece[i] = static_cast<double>((static_cast<std::size_t>(row) * 7919 + i * 104729) % 10007);
      file.write(piece);
    }
    file.finish();
  }
  const std::string options = " --steps 1 --validate-every 1 --hidden 4,4 --batch 64 -q -o ";
  put(run.sh / "few.csv", "1,2\n2,1\n3,4\n4,3\n5,5\n1,7\n3,3\n2,8\n6,1\n7,4\n9,9\n5,1\n");
  const long without = run("cnf train --data few.csv" + options + "few").peak_kib;
  const Ran whole = run("cnf train --data t.npy" + options + "r");
  CHECK(whole.code == 0);
  CHECK(whole.peak_kib - without < 2 * 31 * kMiB);  // the table is 30.5 MiB
  const Ran again = run("cnf train --resume r");
  CHECK(again.code == 0);
  CHECK(again.peak_kib - without < 2 * 31 * kMiB);
}

TEST_CASE("with --memory a run takes as much, however many steps its solves have", "[verbs][memory]") {
  Shell sh;
  const auto peak = [&](const std::string& options) {
    const Ran ran =
        sh("cnf train --data moons --steps 1 --hidden 24,24 --batch 128 --threads 2 --memory 16MB -q -o r --force " +
           options);
    CAPTURE(options, ran.err);
    CHECK(ran.code == 0);
    return static_cast<double>(ran.peak_kib);
  };
  for (const std::string gradient : {"discrete", "reversible"}) {
    CAPTURE(gradient);
    const double few = peak("--gradient " + gradient + " --solver rk4:10");
    const double many = peak("--gradient " + gradient + " --solver rk4:1000");
    CHECK(many == Approx(few).epsilon(0.05));
  }
}

TEST_CASE("a picture larger than memory is drawn in bands", "[verbs][memory]") {
  Memory run;
  const Ran drawn = run("cnf density " + kModel + " --size 8192,8192 --grid-size 64,64 --samples 100 -o big.png");
  CHECK(drawn.code == 0);
  CHECK(drawn.peak_kib < 100 * kMiB);
}

TEST_CASE("the program ends with 5 and one reason wherever memory runs out", "[verbs][memory]") {
  Shell sh;
  put(sh / "rows.csv", "x,y\n1,2\n2,1\n3,4\n4,3\n5,5\n1,7\n3,3\n2,8\n6,1\n7,4\n9,9\n5,1\n");
  REQUIRE(sh("cnf train --data rows.csv --steps 2 --validate-every 2 --hidden 4,4 --batch 8 -q -o r").code == 0);
  const std::string starved = "LD_PRELOAD=" CNF_STARVE_LIBRARY " ";
  // The stride is a part of the number of allocations that differs from command to command: all places come, in time.
  const auto [command, places] = GENERATE(table<std::string, int>(
      {{"cnf train --data rows.csv --steps 2 --validate-every 2 --hidden 4,4 --batch 8 --threads 2 -q --force -o r",
        40},
       {"cnf sample " + kModel + " -N 100 --threads 2 -o s.npy --force", 20},
       {"cnf density " + kModel + " --size 120,100 --threads 1 -q -o d.png --force", 20},
       {"cnf logprob " + kModel + " --data rows.csv --threads 1", 15},
       {"cnf info r", 15}}));
  REQUIRE(sh("CNF_COUNT=count " + starved + command).code == 0);
  const long count = std::stol(contents(sh / "count"));
  REQUIRE(count > 100);
  for (const char* mode : {"", "-"})
    for (int i = 0; i < places; ++i) {
      const long k = 1 + i * (count - 1) / places;
      const Ran ran = sh("CNF_STARVE=" + std::to_string(k) + mode + " " + starved + command);
      CAPTURE(command, count, k, mode, ran.err);
      CHECK((ran.code == 5 || ran.code == 0));  // 0: who asked could do without
      if (ran.code == 5) CHECK_THAT(ran.err, Catch::Contains("emory"));
    }
}

TEST_CASE("threads that the system refuses are done without", "[verbs][memory]") {
  Shell sh;
  const std::string draw = "cnf sample " + kModel + " -N 1000 --threads 8";
  const Ran alone = sh("cnf sample " + kModel + " -N 1000 --threads 1");
  REQUIRE(alone.code == 0);
  for (const char* threads : {"0", "1", "5"}) {
    const Ran ran = sh("CNF_THREADS=" + std::string(threads) + " LD_PRELOAD=" CNF_STARVE_LIBRARY " " + draw);
    CAPTURE(threads, ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.out == alone.out);
  }
  const Ran without = sh("CNF_STARVE_BY=gomp LD_PRELOAD=" CNF_STARVE_LIBRARY " " + draw);
  CAPTURE(without.err);
  CHECK(without.code == 5);  // libgomp itself calls exit(1)
  const Ran little = sh("ulimit -v 300000; cnf sample " + kModel + " -N 10000 --threads 64 -o x.npy");
  CAPTURE(little.err);
  CHECK((little.code == 0 || little.code == 5));
}

}  // namespace cnf
