#include <catch2/catch.hpp>
#include <limits>

#include "flows/objectives/objectives.hpp"
#include "solvers/method.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

SolveOptions solver(const char* text, double tolerance = 1e-5) {
  SolveOptions options;
  const MethodChoice method = parse_method(text);
  options.method = method.method;
  options.fixed_steps = method.fixed_steps;
  options.rtol = options.atol = tolerance;
  return options;
}

ObjectiveOptions objective(const SolveOptions& solve, GradientMode gradient = GradientMode::discrete, int threads = 1,
                           const char* divergence = "auto") {
  return {MaximumLikelihood{{solve, solve, parse_divergence(divergence), gradient}}, threads, Seed{9}};
}

template <class T>
LossGradient<T> loss_gradient(const Cnf& model, const Matrix<T>& u, const ObjectiveOptions& options) {
  const auto made = make_objective<T>(model, options);
  Objective<T>& of = *made;
  LossGradient<T> at = of(model.params.cast<T>(), u, 5);
  REQUIRE(at.failures.empty());
  return at;
}

template <class T>
bool equal(const LossGradient<T>& a, const LossGradient<T>& b) {
  return a.loss == b.loss && a.dloss_dparams == b.dloss_dparams && a.dloss_du == b.dloss_du &&
         a.dloss_dtimes == b.dloss_dtimes && a.forward.evaluations == b.forward.evaluations;
}

}  // namespace

TEST_CASE("asking for gradients does not change the value", "[flows][objective]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 64, Seed{60});
  EvaluationOptions evaluation;
  evaluation.solve = solver("dopri5", 1e-6);
  evaluation.precision = Precision::double_float;
  evaluation.threads = 1;
  const double value = -log_prob(model, u, evaluation).log_prob.mean();
  const auto discrete = loss_gradient<double>(model, u, objective(solver("dopri5", 1e-6)));
  const auto continuous = loss_gradient<double>(model, u, objective(solver("dopri5", 1e-6), GradientMode::continuous));
  CHECK(discrete.loss == Approx(value).epsilon(1e-14));  // summed in another order
  CHECK(continuous.loss == discrete.loss);
  CHECK(continuous.backward.evaluations > 0);
}

TEST_CASE("a batch's gradient does not depend on the number of threads", "[flows][objective][bits]") {
  const Cnf model = small_flow(small_shape({60, 50}, Activation::sin));  // the sum over tiles is cut into two ranges
  REQUIRE(model.params.size() > kRangeUnit);
  const Matrix<float> u = normal_batch(2, 300, Seed{61}).cast<float>();
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous})
    for (const char* divergence : {"exact", "hutchinson:2"}) {
      CAPTURE(name(mode), divergence);
      const auto one = loss_gradient<float>(model, u, objective(solver("dopri5"), mode, 1, divergence));
      CHECK(one.tiles == 5);
      for (const int threads : {2, 3, 4}) {
        CAPTURE(threads);
        CHECK(equal(one, loss_gradient<float>(model, u, objective(solver("dopri5"), mode, threads, divergence))));
      }
    }
}

TEST_CASE("a second call on the same batch gives the same bits, also after another batch", "[flows][objective][bits]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const auto made = make_objective<double>(model, objective(solver("dopri5")));
  Objective<double>& of = *made;
  const Batch u = normal_batch(2, 100, Seed{62}), other = 2 * normal_batch(2, 37, Seed{63});
  const LossGradient<double> first = of(model.params, u, 1);
  of(model.params, other, 2);
  Batch bad = u;
  bad(0, 5) = std::numeric_limits<double>::quiet_NaN();
  CHECK(of(model.params, bad, 1).failures.size() == 1);
  CHECK(equal(first, of(model.params, u, 1)));
}

TEST_CASE("on a fixed grid a batch's gradient is the mean of its samples'", "[flows][objective]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Index N = 150;
  const Batch u = normal_batch(2, N, Seed{64});
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous}) {
    CAPTURE(name(mode));
    const ObjectiveOptions options = objective(solver("rk4:4"), mode);
    const LossGradient<double> batch = loss_gradient<double>(model, u, options);
    CHECK(batch.tiles == 3);
    LossGradient<double> mean;
    mean.dloss_dparams = Vector<double>::Zero(model.params.size());
    double du_error = 0, dt_base = 0, dt_data = 0;
    for (Index b = 0; b < N; ++b) {
      const LossGradient<double> one = loss_gradient<double>(model, Batch(u.col(b)), options);
      const double n = static_cast<double>(N);
      mean.loss += one.loss / n;
      mean.dloss_dparams += one.dloss_dparams / n;
      dt_base += one.dloss_dt_base() / n;
      dt_data += one.dloss_dt_data() / n;
      du_error = std::max(du_error, (one.dloss_du / n - batch.dloss_du.col(b)).cwiseAbs().maxCoeff());
    }
    CHECK(batch.loss == Approx(mean.loss).epsilon(1e-13));
    CHECK((batch.dloss_dparams - mean.dloss_dparams).norm() < 1e-12 * mean.dloss_dparams.norm());
    CHECK(batch.dloss_dt_base() == Approx(dt_base).epsilon(1e-12));
    CHECK(batch.dloss_dt_data() == Approx(dt_data).epsilon(1e-12));
    CHECK(du_error < 1e-14 * batch.dloss_du.cwiseAbs().maxCoeff() * static_cast<double>(N));
  }
}

