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

TEST_CASE("blocks of values have the mean and the error of the values one by one", "[base][mean]") {
  Vector<double> x(100);
  for (Index i = 0; i < 100; ++i) x[i] = 1e6 + std::sin(static_cast<double>(i * i));
  RunningMean one_by_one, whole, blocks;
  for (const double v : x) one_by_one.add(v);
  whole.add(x);
  for (const Index size : {0, 1, 7, 60, 2, 30}) blocks.add(x.segment(blocks.count(), size));
  CHECK(whole.value() == x.mean());
  for (const RunningMean& mean : {whole, blocks}) {
    CHECK(mean.count() == 100);
    CHECK(std::abs(mean.value() - one_by_one.value()) < 1e-9);
    CHECK(std::abs(mean.standard_error() / one_by_one.standard_error() - 1) < 1e-9);
  }
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

TEST_CASE("the 95 % interval of a mean is Student's", "[base][mean]") {
  const std::pair<int, double> tabled[] = {{1, 12.7062}, {2, 4.3027},  {3, 3.1824},   {4, 2.7764},
                                           {9, 2.2622},  {30, 2.0423}, {100, 1.9840}, {100000, 1.9600}};
  for (const auto& [freedom, quantile] : tabled) CHECK(student_quantile(freedom) == Approx(quantile).epsilon(2e-3));
  CHECK(std::isnan(student_quantile(0)));
  RunningMean mean;
  mean.add(3);
  CHECK(std::isnan(mean.half_width()));
  mean.add(5);
  CHECK(mean.half_width() == Approx(12.7062));
}
