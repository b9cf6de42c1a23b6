#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "flows/gradcheck.hpp"
#include "flows/objectives/objectives.hpp"
#include "flows/training/flow_task.hpp"
#include "solvers/method.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

GradcheckOptions options_for(const char* solver, const char* divergence, double tolerance = 1e-5) {
  GradcheckOptions options;
  const MethodChoice method = parse_method(solver);
  options.solve.method = method.method;
  options.solve.fixed_steps = method.fixed_steps;
  options.solve.rtol = options.solve.atol = tolerance;
  options.divergence = parse_divergence(divergence);
  options.directions = 3;
  options.threads = 1;
  return options;
}

Cnf model_for(const std::vector<Index>& hidden, Activation activation, bool output_gate = false,
              TimeConditioning time = TimeConditioning::concatsquash) {
  Cnf model = small_flow(small_shape(hidden, activation, output_gate, time));
  model.params *= 0.7;
  return model;
}

const GradientCheck& mode(const std::vector<GradientCheck>& checks, const std::string& name) {
  for (const GradientCheck& check : checks)
    if (check.mode == name) return check;
  throw std::runtime_error("no mode " + name);
}

const GradientBlock& block(const GradientCheck& check, const std::string& name) {
  for (const GradientBlock& b : check.blocks)
    if (b.name == name) return b;
  throw std::runtime_error("no block " + name);
}

/// A task whose gradient of one tensor is too large by a hundredth, or another factor.
class Spoilt final : public Task<double> {
 public:
  Spoilt(Task<double>& task, std::size_t tensor, double factor = 1.01)
      : task_(task), slice_(task.layout().tensors[tensor]), factor_(factor) {}
  const Layout& layout() const override { return task_.layout(); }
  StepResult<double> step(const Vector<double>& params, std::uint32_t step) override {
    StepResult<double> made = task_.step(params, step);
    gradient_.assign(made.dloss_dparams.begin(), made.dloss_dparams.end());
    for (Index i = 0; i < slice_.size(); ++i) gradient_[static_cast<std::size_t>(slice_.offset + i)] *= factor_;
    made.dloss_dparams = gradient_;
    return made;
  }
  Judgement judge(const Vector<double>& params) override { return task_.judge(params); }
  std::span<const std::string_view> judged() const override { return task_.judged(); }
  std::string_view loss_name() const override { return task_.loss_name(); }

 private:
  Task<double>& task_;
  TensorSlice slice_;
  double factor_;
  std::vector<double> gradient_;
};

}  // namespace

TEST_CASE("the discrete gradient equals central differences on the recorded grid", "[flows][gradient]") {
  struct Way {
    std::vector<Index> hidden;
    const char* divergence;
  };
  const Batch x = normal_batch(2, 3, Seed{70});
  for (const Activation activation : {Activation::tanh, Activation::sin, Activation::softplus})
    for (const Way& way :
         {Way{{8, 8}, "exact"}, Way{{8}, "exact"}, Way{{5, 5, 5}, "exact"}, Way{{8, 8}, "hutchinson:2"}})
      for (const char* solver : {"dopri5", "tsit5", "bosh3", "rk4:8"}) {
        const Cnf model = model_for(way.hidden, activation);
        GradcheckOptions options = options_for(solver, way.divergence);
        options.continuous_rtol = options.reference_rtol = 1e-4;  // not looked at here
        const auto checks = gradcheck(model, x, options);
        const GradientCheck discrete = mode(checks, "discrete");
        const GradientBlock& worst = discrete.worst();
        CAPTURE(name(activation), way.hidden.size(), way.divergence, solver, worst.name);
        CHECK(worst.relative_error < 1e-6);
        CHECK(discrete.cosine() > 1 - 1e-12);
      }
}

TEST_CASE("the discrete gradient is right with a gated output and with time as an input", "[flows][gradient]") {
  const Batch x = normal_batch(2, 3, Seed{71});
  for (const auto& hidden : {std::vector<Index>{8, 8}, {8}, {5, 5, 5}})
    for (const auto& [time, gate] :
         {std::pair{TimeConditioning::concatsquash, true}, {TimeConditioning::concat, false}}) {
      const auto checks = gradcheck(model_for(hidden, Activation::tanh, gate, time), x, options_for("dopri5", "exact"));
      const GradientBlock worst = mode(checks, "discrete").worst();
      CAPTURE(hidden.size(), name(time), worst.name);
      CHECK(worst.relative_error < 1e-6);
    }
}

