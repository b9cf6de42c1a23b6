#include "base/mean.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace cnf;

TEST_CASE("the mean and its error are those of the formulas", "[base][mean]") {
  RunningMean mean;
  for (const double x : {2.0, -1.0, 4.0, 7.0, 3.0}) mean.add(x);
  CHECK(mean.count() == 5);
  CHECK(std::abs(mean.value() - 3) < 1e-15);
  // Squared distances from 3: 1, 16, 1, 16, 0.
  CHECK(std::abs(mean.standard_error() - std::sqrt(34.0 / 4 / 5)) < 1e-15);
}

TEST_CASE("values far from zero lose no digits of their spread", "[base][mean]") {
  RunningMean mean;
  for (int i = 0; i < 1000; ++i) mean.add(1e9 + (i % 2 == 0 ? 1 : -1));
  CHECK(std::abs(mean.value() - 1e9) < 1e-6);
  CHECK(std::abs(mean.standard_error() - std::sqrt(1000.0 / 999 / 1000)) < 1e-9);
}

TEST_CASE("no value has no mean, and one has no error", "[base][mean]") {
  RunningMean mean;
  CHECK(std::isnan(mean.value()));
  CHECK(std::isnan(mean.standard_error()));
  mean.add(5);
  CHECK(mean.value() == 5);
  CHECK(std::isnan(mean.standard_error()));
}
