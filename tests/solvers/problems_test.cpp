#include "solvers/problems/problems.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "solvers/problems/dual.hpp"
#include "tests/laws.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

double end_error(const Problem& p, const Matrix<double>& z) {
  return (z.col(0) - p.end).cwiseAbs().maxCoeff() / std::max(1.0, p.end.cwiseAbs().maxCoeff());
}

Solved<double> tight(const Problem& p, double t_end) {
  SolveOptions options;
  options.method = &kDopri8;
  options.rtol = options.atol = 1e-14;
  options.max_steps = 100'000;
  return solved<double>(*p.dynamics(), p.t_begin, t_end, p.begin, options);
}

}  // namespace

TEST_CASE("every problem ends where it says", "[solvers][problems]") {
  for (const Problem& p : all_problems()) {
    if (p.name == "van-der-pol-stiff") continue;  // a million steps: below
    CAPTURE(std::string(p.name));
    REQUIRE(p.begin.size() == p.end.size());
    const Solved<double> s = tight(p, p.t_end);
    REQUIRE(s.status.ok());
    // What rounding in the steps grows to until the end.
    CHECK(end_error(p, s.z) < (p.name == "arenstorf" ? 1e-9 : 1e-12));
  }
}

TEST_CASE("van der Pol's stiff oscillator creeps down to its fall", "[solvers][problems]") {
  // Between falls x' = x / (mu (1 - x^2)) to first order in 1 / mu, so that ln x - x^2 / 2 grows by t / mu.
  const Problem p = *find_problem("van-der-pol-stiff");
  const Solved<double> s = tight(p, 1);
  REQUIRE(s.status.ok());
  const double x = s.z(0), mu = p.params(0);
  CHECK(std::log(x) - x * x / 2 - (std::log(2.0) - 2) == Approx(1 / mu).epsilon(1e-3));
  // The end lies on the slow curve, which takes its speed from x.
  CHECK(p.end(1) == Approx(p.end(0) / (mu * (1 - p.end(0) * p.end(0)))).epsilon(1e-5));
}

TEST_CASE("every problem's dynamics keeps the laws", "[solvers][problems][laws]") {
  for (const Problem& p : all_problems()) {
    CAPTURE(std::string(p.name));
    const std::unique_ptr<Dynamics<double>> f = p.dynamics();
    CHECK(f->blocks().z == p.dim());
    for (const bool per_sample : {false, true}) {
      CHECK(transpose_law_error(*f, 5, per_sample, Seed{1}) < 1e-13);
      CHECK(jvp_error(*f, 5, per_sample, Seed{1}, 1e-4) < 1e-8);
    }
  }
}

TEST_CASE("a problem's vjp has the gradient by its parameters", "[solvers][problems]") {
  for (Problem p : all_problems()) {
    CAPTURE(std::string(p.name));
    const auto slope = [&] {
      Scratch scratch;
      Vector<double> dz(p.dim());
      const double t = 0.5;
      p.dynamics()->forward({&t, 1}, Tile<double>(p.begin.data(), p.dim(), 1), Out<double>(dz.data(), p.dim(), 1),
                            Out<double>(nullptr, 0, 1), {}, nullptr, scratch);
      return dz;
    };
    const auto f = p.dynamics();
    REQUIRE(f->gradient_size() == p.params.size());
    Scratch scratch;
    const double t = 0.5;
    Vector<double> w(p.dim()), dz(p.dim()), z_bar = Vector<double>::Zero(p.dim()), tape(f->tape_size(1));
    Vector<double> params_bar = Vector<double>::Zero(p.params.size());
    for (Index i = 0; i < w.size(); ++i) w(i) = 1 + static_cast<double>(i);
    f->forward({&t, 1}, Tile<double>(p.begin.data(), p.dim(), 1), Out<double>(dz.data(), p.dim(), 1),
               Out<double>(nullptr, 0, 1), {}, tape.data(), scratch);
    double t_bar = 0;
    f->vjp(tape.data(), Tile<double>(w.data(), p.dim(), 1), Tile<double>(nullptr, 0, 1),
           Out<double>(z_bar.data(), p.dim(), 1), {&t_bar, 1},
           {params_bar.data(), static_cast<std::size_t>(params_bar.size())}, scratch);
    for (Index i = 0; i < p.params.size(); ++i) {
      const double at = p.params(i), h = 1e-5 * at;
      p.params(i) = at + h;
      const double up = slope().dot(w);
      p.params(i) = at - h;
      const double down = slope().dot(w);
      p.params(i) = at;
      CHECK(params_bar(i) == Approx((up - down) / (2 * h)).epsilon(1e-8).margin(1e-8));
    }
  }
}

TEST_CASE("a tighter tolerance costs an explicit method steps exactly where a problem is not stiff",
          "[solvers][problems]") {
  for (const Problem& p : all_problems()) {
    CAPTURE(std::string(p.name));
    const double t_end = p.name == "van-der-pol-stiff" ? 10 : p.t_end;
    const auto steps = [&](double tol) {
      SolveOptions options;
      options.rtol = options.atol = tol;
      options.max_steps = 100'000;
      return double(solved<double>(*p.dynamics(), p.t_begin, t_end, p.begin, options).status.accepted);
    };
    CHECK((steps(1e-9) < 1.5 * steps(1e-6)) == p.stiff);
  }
}

TEST_CASE("problems are found by their names, which differ", "[solvers][problems]") {
  std::set<std::string_view> names;
  for (const Problem& p : all_problems()) {
    CAPTURE(std::string(p.name));
    CHECK(names.insert(p.name).second);
    REQUIRE(find_problem(p.name));
    CHECK(find_problem(p.name)->t_end == p.t_end);
    CHECK_FALSE(p.about.empty());
    CHECK_FALSE(p.source.empty());
    CHECK((p.variables.empty() || static_cast<Index>(p.variables.size()) == p.dim()));
  }
  for (const char letter : {'a', 'b', 'c', 'd', 'e'})
    for (const char digit : {'1', '2', '3', '4', '5'}) CHECK(names.contains(std::string("detest-") + letter + digit));
  CHECK_FALSE(find_problem("three-body"));
}

TEST_CASE("a dual number carries the derivative of what is done to it", "[solvers][problems]") {
  const auto f = [](const auto& x) {
    using std::cos;
    using std::sin;
    using std::sqrt;
    auto y = x * sin(2 * x) / (1 + cos(x)) - sqrt(x) / 3;
    y += -x;
    return y;
  };
  const double x = 0.7, h = 1e-5;
  const Dual y = f(Dual{x, 1});
  CHECK(y.value == Approx(f(x)).epsilon(1e-15));
  CHECK(y.slope == Approx((f(x + h) - f(x - h)) / (2 * h)).epsilon(1e-9));
}
