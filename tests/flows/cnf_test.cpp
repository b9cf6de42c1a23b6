#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <numbers>
#include <tuple>

#include "flows/evaluator.hpp"
#include "solvers/method.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Equal bit for bit: a NaN equals itself.
template <class A, class B>
bool same_bits(const A& a, const B& b) {
  const Batch x = a, y = b;
  return x.rows() == y.rows() && x.cols() == y.cols() &&
         std::memcmp(x.data(), y.data(), static_cast<std::size_t>(x.size()) * sizeof(double)) == 0;
}

EvaluationOptions evaluation(const char* solver, double tolerance = 1e-5,
                             Precision precision = Precision::single_float) {
  EvaluationOptions options;
  const MethodChoice method = parse_method(solver);
  options.solve.method = method.method;
  options.solve.fixed_steps = method.fixed_steps;
  options.solve.rtol = options.solve.atol = tolerance;
  options.precision = precision;
  options.threads = 1;
  return options;
}

/// A flow with units of its own.
Cnf flow_in_units(Index dim = 2, std::vector<Index> hidden = {8, 8}) {
  Cnf model = small_flow(small_shape(std::move(hidden), Activation::tanh, false, TimeConditioning::concatsquash, dim));
  for (Index i = 0; i < dim; ++i) {
    model.standardisation.mean[i] = 1 + static_cast<double>(i);
    for (Index j = 0; j < i; ++j) model.standardisation.scale(i, j) = 0.25;
    model.standardisation.scale(i, i) = 0.5 + 0.75 * static_cast<double>(i);
  }
  return model;
}

/// log N(z; 0, I) + log |det dz/dx| with the Jacobian of encode by fourth-order central differences.
Vector<double> log_prob_by_differences(const Cnf& model, const Batch& x, const EvaluationOptions& options) {
  Evaluator evaluator(model, options);
  const Index D = model.dim();
  const Batch z = evaluator.encode(x).points;
  std::vector<Batch> columns;
  for (Index j = 0; j < D; ++j) {
    const auto at = [&](double h) {
      Batch moved = x;
      moved.row(j).array() += h;
      return evaluator.encode(moved).points;
    };
    const double h = 1e-3;
    columns.push_back((8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h));
  }
  Vector<double> result(x.cols());
  for (Index b = 0; b < x.cols(); ++b) {
    Matrix<double> J(D, D);
    for (Index j = 0; j < D; ++j) J.col(j) = columns[static_cast<std::size_t>(j)].col(b);
    // |det J| from J^T J's Cholesky factor: no pivoting to get wrong.
    Matrix<double> G = J.transpose() * J;
    double log_det = 0;
    for (Index k = 0; k < D; ++k) {
      log_det += 0.5 * std::log(G(k, k));
      for (Index i = k + 1; i < D; ++i) {
        const double factor = G(i, k) / G(k, k);
        for (Index j = k; j < D; ++j) G(i, j) -= factor * G(k, j);
      }
    }
    result[b] = -0.5 * (z.col(b).squaredNorm() + static_cast<double>(D) * std::log(2 * std::numbers::pi)) + log_det;
  }
  return result;
}

}  // namespace

TEST_CASE("log_prob equals the base density plus the log-determinant of encode's differenced Jacobian",
          "[flows][density]") {
  const auto options = evaluation("rk4:200", 1e-5, Precision::double_float);
  for (const Index dim : {1, 2, 5})
    for (const std::vector<Index>& hidden : {std::vector<Index>{8}, {8, 8}, {6, 6, 6}}) {
      CAPTURE(dim, hidden.size());
      const Cnf model = flow_in_units(dim, hidden);
      const Batch x = normal_batch(dim, 12, Seed{51});
      const Vector<double> expected = log_prob_by_differences(model, x, options);
      CHECK((log_prob(model, x, options).log_prob - expected).cwiseAbs().maxCoeff() < 1e-6);
    }
}

