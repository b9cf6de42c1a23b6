// Training towards a density known up to a factor.
#include <catch2/catch.hpp>

#include "datasets/energies/energies.hpp"
#include "flows/judge/importance.hpp"
#include "flows/objectives/objective_text.hpp"
#include "flows/training/energy_task.hpp"
#include "flows/training/flow_task.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;
using Catch::Contains;

namespace {

/// log p~ = 2 - |x - (1, -1)|^2 - x y / 4 + sin x: smooth, normalisable, not symmetric.
double smooth(std::span<const double> x, std::span<double> slope) {
  const double u = x[0] - 1, v = x[1] + 1;
  if (!slope.empty()) {
    slope[0] = -2 * u - x[1] / 4 + std::cos(x[0]);
    slope[1] = -2 * v - x[0] / 4;
  }
  return 2 - u * u - v * v - x[0] * x[1] / 4 + std::sin(x[0]);
}

/// N(mean, L L^T) of a standardisation, e^3 times too large.
Target normal_target(const Standardisation& s) {
  return {.log_density =
              [s](std::span<const double> x, std::span<double> slope) {
                const Batch at = Eigen::Map<const Batch>(x.data(), s.dim(), 1);
                const Vector<double> u = s.apply(at).col(0);
                if (!slope.empty())
                  Eigen::Map<Vector<double>>(slope.data(), s.dim()) =
                      -s.scale.transpose().triangularView<Eigen::Upper>().solve(u);
                return 3 - 0.5 * u.squaredNorm() - s.log_abs_det() -
                       0.5 * static_cast<double>(s.dim()) * std::log(2 * std::numbers::pi);
              },
          .anneal = 0};
}

Cnf scaled_flow() {
  Cnf model = small_flow(small_shape({6, 5}));
  model.standardisation.mean << 0.5, -0.25;
  model.standardisation.scale << 1.5, 0, 0.4, 0.8;
  return model;
}

FlowOptions fixed(GradientMode mode, const char* divergence = "exact") {
  FlowOptions flow;
  flow.gradient = mode;
  flow.divergence = parse_divergence(divergence);
  flow.solve.rtol = flow.solve.atol = 1e-9;
  if (mode == GradientMode::discrete || mode == GradientMode::reversible) {
    flow.solve.method = parse_method("rk4:8").method;
    flow.solve.fixed_steps = 8;
  }
  flow.adjoint = flow.solve;
  return flow;
}

/// The objectives of a text, each with the target and solved alike.
ObjectiveSum towards(const char* text, const Target& target, const FlowOptions& flow = {}, double defensive = 0.25) {
  ObjectiveSum sum = objective_sum(split_objective(text));
  sum.set_target(target);
  for (WeightedObjective& one : sum.summands) {
    if (auto* forward = std::get_if<ForwardKl>(&one.what)) forward->defensive = defensive;
    std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.flow; }) kind.flow = flow;
        },
        one.what);
  }
  return sum;
}

LossGradient<double> at(const Cnf& model, const ObjectiveSum& sum, Index n, std::uint32_t step = 5, int threads = 1) {
  const Batch slots = Batch::Zero(2, n);
  LossGradient<double> found = (*make_objective<double>(model, {sum, threads, Seed{9}}))(model.params, slots, step);
  REQUIRE(found.failures.empty());
  return found;
}

/// |slope - the fourth-order central difference| over the difference.
double error_along(double slope, const std::function<double(double)>& loss) {
  const double h = 1e-3, difference = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h);
  return std::abs(slope - difference) / std::abs(difference);
}

}  // namespace

TEST_CASE("the gradient of reverse KL equals central differences, by every mode", "[flows][energy][gradient]") {
  const GradientMode mode = GENERATE(from_range(kAllGradientModes));
  const auto divergence = GENERATE("exact", "hutchinson:1");
  const Index anneal = GENERATE(Index{0}, Index{20});  // at step 5: whole, and by three tenths
  CAPTURE(name(mode), divergence, anneal);
  Cnf model = scaled_flow();
  if (mode == GradientMode::discrete) {
    model.blocks.push_back({small_shape({4}), 0.5, -0.25});
    model.params = 0.5 * normal_batch(model.layout().size, 1, Seed{4});
  }
  const ObjectiveSum objective = towards("reverse-kl", {smooth, anneal}, fixed(mode, divergence));
  const auto found = at(model, objective, 70);
  CHECK(found.dloss_du.isZero(0));
  const double most = mode == GradientMode::discrete || mode == GradientMode::reversible ? 1e-8 : 1e-6;
  for (const TensorSlice& slice : model.layout().tensors) {
    CAPTURE(slice.name);
    Vector<double> direction = Vector<double>::Zero(model.params.size());
    direction.segment(slice.offset, slice.size()) = normal_batch(slice.size(), 1, Seed{72});
    CHECK(error_along(found.dloss_dparams.dot(direction), [&](double h) {
            Cnf moved = model;
            moved.params += h * direction;
            return at(moved, objective, 70).loss;
          }) < most);
  }
  for (std::size_t k = 0; k < model.blocks.size(); ++k) {
    const auto moved = [&](double base, double data) {
      Cnf other = model;
      other.blocks[k].t_base += base, other.blocks[k].t_data += data;
      return at(other, objective, 70).loss;
    };
    CHECK(error_along(found.dloss_dt_base(k), [&](double h) { return moved(h, 0); }) < most);
    CHECK(error_along(found.dloss_dt_data(k), [&](double h) { return moved(0, h); }) < most);
  }
}

