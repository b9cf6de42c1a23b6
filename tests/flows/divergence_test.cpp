#include <catch2/catch.hpp>

#include "flows/divergence.hpp"
#include "flows/objectives/max_likelihood.hpp"
#include "flows/training/flow_task.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

TEST_CASE("Hutchinson's log-density and parameter gradient have the exact ones as mean", "[flows][statistics]") {
  // On a trained flow, by 4096 probes, 64 at each of 64 addresses. A z-score of one loss beyond 4 comes by chance once
  // in 8000 seeds of 64 addresses.
  Batch rows = 0.3 * normal_batch(2, 1000, Seed{30});
  rows.leftCols(500).array() += 1;
  rows.rightCols(500).array() -= 1;
  FlowTrainOptions training{.steps = 150, .batch = 128};
  training.validate_every = 150;
  const Cnf model = train(start_flow(small_shape({8, 8}), Standardisation::identity(2), Seed{1}),
                          training_rows(rows, rows.leftCols(64), Seed{1}), training);
  const Batch x = rows.middleCols(496, 8);
  REQUIRE(log_prob(model, rows).log_prob.mean() > -2.0);
  const Matrix<double> u = x;
  const auto gradient = [&](const DivergenceChoice& choice, Seed seed) {
    SolveOptions solve;
    solve.method = find_tableau("rk4");
    solve.fixed_steps = 8;  // a fixed grid: the estimate is then linear in the probe's estimate, hence unbiased
    const FlowOptions flow{solve, solve, choice, GradientMode::discrete};
    const auto objective = make_objective<double>(model, {MaximumLikelihood{flow}, 1, seed});
    LossGradient<double> at = (*objective)(model.params, u, 0);
    REQUIRE(at.failures.empty());
    return at;
  };
  const LossGradient<double> exact = gradient(parse_divergence("exact"), Seed{});
  for (const Probe probe : {Probe::rademacher, Probe::gaussian}) {
    const int n = 64;
    double loss = 0, loss2 = 0;
    Vector<double> sum = Vector<double>::Zero(model.params.size()), sum2 = sum;
    for (int k = 0; k < n; ++k) {
      const LossGradient<double> at =
          gradient(parse_divergence("hutchinson:64", probe), Seed{static_cast<std::uint64_t>(100 + k)});
      loss += at.loss;
      loss2 += at.loss * at.loss;
      sum += at.dloss_dparams;
      sum2 += at.dloss_dparams.cwiseAbs2();
    }
    const auto z_score = [&](double s, double s2, double truth) {
      const double mean = s / n, error = std::sqrt(std::max(0.0, s2 / n - mean * mean) / (n - 1));
      return error < 1e-14 ? 0.0 : (mean - truth) / error;
    };
    CHECK(std::abs(z_score(loss, loss2, exact.loss)) < 4);
    double worst = 0, squares = 0;
    Index free = 0;
    for (Index i = 0; i < sum.size(); ++i) {
      const double z = z_score(sum[i], sum2[i], exact.dloss_dparams[i]);
      worst = std::max(worst, std::abs(z));
      squares += z * z;
      free += z != 0;
    }
    CHECK(worst < 6);  // the largest of some 150 correlated scores with 63 degrees of freedom
    CHECK(squares / static_cast<double>(free) < 2.5);
  }
}

