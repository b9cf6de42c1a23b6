// What chooses the steps of an adaptive solve: controllers, bounds, tolerances by block.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "solvers/control/error_norm.hpp"
#include "solvers/control/step_control.hpp"
#include "solvers/gradients/recording.hpp"
#include "tests/solvers/jacobian_field.hpp"

using namespace cnf;

namespace {

const PointField<double> kWaves = wave_field<double>();

std::vector<double> steps(const SolveOptions& options, double t_begin, double t_end) {
  Recording<double> record;
  REQUIRE(solved(kWaves, t_begin, t_end, waves(t_begin, 1), options, {.record = &record}).status.ok());
  std::vector<double> h;
  for (Index n = 0; n < record.steps(); ++n) h.push_back(record.h(n));
  return h;
}

}  // namespace

TEST_CASE("a controller is read by name, with coefficients of its own or others", "[solvers][control]") {
  using Catch::Matchers::Contains;
  CHECK(parse_controller("pi") == Controller{});
  CHECK(parse_controller("i") == Controller{.now = 1, .before = 0, .earlier = 0});
  CHECK(parse_controller("i:0.5") == Controller{.now = 0.5, .before = 0, .earlier = 0});
  CHECK(parse_controller("pi:0.7,-0.4") == Controller{.now = 0.7, .before = -0.4, .earlier = 0});
  CHECK(parse_controller("pid:0.49,-0.34,0.1") == Controller{.now = 0.49, .before = -0.34, .earlier = 0.1});
  CHECK_THROWS_WITH(parse_controller("pd"), Contains("'pd'") && Contains("i, pi, pid"));
  for (const char* text :
       {"pi:", "pi:1", "pi:1,2,3", "pi:x,0", "pi:0,0", "pi:-1,0", "pi:3,0", "pi:nan,0", "i:1,0", "pid:1,0"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse_controller(text), Contains(text) && Contains("from -2 to 2"));
  }
}

TEST_CASE("the next step's size is the controller's power of the last errors", "[solvers][control]") {
  StepController pid(&kDopri5, parse_controller("pid"));
  const auto factor = [](double now, double before, double earlier) {
    return 0.9 * std::pow(now, -0.58 / 5) * std::pow(before, 0.21 / 5) * std::pow(earlier, -0.1 / 5);
  };
  CHECK(pid.accept(0.5) == Approx(factor(0.5, 1e-4, 1e-4)).epsilon(1e-14));
  CHECK(pid.accept(0.25) == Approx(factor(0.25, 0.5, 1e-4)).epsilon(1e-14));
  CHECK(pid.accept(0.75) == Approx(factor(0.75, 0.25, 0.5)).epsilon(1e-14));
  CHECK(pid.reject(32) == Approx(0.9 * std::pow(32, -0.58 / 5)).epsilon(1e-14));
  CHECK(pid.accept(0.01) == 1);  // no longer than the one before the rejection
  StepController textbook(&kBosh3, parse_controller("i"));
  textbook.accept(1e-3);
  CHECK(textbook.accept(0.2) == Approx(0.9 * std::pow(0.2, -1. / 3)).epsilon(1e-14));
  CHECK(textbook.accept(0) == 10);
  CHECK(textbook.reject(1e9) == 0.2);
}

TEST_CASE("every controller keeps to the tolerance, at about the same cost", "[solvers][control]") {
  for (const char* method : {"bosh3", "dopri5", "dopri8"})
    for (const double tolerance : {1e-4, 1e-7}) {
      std::vector<double> evaluations;
      for (const char* text : {"pi", "i", "pid", "pid:0.49,-0.34,0.1"}) {
        CAPTURE(method, tolerance, text);
        SolveOptions options;
        options.method = *find_method(method);
        options.rtol = options.atol = tolerance;
        options.controller = parse_controller(text);
        const Solved<double> s = solved(kWaves, 0, 12, waves(0, 1), options);
        REQUIRE(s.status.ok());
        CHECK((s.z - waves(12, 1)).cwiseAbs().maxCoeff() < 100 * tolerance);
        evaluations.push_back(static_cast<double>(s.counters.evaluations));
      }
      for (std::size_t i = 1; i < evaluations.size(); ++i) {
        CHECK(evaluations[i] != evaluations[0]);
        CHECK(evaluations[i] < 1.5 * evaluations[0]);
      }
    }
}

TEST_CASE("steps lie within their bounds, but for one cut to end where it must", "[solvers][control]") {
  for (const double direction : {1.0, -1.0}) {
    SolveOptions options;
    options.max_step = 0.11;
    const std::vector<double> capped = steps(options, 0, direction * 3);
    CHECK(capped.size() == 28);  // 27 of 0.11, and what is left
    for (const double h : capped) CHECK(direction * h <= 0.11 * (1 + 1e-12));
    options.first_step = 1;
    CHECK(direction * steps(options, 0, direction * 3)[0] == Approx(0.11));

    options = {};
    options.rtol = options.atol = 1e-3;
    options.min_step = 0.3;
    options.stops = {direction * 1.0, direction * 1.01};
    const std::vector<double> held = steps(options, 0, direction * 3);
    int shorter = 0;
    for (const double h : held) shorter += direction * h < 0.3 * (1 - 1e-12) ? 1 : 0;
    CHECK(shorter <= 3);  // what ends at 1, at 1.01 and at 3
  }
}