TEST_CASE("a linear map's units enter log_prob exactly", "[flows][density]") {
  const Cnf in_units = flow_in_units(3);
  Cnf plain = in_units;
  plain.standardisation = Standardisation::identity(3);
  const auto options = evaluation("dopri5", 1e-6, Precision::double_float);
  const Batch u = normal_batch(3, 70, Seed{52});
  const Batch x = in_units.standardisation.invert(u);
  const Vector<double> expected = (log_prob(plain, u, options).log_prob.array() - std::log(0.5 * 1.25 * 2.0)).matrix();
  CHECK((log_prob(in_units, x, options).log_prob - expected).cwiseAbs().maxCoeff() < 1e-12);
}

TEST_CASE("stiff methods give the density that explicit ones give, for every divergence", "[flows][density]") {
  const Cnf model = flow_in_units();
  const Batch x = normal_batch(model.dim(), 70, Seed{53});
  for (const char* divergence : {"exact", "hutchinson:2"}) {
    EvaluationOptions options = evaluation("dopri8", 1e-10, Precision::double_float);
    options.divergence = parse_divergence(divergence);
    const Vector<double> expected = log_prob(model, x, options).log_prob;
    for (const char* method : {"kvaerno3", "kvaerno4", "kvaerno5", "rodas5p", "auto", "kvaerno5:40"}) {
      CAPTURE(divergence, method);
      EvaluationOptions by = evaluation(method, 1e-7, Precision::double_float);
      by.divergence = options.divergence;
      CHECK((log_prob(model, x, by).log_prob - expected).cwiseAbs().maxCoeff() < 1e-5);
      by = evaluation(method, 1e-4, Precision::single_float);
      by.divergence = options.divergence;
      CHECK((log_prob(model, x, by).log_prob - expected).cwiseAbs().maxCoeff() < 1e-2);
    }
  }
}

TEST_CASE("decode inverts encode to ten tolerances", "[flows][density]") {
  const Cnf model = flow_in_units();
  const Batch x = model.standardisation.invert(normal_batch(2, 100, Seed{53}));
  for (const double tolerance : {1e-4, 1e-6, 1e-9}) {
    Evaluator evaluator(model, evaluation("dopri5", tolerance, Precision::double_float));
    const Batch back = evaluator.decode(evaluator.encode(x).points).points;
    CHECK((back - x).cwiseAbs().maxCoeff() < 10 * tolerance);
  }
}

TEST_CASE("encode gives the points of log_prob without their log-densities", "[flows][density]") {
  const Cnf model = flow_in_units();
  Evaluator evaluator(model, evaluation("rk4:20"));
  const Batch x = normal_batch(2, 100, Seed{54});
  const Evaluated encoded = evaluator.encode(x);
  CHECK(encoded.log_prob.size() == 0);
  CHECK((encoded.points - evaluator.log_prob(x).points).cwiseAbs().maxCoeff() < 2e-6);  // other sums, in float
}

TEST_CASE("a sample comes with the log-density that log_prob gives it", "[flows][density]") {
  const Cnf model = flow_in_units();
  const auto worst = [&](const EvaluationOptions& options) {
    const Evaluated drawn = sample(model, Seed{4}, 200, options, true);
    return (log_prob(model, drawn.points, options).log_prob - drawn.log_prob).cwiseAbs().maxCoeff();
  };
  CHECK(worst(evaluation("dopri5", 1e-5)) < 1e-3);
  CHECK(worst(evaluation("dopri5", 1e-10, Precision::double_float)) < 1e-7);
}

TEST_CASE("inverting a sample returns its base draw", "[flows][density]") {
  const Cnf model = flow_in_units();
  Evaluator evaluator(model, evaluation("dopri5", 1e-9, Precision::double_float));
  const Batch z = evaluator.encode(evaluator.sample(Seed{4}, 0, 100, false).points).points;
  double worst = 0;
  for (Index b = 0; b < 100; ++b)
    for (Index i = 0; i < 2; ++i)
      worst = std::max(worst, std::abs(z(i, b) - normal(Seed{4}, Purpose::base_sample, 0, static_cast<std::uint64_t>(b),
                                                        static_cast<std::uint32_t>(i))));
  CHECK(worst < 1e-7);
}

