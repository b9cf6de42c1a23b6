#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <string>

#include "solvers/methods/dirk.hpp"
#include "solvers/methods/rosenbrock.hpp"
#include "tests/solvers/rooted_trees.hpp"

using namespace cnf;

namespace {

using Row = std::vector<long double>;
using Rows = std::vector<Row>;

/// The largest residual over trees of n nodes of sum_i b_i Phi_i(tree) = theta^n / gamma(tree). A node with one child
/// weighs it by `chain`, one with more by `bush`: Runge-Kutta has one matrix, Rosenbrock Gamma + alpha and alpha.
long double residual(const Rows& bush, const Rows& chain, const Row& b, int n, long double theta = 1) {
  const std::vector<Tree> trees = rooted_trees(n);
  Rows phi;
  long double worst = 0;
  for (const Tree& tree : trees) {
    Row weight(b.size(), 1.0L);
    for (int s : tree.subtrees)
      for (std::size_t i = 0; i < b.size(); ++i) {
        long double sum = 0;
        for (std::size_t j = 0; j < b.size(); ++j) sum += (tree.subtrees.size() == 1 ? chain : bush)[i][j] * phi[s][j];
        weight[i] *= sum;
      }
    phi.push_back(weight);
    if (tree.size != n) continue;
    long double sum = 0;
    for (std::size_t i = 0; i < b.size(); ++i) sum += b[i] * weight[i];
    worst = std::max(worst, std::abs(sum - std::pow(theta, static_cast<long double>(n)) / tree.density));
  }
  return worst;
}

Rows rows(const std::array<std::array<double, kMaxStages>, kMaxStages>& a, int stages) {
  Rows all;
  for (int i = 0; i < stages; ++i) all.emplace_back(a[i].begin(), a[i].begin() + stages);
  return all;
}

/// A Rosenbrock table in the form of its theory: alpha = a Gamma, b = m Gamma, Gamma = (I / gamma - w)^-1.
struct Theory {
  Rows alpha, beta;
  Row b, embedded;

  explicit Theory(const RosenbrockTableau& m) : alpha(m.stages, Row(m.stages)), beta(alpha) {
    const int s = m.stages;
    Rows gamma(s, Row(s));  // (I / g - w) Gamma = I, row by row
    for (int i = 0; i < s; ++i)
      for (int j = 0; j <= i; ++j) {
        long double sum = i == j;
        for (int l = j; l < i; ++l) sum += static_cast<long double>(m.w[i][l]) * gamma[l][j];
        gamma[i][j] = sum * static_cast<long double>(m.gamma);
      }
    const auto times_gamma = [&](const std::array<double, kMaxStages>& x) {
      Row product(s);
      for (int j = 0; j < s; ++j)
        for (int l = j; l < s; ++l) product[j] += static_cast<long double>(x[l]) * gamma[l][j];
      return product;
    };
    for (int i = 0; i < s; ++i) {
      alpha[i] = times_gamma(m.a[i]);
      for (int j = 0; j < s; ++j) beta[i][j] = alpha[i][j] + gamma[i][j];
    }
    b = times_gamma(m.m);
    embedded = times_gamma(m.a[s - 1]);
  }
};

}  // namespace

TEST_CASE("diagonally implicit tables meet every order condition up to their order and miss one beyond",
          "[solvers][tableau][order]") {
  for (const DirkTableau* m : kAllDirk) {
    CAPTURE(std::string(m->name));
    const Rows a = rows(m->a, m->stages);
    const Row b = a.back(), b_hat = a[static_cast<std::size_t>(m->stages) - 2];
    for (int n = 1; n <= m->order; ++n) CHECK(static_cast<double>(residual(a, a, b, n)) < 5e-16);
    CHECK(static_cast<double>(residual(a, a, b, m->order + 1)) > 1e-3);
    for (int n = 1; n <= m->embedded_order; ++n) CHECK(static_cast<double>(residual(a, a, b_hat, n)) < 5e-16);
    CHECK(static_cast<double>(residual(a, a, b_hat, m->embedded_order + 1)) > 1e-3);
    for (const long double x : {0.2L, 0.7L}) {  // dense output: the cubic of the ends, and the bump
      Row w(b);
      for (int i = 0; i < m->stages; ++i)
        w[i] = x * x * (3 - 2 * x) * b[i] + x * x * (1 - x) * (1 - x) * static_cast<long double>(m->bump[i]);
      w[0] += x * (1 - x) * (1 - x);
      w[static_cast<std::size_t>(m->stages) - 1] += x * x * (x - 1);
      for (int n = 1; n <= m->dense_order(); ++n) CHECK(static_cast<double>(residual(a, a, w, n, x)) < 5e-16);
      CHECK(static_cast<double>(residual(a, a, w, m->dense_order() + 1, x)) > 1e-4);
    }
  }
}

TEST_CASE("Rosenbrock tables meet every order condition up to their order and miss one beyond",
          "[solvers][tableau][order]") {
  for (const RosenbrockTableau* m : kAllRosenbrock) {
    CAPTURE(std::string(m->name));
    const Theory of(*m);
    for (int i = 0; i < m->stages; ++i) {
      long double c = 0, d = 0;
      for (int j = 0; j < m->stages; ++j) c += of.alpha[i][j], d += of.beta[i][j] - of.alpha[i][j];
      CHECK(static_cast<double>(std::abs(c - static_cast<long double>(m->c[i]))) < 5e-15);
      CHECK(static_cast<double>(std::abs(d - static_cast<long double>(m->d[i]))) < 5e-15);
      CHECK(m->m[i] == (i + 1 < m->stages ? m->a[m->stages - 1][i] : 1));
    }
    for (int n = 1; n <= m->order; ++n) CHECK(static_cast<double>(residual(of.alpha, of.beta, of.b, n)) < 1e-14);
    CHECK(static_cast<double>(residual(of.alpha, of.beta, of.b, m->order + 1)) > 1e-3);
    for (int n = 1; n <= m->embedded_order; ++n)
      CHECK(static_cast<double>(residual(of.alpha, of.beta, of.embedded, n)) < 1e-14);
    CHECK(static_cast<double>(residual(of.alpha, of.beta, of.embedded, m->embedded_order + 1)) > 1e-3);
  }
}

TEST_CASE("diagonally implicit methods are L-stable", "[solvers][tableau]") {
  using Complex = std::complex<double>;
  for (const DirkTableau* m : kAllDirk) {
    CAPTURE(std::string(m->name));
    const auto growth = [m](Complex z) {
      std::vector<Complex> x{1};
      for (int i = 1; i < m->stages; ++i) {
        Complex sum = 1;
        for (int j = 0; j < i; ++j) sum += z * m->a[i][j] * x[static_cast<std::size_t>(j)];
        x.push_back(sum / (1.0 - z * m->gamma()));
      }
      return std::abs(x.back());
    };
    for (int k = -20; k <= 60; ++k) CHECK(growth({0, std::pow(10, k / 10.0)}) <= 1 + 1e-14);  // poles on the right
    CHECK(growth({-1e9, 0}) < 1e-7);
  }
}
