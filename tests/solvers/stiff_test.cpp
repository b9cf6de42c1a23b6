#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "solvers/problems/problems.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

/// What SciPy's Radau takes (bench/peers/stiff.py; SciPy 1.17): evaluations, a Jacobian counted as D of them.
struct Radau {
  double rtol, error;
  double evaluations;
};
struct Measured {
  std::string_view problem;
  double atol_share;  ///< atol / rtol
  std::array<Radau, 6> radau;
};
constexpr std::array kMeasured{Measured{"van-der-pol-stiff",
                                        1e-3,
                                        {{{1e-3, 1.6e-4, 2059},
                                          {1e-4, 6.0e-7, 3062},
                                          {1e-5, 1.8e-7, 4835},
                                          {1e-6, 3.1e-9, 7606},
                                          {1e-7, 2.3e-10, 13178},
                                          {1e-8, 1.9e-11, 22733}}}},
                               Measured{"robertson",
                                        1e-4,
                                        {{{1e-3, 1.4e-5, 195},
                                          {1e-4, 2.0e-6, 292},
                                          {1e-5, 9.7e-8, 416},
                                          {1e-6, 6.5e-9, 701},
                                          {1e-7, 2.1e-10, 1168},
                                          {1e-8, 6.2e-12, 1935}}}}};

struct Took {
  double error, evaluations;
  Counters counters;
};

Took took(const Problem& p, const Method& m, double rtol, double atol) {
  SolveOptions options;
  options.method = m;
  options.rtol = rtol;
  options.atol = atol;
  options.max_steps = 100'000;
  const Solved<double> s = solved<double>(*p.dynamics(), p.t_begin, p.t_end, p.begin, options);
  REQUIRE(s.status.ok());
  return {(s.z.col(0).array() / p.end.array() - 1).abs().maxCoeff(),
          static_cast<double>(s.counters.evaluations + s.counters.jvps), s.counters};
}

}  // namespace

TEST_CASE("van der Pol's oscillator at mu = 1000 and Robertson's reactions are solved to the tolerance",
          "[solvers][stiff][problems]") {
  for (const Measured& of : kMeasured) {
    const Problem p = *find_problem(of.problem);
    for (const Method& m : all_methods()) {
      if (!m.needs_jvp()) continue;
      double ratio = 1;
      for (const Radau& radau : of.radau) {
        CAPTURE(std::string(p.name), std::string(m.name()), radau.rtol);
        const Took t = took(p, m, radau.rtol, of.atol_share * radau.rtol);
        CHECK(t.error < 15 * radau.rtol);
        CHECK((t.counters.switches > 0) == !m.takes_grid());
        CHECK(t.counters.switches < 20);
        ratio *= std::pow(t.evaluations / radau.evaluations, 1.0 / static_cast<double>(of.radau.size()));
      }
      CAPTURE(std::string(p.name), std::string(m.name()), ratio);
      if (m.order() == 5) CHECK(ratio < (m.name() == "auto" && p.stiff && p.dim() == 2 ? 0.8 : 1.15));
    }
  }
}

TEST_CASE("auto takes the explicit method's steps where nothing is stiff", "[solvers][stiff][problems]") {
  for (const char* name : {"brusselator", "lotka-volterra", "arenstorf", "detest-b1", "detest-c3", "detest-e2"}) {
    const Problem p = *find_problem(name);
    for (const double rtol : {1e-5, 1e-8}) {
      CAPTURE(name, rtol);
      const Took plain = took(p, &kTsit5, rtol, rtol), chosen = took(p, &kAuto, rtol, rtol);
      CHECK(chosen.counters.switches == 0);
      CHECK(chosen.evaluations == plain.evaluations);
      CHECK(chosen.error == plain.error);
    }
  }
}

TEST_CASE("back from the stiff method, auto's explicit steps begin with the slope where they are",
          "[solvers][stiff][problems]") {
  const Problem p = *find_problem("van-der-pol-stiff");
  const std::unique_ptr<Dynamics<double>> f = p.dynamics();
  struct Slopes final : StepListener<double> {
    const Problem& p;
    int explicit_steps = 0, returns = 0;
    bool was_stiff = false;
    explicit Slopes(const Problem& problem) : p(problem) {}
    bool wants(double, double) override { return true; }
    Next look(const DenseStep<double>& step, double*) override {
      const bool is_stiff = step.terms == kRodas5p.stages;
      if (was_stiff && !is_stiff) ++returns;
      was_stiff = is_stiff;
      if (is_stiff) return Next::go_on;
      ++explicit_steps;
      std::array<double, 2> at{step.y[0], step.y[1]}, slope{}, first{};
      step.slope(0, 0, 2, first.data());
      p.equation.value(step.t, at, {p.params.data(), static_cast<std::size_t>(p.params.size())}, slope);
      for (std::size_t i = 0; i < 2; ++i) CHECK(first[i] == Approx(slope[i]).epsilon(1e-12));
      return Next::go_on;
    }
  } slopes(p);
  SolveOptions options;
  options.method = &kAuto;
  options.rtol = 1e-5;
  options.atol = 1e-8;
  const Solved<double> s = solved<double>(*f, p.t_begin, p.t_end, p.begin, options, {.listener = &slopes});
  CHECK(s.status.ok());
  CHECK(slopes.returns == 2);  // once in each fall
  CHECK(slopes.explicit_steps > 40);
}