TEST_CASE("Hutchinson's estimate has the trace as mean and the documented variance", "[flows][statistics]") {
  const MlpShape shape = small_shape({6, 6}, Activation::tanh, false, TimeConditioning::concatsquash, 3);
  const Vector<double> params = small_flow(shape).params;
  const MlpField<double> field(shape, {params.data(), static_cast<std::size_t>(params.size())});
  const double t = 0.4;
  const Batch z = normal_batch(3, 1, Seed{1});
  Scratch scratch;
  Matrix<double> J(3, 3), f(3, 1);
  const Matrix<double> I = Matrix<double>::Identity(3, 3);
  field.forward({&t, 1}, Tile<double>(z.data(), 3, 1), Tile<double>(I.data(), 3, 3), Out<double>(f.data(), 3, 1),
                Out<double>(J.data(), 3, 3), nullptr, scratch);
  const Matrix<double> S = (J + J.transpose()) / 2;
  const int n = 20000;
  for (const Probe probe : {Probe::rademacher, Probe::gaussian}) {
    Matrix<double> e(3, n), JV(3, n);
    draw_probes(probe, n, Seed{12}, 0, 0, 3, 1, e.data());
    JV = J * e;
    const Vector<double> estimate = (e.array() * JV.array()).colwise().sum();
    const double variance = 2 * (S.squaredNorm() - (probe == Probe::rademacher ? S.diagonal().squaredNorm() : 0.0));
    CHECK(std::abs((estimate.mean() - J.trace()) / std::sqrt(variance / n)) < 4.5);  // once in 150 000 seeds
    CHECK((estimate.array() - estimate.mean()).square().mean() == Approx(variance).epsilon(0.06));
  }
}

TEST_CASE("the probe is the same at every stage of a solve, forwards and backwards, and another at the next step",
          "[flows][divergence]") {
  // With one probe e, the estimate e^T J e of a linear-in-time flow is smooth in t: a probe drawn anew at each stage
  // would make step control see noise. The dynamics is a function of (t, z): evaluated twice it gives the same bits.
  const Cnf model = small_flow(small_shape({8, 8}));
  Matrix<double> first(2, 4), again(2, 4), other(2, 4);
  draw_probes(Probe::gaussian, 1, Seed{5}, 7, 64, 2, 4, first.data());
  draw_probes(Probe::gaussian, 1, Seed{5}, 7, 66, 2, 2, again.data());
  draw_probes(Probe::gaussian, 1, Seed{5}, 8, 64, 2, 4, other.data());
  CHECK(first.rightCols(2) == again.leftCols(2));  // addressed by sample
  CHECK((first - other).cwiseAbs().minCoeff() > 0);
  // A solve at tight tolerance costs about what the exact divergence costs: noise would exhaust its budget.
  const auto cost = [&](const char* divergence) {
    SolveOptions solve;
    solve.rtol = solve.atol = 1e-9;
    solve.max_steps = 400;
    const FlowOptions flow{solve, solve, parse_divergence(divergence), GradientMode::continuous};
    const auto objective = make_objective<double>(model, {MaximumLikelihood{flow}, 1, Seed{5}});
    const LossGradient<double>& at = (*objective)(model.params, normal_batch(2, 16, Seed{2}), 3);
    REQUIRE(at.failures.empty());
    return std::pair<double, double>(static_cast<double>(at.forward.evaluations),
                                     static_cast<double>(at.backward.evaluations));
  };
  const auto exact = cost("exact"), estimate = cost("hutchinson:1");
  CHECK(estimate.first < 1.5 * exact.first);
  CHECK(estimate.second < 1.5 * exact.second);
}

TEST_CASE("the divergence is chosen as documented", "[flows][divergence]") {
  using Kind = DivergenceMethod::Kind;
  CHECK(resolve(parse_divergence("auto"), true, 43, true).kind == Kind::trace);
  CHECK(resolve(parse_divergence("auto"), false, 2, true).kind == Kind::tangents);
  CHECK(resolve(parse_divergence("auto"), false, 43, true).kind == Kind::hutchinson);
  CHECK(resolve(parse_divergence("auto"), false, 43, false).kind == Kind::tangents);
  CHECK(resolve(parse_divergence("exact"), false, 43, true).kind == Kind::tangents);
  CHECK(resolve(parse_divergence("exact"), true, 1, true).kind == Kind::tangents);
  CHECK(resolve(parse_divergence("hutchinson:3"), true, 2, false).columns == 3);
  CHECK(to_string(parse_divergence("hutchinson")) == "hutchinson:1");
  CHECK_THROWS_WITH(parse_divergence("hutchinson:0"), Catch::Contains("hutchinson:k"));
  CHECK_THROWS_WITH(parse_divergence("trace"), Catch::Contains("auto, exact, hutchinson"));
}
