// What a log p's error is said to be, and evaluation to an accuracy in nats.
#include "flows/accuracy.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "flows/files/model_file.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

Cnf golden(const std::string& name) { return read_model(std::string(CNF_GOLDEN) + "/" + name).model; }

/// Trained on moons, hidden 8,8: of an earlier release.
const Cnf& moons() {
  static const Cnf model = golden("cut_finished.safetensors");
  return model;
}

EvaluationOptions adaptive(const char* method, double tolerance, Precision precision) {
  EvaluationOptions options;
  options.solve.method = *find_method(method);
  options.solve.rtol = options.solve.atol = tolerance;
  options.solve.max_steps = 100'000;
  options.precision = precision;
  return options;
}

Vector<double> truth_of(const Cnf& model, const Batch& x) {
  return log_prob(model, x, adaptive("dopri8", 1e-11, Precision::double_float)).log_prob;
}

double median(Vector<double> x) {
  std::nth_element(x.begin(), x.begin() + x.size() / 2, x.end());
  return x[x.size() / 2];
}

bool same_bits(const Vector<double>& a, const Vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), sizeof(double) * std::size_t(a.size())) == 0;
}

/// Along grids whose errors are small but seen, with a limit that a share of the rows exceeds.
EvaluationOptions walking(double limit, Precision precision = Precision::single_float) {
  EvaluationOptions options = adaptive("dopri5", 1e-7, precision);
  options.frozen = FrozenFlow{.way = Way::to_base, .grids = {graded_grid(4, 0.5, 24)}, .limit = limit};
  return options;
}

}  // namespace

TEST_CASE("the error said of a log p is honest, in float and double, at loose and tight tolerances", "[flows][error]") {
  const Index N = 10'000;
  const std::string file = GENERATE("cut_finished.safetensors", "plane.safetensors", "space.safetensors");
  const Cnf model = golden(file);
  const Batch x = sample(model, Seed{31}, N).points;
  const Vector<double> truth = truth_of(model, x);
  for (const Precision precision : {Precision::single_float, Precision::double_float})
    for (const double tolerance : {1e-3, 1e-5, 1e-7}) {
      EvaluationOptions options = adaptive("dopri5", tolerance, precision);
      const Evaluated got = Evaluator(model, options).log_prob_with_error(x);
      CHECK(same_bits(got.log_prob, log_prob(model, x, options).log_prob));
      const Vector<double> error = (got.log_prob - truth).cwiseAbs();
      const double within = double((error.array() <= 3 * got.error.array()).count()) / double(N);
      CAPTURE(file, name(precision), tolerance, within, median(got.error), median(error));
      CHECK(within >= 0.95);
      CHECK(median(got.error) <= 5 * median(error));
      CHECK(median(got.error) >= 0.2 * median(error));
    }
}

TEST_CASE("the error of fixed steps and of frozen grids is said too", "[flows][error]") {
  const Batch x = sample(moons(), Seed{31}, 500).points;
  const Vector<double> truth = truth_of(moons(), x);
  EvaluationOptions fixed = adaptive("rk4", 1e-5, Precision::single_float);
  fixed.solve.fixed_steps = 8;
  for (const EvaluationOptions& options : {fixed, walking(1e-4)}) {
    const Evaluated got = Evaluator(moons(), options).log_prob_with_error(x);
    const Vector<double> error = (got.log_prob - truth).cwiseAbs();
    CHECK((error.array() <= 3 * got.error.array()).count() >= 475);
    CHECK(median(got.error) <= 5 * median(error));
  }
}

TEST_CASE("on a frozen grid a row's log p is the same whatever it is evaluated beside", "[flows][frozen]") {
  const Batch x = sample(moons(), Seed{32}, 300).points;
  Batch wide = x;
  wide.rightCols(40) *= 3;  // rows that the grid leaves over
  for (const double limit : {1e-4, 1e-18}) {
    Evaluator evaluator(moons(), walking(limit));
    const Vector<double> all = evaluator.log_prob(wide).log_prob;
    REQUIRE(all.allFinite());
    for (const Index first : {0, 1, 130, 270}) {
      const Batch some = wide.middleCols(first, 30);
      CHECK(same_bits(evaluator.log_prob(some).log_prob, all.segment(first, 30)));
    }
    EvaluationOptions three = walking(limit);
    three.threads = 3;
    CHECK(same_bits(log_prob(moons(), wide, three).log_prob, all));
  }
}

TEST_CASE("rows that a frozen grid is too coarse for are solved again, until they are right", "[flows][frozen]") {
  const Batch x = 2 * sample(moons(), Seed{33}, 256).points;
  const Vector<double> truth = truth_of(moons(), x);
  double before = std::numeric_limits<double>::infinity();
  std::int64_t evaluations = 0;
  for (const double limit : {1.0, 1e-4, 1e-6, 1e-24}) {
    const Evaluated got = log_prob(moons(), x, walking(limit, Precision::double_float));
    const double largest = (got.log_prob - truth).cwiseAbs().maxCoeff();
    CAPTURE(limit, largest, before);
    CHECK(got.failures.empty());
    CHECK(largest <= before);
    CHECK(got.row_evaluations > evaluations);
    before = largest;
    evaluations = got.row_evaluations;
  }
  CHECK(before < 1e-6);  // each alone, by the adaptive solver
}