TEST_CASE("the continuous adjoint approaches the discrete one as the tolerance shrinks", "[flows][objective]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 32, Seed{65});
  std::vector<double> errors;
  for (const double tolerance : {1e-4, 1e-6, 1e-8}) {
    const auto discrete = loss_gradient<double>(model, u, objective(solver("dopri5", tolerance)));
    const auto continuous =
        loss_gradient<double>(model, u, objective(solver("dopri5", tolerance), GradientMode::continuous));
    errors.push_back((continuous.dloss_dparams - discrete.dloss_dparams).norm() / discrete.dloss_dparams.norm());
  }
  CAPTURE(errors);
  CHECK(errors[1] < errors[0] / 20);
  CHECK(errors[2] < errors[1] / 20);
  CHECK(errors[2] < 1e-7);
}

TEST_CASE("the probes of a step are its own", "[flows][objective]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 16, Seed{66});
  const auto made =
      make_objective<double>(model, objective(solver("rk4:4"), GradientMode::discrete, 1, "hutchinson:1"));
  Objective<double>& of = *made;
  const double first = of(model.params, u, 0).loss, second = of(model.params, u, 1).loss;
  CHECK(first != second);
  CHECK(of(model.params, u, 0).loss == first);
}

TEST_CASE("failing samples are reported by their numbers in the batch", "[flows][objective][trouble]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  Batch u = normal_batch(2, 150, Seed{67});
  u(1, 2) = std::numeric_limits<double>::quiet_NaN();
  u(0, 70) = std::numeric_limits<double>::infinity();  // 70 and 149 lie in tiles of their own
  u(0, 149) = -std::numeric_limits<double>::infinity();
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous})
    for (const int threads : {1, 3}) {
      const auto made = make_objective<double>(model, objective(solver("dopri5"), mode, threads));
      Objective<double>& of = *made;
      const LossGradient<double>& at = of(model.params, u, 0);
      std::vector<Index> rows;
      for (const Status& status : at.failures) rows.push_back(status.row);
      CHECK(rows == std::vector<Index>{2, 70, 149});
    }
  ObjectiveOptions starved = objective(solver("dopri5", 1e-10));
  starved.flow()->solve.max_steps = 3;
  const auto made = make_objective<double>(model, starved);
  Objective<double>& of = *made;
  const LossGradient<double>& at = of(model.params, normal_batch(2, 100, Seed{68}), 0);
  REQUIRE(at.failures.size() == 2);  // one a tile of 52 + 48
  CHECK((at.failures[0].row < 52 && at.failures[1].row >= 52));
  CHECK(at.failures[1].code == Status::Code::step_limit);
}

TEST_CASE("a backward solve that fails is a failure too", "[flows][objective][trouble]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  ObjectiveOptions options = objective(solver("dopri5"), GradientMode::continuous);
  options.flow()->adjoint.rtol = options.flow()->adjoint.atol = 1e-10;
  options.flow()->adjoint.max_steps = 3;
  const auto made = make_objective<double>(model, options);
  Objective<double>& of = *made;
  const LossGradient<double>& at = of(model.params, normal_batch(2, 100, Seed{69}), 0);
  REQUIRE(!at.failures.empty());
  CHECK(at.failures.front().code == Status::Code::step_limit);
  CHECK(at.failures.back().row >= 52);  // of the second tile, counted in the batch
}

TEST_CASE("an objective refuses a batch of another width, none at all and options that make no sense",
          "[flows][objective][errors]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const auto made = make_objective<double>(model, objective(solver("dopri5")));
  Objective<double>& of = *made;
  CHECK_THROWS_WITH(of(model.params, Batch(Batch::Zero(3, 4)), 0), Catch::Contains("x has 3 rows"));
  CHECK_THROWS_AS(of(model.params, Batch(2, 0), 0), std::invalid_argument);
  CHECK_THROWS_AS(of(model.params.head(3), Batch(Batch::Zero(2, 4)), 0), std::invalid_argument);
  ObjectiveOptions options = objective(solver("dopri5"));
  options.flow()->adjoint.atol = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(make_objective<double>(model, options), Catch::Contains("atol"));
}