TEST_CASE("the continuous gradient approaches central differences with its tolerance", "[flows][gradient]") {
  const Batch x = normal_batch(2, 3, Seed{72});
  for (const auto& [hidden, divergence] :
       {std::pair{std::vector<Index>{8, 8}, "exact"}, {std::vector<Index>{8, 8}, "hutchinson:2"}}) {
    const Cnf model = model_for(hidden, Activation::tanh);
    std::vector<double> errors;
    for (const double tolerance : {1e-4, 1e-6, 1e-8}) {
      GradcheckOptions options = options_for("dopri5", divergence);
      options.continuous_rtol = tolerance;
      errors.push_back(mode(gradcheck(model, x, options), "continuous").worst().relative_error);
    }
    CAPTURE(divergence, errors);
    CHECK(errors[2] < 1e-6);  // promised: 1e-4
    CHECK(errors[0] > 10 * errors[1]);
    CHECK(errors[1] > 10 * errors[2]);
  }
}

TEST_CASE("the gradients of t_data and t_base have the sign and size of differences", "[flows][gradient]") {
  Cnf model = model_for({8, 8}, Activation::sin);
  const Batch x = normal_batch(2, 5, Seed{73});
  for (const auto& [t_base, t_data] : {std::pair{0.0, 1.0}, {1.0, 0.0}, {0.25, 1.5}}) {
    model.blocks[0].t_base = t_base;
    model.blocks[0].t_data = t_data;
    CAPTURE(t_base, t_data);
    const auto checks = gradcheck(model, x, options_for("dopri5", "exact"));
    for (const char* name : {"t_data", "t_base"}) {
      CAPTURE(name);
      CHECK(block(mode(checks, "discrete"), name).relative_error < 1e-8);
      CHECK(block(mode(checks, "reversible"), name).relative_error < 1e-8);
      for (const char* solved : {"continuous", "interpolated"}) {
        CHECK(block(mode(checks, solved), name).relative_error < 1e-6);
        CHECK(block(mode(checks, solved), name).cosine > 0);
      }
    }
    // An independent look: re-solve from a moved end, far below the difference's size.
    EvaluationOptions evaluation;
    evaluation.precision = Precision::double_float;
    evaluation.solve.rtol = evaluation.solve.atol = 1e-11;
    const auto loss = [&](double begin, double end) {
      Cnf moved = model;
      moved.blocks[0].t_base = begin;
      moved.blocks[0].t_data = end;
      return -log_prob(moved, x, evaluation).log_prob.mean();
    };
    ObjectiveOptions objective;
    objective.flow()->solve.rtol = objective.flow()->solve.atol = 1e-10;
    const auto of = make_objective<double>(model, objective);
    const LossGradient<double>& at = (*of)(model.params, x, 0);
    const double h = 1e-4;
    CHECK(at.dloss_dt_data() == Approx((loss(t_base, t_data + h) - loss(t_base, t_data - h)) / (2 * h)).epsilon(1e-5));
    CHECK(at.dloss_dt_base() == Approx((loss(t_base + h, t_data) - loss(t_base - h, t_data)) / (2 * h)).epsilon(1e-5));
  }
}

TEST_CASE("gradcheck names every tensor, and shows what freezing the grid leaves out", "[flows][gradient]") {
  const Cnf model = model_for({8, 8}, Activation::tanh);
  const auto checks = gradcheck(model, normal_batch(2, 3, Seed{74}), options_for("dopri5", "exact"));
  REQUIRE(checks.size() == 5);
  CHECK(mode(checks, "discrete").blocks.size() == model.layout().tensors.size() + 3);
  CHECK(block(mode(checks, "discrete"), "layers.1.gate_bias").directions == 3);
  CHECK(mode(checks, "discrete, solved again").worst().relative_error >
        mode(checks, "discrete").worst().relative_error);
  CHECK(mode(checks, "discrete").evaluations > 0);
}

