#include "flows/fit.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/split.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;
using Catch::Contains;

namespace {

/// N rows of a bent and stretched cloud in the plane.
Batch bent(Index N) {
  Batch x = normal_batch(2, N, Seed{21});
  x.row(1) = 30 * x.row(1).array() + 20 * x.row(0).array().square() - 5;
  return x;
}

FitOptions quick(std::int64_t steps) {
  FitOptions options;
  options.field = MlpShape{.hidden = {8, 8}};
  options.training.steps = steps;
  options.training.batch = 64;
  options.seed = Seed{5};
  return options;
}

}  // namespace

TEST_CASE("fitting is splitting, standardising, starting and training", "[flows][fit]") {
  const Batch x = bent(300);
  FitOptions options = quick(30);
  options.t_data = 0.5;
  options.columns = {"a", "b"};
  options.training.objective.minimise = GENERATE(AnyObjective(MaximumLikelihood{}), AnyObjective(FlowMatching{}));
  const Cnf fitted = fit(x, options);

  const Split split = split_rows(300, {0.9, 0.1, 0}, Seed{5});
  const Batch train = take(x, split.train), validation = take(x, split.validation);
  const Cnf start = start_flow(options.field, fit_standardisation(train), Seed{5}, 0.5, {"a", "b"});
  FlowTrainOptions training = options.training;
  // What the 30 validation rows come to.
  training.validate_every = 25 * traits(training.objective.minimise).validation_stretch;
  training.objective.seed = Seed{5};
  const Cnf by_hand = cnf::train(start, training_rows(train, validation, Seed{5}), training);
  CHECK(fitted.params == by_hand.params);
  CHECK(fitted.standardisation.scale == by_hand.standardisation.scale);
  CHECK(fitted.columns == options.columns);
  CHECK(fitted.end() == 0.5);

  options.threads = 3;
  CHECK(fit(x, options).params == fitted.params);
  CHECK(fit(train, validation, options).params == fitted.params);
  options.seed = Seed{6};
  CHECK(fit(x, options).params != fitted.params);
}

TEST_CASE("a fitted flow predicts what it has not seen better than the Gaussian", "[flows][fit]") {
  const Batch x = bent(2000), fresh = bent(3000).rightCols(1000);
  FitOptions options = quick(150);
  const auto of = [&](const Cnf& model) { return log_prob(model, fresh).log_prob.mean(); };
  options.training.steps = 1;
  const double before = of(fit(x, options));  // near the identity: the Gaussian of the data
  options.training.steps = 150;
  CHECK(of(fit(x, options)) > before + 0.1);
}

TEST_CASE("a fit in double keeps digits that one in float cannot hold", "[flows][fit]") {
  FitOptions options = quick(5);
  const auto holds_floats = [](const Cnf& model) {
    return model.params == model.params.cast<float>().cast<double>().eval();
  };
  CHECK(holds_floats(fit(bent(100), options)));
  options.precision = Precision::double_float;
  CHECK_FALSE(holds_floats(fit(bent(100), options)));
}

TEST_CASE("a fit tells its validations and ends with the best weights when interrupted", "[flows][fit]") {
  FitOptions options = quick(200);
  options.training.validate_every = 10;
  std::vector<MetricsRow> rows;
  options.hooks.metrics = [&](const MetricsRow& row) { rows.push_back(row); };
  options.hooks.interrupted = [&] { return rows.size() == 3; };
  const Batch x = bent(200);
  const Cnf cut = fit(x, options);
  REQUIRE(rows.size() == 3);
  CHECK(rows.back().step == 30);
  double best = rows[0].judged.score;
  for (const MetricsRow& row : rows) best = std::min(best, row.judged.score);
  const Split split = split_rows(200, {0.9, 0.1, 0}, Seed{5});
  CHECK(-log_prob(cut, take(x, split.validation)).log_prob.mean() == best);

  options.hooks.interrupted = [] { return true; };  // before any validation
  CHECK_THROWS_AS(fit(x, options), ComputationError);
}

