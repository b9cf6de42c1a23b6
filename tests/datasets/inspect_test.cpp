#include "datasets/inspect.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>

#include "datasets/toy.hpp"
#include "tests/normals.hpp"

namespace cnf {
namespace {

std::vector<Oddity> kinds(const std::vector<Finding>& findings) {
  std::vector<Oddity> kinds;
  for (const Finding& found : findings) kinds.push_back(found.kind);
  return kinds;
}

using Kinds = std::vector<Oddity>;

}  // namespace

TEST_CASE("nothing is odd about a density's draws, few or many, or about one of heavy tails", "[datasets][inspect]") {
  for (const std::string& name : toy_names())
    for (const Index N : {20, 142, 3000, 70000})
      CHECK(inspect(find_toy(name)->sample(Seed{5}, Purpose::data, 0, 0, N)).empty());
  CHECK(inspect(normals(3, 5000, Seed{1}).array().exp()).empty());
  CHECK(inspect(normals(1, 5000, Seed{2}).array().cube()).empty());
  CHECK(inspect((normals(2, 2000, Seed{3}) * 100).array().round() / 100).empty());  // a hundredth of a deviation
  CHECK(inspect(Batch(2, 0)).empty());
  CHECK(inspect(normals(2, 1, Seed{4})).empty());
}

TEST_CASE("a column of few values, a spike and a rounded one are told apart and counted", "[datasets][inspect]") {
  const Index N = GENERATE(400, 3000, 100000);
  Batch x = normals(5, N, Seed{7});
  Index zeros = 0, tenths = 0;
  for (Index i = 0; i < N; ++i) {
    x(1, i) = std::floor(std::fmod(std::abs(x(1, i)) * 1e3, 3));
    if (x(2, i) > 1) x(2, i) = 0, ++zeros;
  }
  x.row(3) = (x.row(3).array() * 10).round() / 10;
  for (int k = -100; k <= 100; ++k) tenths += (x.row(3).array() == k / 10.).any();
  const std::vector<Finding> found = inspect(x);
  REQUIRE(kinds(found) == Kinds{Oddity::few_values, Oddity::spike, Oddity::rounded});
  CHECK(found[0] == Finding{Oddity::few_values, 1, 3});
  CHECK(found[1] == Finding{Oddity::spike, 2, zeros, 0});
  CHECK(found[2] == Finding{Oddity::rounded, 3, tenths});
}

TEST_CASE("rows that repeat are counted, and their columns are not called rounded for it", "[datasets][inspect]") {
  const Index N = GENERATE(900, 100000);
  const Batch once = normals(2, N, Seed{8});
  Batch x(2, 3 * N / 2);
  x << once, once.leftCols(N / 2);
  const std::vector<Finding> found = inspect(x);
  REQUIRE(kinds(found) == Kinds{Oddity::repeated_rows});
  CHECK(std::abs(found[0].count - N / 2) <= (N < 1000 ? 0 : 3 * N / 200));
  CHECK(found[0].column == -1);
  CHECK(kinds(inspect(x.row(0))).empty());  // a third repeats: numbers of few digits do as much
  // A hundred places, each four times: the rows repeat, and a column only with them.
  const Batch places = normals(2, 100, Seed{17});
  Batch visits(2, 400);
  visits << places, places, places, places;
  CHECK(kinds(inspect(visits)) == Kinds{Oddity::repeated_rows});
  // Dice: every row repeats, for its columns do.
  const Batch dice = (normals(2, 3000, Seed{9}).array() * 1.5).round();
  CHECK(kinds(inspect(dice)) == Kinds{Oddity::few_values, Oddity::few_values, Oddity::repeated_rows});
}

TEST_CASE("a far row is named with how far it is, whatever the columns' units", "[datasets][inspect]") {
  const double unit = GENERATE(1., 1e-20, 1e30);
  const Index N = GENERATE(20, 3001, 100000);
  Batch x = normals(2, N, Seed{10});
  x(1, N / 3) = -1e6;
  x *= unit;
  const std::vector<Finding> found = inspect(x);
  REQUIRE(kinds(found) == Kinds{Oddity::far_rows});
  CHECK((found[0].column == 1 && found[0].count == 1 && found[0].row == N / 3));
  CHECK(found[0].value == Approx(1e6).epsilon(N > 100 ? 0.1 : 1));
  // In a column that is zero mostly, the others say what is far.
  for (Index i = 0; i < N; ++i)
    if (i % 10 < 9) x(0, i) = 0;
  if (N > 3000) {
    x(0, 40) = 1e5 * unit;
    const std::vector<Finding> again = inspect(x);
    REQUIRE(kinds(again) == Kinds{Oddity::spike, Oddity::far_rows, Oddity::far_rows});
    CHECK(again[1].row == 40);
  }
}

TEST_CASE("numbers whose squares a double cannot hold are named", "[datasets][inspect]") {
  for (const double unit : {1e-300, 1e-200, 1e-151, 1e151, 1e300}) {
    CAPTURE(unit);
    Batch x = normals(2, 400, Seed{11});
    x.row(1) *= unit;
    const std::vector<Finding> found = inspect(x);
    REQUIRE(kinds(found) == Kinds{Oddity::extreme_scale});
    CHECK((found[0].column == 1 && found[0].value == x.row(1).cwiseAbs().maxCoeff()));
  }
  CHECK(inspect(normals(2, 400, Seed{12}) * 1e-140).empty());
  CHECK(inspect(normals(2, 400, Seed{12}) * 1e140).empty());
}

TEST_CASE("columns that others determine are named with what determines them", "[datasets][inspect]") {
  Batch x = normals(6, 3000, Seed{13});
  CHECK(dependent_columns(x).empty());
  x.row(2) = 1.8 * x.row(1).array() + 32;
  x.row(4) = x.row(0);
  x.row(5) = x.row(0) - 2 * x.row(3);
  x.row(5) += 1e-6 * normals(1, 3000, Seed{14}).row(0);
  const std::vector<Dependence> found = dependent_columns(x);
  REQUIRE(found.size() == 3);
  CHECK((found[0].column == 2 && found[0].on == std::vector<Index>{1} && !found[0].copy));
  CHECK(found[0].factors[0] == Approx(1.8));
  CHECK(found[0].offset == Approx(32));
  CHECK((found[1].column == 4 && found[1].on == std::vector<Index>{0} && found[1].copy));
  CHECK((found[2].column == 5 && found[2].on == std::vector<Index>{0, 3}));
  CHECK(found[2].factors[1] == Approx(-2));
  x.row(5) += 1e-2 * normals(1, 3000, Seed{15}).row(0);
  CHECK(dependent_columns(x).size() == 2);
  CHECK(dependent_columns(normals(5, 5, Seed{16})).empty());
}

TEST_CASE("ten million rows are looked at in a second or two", "[datasets][inspect]") {
  Batch x(2, 10'000'000);
  for (Index i = 0; i < x.cols(); ++i) x(0, i) = std::sin(static_cast<double>(i)), x(1, i) = x(0, i) * x(0, i);
  const std::clock_t began = std::clock();
  CHECK(inspect(x).empty());
  const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  CHECK(seconds < 2);
}

}  // namespace cnf
