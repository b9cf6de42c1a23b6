#include "solvers/integrate.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "solvers/control/step_control.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/problems/problems.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

std::vector<const Tableau*> adaptive_tableaus() {
  std::vector<const Tableau*> all;
  for (const Tableau* m : kAllTableaus)
    if (m->is_adaptive()) all.push_back(m);
  return all;
}

}  // namespace

TEST_CASE("the error follows the tolerance", "[solvers][adaptive]") {
  struct Row {
    std::string_view problem;
    double stretch;  // how much of the local tolerance the end may see
  };
  for (const Row& row : {Row{"detest-a3", 100},
                         {"brusselator", 8},
                         {"van-der-pol", 25},
                         {"detest-b1", 300},
                         {"detest-d3", 1200},
                         {"arenstorf", 1e5}}) {
    const Problem p = *find_problem(row.problem);
    const auto field = p.dynamics();
    for (const Tableau* m : adaptive_tableaus()) {
      CAPTURE(p.name, std::string(m->name));
      double first = 0, last = 0;
      const double coarse = 1e-4, fine = m->order == 3 ? 1e-8 : 1e-10;
      for (double tol = coarse; tol >= 0.5 * fine; tol *= 0.1) {
        SolveOptions options;
        options.method = m;
        options.rtol = options.atol = tol;
        options.max_steps = 100'000;
        const Solved<double> s = solved<double>(*field, p.t_begin, p.t_end, p.begin, options);
        REQUIRE(s.status.ok());
        const double error = (s.z - p.end).cwiseAbs().maxCoeff();
        CAPTURE(tol, error);
        CHECK(error <= row.stretch * tol * std::max(1.0, p.end.cwiseAbs().maxCoeff()));
        if (first == 0) first = error;
        last = error;
      }
      CHECK(std::log10(first / last) >= 0.8 * std::log10(coarse / fine));
    }
  }
}

TEST_CASE("going there and back again returns within the tolerance", "[solvers][adaptive]") {
  const TanhField<double> f(4, Seed{1});
  const Matrix<double> start = normals<double>(4, 7, Seed{2});
  for (const Tableau* m : adaptive_tableaus()) {
    CAPTURE(std::string(m->name));
    SolveOptions options;
    options.method = m;
    options.rtol = options.atol = 1e-8;
    const Solved<double> there = solved(f, 0.25, 1.75, start, options);
    const Solved<double> back = solved(f, 1.75, 0.25, there.z, options);
    REQUIRE(back.status.ok());
    CHECK((back.z - start).cwiseAbs().maxCoeff() < 100 * 1e-8);
    CHECK((there.q + back.q).cwiseAbs().maxCoeff() < 100 * 1e-8 * there.q.cwiseAbs().maxCoeff());
  }
}

TEST_CASE("the last time is t_end itself and the grid does not drift", "[solvers]") {
  const TanhField<double> f(2, Seed{1});
  const Matrix<double> start = normals<double>(2, 3, Seed{2});
  for (const double t_end : {0.7, -0.7, 1e-9, 1.0}) {
    SolveOptions options;
    Recording<double> record;
    const double t_begin = 0.1;
    for (const int steps : {0, 7, 1000}) {
      options.fixed_steps = steps;
      const Solved<double> s = solved(f, t_begin, t_end, start, options, {.record = &record});
      CHECK(s.status.t == t_end);
      CHECK(record.t(record.steps()) == t_end);
      CHECK(record.fractions().back() == 1);
      CHECK(s.status.accepted == record.steps());
      CHECK(s.counters.accepted == s.status.accepted);
      if (steps == 0) continue;
      REQUIRE(record.steps() == steps);
      for (int n = 0; n < steps; ++n) CHECK(record.t(n) == t_begin + n / double(steps) * (t_end - t_begin));
    }
  }
}