TEST_CASE("validation rows are spread over the table, and the training rows stand in for none", "[flows][fit]") {
  Batch rows(1, 3 * kMostValidationRows);
  for (Index i = 0; i < rows.cols(); ++i) rows(0, i) = static_cast<double>(i);
  const Batch none(1, 0), two = rows.leftCols(2);
  const TrainingData many = training_rows(two, rows, Seed{1}), own = training_rows(rows, none, Seed{1}),
                     few = training_rows(rows, two, Seed{1});
  REQUIRE(many.validation.size() == kMostValidationRows);
  for (Index i = 0; i < kMostValidationRows; ++i) REQUIRE(many.validation.x(0, i) == 3.0 * static_cast<double>(i));
  CHECK(own.validation.x == many.validation.x);
  CHECK(few.validation.x == two);

  SampleBatch batch{Batch(1, 1000), {}};
  many.draw(7, batch.slots());
  CHECK(((batch.x.array() == 0) || (batch.x.array() == 1)).all());
  const double ones = batch.x.sum();
  CHECK(std::abs(ones - 500) < 80);  // by chance once in 2 million seeds
}

TEST_CASE("what is given beside a row stays beside it", "[flows][fit]") {
  SampleBatch rows{Batch(2, 40), Batch(3, 40)}, batch{Batch(2, 16), Batch(3, 16)};
  for (Index b = 0; b < 40; ++b) {
    rows.x.col(b).setConstant(static_cast<double>(b));
    rows.given.col(b) = -rows.x(0, b) * Vector<double>::Ones(3);
  }
  const TrainingData data = training_rows(rows, SampleBatch{rows.x.leftCols(9), rows.given.leftCols(9)}, Seed{1});
  data.draw(3, batch.slots());
  CHECK(batch.given.row(2) == -batch.x.row(1));
  CHECK(data.validation.given.row(0) == -data.validation.x.row(0));
  CHECK_THROWS_WITH(training_rows(rows, Batch(2, 9), Seed{1}), Contains("conditions in both"));
  rows.given = Batch::Zero(3, 39);
  CHECK_THROWS_WITH(training_rows(rows, rows, Seed{1}), Contains("conditions of 39 samples for 40 points"));
}

TEST_CASE("conditions that a model does not take are refused in every call", "[flows][fit][errors]") {
  const Cnf model = small_flow(small_shape({8}));
  const SampleBatch with{Batch::Zero(2, 5), Batch::Zero(1, 5)};
  const std::string refusal = "1 conditions are given, this flow takes none";
  Evaluator evaluator(model, {});
  CHECK_THROWS_WITH(evaluator.log_prob(with), "log_prob: " + refusal);
  CHECK_THROWS_WITH(evaluator.encode(with), "encode: " + refusal);
  CHECK_THROWS_WITH(evaluator.decode(with), "decode: " + refusal);
  CHECK_THROWS_WITH(evaluator.sample(Seed{1}, 0, 5, false, with.given), "sample: " + refusal);
  CHECK_THROWS_WITH(sample(model, Seed{1}, 5, {}, false, with.given), "sample: " + refusal);
  CHECK_THROWS_WITH(train(model, training_rows(with, with, Seed{1}), quick(3).training), "train: " + refusal);
  CHECK_THROWS_WITH(fit(with, quick(3)), "fit: " + refusal);
  Cnf conditional = model;
  conditional.given.resize(2);
  conditional.given[0].name = "wind", conditional.given[1].name = "day";
  CHECK_THROWS_WITH(expect_samples("log_prob", conditional, 2, 0),
                    "log_prob: 0 conditions are given, this flow takes 2: 'wind', 'day'");
}

TEST_CASE("a fit names what it cannot do with", "[flows][fit][errors]") {
  Batch x = bent(100);
  FitOptions options = quick(3);
  options.columns = {"a"};
  CHECK_THROWS_WITH(fit(x, options), Contains("fit: 1 column names for 2 dimensions"));
  options.columns = {"a", "b"};
  options.validation = 1;
  CHECK_THROWS_WITH(fit(x, options), Contains("fit: validation is 1,"));
  options.validation = 0.1;
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Batch spoilt = x;
    spoilt(1, 7) = value;
    CHECK_THROWS_WITH(fit(spoilt, options), Contains("fit: row 7, value 1, is") && Contains("a finite number"));
    CHECK_THROWS_WITH(fit(x, spoilt, options), Contains("fit: validation row 7, value 1, is"));
  }
  x.row(1).setConstant(2);
  CHECK_THROWS_WITH(fit(x, options), Contains("fit: column 2, 'b', is constant"));
  CHECK_THROWS_AS(fit(Batch(2, 0), options), std::invalid_argument);
}