TEST_CASE("reverse KL is the mean of log q - log p~ of the model's draws", "[flows][energy]") {
  const Cnf model = scaled_flow();
  const auto found = at(model, towards("reverse-kl", {smooth, 0}, fixed(GradientMode::discrete)), 50);
  Batch z(2, 50);
  draw_normals<double>(Seed{9}, Purpose::pushed, 5, 0, Out<double>(z.data(), 2, 50));
  EvaluationOptions fine;
  fine.precision = Precision::double_float;
  fine.solve = fixed(GradientMode::discrete).solve;
  const Batch x = Evaluator(model, fine).decode(z).points;
  fine.solve = {};
  fine.solve.rtol = fine.solve.atol = 1e-10;
  const Vector<double> log_q = log_prob(model, x, fine).log_prob;
  CHECK(found.loss == Approx((log_q - log_densities({smooth}, x)).mean()).epsilon(1e-3));  // rk4:8 of its own
}

TEST_CASE("the gradient of forward KL is that of the weighted draws, held", "[flows][energy][gradient]") {
  const double defensive = GENERATE(0.0, 0.25, 1.0);
  const Index anneal = GENERATE(Index{0}, Index{20});
  CAPTURE(defensive, anneal);
  const Cnf model = scaled_flow();
  const Target target{smooth, anneal};
  const FlowOptions flow = fixed(GradientMode::discrete);
  const Index n = 40;
  const auto found = at(model, towards("forward-kl", target, flow, defensive), n);

  EvaluationOptions same;
  same.precision = Precision::double_float;
  same.solve = flow.solve;
  const auto own = static_cast<Index>(std::lround((1 - defensive) * static_cast<double>(n)));
  Batch u(2, n);
  draw_normals<double>(Seed{9}, Purpose::pushed, 5, 0, Out<double>(u.data(), 2, n));
  Batch x = model.standardisation.invert(u);
  if (own > 0) x.leftCols(own) = Evaluator(model, same).decode(Batch(u.leftCols(own))).points;
  u = model.standardisation.apply(x);
  const double scaling = model.standardisation.log_abs_det(), b = target.share(5);
  const auto log_q = [&](const Cnf& by) { return Vector<double>(log_prob(by, x, same).log_prob.array() + scaling); };
  const Vector<double> broad = log_prob(Base{}, u), q = log_q(model);
  const Vector<double> p = b * (log_densities(target, x).array() + scaling) + (1 - b) * broad.array();
  const Vector<double> ratio = p.array().exp() / ((1 - defensive) * q.array().exp() + defensive * broad.array().exp());
  const Vector<double> w = ratio / ratio.sum();
  CHECK(found.loss == Approx(w.dot(p - q) - std::log(ratio.mean())).epsilon(1e-9));

  const Vector<double> direction = normal_batch(model.params.size(), 1, Seed{72});
  CHECK(error_along(found.dloss_dparams.dot(direction), [&](double h) {
          Cnf moved = model;
          moved.params += h * direction;
          return -w.dot(log_q(moved));
        }) < 1e-8);
}

TEST_CASE("a target's slope by unit coordinates equals differences, on its way too", "[flows][energy][gradient]") {
  const Cnf model = scaled_flow();
  for (const std::uint32_t step : {0u, 5u, 19u, 100u}) {
    const Target target{smooth, 20};
    TargetInUnits p(target, model.standardisation, step);
    double u[] = {0.3, -1.2}, slope[2];
    CHECK(p.log_density(u, slope) == p.log_density(u, static_cast<double*>(nullptr)));
    for (int i = 0; i < 2; ++i)
      CHECK(error_along(slope[i], [&](double h) {
              double moved[] = {u[0], u[1]};
              moved[i] += h;
              return p.log_density(moved, static_cast<double*>(nullptr));
            }) < 1e-9);
  }
  CHECK((Target{smooth, 20}.share(0) == 0.05 && Target{smooth, 20}.share(19) == 1 && Target{smooth, 0}.share(0) == 1));
}