TEST_CASE("an empty span leaves the state as it was and costs nothing", "[solvers]") {
  const TanhField<double> f(2, Seed{1});
  const Matrix<double> start = normals<double>(2, 3, Seed{2});
  const Solved<double> s = solved(f, 0.5, 0.5, start, {});
  CHECK(s.status.ok());
  CHECK(s.z == start);
  CHECK(s.counters.evaluations == 0);
}

TEST_CASE("the first step as the last saves one evaluation a step", "[solvers]") {
  const TanhField<double> f(3, Seed{1});
  const Matrix<double> start = normals<double>(3, 5, Seed{2});
  for (const Tableau* m : adaptive_tableaus()) {
    CAPTURE(std::string(m->name));
    SolveOptions options;
    options.method = m;
    const Solved<double> s = solved(f, 0, 3, start, options);
    const std::int64_t tries = s.status.accepted + s.status.rejected;
    // The initial step costs one; a rejected try keeps its first stage.
    const std::int64_t expected =
        m->is_fsal() ? 2 + tries * (m->stages - 1) : 1 + s.status.accepted + tries * (m->stages - 1);
    CHECK(s.counters.evaluations == expected);
    options.fixed_steps = 10;
    CHECK(solved(f, 0, 3, start, options).counters.evaluations == 10 * m->own_stages());
  }
}

TEST_CASE("on a fixed grid a batch of B equals B batches of one", "[solvers]") {
  const TanhField<double> f(3, Seed{3});
  SolveOptions options;
  options.fixed_steps = 9;
  for (const Index B : {1, 3, 7, 8, 9, 33}) {
    const Matrix<double> start = normals<double>(3, B, Seed{4});
    const Solved<double> all = solved(f, 0, 1, start, options);
    for (Index j = 0; j < B; ++j) {
      const Solved<double> one = solved<double>(f, 0, 1, start.col(j), options);
      CHECK(one.z == all.z.col(j));
      CHECK(one.q == all.q.col(j));
    }
  }
}

TEST_CASE("the sample norm lets no easy sample hide a hard one", "[solvers][adaptive]") {
  // Row 0 turns fast among slow ones: under the tile norm its error is divided by sqrt(64).
  const PointField<double> f(2, [](double, std::span<const double> y, std::span<double> dy, Index row) {
    const double w = row == 0 ? 20 : 0.01;
    dy[0] = -w * y[1];
    dy[1] = w * y[0];
  });
  Matrix<double> start = Matrix<double>::Ones(2, 64);
  const auto cost = [&](Norm norm, const Matrix<double>& z) {
    SolveOptions options;
    options.norm = norm;
    return solved(f, 0, 1, z, options).status.accepted;
  };
  const Matrix<double> alone = start.leftCols(1);
  CHECK(cost(Norm::sample, start) == cost(Norm::sample, alone));
  CHECK(cost(Norm::tile, start) < cost(Norm::sample, start));
  CHECK(cost(Norm::tile, alone) == cost(Norm::sample, alone));
}

TEST_CASE("a block counts in the norm exactly when it is controlled", "[solvers][adaptive]") {
  // z at rest, q' = q_rate cos(40 t), s' = s_rate cos(40 t).
  struct Quadratures final : Dynamics<double> {
    double q_rate, s_rate;
    Quadratures(double q, double s) : q_rate(q), s_rate(s) {}
    Blocks blocks() const override { return {1, 1, 1}; }
    Index tape_size(Index) const override { return 0; }
    void forward(Times<double> t, Tile<double>, Out<double> dz, Out<double> dq, std::span<double> ds, double*,
                 Scratch&) const override {
      dz.setZero();
      dq.setConstant(q_rate * std::cos(40 * t[0]));
      ds[0] = s_rate * std::cos(40 * t[0]);
    }
    void jvp(const double*, Tile<double>, Times<double>, Out<double>, Out<double>, Scratch&) const override {}
    void vjp(const double*, Tile<double>, Tile<double>, Out<double>, std::span<double>, std::span<double>,
             Scratch&) const override {}
  };
  const auto cost = [](double q, double s, bool control_q, bool control_s) {
    SolveOptions options;
    options.control_q = control_q;
    options.control_s = control_s;
    return solved<double>(Quadratures(q, s), 0, 3, Matrix<double>::Ones(1, 4), options).status.accepted;
  };
  CHECK(cost(1, 0, true, true) > 50);
  CHECK(cost(0, 1, true, true) > 50);
  CHECK(cost(1, 0, false, true) < 15);
  CHECK(cost(0, 1, true, false) < 15);
  CHECK(cost(1, 1, false, false) < 15);
  CHECK(cost(1, 0, true, false) == cost(1, 0, true, true));
  CHECK(cost(0, 1, false, true) == cost(0, 1, true, true));
}

