#include "solvers/methods/tableau.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "solvers/method.hpp"
#include "tests/solvers/rooted_trees.hpp"

using namespace cnf;

namespace {

using Row = std::vector<long double>;

/// The largest residual of the order conditions sum_i b_i Phi_i(tree) = theta^n / gamma(tree) over trees of exactly n
/// nodes.
long double residual(const std::vector<Row>& a, const Row& b, int n, long double theta = 1) {
  const std::vector<Tree> trees = rooted_trees(n);
  const std::size_t stages = b.size();
  std::vector<Row> phi;
  long double worst = 0;
  for (const Tree& tree : trees) {
    Row weight(stages, 1.0L);
    for (int s : tree.subtrees)
      for (std::size_t i = 0; i < stages; ++i) {
        long double sum = 0;
        for (std::size_t j = 0; j < i; ++j) sum += a[i][j] * phi[s][j];
        weight[i] *= sum;
      }
    phi.push_back(weight);
    if (tree.size != n) continue;
    long double sum = 0;
    for (std::size_t i = 0; i < stages; ++i) sum += b[i] * weight[i];
    worst = std::max(worst, std::abs(sum - std::pow(theta, static_cast<long double>(n)) / tree.density));
  }
  return worst;
}

std::vector<Row> rows(const Tableau& m, int stages) {
  std::vector<Row> a;
  for (int i = 0; i < stages; ++i) a.emplace_back(m.a[i].begin(), m.a[i].begin() + stages);
  return a;
}

}  // namespace

TEST_CASE("there are as many rooted trees as Cayley counted", "[solvers][tableau]") {
  const std::vector<int> cayley{1, 1, 2, 4, 9, 20, 48, 115};
  const std::vector<Tree> trees = rooted_trees(8);
  for (int n = 1; n <= 8; ++n)
    CHECK(std::count_if(trees.begin(), trees.end(), [n](const Tree& t) { return t.size == n; }) == cayley[n - 1]);
}

TEST_CASE("the weights meet every order condition up to the declared order and miss one beyond",
          "[solvers][tableau][order]") {
  for (const Tableau* m : kAllTableaus) {
    CAPTURE(std::string(m->name));
    // Rounding of coefficients up to 12 (dopri5) and 50 (dopri8) in size, and tsit5's publication to 16 digits.
    const long double bound = m->name == "dopri8" || m->name == "tsit5" ? 2e-14L
                              : m->name == "dopri5"                     ? 2e-15L
                                                                        : 3e-16L;
    const std::vector<Row> a = rows(*m, m->stages);
    Row b(m->b.begin(), m->b.begin() + m->stages), b_hat = b;
    for (int i = 0; i < m->stages; ++i) b_hat[i] -= static_cast<long double>(m->e[i]);
    for (int n = 1; n <= m->order; ++n) {
      CAPTURE(n);
      CHECK(static_cast<double>(residual(a, b, n)) <= static_cast<double>(bound));
    }
    CHECK(static_cast<double>(residual(a, b, m->order + 1)) > 1e-6);
    if (!m->is_adaptive()) continue;
    for (int n = 1; n <= m->embedded_order; ++n) {
      CAPTURE(n);
      CHECK(static_cast<double>(residual(a, b_hat, n)) <= static_cast<double>(bound));
    }
    CHECK(static_cast<double>(residual(a, b_hat, m->embedded_order + 1)) > 1e-6);
  }
}

TEST_CASE("between its ends a step meets every order condition up to its dense order and misses one beyond",
          "[solvers][tableau][dense][order]") {
  for (const Tableau* m : kAllTableaus) {
    const StepRule rule{m, nullptr};
    const int S = rule.stages();
    // Coefficients up to 670 in size, and tsit5's publication to 16 digits.
    const double bound = m->name == "dopri8" ? 5e-14 : m->name == "tsit5" ? 2e-14 : 2e-15;
    const auto terms = static_cast<std::size_t>(rule.terms());
    std::vector<Row> a = rows(*m, S);
    a.emplace_back(m->b.begin(), m->b.begin() + S);
    for (int e = 0; e < rule.extra(); ++e) a.emplace_back(m->dense->a[e].begin(), m->dense->a[e].end());
    for (Row& row : a) row.resize(terms);
    for (const double theta : {0.1, 0.37, 0.5, 0.8}) {
      std::array<double, kMaxTerms> w{};
      rule.dense(theta, w.data(), nullptr);
      const Row b(w.begin(), w.begin() + rule.terms());
      for (int n = 1; n <= m->dense_order(); ++n) {
        CAPTURE(std::string(m->name), theta, n);
        CHECK(static_cast<double>(residual(a, b, n, theta)) <= bound);
      }
      CHECK(static_cast<double>(residual(a, b, m->dense_order() + 1, theta)) > 1e-7);
    }
  }
}

