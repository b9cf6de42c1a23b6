#include "flows/judge/comparison.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace cnf;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Comparison compared(const Matrix<double>& log_prob) {
  Comparison comparison(log_prob.cols());
  comparison.add(log_prob);
  return comparison;
}

/// K densities of these mean differences from the first, over four rows, each difference +- 1 about its mean.
Comparison apart(const std::vector<double>& behind) {
  Matrix<double> log_prob(4, std::ssize(behind));
  for (Index k = 0; k < log_prob.cols(); ++k)
    for (Index i = 0; i < 4; ++i)
      log_prob(i, k) = -3 - behind[static_cast<std::size_t>(k)] + (k == 0 ? 0 : i % 2 == 0 ? 1 : -1);
  return compared(log_prob);
}

}  // namespace

TEST_CASE("the paired difference is the mean of the differences with Student's interval", "[flows][judge]") {
  Matrix<double> log_prob(4, 2);
  log_prob << -1, -2, -2, -2, -3, -5, -6, -7;  // differences 1, 0, 2, 1
  const Comparison c = compared(log_prob);
  CHECK(c.rows() == 4);
  CHECK(c.nll(0) == 3);
  CHECK(c.nll(1) == 4);
  CHECK(c.nll_error(0) == Approx(std::sqrt(14. / 3 / 4)).epsilon(1e-15));  // squared distances 4, 1, 0, 9
  const PairedDifference d = c.difference(0, 1), back = c.difference(1, 0);
  CHECK(d.mean == 1);
  // Squared distances from 1: 0, 1, 1, 0; the 97.5 % quantile of Student's t with 3 degrees of freedom.
  CHECK(d.half_width == Approx(3.182446305 * std::sqrt(2. / 3 / 4)).epsilon(2e-3));
  CHECK((back.mean == -1 && back.half_width == d.half_width));
  CHECK(d.level());  // 1 +- 1.3
  CHECK((d.low() < 0 && d.high() > 2));
}

TEST_CASE("what moves both densities alike makes their interval no wider", "[flows][judge]") {
  Matrix<double> log_prob(100, 2);
  for (Index i = 0; i < 100; ++i) {
    log_prob(i, 0) = 50 * std::sin(static_cast<double>(i * i));
    log_prob(i, 1) = log_prob(i, 0) - 0.25 - (i % 2 == 0 ? 0.125 : -0.125);
  }
  const PairedDifference d = compared(log_prob).difference(0, 1);
  CHECK(d.mean == Approx(0.25).epsilon(1e-12));
  CHECK(d.half_width == Approx(1.9842169516 * 0.125 * std::sqrt(100. / 99 / 100)).epsilon(2e-3));
  CHECK_FALSE(d.level());
  CHECK(compared(log_prob).nll_error(0) > 2);
}

TEST_CASE("a density is no different from itself, on any rows and in any blocks", "[flows][judge]") {
  Matrix<double> log_prob(1000, 2);
  for (Index i = 0; i < 1000; ++i) log_prob(i, 0) = log_prob(i, 1) = std::sin(static_cast<double>(i)) * 1e3;
  const Comparison whole = compared(log_prob);
  for (const auto& [a, b] : {std::pair{0, 1}, std::pair{1, 0}, std::pair{1, 1}}) {
    const PairedDifference d = whole.difference(a, b);
    CHECK((d.mean == 0 && d.half_width == 0 && d.level() && !std::signbit(d.mean)));
  }
  Comparison blocks(2);
  for (const auto& [first, n] : {std::pair{0, 1}, std::pair{1, 0}, std::pair{1, 700}, std::pair{701, 299}})
    blocks.add(log_prob.middleRows(first, n));
  CHECK(blocks.nll(0) == whole.nll(0));
  CHECK(blocks.difference(0, 1).mean == 0);
}

TEST_CASE("a row without a value counts for none, and one of density zero makes the NLL infinite", "[flows][judge]") {
  Matrix<double> log_prob(5, 3);
  log_prob << -1, -2, -4, kNaN, -1, -1, -3, -kInfinity, -6, -1, kInfinity, -1, -5, -6, -8;
  const Comparison c = compared(log_prob);
  CHECK(c.rows() == 3);
  CHECK((c.failed(0) == 1 && c.failed(1) == 1 && c.failed(2) == 0));
  CHECK((c.without_density(0) == 0 && c.without_density(1) == 1));
  CHECK(c.nll(0) == 3);
  CHECK((c.nll(1) == kInfinity && std::isnan(c.nll_error(1))));
  CHECK((c.difference(0, 1).mean == kInfinity && c.difference(1, 0).mean == -kInfinity));
  CHECK_FALSE(c.difference(0, 1).level());
  CHECK(c.difference(0, 2).mean == 3);  // of all three rows
  const Verdict verdict = judge(c, std::vector{3, 0, 1});
  CHECK((verdict.best == 0 && verdict.recommended == 0 && verdict.rival == 2));
  CHECK_FALSE(compared(Matrix<double>::Constant(2, 2, -kInfinity)).difference(0, 1).level());
  CHECK(std::isnan(compared(Matrix<double>(0, 2)).nll(0)));
  CHECK_THROWS_AS(Comparison(2).add(Matrix<double>::Zero(4, 3)), std::invalid_argument);
}

TEST_CASE("of those level with the best the simplest is recommended, of those as simple the likeliest",
          "[flows][judge]") {
  // Against the first the half width is 1.84 (3.18 sqrt(4/3/4)).
  const auto verdict = [](const std::vector<double>& behind, const std::vector<int>& complexity) {
    return judge(apart(behind), complexity);
  };
  const Verdict simpler = verdict({0, 1.8, 0.5}, {3, 0, 1});
  CHECK((simpler.best == 0 && simpler.recommended == 1 && simpler.rival == 2));
  CHECK(simpler.level == std::vector<char>{1, 1, 1});
  const Verdict far = verdict({0, 1.9, 0.5}, {3, 0, 1});
  CHECK((far.recommended == 2 && far.level == std::vector<char>{1, 0, 1}));
  const Verdict alike = verdict({0, 0.5, 0.25}, {3, 1, 1});
  CHECK((alike.recommended == 2 && alike.rival == 2));
  const Verdict alone = verdict({0, 3, 2}, {3, 0, 1});
  CHECK((alone.best == 0 && alone.recommended == 0 && alone.rival == 2));
  // Of two that are the same the simpler is the best.
  Matrix<double> same(3, 2);
  same << -1, -1, -2, -2, -4, -4;
  CHECK(judge(compared(same), std::vector{3, 0}).best == 1);
  CHECK(judge(compared(same), std::vector{3, 3}).best == 0);
  CHECK_THROWS_AS(judge(compared(same), std::vector{1}), std::invalid_argument);
}