TEST_CASE("the first step is of the size that control settles on", "[solvers][adaptive]") {
  const TanhField<double> f(3, Seed{1});
  for (const Tableau* m : adaptive_tableaus()) {
    CAPTURE(std::string(m->name));
    SolveOptions options;
    options.method = m;
    options.rtol = options.atol = 1e-8;
    Recording<double> record;
    solved<double>(f, 0, 3, normals<double>(3, 5, Seed{2}), options, {.record = &record});
    CHECK(record.h(0) > record.h(1) / 10);
    CHECK(record.h(0) < record.h(1) * 5);
  }
}

TEST_CASE("the controller is DOPRI5's", "[solvers][adaptive]") {
  StepController c(&kDopri5);  // exponents 0.17 and 0.04
  CHECK(c.exponent() == 0.2);
  CHECK(c.accept(0.5) == Approx(0.9 * std::pow(0.5, -0.17) * std::pow(1e-4, 0.04)));
  CHECK(c.accept(0.2) == Approx(0.9 * std::pow(0.2, -0.17) * std::pow(0.5, 0.04)));
  CHECK(c.accept(0) == 10);
  CHECK(c.reject(3) == Approx(0.9 * std::pow(3, -0.17)));
  CHECK(c.reject(1e15) == 0.2);
  CHECK(c.accept(1e-3) == 1);  // no growth after a rejection
  CHECK(c.accept(1e-3) > 1);
  CHECK(c.reject_non_finite() == 0.1);
  CHECK(c.accept(1e-3) == 1);
  CHECK(underflows(1e-16, 1, 1));
  CHECK_FALSE(underflows(1e-14, 1, 1));
  CHECK_FALSE(underflows(1e-20, 0, 1));
}

TEST_CASE("the step budget is exact", "[solvers][status]") {
  const TanhField<double> f(2, Seed{1});
  const Matrix<double> start = normals<double>(2, 3, Seed{2});
  SolveOptions options;
  const Status free = solved(f, 0, 5, start, options).status;
  REQUIRE(free.ok());
  options.max_steps = free.accepted + free.rejected;
  CHECK(solved(f, 0, 5, start, options).status.ok());
  --options.max_steps;
  const Status cut = solved(f, 0, 5, start, options).status;
  CHECK(cut.code == Status::Code::step_limit);
  CHECK(cut.accepted + cut.rejected == options.max_steps);
}

TEST_CASE("a first step asked for is taken", "[solvers]") {
  const TanhField<double> f(2, Seed{1});
  SolveOptions options;
  options.first_step = 1e-3;
  Recording<double> record;
  solved<double>(f, 0, -1, normals<double>(2, 3, Seed{2}), options, {.record = &record});
  CHECK(record.h(0) == -1e-3);
}

TEST_CASE("replaying the recorded grid gives the recorded result", "[solvers][recording]") {
  const TanhField<double> f(3, Seed{1});
  const Matrix<double> start = normals<double>(3, 5, Seed{2});
  for (const Tableau* m : adaptive_tableaus()) {
    CAPTURE(std::string(m->name));
    SolveOptions options;
    options.method = m;
    Recording<double> record;
    const Solved<double> s = solved(f, 0.1, 2.3, start, options, {.record = &record});
    Scratch scratch;
    Counters counters;
    State<double> state(f.blocks(), 5);
    state.z() = start;
    options.fractions = record.fractions();
    REQUIRE(integrate(f, 0.1, 2.3, state, options, scratch, counters).ok());
    CHECK((Matrix<double>(state.z()) - s.z).cwiseAbs().maxCoeff() < 1e-14);
    CHECK((Matrix<double>(state.q()) - s.q).cwiseAbs().maxCoeff() < 1e-13);
  }
}

