// What `cnf train` says of a table before it trains on it, once, with the option that cures it.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "base/npy.hpp"
#include "base/number_text.hpp"
#include "datasets/csv.hpp"
#include "tests/normals.hpp"
#include "tests/tools/program.hpp"

using namespace cnf;

namespace {

constexpr const char* kOptions = " --steps 1 --batch 8 --hidden 4 --threads 1 --force -q -o run";

void save(const std::filesystem::path& path, const Batch& x) {
  NpyWriter file(path, x.cols(), x.rows(), NpyDtype::f8);
  file.write({x.data(), static_cast<std::size_t>(x.size())});
  file.finish();
}

struct Tables {
  Shell sh;
  Ran train(const std::string& more) { return sh("cnf train --data " + more + kOptions); }
  /// What is said of a table of these columns.
  std::string said(const Batch& x, const std::vector<std::string>& names, const std::string& more = "") {
    put(sh / "t.csv", csv_bytes(x, names));
    const Ran ran = train("t.csv" + more);
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    return ran.err;
  }
};

const std::string kWarning = "cnf train: warning: t.csv: ";

}  // namespace

TEST_CASE_METHOD(Tables, "an array lying on its side is asked about before memory is spent on it", "[verbs][table]") {
  const Batch x = normals(2, 5000, Seed{1});
  save(sh / "side.npy", x.transpose());
  const long idle = sh("cnf --version").peak_kib;  // a sanitizer's own memory among it
  const std::string question = "2 rows of 5000 columns; rows are samples: transposed?";
  for (const std::string more : {"", " --dry-run"}) {
    const Ran ran = train("side.npy" + more);
    CHECK(ran.code == 3);
    CHECK(ran.err.starts_with("cnf train: side.npy: " + question + "\nhelp: numpy.save('data.npy', x.T)"));
    CHECK(ran.peak_kib - idle < 100'000);  // a matrix of 5000 x 5000 is 200 MB
  }
  put(sh / "side.csv", csv_bytes(x.transpose().leftCols(2), {}));
  CHECK(train("side.csv").err.find("side.csv: " + question) != std::string::npos);
  put(sh / "t.csv", csv_bytes(x, {"a", "b"}));
  CHECK(train("t.csv").code == 0);
  const Ran judged = sh("cnf logprob run --data side.npy");
  CHECK(judged.code == 3);
  CHECK(judged.err.find("side.npy: 2 rows of 5000 columns, the model takes 2 columns; rows are samples: transposed?") !=
        std::string::npos);
  save(sh / "wide.npy", normals(17'000, 3, Seed{2}));
  CHECK(train("wide.npy").err.find("3 rows of 17000 columns; rows are samples: transposed?") != std::string::npos);
  save(sh / "few.npy", normals(30, 25, Seed{3}));
  const Ran few = train("few.npy");
  CHECK(few.code == 0);
  CHECK(few.err.find("rows of 30 columns; rows are samples: transposed?") != std::string::npos);
}

TEST_CASE_METHOD(Tables, "constant columns are named together, and left out on request", "[verbs][table]") {
  Batch x = normals(5, 200, Seed{4});
  x.row(0).setConstant(7);
  x.row(3).setZero();
  put(sh / "c.csv", csv_bytes(x, {"a", "b", "c", "d", "e"}));
  const Ran refused = train("c.csv");
  CHECK(refused.code == 3);
  CHECK(refused.err ==
        "cnf train: c.csv: 2 of 5 columns are constant: 'a', 'd'; a density needs columns that vary\n"
        "help: --drop-constant leaves out what does not vary\n");
  const Ran ran = train("c.csv --drop-constant");
  CHECK(ran.code == 0);
  CHECK(ran.err == "cnf train: c.csv: constant in the rows trained on and left out: 2 columns: 'a', 'd'\n");
  CHECK(sh("cnf sample run -N 1").out.starts_with("b,c,e\n"));
  CHECK(sh("cnf logprob run --data c.csv").code == 0);
  CHECK(sh("cnf evaluate run --no-mass").code == 0);
  CHECK(sh("cnf info run --json").out.find("drop-constant") != std::string::npos);
  const Ran all = train("c.csv --columns a,d --drop-constant");
  CHECK((all.code == 3 && all.err.find("every column is constant") != std::string::npos));
}

TEST_CASE_METHOD(Tables, "columns and rows that repeat are warned of, each kind in a line", "[verbs][table]") {
  Batch x = normals(3, 1000, Seed{5});
  CHECK(said(x, {"a", "b", "c"}).empty());
  x.row(1) = (x.row(1).array() > 0).cast<double>();
  CHECK(said(x, {"a", "kind", "c"}) ==
        kWarning +
            "column 'kind' takes only 2 values; the likelihood has no bound there and no NLL means much: "
            "--drop kind, or train on one value at a time (--where kind=VALUE)\n");
  CHECK(said(x, {"a", "kind", "c"}, " --drop kind").empty());
  x = normals(3, 1000, Seed{6});
  for (Index i = 0; i < 1000; i += 4) x(2, i) = 0;
  x.row(0) = (20 * x.row(0).array()).round() / 20;
  CHECK(said(x, {"pH", "b", "rain"}) ==
        kWarning +
            "one value is repeated in column 'rain', 0 in 25 % of the rows; the likelihood has no bound there "
            "and no NLL means much: leave these rows out (--where 'rain!=0') or --drop rain\n" +
            kWarning + "coarsely rounded, with the number of different values: column 'pH' " + std::to_string([&] {
              int n = 0;
              for (int k = -99; k <= 99; ++k) n += (x.row(0).array() == k / 20.).any();
              return n;
            }()) +
            "; the likelihood has no bound there and no NLL means much: add noise as wide as their steps first, or "
            "--drop pH\n");
  x = normals(2, 1000, Seed{7});
  x.rightCols(100) = x.leftCols(100);
  CHECK(said(x, {"a", "b"}).starts_with(kWarning + "10 % of the rows, 100, equal an earlier row; "));
}

TEST_CASE_METHOD(Tables, "a row far out is named as its reader counts it", "[verbs][table]") {
  Batch x = normals(2, 500, Seed{8});
  x(0, 76) = 1e6;
  x(1, 76) = 1e6;
  std::string text = csv_bytes(x, {"u", "v"});
  text.insert(text.find('\n') + 1, "\n\n");  // two empty lines
  put(sh / "far.csv", text);
  const Ran ran = train("far.csv");
  CHECK(ran.code == 0);
  CHECK(ran.err.starts_with("cnf train: warning: far.csv:80: 'u' is 1e+06, "));
  CHECK(ran.err.find("000 deviations from the median; the scaling is not robust against it: leave it out (--where "
                     "'u<1e+06')\n") != std::string::npos);
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);  // not that v follows from u
}

TEST_CASE_METHOD(Tables, "a mark for what is missing is not called a far row or a spike too", "[verbs][table]") {
  for (const Index every : {400, 20}) {
    Batch x = normals(2, 2000, Seed{13});
    for (Index i = 7; i < 2000; i += every) x(0, i) = -9999;
    const std::string err = said(x, {"t", "u"});
    CHECK(err.find("--missing -9999") != std::string::npos);
    CHECK(std::count(err.begin(), err.end(), '\n') == 1);
  }
}

TEST_CASE_METHOD(Tables, "columns that others determine are named", "[verbs][table]") {
  Batch x = normals(5, 500, Seed{9});
  x.row(1) = x.row(0);
  x.row(3) = 1.8 * x.row(2).array() + 32;
  x.row(4) = x.row(0) + x.row(2);
  CHECK(said(x, {"a", "copy", "c", "f", "sum"}) ==
        kWarning +
            "3 columns: 'copy' equals 'a', 'f' is 1.8 'c' + 32, 'sum' follows from 'a', 'c'; the density is "
            "singular there and no NLL of it means much: --drop copy,f,sum\n");
}

TEST_CASE_METHOD(Tables, "units alone make no column depend on others", "[verbs][table]") {
  Batch x = normals(3, 500, Seed{12});
  x.row(0) *= 1e14;
  CHECK(said(x, {"a", "b", "c"}).empty());
  x.row(1) = 1000 * x.row(0);
  x.row(2) = x.row(0) + 1e6 * x.row(2);
  CHECK(said(x, {"m", "mm", "again"}).find("2 columns: 'mm' is 1000 'm', 'again' nearly equals 'm'; ") !=
        std::string::npos);
}

TEST_CASE_METHOD(Tables, "units beyond 1e-150 and 1e150 are said, and nothing fails obscurely", "[verbs][table]") {
  for (const double unit : {1e-300, 1e-305, 1e-160, 1e160, 1e300}) {
    CAPTURE(unit);
    const Batch x = unit * normals(2, 400, Seed{10});
    const std::string err = said(x, {"a", "b"});
    CHECK(err.starts_with(kWarning + "2 columns: 'a' reaches "));
    CHECK(err.find(": change the units\n") != std::string::npos);
    const Ran drawn = sh("cnf density run -o d.png");
    CHECK(drawn.code == 1);
    CHECK(drawn.err.ends_with("help: change the columns' units\n"));
    for (const std::string command : {"sample run -N 10", "logprob run --data t.csv", "evaluate run --no-mass"}) {
      const Ran ran = sh("cnf " + command);
      CAPTURE(command, ran.out, ran.err);
      CHECK(ran.code == 0);
      CHECK(ran.out.find("nan") == std::string::npos);
    }
  }
}

TEST_CASE_METHOD(Tables, "a dry run reads all that the run would, and says what it found", "[verbs][table]") {
  const auto table = [&](const std::string& name, const std::string& last) {
    put(sh / name, csv_bytes(normals(2, 100, Seed{11}), {"a", "b"}) + last);
  };
  table("good.csv", "");
  table("bad.csv", "1,two\n");
  save(sh / "split.npy", Batch::Zero(1, 100));
  save(sh / "short.npy", Batch::Zero(1, 99));
  const auto dry = [&](const std::string& more) { return sh("cnf train --dry-run --hidden 4 -o new --data " + more); };
  const Ran good = dry("good.csv");
  CHECK(good.code == 0);
  CHECK(good.err == "cnf train: would train on 80 rows of 2 columns: 'a', 'b', validate on 10 and test on 10\n");
  const Ran large = sh("cnf train --dry-run --hidden 30000,30000 -o new --data good.csv");  // 7.2 GB of weights
  CHECK((large.code == 0 && large.peak_kib < 200'000));
  CHECK(sh("cnf train --dry-run --hidden 30000,30000 -o new --data moons").code == 0);
  CHECK(dry("good.csv --valid good.csv").err.find("validate on 100") != std::string::npos);
  CHECK(dry("good.csv --split split.npy").code == 0);
  CHECK(train("good.csv").code == 0);
  for (const std::string more : {"bad.csv", "good.csv --valid bad.csv", "good.csv --test bad.csv",
                                 "good.csv --split short.npy", "good.csv --columns c", "good.csv --init bad.csv"}) {
    CAPTURE(more);
    const Ran ran = sh("cnf train --dry-run -o new --data " + more);
    const Ran real = sh("cnf train -o new --steps 1 --data " + more);
    CHECK(ran.code == 3);
    CHECK(ran.err == real.err);
  }
  CHECK_FALSE(std::filesystem::exists(sh / "new"));
  for (const std::string verb : {"logprob run", "encode run", "decode run", "evaluate run"}) {
    CAPTURE(verb);
    CHECK(sh("cnf " + verb + " --dry-run --data bad.csv").err.find("bad.csv:102:2: 'two'") != std::string::npos);
    CHECK(sh("cnf " + verb + " --dry-run --data good.csv").err.find(": would take 100 rows of 2 columns: ") !=
          std::string::npos);
  }
  put(sh / "three.csv", csv_bytes(normals(3, 100, Seed{11}), {"a", "b", "c"}));
  for (const std::string data : {"three.csv", "mixture:3"})
    CHECK(sh("cnf train --dry-run -o new --init run --data " + data).err.find("a model over 2 columns") !=
          std::string::npos);
  const Ran again = sh("cnf train --resume run --dry-run");
  CHECK(again.err ==
        "cnf train: would go on at step 1\ncnf train: would train on 80 rows of 2 columns: 'a', 'b', "
        "validate on 10 and test on 10\n");
  put(sh / "run/rows.safetensors", "broken");
  CHECK(sh("cnf train --resume run --dry-run").code == 3);
}