TEST_CASE("of an exact model every weight is the same", "[flows][energy]") {
  Cnf model = scaled_flow();
  model.params.setZero();  // nothing moves: the model is the scaled base
  const Target target = normal_target(model.standardisation);
  EvaluationOptions fine;
  fine.precision = Precision::double_float;
  const EnergyJudgement found = judge_by_draws(model, target, Seed{3}, 300, fine);
  CHECK(found.importance.ess == Approx(1).epsilon(1e-12));
  CHECK(found.importance.log_z == Approx(3).epsilon(1e-12));
  CHECK(found.importance.reverse_kl == Approx(-3).epsilon(1e-12));
  CHECK(found.importance.log_z_stderr < 1e-6);
  CHECK(found.importance.draws == 300);
  const FlowOptions flow = fixed(GradientMode::discrete);
  CHECK(at(model, towards("reverse-kl", target, flow), 90).loss == Approx(-3).epsilon(1e-12));
  CHECK(std::abs(at(model, towards("forward-kl", target, flow), 90).loss) < 1e-12);
}

TEST_CASE("importance weights give sample size and evidence", "[flows][energy]") {
  Vector<double> w(5);
  const double none = -std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  w << std::log(1.0), std::log(3.0), nan, std::log(2.0), std::log(2.0);
  const Importance found = importance(w);
  CHECK(found.draws == 4);
  CHECK(found.ess == Approx(64.0 / (4 * 18)));
  CHECK(found.log_z == Approx(std::log(2.0)));
  CHECK(found.log_z_stderr == Approx(std::sqrt((1 / found.ess - 1) / 4)));
  CHECK(found.reverse_kl == Approx(-std::log(12.0) / 4));
  w[0] = none;
  CHECK(importance(w).ess == Approx(49.0 / (4 * 17)));
  CHECK(importance(w).reverse_kl == std::numeric_limits<double>::infinity());
}

TEST_CASE("what is drawn towards a target does not depend on the number of threads", "[flows][energy]") {
  const Cnf model = scaled_flow();
  ObjectiveSum sum = target_objective();
  sum.set_target({smooth});
  const auto one = at(model, sum, 300, 7, 1), three = at(model, sum, 300, 7, 3);
  CHECK(one.dloss_dparams == three.dloss_dparams);
  CHECK(one.loss == three.loss);
  CHECK(one.loss != at(model, sum, 300, 8).loss);
}

TEST_CASE("a flow trained towards a functor becomes its density", "[flows][energy][slow]") {
  TrainingData data;
  data.target = {.log_density = smooth, .anneal = 60};
  Standardisation wide = Standardisation::identity(2);
  wide.scale *= 2;
  FlowTrainOptions options;
  options.steps = 250;
  options.batch = 128;
  options.objective.minimise = target_objective();
  const Cnf model = train(start_flow(MlpShape{.hidden = {24}}, wide, Seed{1}), data, options);
  const Importance found = judge_by_draws(model, data.target, Seed{8}, 4000, {}).importance;
  double mass = 0;  // the midpoint rule
  for (double x = -5; x < 7; x += 0.05)
    for (double y = -7; y < 5; y += 0.05) {
      const double at_cell[] = {x, y};
      mass += 0.05 * 0.05 * std::exp(smooth(at_cell, {}));
    }
  CHECK(found.ess > 0.95);
  CHECK(std::abs(found.log_z - std::log(mass)) < 4.5 * found.log_z_stderr);  // by chance once in 150 000 seeds
  CHECK(found.reverse_kl + std::log(mass) < 0.03);
}

TEST_CASE("a target and data are not mixed up", "[flows][energy][errors]") {
  const Cnf model = scaled_flow();
  const auto refused = [&](const ObjectiveSum& sum, const char* message) {
    CHECK_THROWS_WITH(make_objective<double>(model, {sum}), Contains(message));
  };
  refused(objective_sum(split_objective("reverse-kl")), "reverse-kl: there is no target");
  refused(towards("forward-kl", {smooth}, {}, 1.5), "defensive is 1.5");
  refused(towards("reverse-kl+likelihood", {smooth}), "one of them reads data");
  CHECK_THROWS_WITH(objective_sum(split_objective("reverse-kl+kinetic:0.1")), Contains("add likelihood"));
  TrainingData data;
  data.target = {.log_density = smooth};
  CHECK_THROWS_WITH(FlowRun<double>(model, data, {}), Contains("there is a target and no data"));
  const Batch x = normal_batch(2, 20, Seed{1});
  FlowTrainOptions without_data;
  without_data.objective.minimise = target_objective();
  CHECK_THROWS_WITH(FlowRun<double>(model, training_rows(x, x, Seed{}), without_data), Contains("there are data"));
  const auto nowhere = [](std::span<const double>, std::span<double> slope) {
    for (double& s : slope) s = 0;
    return std::numeric_limits<double>::quiet_NaN();
  };
  for (const char* text : {"reverse-kl", "forward-kl"}) {
    const Batch slots = Batch::Zero(2, 8);
    const auto made = make_objective<double>(model, {towards(text, {nowhere})});
    REQUIRE((*made)(model.params, slots, 0).failures.size() == 1);
    CHECK((*made)(model.params, slots, 0).failures[0].code == Status::Code::non_finite);
  }
}
