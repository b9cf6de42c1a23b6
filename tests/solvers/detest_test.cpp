#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "solvers/problems/problems.hpp"
#include "solvers/watching/observation.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/scipy_errors.hpp"

using namespace cnf;

namespace {

constexpr int kTimes = 20;
constexpr std::size_t kTolerances = kMostDigits - kLeastDigits + 1;
using PerTolerance = std::array<double, kTolerances>;

struct Pair {
  const char *ours, *theirs;  ///< of the same order, but for adams: SciPy's best method for tight tolerances
  double most = 5, mean = 1;  ///< of ours over theirs: one problem and tolerance, geometric mean over the problems
  int above = 5;              ///< of 200 ratios above 3
};

double tolerance(std::size_t i) { return std::pow(10.0, -(kLeastDigits + static_cast<int>(i))); }

SolveOptions options_of(const char* method, double tol) {
  SolveOptions options;
  options.method = *find_method(method);
  options.rtol = options.atol = tol;
  options.max_steps = 1'000'000;
  return options;
}

std::vector<Problem> detest() {
  std::vector<Problem> all = all_problems();
  std::erase_if(all, [](const Problem& p) { return !p.name.starts_with("detest-"); });
  return all;
}

/// The states at t = 1, 2, ... 20, each the end of a solve.
Matrix<double> truth(const Problem& p, const Dynamics<double>& f) {
  Matrix<double> states(p.dim(), kTimes), z = p.begin;
  SolveOptions options = options_of("dopri8", 1e-13);
  options.atol = 1e-15;
  for (int i = 0; i < kTimes; ++i) {
    z = solved(f, double(i), double(i + 1), z, options).z;
    states.col(i) = z;
  }
  return states;
}

double error(const Eigen::Ref<const Matrix<double>>& z, const Eigen::Ref<const Matrix<double>>& truth) {
  return (z - truth).cwiseAbs().maxCoeff() / std::max(1.0, truth.cwiseAbs().maxCoeff());
}

/// As ScipyErrors.
struct Errors {
  double path = 0, end = 0;
};
Errors errors(const Problem& p, const Dynamics<double>& f, const Matrix<double>& truth, const SolveOptions& options) {
  std::vector<Observation> at;
  for (int i = 1; i <= kTimes; ++i) at.push_back({double(i), 0});
  Matrix<double> seen(p.dim(), kTimes);
  Observer<double> observer(at, p.blocks(), true, out(seen), {});
  const Solved<double> s = solved<double>(f, 0, kTimes, p.begin, options, {.listener = &observer});
  REQUIRE(s.status.ok());
  Errors errors{.end = error(s.z, truth.col(kTimes - 1))};
  for (Index i = 0; i < kTimes; ++i) errors.path = std::max(errors.path, error(seen.col(i), truth.col(i)));
  return errors;
}

const ScipyErrors& scipy(const char* method, std::string_view problem) {
  return *std::find_if(kScipyErrors.begin(), kScipyErrors.end(),
                       [&](const ScipyErrors& e) { return e.method == method && e.problem == problem; });
}

/// The straight line nearest to log10 of errors over log10 of the tolerances.
struct Line {
  double slope, middle;

  explicit Line(const PerTolerance& errors) : slope(0), middle(0) {
    double squares = 0;
    for (std::size_t i = 0; i < kTolerances; ++i) {
      const double e = std::log10(std::max(errors[i], 1e-16));
      slope += x(i) * e;
      squares += x(i) * x(i);
      middle += e / kTolerances;
    }
    slope /= squares;
  }
  double at(std::size_t i) const { return std::pow(10, middle + slope * x(i)); }

 private:
  static double x(std::size_t i) { return (kTolerances - 1) / 2.0 - static_cast<double>(i); }
};

/// Ours over SciPy's of one pair, over all problems.
struct Comparison {
  PerTolerance log_ratio{}, log_error{};  ///< means
  int above = 0;                          ///< three times SciPy's

  void add(std::size_t i, double ours, double theirs) {
    log_ratio[i] += std::log(ours / theirs) / 25;
    log_error[i] += std::log(ours) / 25;
    above += ours > 3 * theirs;
  }
  double mean_ratio(std::size_t i) const { return std::exp(log_ratio[i]); }
  double slope() const {
    PerTolerance means;
    std::transform(log_error.begin(), log_error.end(), means.begin(), [](double e) { return std::exp(e); });
    return Line(means).slope;
  }
};

}  // namespace