TEST_CASE("gradcheck checks the modes that are asked for, within a memory that it tells", "[flows][gradient]") {
  const Cnf model = model_for({8, 8}, Activation::tanh);
  const Batch x = normal_batch(2, 3, Seed{74});
  GradcheckOptions options = options_for("rk4:300", "exact");
  options.modes = {GradientMode::discrete};
  options.directions = 1;
  options.memory = 300'000;
  const auto checks = gradcheck(model, x, options);
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].worst().relative_error < 1e-6);
  CHECK_THAT(checks[0].kept, Catch::StartsWith("states of all 300 steps"));
  options.memory = 1000;
  CHECK_THROWS_WITH(gradcheck(model, x, options), Catch::Contains("the gradient's memory is"));
  options = options_for("kvaerno3", "exact");
  const auto stiff = gradcheck(model, x, options);
  REQUIRE(stiff.size() == 2);
  for (const char* solved : {"continuous", "interpolated"}) CHECK(mode(stiff, solved).worst().relative_error < 1e-5);
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::reversible}) {
    options.modes = {mode};
    CHECK_THROWS_WITH(gradcheck(model, x, options), Catch::Contains("kvaerno3") && Catch::Contains("continuous"));
  }
}

TEST_CASE("gradcheck refuses a batch that is no tile of the model", "[flows][gradient][errors]") {
  const Cnf model = model_for({8, 8}, Activation::tanh);
  CHECK_THROWS_WITH(gradcheck(model, Batch(Batch::Zero(3, 2)), {}), Catch::Contains("gradcheck: x has 3 rows"));
  CHECK_THROWS_AS(gradcheck(model, Batch(2, 0), {}), std::invalid_argument);
  CHECK_THROWS_WITH(gradcheck(model, Batch(Batch::Zero(2, 65)), {}), Catch::Contains("65 samples, expected 1 to 64"));
}

TEST_CASE("the gradient of any task equals differences of its loss, and a slip of a hundredth is seen",
          "[flows][gradient]") {
  const Cnf model = model_for({8, 6}, Activation::tanh);
  const Batch x = normal_batch(2, 90, Seed{31});
  const TrainingData data = training_rows(x, x, Seed{1});
  for (const AnyObjective& objective : all_objectives()) {
    if (traits(objective).towards_target) continue;  // they read no data: energy_test
    ObjectiveOptions options{objective, 1, Seed{3}};
    if (options.flow()) {
      options.flow()->solve.method = parse_method("rk4:8").method;
      options.flow()->solve.fixed_steps = 8;
      options.flow()->divergence = parse_divergence("hutchinson:1");
    }
    CAPTURE(traits(objective).name);
    FlowTask<double> task(model, data, 80, options, {});
    const GradientCheck check = gradcheck(task, model.params, {.step = 4, .directions = 3});
    REQUIRE(check.blocks.size() == model.layout().tensors.size());
    CAPTURE(check.worst().name);
    CHECK(check.worst().relative_error < 1e-7);
    CHECK(check.cosine() > 1 - 1e-12);
    CHECK(check.evaluations > 0);

    Spoilt spoilt(task, 2);
    const GradientCheck seen = gradcheck(spoilt, model.params, {.step = 4, .directions = 3});
    CHECK(seen.worst().name == model.layout().tensors[2].name);
    CHECK(std::abs(seen.worst().relative_error - 0.01) < 1e-6);
    Spoilt no_number(task, 2, std::numeric_limits<double>::quiet_NaN());
    const GradientCheck nan = gradcheck(no_number, model.params, {.step = 4, .directions = 3});
    CHECK(nan.worst().name == model.layout().tensors[2].name);
    CHECK(std::isnan(nan.worst().relative_error));
    CHECK(std::isnan(nan.cosine()));
    CHECK_THROWS_AS(gradcheck(task, model.params, {.directions = 0}), std::invalid_argument);
  }
  FlowTask<double> task(model, data, 80, {}, {});
  CHECK_THROWS_AS(gradcheck(task, model.params.head(7)), std::invalid_argument);
}