TEST_CASE("a row that no grid and no solver can carry fails alone", "[flows][frozen]") {
  Batch x = sample(moons(), Seed{34}, 70).points;
  const Vector<double> good = log_prob(moons(), x, walking(1e-4)).log_prob;
  x(0, 5) = std::numeric_limits<double>::quiet_NaN();
  const Evaluated got = log_prob(moons(), x, walking(1e-4));
  REQUIRE(got.failures.size() == 1);
  CHECK(got.failures[0].row == 5);
  CHECK(std::isnan(got.log_prob[5]));
  CHECK(same_bits(got.log_prob.head(5), good.head(5)));
  CHECK(same_bits(got.log_prob.tail(64), good.tail(64)));
}

TEST_CASE("a frozen flow that does not fit its model, or the divergence, is refused", "[flows][frozen][errors]") {
  EvaluationOptions options = walking(1e-4);
  options.frozen->grids.push_back(graded_grid(4, 0, 10));
  CHECK_THROWS_WITH(Evaluator(moons(), options), "frozen flow: 2 grids for 1 blocks");
  options = walking(0);
  CHECK_THROWS_WITH(Evaluator(moons(), options), Catch::Contains("the limit is 0"));
  options = walking(1e-4);
  options.divergence.kind = DivergenceChoice::Kind::hutchinson;
  CHECK_THROWS_WITH(Evaluator(moons(), options), Catch::Contains("exact divergence"));
}

TEST_CASE("what is measured to meet an accuracy meets it on other rows, for less than dopri5 takes",
          "[flows][accuracy]") {
  const Index N = 1500;
  const Batch x = sample(moons(), Seed{35}, N).points;
  const Vector<double> truth = truth_of(moons(), x);
  for (const double accuracy : {1e-2, 1e-4}) {
    const MeasuredEvaluation found = measure_evaluation(moons(), accuracy, Way::to_base);
    CAPTURE(accuracy, found.error, found.evaluations);
    CHECK(found.error <= accuracy);
    CHECK(found.frozen.has_value());
    EvaluationOptions options;
    found.apply_to(options);
    const Evaluated got = log_prob(moons(), x, options);
    const Vector<double> error = (got.log_prob - truth).cwiseAbs();
    CHECK((error.array() <= accuracy).count() >= N - 8);
    CHECK(error.maxCoeff() < 4 * accuracy);

    // The loosest tolerance of dopri5, in half decades, that meets the accuracy on as many rows.
    double evaluations = 0;
    for (double tolerance = 1e-1; evaluations == 0; tolerance *= std::sqrt(0.1)) {
      const Evaluated by = log_prob(moons(), x, adaptive("dopri5", tolerance, Precision::single_float));
      if (((by.log_prob - truth).cwiseAbs().array() <= accuracy).count() >= N - 8) evaluations = by.nfe_mean();
    }
    CAPTURE(got.nfe_mean(), evaluations);
    CHECK(got.nfe_mean() < evaluations);
  }
}

TEST_CASE("an accuracy is measured for samples at the points they are given out at", "[flows][accuracy]") {
  const MeasuredEvaluation found = measure_evaluation(moons(), 1e-3, Way::to_data);
  CHECK(found.error <= 1e-3);
  EvaluationOptions options;
  found.apply_to(options);
  const Evaluated got = sample(moons(), Seed{36}, 1000, options, true);
  const Vector<double> error = (got.log_prob - truth_of(moons(), got.points)).cwiseAbs();
  CHECK((error.array() <= 1e-3).count() >= 990);
}

TEST_CASE("the same evaluation is found on any number of threads", "[flows][accuracy]") {
  EvaluationOptions one, three;
  one.threads = 1;
  three.threads = 3;
  const MeasuredEvaluation a = measure_evaluation(moons(), 1e-3, Way::to_base, one);
  const MeasuredEvaluation b = measure_evaluation(moons(), 1e-3, Way::to_base, three);
  REQUIRE(a.frozen.has_value());
  REQUIRE(b.frozen.has_value());
  CHECK(a.frozen->grids[0].fractions == b.frozen->grids[0].fractions);
  CHECK(a.frozen->limit == b.frozen->limit);
  CHECK(a.tolerance == b.tolerance);
  CHECK(a.error == b.error);
}

TEST_CASE("an accuracy beyond float is met in double, and in float refused", "[flows][accuracy][errors]") {
  const MeasuredEvaluation found = measure_evaluation(moons(), 1e-7, Way::to_base);
  CHECK(found.precision == Precision::double_float);
  CHECK(found.error <= 1e-7);
  CHECK_THROWS_AS(measure_evaluation(moons(), 1e-7, Way::to_base, {}, Precision::single_float), ComputationError);
  for (const double wrong : {0.0, -1.0, 1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(measure_evaluation(moons(), wrong, Way::to_base), std::invalid_argument);
}