TEST_CASE("on DETEST errors are no larger than SciPy's at the same tolerance, and fall with it", "[solvers][detest]") {
  const std::vector<Problem> problems = detest();
  REQUIRE(problems.size() == 25);
  // Fehlberg made his method of order 4 a good one, so its difference to that of order 5 says little of the latter.
  for (const Pair& pair :
       {Pair{"bosh3", "RK23"}, Pair{"dopri5", "RK45"}, Pair{"tsit5", "RK45"}, Pair{"fehlberg45", "RK45", 25, 2.5, 60},
        Pair{"dopri8", "DOP853"}, Pair{"adams", "DOP853"}}) {
    CAPTURE(pair.ours);
    const Method method = *find_method(pair.ours);
    // Between the ends of steps a method whose dense output is of a lower order than SciPy's has nothing to compare.
    const bool looks = method.dense_order() + 1 >= method.order();
    Comparison path, end;
    for (const Problem& p : problems) {
      const std::unique_ptr<Dynamics<double>> f = p.dynamics();
      const Matrix<double> exact = truth(p, *f);
      REQUIRE(error(exact.col(kTimes - 1), p.end) < 1e-10);
      const ScipyErrors& theirs = scipy(pair.theirs, p.name);
      const Line their_path(theirs.path), their_end(theirs.end);
      PerTolerance own;
      for (std::size_t i = 0; i < kTolerances; ++i) {
        const double tol = tolerance(i);
        const Errors ours = errors(p, *f, exact, options_of(pair.ours, tol));
        CAPTURE(std::string(p.name), tol, ours.path, theirs.path[i], ours.end, theirs.end[i]);
        own[i] = looks ? ours.path : ours.end;
        // An error can be small by chance (RK45's on b5 at 1e-4 is 20 times below what its neighbours promise), so no
        // single one is held to less than SciPy's line over all tolerances.
        if (looks) CHECK(ours.path <= pair.most * std::max(theirs.path[i], their_path.at(i)));
        path.add(i, std::max(ours.path, 1e-15), theirs.path[i]);
        // What has decayed to nothing at the end is near the truth by chance: below the tolerance all is well.
        CHECK(ours.end <= pair.most * std::max({theirs.end[i], their_end.at(i), tol}));
        end.add(i, std::max(ours.end, tol), std::max(theirs.end[i], tol));
      }
      CAPTURE(std::string(p.name));
      // At loose tolerances dopri8's few steps can err by much less than they are asked to: a flatter line.
      if (looks) CHECK(Line(own).slope > (method.order() == 8 ? 0.5 : 0.7));
      if (looks) CHECK(Line(own).slope < 1.3);
    }
    if (looks) CHECK(path.above <= pair.above);
    CHECK(end.above <= pair.above);
    for (std::size_t i = 0; i < kTolerances; ++i) {
      CAPTURE(tolerance(i));
      if (looks) CHECK(path.mean_ratio(i) <= pair.mean);
      CHECK(end.mean_ratio(i) <= pair.mean);
    }
    if (looks) CHECK(path.slope() > 0.8);
    if (looks) CHECK(path.slope() < 1.2);
  }
}

TEST_CASE("at tight tolerances variable Adams meets dopri8's errors on DETEST with fewer evaluations",
          "[solvers][detest][adams]") {
  for (const double tol : {1e-6, 1e-8, 1e-10}) {
    double fewer = 0, better = 0;
    for (const Problem& p : detest()) {
      const std::unique_ptr<Dynamics<double>> f = p.dynamics();
      const auto run = [&](const char* method) {
        return solved<double>(*f, p.t_begin, p.t_end, p.begin, options_of(method, tol));
      };
      const Solved<double> adams = run("adams"), dopri8 = run("dopri8");
      fewer += std::log(double(adams.counters.evaluations) / double(dopri8.counters.evaluations)) / 25;
      better += std::log(std::max(error(adams.z, p.end), 1e-14) / std::max(error(dopri8.z, p.end), 1e-14)) / 25;
    }
    CAPTURE(tol);
    CHECK(std::exp(fewer) < 0.85);
    CHECK(std::exp(better) < 0.4);
  }
}