TEST_CASE("where the shortest step is too long the solve ends and says so", "[solvers][control][status]") {
  SolveOptions options;
  options.rtol = options.atol = 1e-9;
  options.min_step = 0.25;
  const Status status = solved(kWaves, 0, 3, waves(0, 1), options).status;
  CHECK(status.code == Status::Code::step_underflow);
  CHECK(status.cause == Status::Cause::min_step);
  CHECK(status.accepted + status.rejected == 1);
  CHECK(status.row == 0);
  CHECK_THAT(status.message(),
             Catch::Contains("step size 0.25, min_step, is too long at t = 0") && Catch::Contains("lower min_step"));
}

TEST_CASE("each block has a tolerance of its own", "[solvers][control]") {
  SolveOptions options;
  options.rtol = 0.5, options.atol = 1;
  const std::vector<double> x{3, 4, 8}, y{2, 4, 6}, zero(3, 0.0);
  const auto norm = [&] {
    std::vector<double> parts(3);
    return ErrorNorm<double>({{1, 1, 1}, 1}, options, {}, {}, parts.data())(x.data(), zero.data(), y.data()).value;
  };
  CHECK(norm() == Approx(2));  // 3 / 2, 4 / 3, 8 / 4
  options.tolerance_s = Tolerance{0.5, 5};
  CHECK(norm() == Approx(1.5));
  options.tolerance_q = Tolerance{0.5, 0};
  CHECK(norm() == Approx(2));
  options.control_q = false;
  CHECK(norm() == Approx(1.5));
}

TEST_CASE("each row of z has a tolerance of its own, of whichever sample", "[solvers][control]") {
  SolveOptions options{.rtol = 1, .atol = 1, .tolerance_z = {{0, 1}, {0.5, 2}}};
  const std::vector<double> x{1, 2, 3, 8}, y{9, 4, 9, 4}, zero(4, 0.0);
  std::vector<double> parts(4);
  const ErrorNorm<double> norm({{2, 0, 0}, 2}, options, {}, {}, parts.data());
  const Size size = norm(x.data(), zero.data(), y.data());
  CHECK(size.value == Approx(std::sqrt((3.0 * 3 + 2 * 2) / 2)));  // 3 / 1, 8 / 4
  CHECK(size.row == 1);
  const double eps = std::numeric_limits<double>::epsilon();
  CHECK(norm.rounding(y.data(), 0) == Approx(eps * std::sqrt((9.0 * 9 + 1) / 2)));  // 9 / 1, 4 / 4
  CHECK_THROWS_WITH(check(SolveOptions{.tolerance_z = {{1, 1}, {-1, 1}}}),
                    Catch::Contains("tolerance_z[1].relative is -1"));
  const TanhField<double> f(3, Seed{8});
  CHECK_THROWS_WITH(solved<double>(f, 0, 1, Matrix<double>::Ones(3, 1), options),
                    Catch::Contains("tolerance_z has 2 tolerances, z 3 rows"));
}

TEST_CASE("rows of one tolerance are solved as by rtol and atol, by every adaptive method", "[solvers][control]") {
  const JacobianField<double> f = prothero_robinson(-3.0);
  const Matrix<double> start = Matrix<double>::Constant(1, 2, 0.5);
  for (const Method& m : all_methods()) {
    if (!m.is_adaptive()) continue;
    CAPTURE(std::string(m.name()));
    SolveOptions one{.method = m, .rtol = 1e-6, .atol = 1e-7};
    SolveOptions rows{.method = m, .rtol = 1, .atol = 1, .tolerance_z = {{1e-6, 1e-7}}};
    CHECK(solved(f, 0, 3, start, rows).z == solved(f, 0, 3, start, one).z);
  }
}

TEST_CASE("the error of the log-density follows its own tolerance", "[solvers][control]") {
  const TanhField<double> f(2, Seed{8});
  const Matrix<double> start = normals<double>(2, 4, Seed{9});
  SolveOptions exact;
  exact.rtol = exact.atol = 1e-12;
  const Matrix<double> q = solved(f, 0, 4, start, exact).q;
  double before = 1;
  for (const double tolerance : {1e-2, 1e-4, 1e-6, 1e-8}) {
    SolveOptions options;
    options.rtol = options.atol = 1e-2;
    options.tolerance_q = Tolerance{tolerance, tolerance};
    const double error = (solved(f, 0, 4, start, options).q - q).cwiseAbs().maxCoeff();
    CHECK(error < 30 * tolerance);
    CHECK(error < before);
    before = error;
  }
}

TEST_CASE("bounds, tolerances and controllers that cannot be are refused by name", "[solvers][control][arguments]") {
  using Catch::Matchers::Contains;
  const auto refused = [](const SolveOptions& options, const char* name) {
    CAPTURE(name);
    CHECK_THROWS_WITH(check(options), Contains(name));
  };
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL}) {
    refused({.min_step = bad}, "min_step is ");
    refused({.max_step = bad}, "max_step is ");
    refused({.tolerance_q = Tolerance{bad, 1}}, "tolerance_q.relative is ");
    refused({.tolerance_s = Tolerance{1, bad}}, "tolerance_s.absolute is ");
    refused({.controller = {.now = bad}}, "controller has coefficients ");
    refused({.controller = {.grow = bad}}, "controller has shrink ");
  }
  refused({.tolerance_q = Tolerance{0, 0}}, "tolerance_q.relative and tolerance_q.absolute are both 0");
  refused({.min_step = 2, .max_step = 1}, "min_step is 2, above max_step, 1");
}