TEST_CASE("the pairs known to be first same as last are found to be so", "[solvers][tableau]") {
  for (const Tableau* m : kAllTableaus) {
    CAPTURE(std::string(m->name));
    const bool expected = m->name == "bosh3" || m->name == "dopri5" || m->name == "tsit5";
    CHECK(m->is_fsal() == expected);
    CHECK(m->own_stages() == m->stages - (expected ? 1 : 0));
    CHECK(find_tableau(m->name) == m);
  }
  CHECK(find_tableau("rk5") == nullptr);
  CHECK(find_tableau("") == nullptr);
}

TEST_CASE("every method says in a few words what it is and when to choose it", "[solvers][method]") {
  CHECK(Method(&kDopri5).help() == "order 5, adaptive: the default");
  CHECK(Method(&kRk4).help() == "order 4, fixed steps: a cost known beforehand");
  for (const Method& m : all_methods()) {
    CAPTURE(std::string(m.name()));
    const std::string help = m.help();
    CHECK((help.size() > 25 && help.size() < 80));
    CHECK_THROWS_WITH(parse_method("dopri6"), Catch::Matchers::Contains(help));
  }
}

TEST_CASE("a method reads back as it was written", "[solvers][method]") {
  for (const Method& m : all_methods()) {
    const std::string fixed = std::string(m.name()) + ":8";
    if (m.takes_grid()) {
      CHECK(to_string(parse_method(fixed)) == fixed);
      CHECK(parse_method(fixed).method == m);
    }
    if (m.is_adaptive()) CHECK(to_string(parse_method(m.name())) == m.name());
  }
}

TEST_CASE("Adams' weights are the textbook's, and exact for polynomials below the order", "[solvers][method]") {
  // Hairer, Norsett, Wanner I, sec. III.1: (1.5') for k = 4 and (1.9') for k = 3.
  CHECK(kAbm4.step.a[1][0] == Approx(55. / 24).epsilon(1e-15));
  CHECK(kAbm4.past.predict[1] == Approx(-59. / 24).epsilon(1e-15));
  CHECK(kAbm4.past.predict[2] == Approx(37. / 24).epsilon(1e-15));
  CHECK(kAbm4.past.predict[3] == Approx(-9. / 24).epsilon(1e-15));
  CHECK(kAbm4.step.b[1] == Approx(9. / 24).epsilon(1e-15));
  CHECK(kAbm4.step.b[0] == Approx(19. / 24).epsilon(1e-15));
  CHECK(kAbm4.past.correct[1] == Approx(-5. / 24).epsilon(1e-15));
  CHECK(kAbm4.past.correct[2] == Approx(1. / 24).epsilon(1e-15));
  for (const AdamsMethod* m : kAllAdams)
    for (int degree = 0; degree < m->order; ++degree) {
      CAPTURE(std::string(m->name), degree);
      const auto power = [degree](double s) { return degree == 0 ? 1.0 : std::pow(s, degree); };
      double predict = m->step.a[1][0] * power(0), correct = m->step.b[0] * power(0) + m->step.b[1] * power(1);
      double size = std::abs(predict) + 1;
      for (int k = 1; k < kMaxAdamsOrder; ++k) {
        predict += m->past.predict[k] * power(-k);
        correct += m->past.correct[k] * power(-k);
        size += std::abs(m->past.predict[k] * power(-k));
      }
      CHECK(std::abs(predict - 1.0 / (degree + 1)) < 4e-16 * size);
      CHECK(std::abs(correct - 1.0 / (degree + 1)) < 4e-16 * size);
    }
}

TEST_CASE("a method that does not exist is refused with the names of those that do", "[solvers][method]") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(parse_method("dopri6"), Contains("dopri6") && Contains("dopri5") && Contains("rk4_38"));
  CHECK_THROWS_WITH(parse_method(""), Contains("unknown"));
  CHECK_THROWS_WITH(parse_method("rk4"), Contains("no error estimate") && Contains("rk4:N"));
  for (const char* text : {"rk4:", "rk4:0", "rk4:-3", "rk4:8x", "rk4: 8", "rk4:1e3", "rk4:1000001", "rk4:99999999999",
                           "rk4:8:8", "dopri5:"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_method(text), std::invalid_argument);
    CHECK_THROWS_WITH(parse_method(text), Contains("whole number of steps"));
  }
}