TEST_CASE("the density integrates to one on a grid", "[flows][density]") {
  for (const bool units : {false, true}) {
    Cnf model = units ? flow_in_units() : small_flow(small_shape({12}, Activation::sin));
    const Batch drawn = sample(model, Seed{5}, 2000, evaluation("dopri5")).points;
    const int n = 120;  // midpoints: exact beyond all orders for what vanishes at the edges
    const Vector<double> low = drawn.rowwise().minCoeff().array() - 2.0,
                         high = drawn.rowwise().maxCoeff().array() + 2.0;
    const Vector<double> cell = (high - low) / n;
    Batch x(2, n * n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) x.col(i * n + j) << low[0] + (j + 0.5) * cell[0], low[1] + (i + 0.5) * cell[1];
    const Evaluated at = log_prob(model, x, evaluation("dopri5"));
    CHECK(at.log_prob.array().exp().sum() * cell.prod() == Approx(1).margin(1e-3));
  }
}

TEST_CASE("sample i is the same whatever N and the first are", "[flows][bits]") {
  const Cnf model = flow_in_units();
  Evaluator evaluator(model, evaluation("dopri5"));
  const Evaluated all = evaluator.sample(Seed{6}, 0, 300, true);
  for (const auto& [first, N] :
       {std::pair<Index, Index>{0, 1}, {0, 64}, {5, 3}, {63, 2}, {64, 64}, {100, 200}, {299, 1}}) {
    CAPTURE(first, N);
    const Evaluated some = evaluator.sample(Seed{6}, static_cast<std::uint64_t>(first), N, true);
    CHECK(same_bits(some.points, all.points.middleCols(first, N)));
    CHECK(same_bits(some.log_prob, all.log_prob.segment(first, N)));
  }
  CHECK(evaluator.sample(Seed{6}, 7, 0, true).points.cols() == 0);
  CHECK(!same_bits(evaluator.sample(Seed{7}, 0, 300, false).points, all.points));
}

TEST_CASE("consecutive blocks of multiples of 64 rows give the bits of one call", "[flows][bits]") {
  const Cnf model = flow_in_units();
  auto options = evaluation("dopri5");
  for (const char* divergence : {"exact", "hutchinson:2"}) {
    options.divergence = parse_divergence(divergence);
    Evaluator evaluator(model, options);
    const Batch x = normal_batch(2, 300, Seed{55});
    const Evaluated whole = evaluator.log_prob(x);
    Index first = 0;
    for (const Index rows : {64, 128, 108}) {
      CAPTURE(divergence, first);
      const Evaluated block = evaluator.log_prob(Batch(x.middleCols(first, rows)), static_cast<std::uint64_t>(first));
      CHECK(same_bits(block.log_prob, whole.log_prob.segment(first, rows)));
      CHECK(same_bits(block.points, whole.points.middleCols(first, rows)));
      first += rows;
    }
  }
}

TEST_CASE("a row alone has the answer of a whole tile of its copies", "[flows][bits]") {
  const Cnf model = flow_in_units();
  Evaluator evaluator(model, evaluation("dopri5"));
  const Batch x = normal_batch(2, 8, Seed{50});
  for (Index b = 0; b < 8; ++b) {
    const Batch one = 0.3 * x.col(b), many = one.replicate(1, 64);
    CHECK(evaluator.log_prob(one).log_prob[0] == evaluator.log_prob(many).log_prob[63]);
  }
}

TEST_CASE("a model's answers do not depend on the number of threads", "[flows][bits]") {
  const Cnf model = flow_in_units();
  const Batch x = normal_batch(2, 500, Seed{56});
  for (const Precision precision : {Precision::single_float, Precision::double_float}) {
    auto options = evaluation("dopri5", 1e-5, precision);
    const Evaluated one = log_prob(model, x, options), drawn = sample(model, Seed{1}, 500, options, true);
    for (const int threads : {2, 3, 4}) {
      CAPTURE(threads);
      options.threads = threads;
      const Evaluated many = log_prob(model, x, options), redrawn = sample(model, Seed{1}, 500, options, true);
      CHECK(same_bits(many.log_prob, one.log_prob));
      CHECK(same_bits(many.points, one.points));
      CHECK(many.counters.evaluations == one.counters.evaluations);
      CHECK(same_bits(redrawn.points, drawn.points));
      CHECK(same_bits(redrawn.log_prob, drawn.log_prob));
    }
  }
}

