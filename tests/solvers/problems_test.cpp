#include "solvers/problems.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "tests/laws.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

double end_error(const Problem& p, const Matrix<double>& z) {
  return (z.col(0) - p.end).cwiseAbs().maxCoeff() / std::max(1.0, p.end.cwiseAbs().maxCoeff());
}

}  // namespace

TEST_CASE("every problem ends where it says", "[solvers][problems]") {
  for (const Problem& p : all_problems()) {
    CAPTURE(std::string(p.name));
    REQUIRE(p.begin.size() == p.end.size());
    CHECK_FALSE(p.source.empty());
    CHECK_FALSE(p.end_source.empty());
    const std::unique_ptr<Dynamics<double>> f = p.dynamics<double>();
    CHECK(f->blocks().z == p.blocks().z);
    SolveOptions options;
    options.method = &kDopri8;
    options.rtol = options.atol = 1e-13;
    options.max_steps = 100'000;
    const Solved<double> s = solved<double>(*f, p.t_begin, p.t_end, p.begin, options);
    REQUIRE(s.status.ok());
    CHECK(end_error(p, s.z) < 10 * p.end_error);
  }
}

TEST_CASE("every problem's dynamics keeps the laws", "[solvers][problems][laws]") {
  for (const Problem& p : all_problems()) {
    CAPTURE(std::string(p.name));
    const std::unique_ptr<Dynamics<double>> f = p.dynamics<double>();
    for (const bool per_sample : {false, true}) {
      CHECK(transpose_law_error(*f, 5, per_sample, Seed{1}) < 1e-13);
      CHECK(jvp_error(*f, 5, per_sample, Seed{1}, 1e-4) < 1e-8);
    }
  }
}

TEST_CASE("a tighter tolerance costs an explicit method steps exactly where a problem is not stiff",
          "[solvers][problems]") {
  for (const Problem& p : all_problems()) {
    CAPTURE(std::string(p.name));
    const auto steps = [&](double tol) {
      SolveOptions options;
      options.rtol = options.atol = tol;
      options.max_steps = 100'000;
      return double(solved<double>(*p.dynamics<double>(), p.t_begin, p.t_end, p.begin, options).status.accepted);
    };
    CHECK((steps(1e-8) < 1.5 * steps(1e-6)) == p.stiff);
  }
}

TEST_CASE("problems are found by their names, which differ", "[solvers][problems]") {
  std::set<std::string_view> names;
  for (const Problem& p : all_problems()) {
    CHECK(names.insert(p.name).second);
    REQUIRE(find_problem(p.name));
    CHECK(find_problem(p.name)->t_end == p.t_end);
  }
  CHECK_FALSE(find_problem("three-body"));
}
