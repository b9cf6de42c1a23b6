#include "datasets/sentinels.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/random.hpp"

namespace cnf {
namespace {

/// N values of a column by their number.
template <class F>
Batch column(Index N, const F& value) {
  Batch x(1, N);
  for (Index i = 0; i < N; ++i) x(0, i) = static_cast<double>(value(i));
  return x;
}

double normal(Index i) {
  return std::sqrt(-2 * std::log(uniform(Seed{1}, Purpose::data, 0, static_cast<std::uint64_t>(i), 0))) *
         std::cos(6.283185307 * uniform(Seed{1}, Purpose::data, 0, static_cast<std::uint64_t>(i), 1));
}

std::vector<double> values(const Batch& x) {
  std::vector<double> out;
  for (const Sentinel& one : find_sentinels(x)) out.push_back(one.value);
  return out;
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("a value repeated at the end of a column, far from the rest, is found", "[datasets][missing]") {
  const auto with = [](double mark, Index every, double scale = 1, double at = 0) {
    return column(2000, [=](Index i) { return i % every == 1 ? mark : at + scale * normal(i); });
  };
  CHECK(values(with(-200, 5)) == Values{-200});
  CHECK(values(with(1e20, 500)) == Values{1e20});
  CHECK(values(with(0, 7, 1, 100)) == Values{0});
  CHECK(values(with(-9999, 2000)) == Values{-9999});  // once, but customary
  CHECK(values(with(-999.9, 2000)) == Values{-999.9});
  CHECK(values(with(double{-999.9F}, 2000)) == Values{double{-999.9F}});
  CHECK(values(with(-32768, 1500)) == Values{-32768});
  CHECK(values(with(-9998, 2000)).empty());  // once, an outlier
  CHECK(values(column(300, [](Index i) { return i == 7 ? 99.0 : 0.3 * static_cast<double>(i); })).empty());
  CHECK(values(with(-3.5, 5)).empty());  // near the others
  CHECK(values(with(0, 5)).empty());     // in their midst
  // What columns of few values have, ratings and counts, is no mark; what lies beyond twice their range is.
  CHECK(values(column(300, [](Index i) { return i % 2; })).empty());
  CHECK(values(column(300, [](Index i) { return i % 10 == 0 ? 0 : i % 10 == 1 ? 2 : 1; })).empty());
  CHECK(values(column(300, [](Index i) { return 1 + i % 6; })).empty());
  CHECK(values(column(300, [](Index i) { return i % 9 == 0 ? -9 : 1 + i % 5; })) == Values{-9});
  CHECK(values(column(300, [](Index i) { return i % 9 == 0 ? -9 : 1; })).empty());
  CHECK(values(column(300, [](Index) { return 7; })).empty());
  // Positive and skew: zeros that are values, and marks below them.
  const auto skew = [](Index i) { return std::exp(2 * normal(i)); };
  CHECK(values(column(2000, [&](Index i) { return i % 3 == 0 ? 0 : skew(i); })).empty());
  CHECK(values(column(2000, [&](Index i) { return i % 3 == 0 ? -200 : skew(i); })) == Values{-200});
  CHECK(find_sentinels(Batch(3, 0)).empty());
}

TEST_CASE("what marks a missing value in one column does so in others, and is said in one line",
          "[datasets][missing]") {
  Batch x(3, 900);  // of the second, -200 lies nearer to the next value than that to the median
  for (Index i = 0; i < 900; ++i) {
    const bool gone = i % 9 == 0;
    x.col(i) << (gone ? -200 : normal(i)), (gone ? -200 : static_cast<double>(i)), normal(i + 900);
  }
  const std::vector<Sentinel> found = find_sentinels(x);
  REQUIRE(found.size() == 2);
  CHECK((found[0].column == 0 && found[0].count == 100 && found[1].column == 1 && found[1].count == 100));
  CHECK(found[0].rest_min == x.row(0).unaryExpr([](double v) { return v == -200 ? 0.0 : v; }).minCoeff());
  const std::vector<std::string> lines = sentinel_lines(found, {"CO", "NOx", "T"}, 900);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::StartsWith("-200 in 'CO' (100 of 900 rows, the others from -"));
  CHECK_THAT(lines[0], Catch::Contains(", 'NOx' (100 of 900 rows, the others from 1 to 899)"));
  CHECK(sentinel_text(double{-999.9F}) == "-999.9");
  CHECK(sentinel_text(-999.9) == "-999.9");
  CHECK(sentinel_text(1e300) == "1e+300");
}

}  // namespace cnf