TEST_CASE("a bad row fails alone, by its number, and the others keep their bits", "[flows][trouble]") {
  const Cnf model = flow_in_units();
  const auto options = evaluation("dopri5");
  Batch x = normal_batch(2, 200, Seed{57});
  const std::vector<Index> bad = {3, 70, 71, 199};
  for (const Index row : bad) x.col(row) = x.col(row == 199 ? 198 : row - 3);  // a copy changes no maximum over rows
  const Evaluated clean = log_prob(model, x, options);
  x(0, 3) = kNaN;
  x(1, 70) = std::numeric_limits<double>::infinity();
  x(0, 71) = -1e300;  // beyond float
  x.col(199).setConstant(kNaN);
  const Evaluated spoilt = log_prob(model, x, options);
  REQUIRE(spoilt.failures.size() == bad.size());
  for (std::size_t k = 0; k < bad.size(); ++k) {
    CHECK(spoilt.failures[k].row == bad[k]);
    CHECK(spoilt.failures[k].code == Status::Code::non_finite);
    CHECK(spoilt.failures[k].message().find("row " + std::to_string(bad[k])) != std::string::npos);
    CHECK(std::isnan(spoilt.log_prob[bad[k]]));
    CHECK(spoilt.points.col(bad[k]).array().isNaN().all());
  }
  Index equal = 0;
  for (Index b = 0; b < 200; ++b)
    equal += spoilt.log_prob[b] == clean.log_prob[b] && spoilt.points.col(b) == clean.points.col(b);
  CHECK(equal == 196);
}

TEST_CASE("a row at 1e30 gets an answer or a status, and spoils no other tile", "[flows][trouble]") {
  for (const Activation activation : kAllActivations) {
    CAPTURE(name(activation));
    const Cnf model = small_flow(small_shape({8, 8}, activation));
    const auto options = evaluation("dopri5");
    Batch x = normal_batch(2, 130, Seed{58});
    const Evaluated clean = log_prob(model, x, options);
    x.col(100).setConstant(1e30);
    const Evaluated spoilt = log_prob(model, x, options);
    CHECK(spoilt.failures.size() <= 1);
    for (const Status& status : spoilt.failures) CHECK(status.row == 100);
    CHECK(std::isnan(spoilt.log_prob[100]) == !spoilt.failures.empty());
    CHECK(same_bits(spoilt.log_prob.head(64), clean.log_prob.head(64)));
    CHECK(same_bits(spoilt.log_prob.tail(2), clean.log_prob.tail(2)));
    for (Index b = 64; b < 128; ++b)
      if (b != 100)  // its tile takes other steps, over which relu's divergence jumps
        CHECK(spoilt.log_prob[b] == Approx(clean.log_prob[b]).margin(activation == Activation::relu ? 1e-2 : 1e-3));
  }
}

std::int64_t tries(const Cnf& model, const Batch& x, const EvaluationOptions& options) {
  const Counters cost = log_prob(model, x, options).counters;
  return cost.accepted + cost.rejected;
}

/// The columns of x whose solves take the fewest and the most tries.
std::pair<Index, Index> easy_and_hard(const Cnf& model, const Batch& x, const EvaluationOptions& options) {
  std::vector<std::int64_t> alone;
  for (Index b = 0; b < x.cols(); ++b) alone.push_back(tries(model, x.col(b), options));
  const auto [least, most] = std::minmax_element(alone.begin(), alone.end());
  REQUIRE(2 * *most > 3 * *least);
  return {least - alone.begin(), most - alone.begin()};
}

/// A flow, and points of which one takes far more steps than another.
struct Uneven {
  Cnf model = small_flow(small_shape({8, 8}, Activation::sin));
  EvaluationOptions options = evaluation("dopri5", 1e-7, Precision::double_float);
  Batch x = normal_batch(2, 64, Seed{59});
  Index easy, hard;