TEST_CASE("bad arguments are named", "[solvers][arguments]") {
  using Catch::Matchers::Contains;
  const TanhField<double> f(2, Seed{1});
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Matrix<double> start = normals<double>(2, 3, Seed{2});
  const auto with = [&](auto change) {
    SolveOptions options;
    change(options);
    return solved(f, 0, 1, start, options);
  };
  for (const double bad : {nan, inf, -inf, -1.0}) {
    CHECK_THROWS_WITH(with([bad](SolveOptions& o) { o.rtol = bad; }), Contains("rtol is"));
    CHECK_THROWS_WITH(with([bad](SolveOptions& o) { o.atol = bad; }), Contains("atol is"));
    CHECK_THROWS_WITH(with([bad](SolveOptions& o) { o.first_step = bad; }), Contains("first_step is"));
  }
  CHECK_THROWS_WITH(with([](SolveOptions& o) { o.rtol = o.atol = 0; }), Contains("rtol and atol are both 0"));
  CHECK_THROWS_WITH(with([](SolveOptions& o) { o.max_steps = 0; }), Contains("max_steps is 0"));
  CHECK_THROWS_WITH(with([](SolveOptions& o) { o.fixed_steps = -1; }), Contains("fixed_steps is -1"));
  CHECK_THROWS_WITH(with([](SolveOptions& o) { o.method = &kRk4; }), Contains("rk4 has no error estimate"));
  CHECK_THROWS_WITH(with([](SolveOptions& o) { o.method = static_cast<const Tableau*>(nullptr); }),
                    Contains("method is null"));
  for (const double bad : {nan, inf, -inf}) {
    CHECK_THROWS_WITH(solved(f, bad, 1, start, {}), Contains("t_begin is"));
    CHECK_THROWS_WITH(solved(f, 0, bad, start, {}), Contains("t_end is"));
  }
  CHECK_THROWS_WITH(solved(f, -1e308, 1e308, start, {}), Contains("overflows"));

  Scratch scratch;
  Counters counters;
  State<double> wrong({3, 1, 0}, 2), cut({2, 1, 0}, 2);
  CHECK_THROWS_WITH(integrate(f, 0, 1, wrong, {}, scratch, counters), Contains("z 3, q 1") && Contains("z 2, q 1"));
  const std::vector<char> active(3, 1);
  CHECK_THROWS_WITH(integrate<double>(f, 0, 1, cut, {}, scratch, counters, {.active = active}),
                    Contains("3 flags") && Contains("2 samples"));
  cut.values.conservativeResize(3);
  CHECK_THROWS_WITH(integrate(f, 0, 1, cut, {}, scratch, counters), Contains("3 values"));
  using Grid = std::vector<double>;
  for (const Grid& grid : {Grid{0}, Grid{0, 0.5}, Grid{0.1, 1}, Grid{0, nan, 1}, Grid{0, 0.5, 0.4, 1}})
    CHECK_THROWS_WITH(with([&grid](SolveOptions& o) { o.method = &kRk4, o.fractions = grid; }),
                      Contains("fractions do not"));
  CHECK_THROWS_WITH(with([](SolveOptions& o) {
                      o.method = &kAbm2, o.fractions = {0, 0.4, 1};
                    }),
                    Contains("fractions differ at 0") && Contains("abm2 takes steps of one size"));
  CHECK_NOTHROW(with([](SolveOptions& o) { o.method = &kAbm1, o.fractions = {0, 0.4, 1}; }));
}