  Uneven() {
    model.params *= 3;
    std::tie(easy, hard) = easy_and_hard(model, x, options);
  }
};

TEST_CASE("rows that run out of steps are NaN with a status, the others as if alone", "[flows][trouble]") {
  auto [model, options, x, easy, hard] = Uneven();
  Batch mixed = x.col(easy).replicate(1, 64);
  const Evaluated all_easy = log_prob(model, mixed, options);
  mixed.col(7) = mixed.col(8) = mixed.col(63) = x.col(hard);
  options.solve.max_steps = tries(model, x.col(easy), options);
  const Evaluated some = log_prob(model, mixed, options);
  REQUIRE(some.failures.size() == 3);
  CHECK((some.failures[0].row == 7 && some.failures[1].row == 8 && some.failures[2].row == 63));
  for (const Status& status : some.failures) {
    CHECK(status.code == Status::Code::step_limit);
    CHECK(std::isnan(some.log_prob[status.row]));
  }
  Index equal = 0;
  for (Index b = 0; b < 64; ++b) equal += some.log_prob[b] == all_easy.log_prob[b];
  CHECK(equal == 61);

  // In a tile that is not full the hard row fails alone, wherever it stands: padding made of copies of it once spent
  // the restarts and failed all ten.
  for (const Index at : {0, 9}) {
    Batch ten = x.col(easy).replicate(1, 10);
    ten.col(at) = x.col(hard);
    const Evaluated most = log_prob(model, ten, options);
    REQUIRE(most.failures.size() == 1);
    CHECK(most.failures[0].row == at);
    CHECK(most.log_prob[4] == all_easy.log_prob[4]);
  }

  options.solve.max_steps = 3;  // nobody can succeed
  const Evaluated none = log_prob(model, x, options);
  CHECK(none.failures.size() == 64);
  CHECK(none.log_prob.array().isNaN().all());
}

TEST_CASE("rows that fail end a call when their solves have taken too long, by the same first row on any threads",
          "[flows][trouble]") {
  auto [model, options, of, easy, hard] = Uneven();
  Batch x = of.col(easy).replicate(1, 1000);
  for (const Index row : {200, 201, 500, 900}) x.col(row) = of.col(hard);
  const std::int64_t budget = options.solve.max_steps = tries(model, of.col(easy), options), each = budget + 1;
  const auto given_up = [&](std::int64_t most, int threads) {
    options.failing_steps = most;
    options.threads = threads;
    return Evaluator(model, options).log_prob(x);
  };
  REQUIRE(given_up(std::numeric_limits<std::int64_t>::max(), 1).failures.size() == 4);
  CHECK(given_up(4 * each, 1).failures.size() == 4);  // as much as they take
  CHECK_FALSE(given_up(4 * each, 2).given_up);
  for (const int threads : {1, 2, 4})
    for (const std::int64_t most : {std::int64_t{0}, each, 2 * each, 4 * each - 1}) {
      CAPTURE(threads, most);
      const Evaluated end = given_up(most, threads);
      CHECK(end.given_up);
      REQUIRE(end.failures.size() == 1);
      CHECK((end.failures[0].row == 200 && end.failures[0].accepted + end.failures[0].rejected == budget));
    }
  x = of.col(easy).replicate(1, 1000);
  CHECK_FALSE(given_up(0, 2).given_up);
}

TEST_CASE("an evaluation tells of every row once and throws when it is stopped", "[flows][stop]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch x = Batch::Zero(2, 1000);
  std::atomic<bool> stop{false};
  Index told = 0, stop_at = 2000;
  EvaluationOptions options;
  options.threads = 1;
  options.solve.stop = &stop;
  options.progress = [&](Index n) {
    told += n;
    if (told >= stop_at) stop = true;
  };
  Evaluator evaluator(model, options);
  evaluator.log_prob(x);
  CHECK(told == 1000);
  told = 0, stop_at = 1;  // after this thread's first tile
  CHECK_THROWS_AS(evaluator.log_prob(x), Stopped);
  CHECK(told < 1000);
  CHECK_THROWS_AS(evaluator.sample(Seed{1}, 0, 1000, true), Stopped);
  CHECK_THROWS_AS(evaluator.encode(x), Stopped);
  CHECK_THROWS_AS(evaluator.decode(x), Stopped);
}

TEST_CASE("misuse of a model is refused by name", "[flows][errors]") {
  using Catch::Contains;
  const Cnf model = flow_in_units();
  Evaluator evaluator(model, evaluation("dopri5"));
  CHECK_THROWS_WITH(evaluator.log_prob(Batch(Batch::Zero(3, 2))),
                    Contains("log_prob: x has 3 rows, this flow is over 2 dimensions") && Contains("transposed"));
  CHECK_THROWS_AS(evaluator.encode(Batch(Batch::Zero(1, 2))), std::invalid_argument);
  CHECK_THROWS_AS(evaluator.decode(Batch(Batch::Zero(1, 2))), std::invalid_argument);
  CHECK_THROWS_WITH(evaluator.sample(Seed{}, 0, -1, false), Contains("N is -1"));
  Cnf short_of_weights = model;
  short_of_weights.params.conservativeResize(5);
  CHECK_THROWS_WITH(log_prob(short_of_weights, Batch(Batch::Zero(2, 1))), Contains("has 5 parameters"));
  Cnf other_units = model;
  other_units.standardisation = Standardisation::identity(3);
  CHECK_THROWS_WITH(log_prob(other_units, Batch(Batch::Zero(2, 1))), Contains("standardisation is over 3"));
  auto options = evaluation("dopri5");
  options.solve.rtol = -1;
  CHECK_THROWS_WITH(log_prob(model, Batch(Batch::Zero(2, 1)), options), Contains("rtol"));
  options = evaluation("dopri5");
  options.divergence = {DivergenceChoice::Kind::hutchinson, 0, Probe::rademacher};
  CHECK_THROWS_WITH(log_prob(model, Batch(Batch::Zero(2, 1)), options), Contains("probes"));
}

TEST_CASE("points are read where they lie, whoever owns the memory", "[flows][samples]") {
  const Cnf model = flow_in_units();
  Evaluator evaluator(model, evaluation("dopri5"));
  std::vector<double> foreign(2 * 20);
  for (std::size_t i = 0; i < foreign.size(); ++i) foreign[i] = std::sin(static_cast<double>(i * i));
  const Eigen::Map<const Batch> map(foreign.data(), 2, 20);
  const Batch own = map;
  CHECK(Samples<double>(map).x.data() == foreign.data());
  CHECK(Samples<double>(own).x.data() == own.data());
  CHECK(Samples<double>(own.middleCols(3, 5)).x.data() == own.data() + 6);
  CHECK(Samples<double>(Eigen::Ref<const Batch>(own)).x.data() == own.data());
  CHECK(Samples<double>(own.col(4)).size() == 1);
  const Eigen::Map<const Vector<double>> line(foreign.data(), 40);
  CHECK(Samples<double>(line.transpose()).x.rows() == 1);
  CHECK(evaluator.log_prob(map).log_prob == evaluator.log_prob(own).log_prob);
  CHECK(evaluator.log_prob(map.leftCols(7)).log_prob == evaluator.log_prob(Batch(own.leftCols(7))).log_prob);
  // An expression has no memory, and some rows of a Batch do not lie one sample after the other.
  STATIC_REQUIRE_FALSE(std::is_convertible_v<decltype(2 * own), Samples<double>>);
  const Batch three = Batch::Zero(3, 4);
  CHECK_THROWS_WITH(Samples<double>(three.topRows(2)), Catch::Contains("samples 3, expected 1 and 2"));
  CHECK_THROWS_AS(Samples<double>(own.transpose()), std::invalid_argument);
  CHECK_THROWS_AS(evaluator.log_prob(three.topRows(2)), std::invalid_argument);
}

TEST_CASE("no rows are no work", "[flows]") {
  Evaluator evaluator(flow_in_units(), evaluation("dopri5"));
  const Evaluated none = evaluator.log_prob(Batch(2, 0));
  CHECK((none.log_prob.size() == 0 && none.points.cols() == 0 && none.tiles == 0 && none.nfe_mean() == 0));
}
