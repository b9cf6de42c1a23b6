#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <numbers>
#include <string>
#include <tuple>

#include "base/error.hpp"
#include "flows/files/training_file.hpp"
#include "flows/training/flow_task.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Two round Gaussians of deviation 0.5 at (+-2, 0); point b of a step is a function of (step, b) alone.
void draw_mixture(std::uint32_t purpose_step, Out<double> x) {
  for (Index b = 0; b < x.cols(); ++b) {
    const auto sample = static_cast<std::uint64_t>(b);
    const double side = uniform(Seed{1}, Purpose::batch, purpose_step, sample, 0) < 0.5 ? -2 : 2;
    x(0, b) = side + 0.5 * normal(Seed{1}, Purpose::batch, purpose_step, sample, 4);
    x(1, b) = 0.5 * normal(Seed{1}, Purpose::batch, purpose_step, sample, 5);
  }
}
Vector<double> mixture_log_prob(const Batch& x) {
  Vector<double> result(x.cols());
  for (Index b = 0; b < x.cols(); ++b) {
    const double left = std::exp(-2 * (x.col(b) - Eigen::Vector2d(-2, 0)).squaredNorm());
    const double right = std::exp(-2 * (x.col(b) - Eigen::Vector2d(2, 0)).squaredNorm());
    result[b] = std::log((left + right) / (std::numbers::pi));
  }
  return result;
}

TrainingData mixture() {
  TrainingData data;
  data.draw = [](std::uint32_t step, SampleSlots batch) { draw_mixture(step, batch.x); };
  data.validation.x.resize(2, 256);
  draw_mixture(1'000'000, data.validation.slots().x);
  data.true_log_prob = mixture_log_prob(data.validation.x);
  return data;
}

Cnf fresh_model() {
  Cnf model;
  const MlpShape shape = small_shape({8, 8}, Activation::sin);
  model.blocks.front().field = shape;
  model.params = initial_parameters(shape, {.first_weight = 2}, Seed{2}).cast<float>().cast<double>();
  model.standardisation = Standardisation::identity(2);
  model.standardisation.scale(0, 0) = 2;
  model.columns = {"x", "y"};
  return model;
}

FlowTrainOptions quick(std::int64_t steps) {
  FlowTrainOptions options;
  options.steps = steps;
  options.batch = 64;
  options.validate_every = 5;
  options.objective.threads = options.evaluation.threads = 1;
  options.evaluation.solve.rtol = options.evaluation.solve.atol = 1e-6;
  return options;
}

/// A run's every bit: its state and the rows of metrics it made.
template <class T>
struct Run {
  TrainingState<T> state;
  TrainEnd end = TrainEnd::finished;
  std::string metrics;
  OptimizerKind optimizer = OptimizerKind::adam;

  std::string file() const {
    const auto precision = std::is_same_v<T, float> ? Precision::single_float : Precision::double_float;
    return training_bytes<T>({{fresh_model(), precision}, state}, *make_optimizer<T>({.kind = optimizer}));
  }
  std::string bytes() const { return file() + metrics; }
};

std::string text(const MetricsRow& row) {
  std::string line = std::to_string(row.step);
  for (const double x : {row.lr, row.train_loss, row.judged.values.at(0), row.judged.values.at(1),
                         row.judged.values.at(2), row.nfe_train, row.judged.nfe, row.gradient_norm}) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    line += ',' + std::to_string(bits);
  }
  return line + ',' + std::to_string(row.skipped) + ',' + std::to_string(row.rollbacks) + '\n';
}

template <class T = float>
Run<T> run(const FlowTrainOptions& options, const TrainingData& data, TrainHooks<T> hooks, Run<T> from) {
  const auto metrics = hooks.metrics;
  hooks.metrics = [&](const MetricsRow& row) {
    from.metrics += text(row);
    if (metrics) metrics(row);
  };
  from.end = train<T>(fresh_model(), data, options, from.state, hooks);
  return from;
}
template <class T = float>
Run<T> run(const FlowTrainOptions& options, const TrainingData& data = mixture(), TrainHooks<T> hooks = {}) {
  const OptimizerKind kind = options.optimizer.kind;
  return run<T>(options, data, std::move(hooks), {initial_state<T>(fresh_model(), kind), TrainEnd::finished, "", kind});
}

}  // namespace

TEST_CASE("training lowers the loss, towards the entropy of the truth", "[flows][train]") {
  FlowTrainOptions options = quick(300);
  options.validate_every = 100;
  std::vector<MetricsRow> rows;
  TrainHooks<float> hooks;
  hooks.metrics = [&](const MetricsRow& row) { rows.push_back(row); };
  const TrainingData data = mixture();
  const auto trained = run<float>(options, data, hooks);
  REQUIRE(rows.size() == 3);
  const double before = -log_prob(fresh_model(), data.validation).log_prob.mean();
  const double truth = -data.true_log_prob.mean();
  CAPTURE(before, truth, trained.state.best_score);
  CHECK(trained.state.best_score < truth + 0.3 * (before - truth));
  CHECK(rows[2].judged.score < rows[0].judged.score);
  CHECK(rows[2].train_loss < rows[0].train_loss);
  CHECK(rows[2].judged.values[2] == Approx(rows[2].judged.score - truth).margin(1e-12));
  CHECK((rows[2].lr > 0 && rows[2].lr < 1e-3 * options.lr));  // of the last step, just before 0
  CHECK(trained.end == TrainEnd::finished);
  // What is reported is what the best weights give, in the user's units.
  const Cnf best = best_model(fresh_model(), trained.state);
  CHECK(-log_prob(best, data.validation, options.evaluation).log_prob.mean() == trained.state.best_score);
}

TEST_CASE("a run resumed from its file at any step ends in the same bits", "[flows][train][resume]") {
  const std::int64_t steps = 12;
  const TemporaryFolder folder;
  const auto both = [&](auto zero) {
    using T = decltype(zero);
    const std::string whole = run<T>(quick(steps)).bytes();
    for (std::int64_t stop = 1; stop < steps; ++stop) {
      CAPTURE(stop);
      TrainHooks<T> hooks;
      std::string saved;
      std::int64_t step = 0;
      hooks.step = [&](const TrainingState<T>& state, const StepReport&) { step = state.step; };
      hooks.interrupted = [&] { return step == stop; };
      const Precision precision = std::is_same_v<T, float> ? Precision::single_float : Precision::double_float;
      hooks.checkpoint = [&](const TrainingState<T>& state) {
        saved = training_bytes<T>({{fresh_model(), precision}, state});
      };
      Run<T> first = run<T>(quick(steps), mixture(), hooks);
      REQUIRE(first.end == TrainEnd::interrupted);
      put(folder / "training.safetensors", saved);
      CHECK(training_precision(folder / "training.safetensors") == precision);
      first.state = read_training<T>(folder / "training.safetensors").state;
      CHECK(first.state.step == stop);
      FlowTrainOptions on_three_threads = quick(steps);
      on_three_threads.objective.threads = 3;
      CHECK(run<T>(on_three_threads, mixture(), {}, first).bytes() == whole);
    }
  };
  both(float());
  both(double());
}

TEST_CASE("a matching run, a warm-started one, one by soap and one of a sum, resumed at any step, end in the same bits",
          "[flows][train][resume][matching]") {
  const TemporaryFolder folder;
  FlowTrainOptions matching = quick(12), warm = quick(7), soap = quick(12);
  soap.optimizer.kind = OptimizerKind::soap;
  matching.objective.minimise = FlowMatching{};
  warm.warm_start = 5;  // a multiple of validate_every, and once not
  FlowTrainOptions uneven = warm;
  uneven.warm_start = 7, uneven.steps = 5;
  FlowTrainOptions sum = warm;  // likelihood, its terms and matching
  sum.objective.minimise.summands.push_back({FlowMatching{}, 0.5});
  auto& likelihood = std::get<MaximumLikelihood>(sum.objective.minimise.summands[0].what);
  likelihood.flow.beside = {Quadrature::kinetic, Quadrature::frobenius};
  likelihood.weights = {0.01, 0.02};
  likelihood.steer = 0.25;
  FlowTrainOptions rising = sum;
  std::get<MaximumLikelihood>(rising.objective.minimise.summands[0].what).rising = {1, 0};
  rising.warm_start = 0, rising.steps = 12, rising.lr = 0.2, rising.validate_every = 2;
  CHECK(run<float>(rising, mixture()).state.doublings > 0);
  for (const FlowTrainOptions& options : {matching, warm, uneven, soap, sum, rising}) {
    std::vector<double> told, told_later;
    const auto keep = [](std::vector<double>& into) {
      TrainHooks<float> hooks;
      hooks.metrics = [&into](const MetricsRow& row) { into = row.train_parts; };
      return hooks;
    };
    const auto whole = run<float>(options, mixture(), keep(told));
    CHECK(told.size() == options.objective.minimise.told_parts());
    CHECK(whole.state.step == 12);
    CHECK(whole.state.steps == 12);
    for (std::int64_t stop = 1; stop < 12; ++stop) {
      CAPTURE(traits(options.objective.minimise).name, options.warm_start, stop);
      TrainHooks<float> hooks;
      std::int64_t step = 0;
      hooks.step = [&](const TrainingState<float>& state, const StepReport&) { step = state.step; };
      hooks.interrupted = [&] { return step == stop; };
      auto first = run<float>(options, mixture(), hooks);
      REQUIRE(first.end == TrainEnd::interrupted);
      put(folder / "t", first.file());
      const TrainingFile<float> read = read_training<float>(folder / "t");
      CHECK(read.optimizer == name(options.optimizer.kind));
      first.state = read.state;
      FlowTrainOptions on_three_threads = options;
      on_three_threads.objective.threads = 3;
      CHECK(run<float>(on_three_threads, mixture(), keep(told_later), first).bytes() == whole.bytes());
      CHECK(told_later == told);
    }
  }
}

TEST_CASE("a warm start is a matching run, and what follows a likelihood run from its averaged weights",
          "[flows][train][matching]") {
  FlowTrainOptions warm = quick(6), matching = quick(40), likelihood = quick(6);
  warm.warm_start = 40;
  warm.validate_every = likelihood.validate_every = 3;
  matching.objective.minimise = FlowMatching{};
  std::vector<MetricsRow> rows, first_rows, second_rows;
  const auto keep = [](std::vector<MetricsRow>& into) {
    TrainHooks<float> hooks;
    hooks.metrics = [&into](const MetricsRow& row) { into.push_back(row); };
    return hooks;
  };
  TrainHooks<float> hooks = keep(rows);
  hooks.step = [&](const TrainingState<float>& state, const StepReport& made) {
    CHECK((made.nfe == 1) == (state.step <= 40));
    CHECK((made.loss_name == "matching") == (state.step <= 40));
    CHECK((made.stage == 0) == (state.step <= 40));
  };
  const auto both = run<float>(warm, mixture(), hooks);
  matching.validate_every = 40;
  const auto first = run<float>(matching, mixture(), keep(first_rows));
  // The likelihood's run draws the batches of the steps after the warm start's.
  TrainingData later = mixture();
  later.draw = [](std::uint32_t step, SampleSlots batch) { draw_mixture(step + 40, batch.x); };
  Run<float> start{initial_state<float>(fresh_model()), TrainEnd::finished, ""};
  start.state.current = Weights<float>(first.state.current.average, Adam<float>().slots(fresh_model().layout()));
  const auto second = run<float>(likelihood, later, keep(second_rows), start);
  CHECK(both.state.current.params == second.state.current.params);
  CHECK(both.state.current.average == second.state.current.average);
  REQUIRE((rows.size() == 4 && first_rows.size() == 1 && second_rows.size() == 2));
  CHECK(rows[0].step == 40);  // validated at its end, and before every 16 x 3 steps
  CHECK(rows[0].train_loss == first_rows[0].train_loss);
  CHECK(rows[0].judged.score == first_rows[0].judged.score);
  CHECK((rows[1].step == 42 && rows[3].step == 46));
  CHECK(rows[3].judged.score == second_rows[1].judged.score);
  CHECK(rows[3].lr == second_rows[1].lr);
}

TEST_CASE("flow matching lowers the exact validation NLL and its own loss", "[flows][train][matching]") {
  FlowTrainOptions options = quick(1500);
  options.objective.minimise = FlowMatching{};
  options.validate_every = 500;
  std::vector<MetricsRow> rows;
  TrainHooks<float> hooks;
  hooks.metrics = [&](const MetricsRow& row) { rows.push_back(row); };
  const TrainingData data = mixture();
  const auto trained = run<float>(options, data, hooks);
  const double before = -log_prob(fresh_model(), data.validation).log_prob.mean();
  const double truth = -data.true_log_prob.mean();
  CAPTURE(before, truth, trained.state.best_score);
  CHECK(trained.state.best_score < truth + 0.2 * (before - truth));
  CHECK(rows[2].train_loss < rows[0].train_loss);
  CHECK(rows[2].nfe_train == 1);
  const Cnf best = best_model(fresh_model(), trained.state);
  CHECK(-log_prob(best, data.validation, options.evaluation).log_prob.mean() == trained.state.best_score);
}

TEST_CASE("a run with trouble in it resumes to the same bits too", "[flows][train][resume]") {
  TrainingData data = mixture();
  data.draw = [](std::uint32_t step, SampleSlots batch) {
    Out<double> x = batch.x;
    draw_mixture(step, x);
    if ((step >= 3 && step < 9) || step == 10) x(0, 7) = kNaN;
  };
  FlowTrainOptions options = quick(14);
  options.validate_every = 4;
  const auto whole = run<float>(options, data);
  CHECK(whole.state.skipped == 7);
  CHECK(whole.state.rollbacks == 1);
  const TemporaryFolder folder;
  for (std::int64_t stop = 1; stop < 14; ++stop) {
    CAPTURE(stop);
    TrainHooks<float> hooks;
    std::int64_t step = 0;
    hooks.step = [&](const TrainingState<float>& state, const StepReport&) { step = state.step; };
    hooks.interrupted = [&] { return step == stop; };
    auto first = run<float>(options, data, hooks);
    put(folder / "t", training_bytes<float>({{fresh_model()}, first.state}));
    first.state = read_training<float>(folder / "t").state;
    CHECK(run<float>(options, data, {}, first).bytes() == whole.bytes());
  }
}

TEST_CASE("training gives the same bits on one to four threads and in two runs", "[flows][train][bits]") {
  FlowTrainOptions options = quick(10);
  options.batch = 200;
  const std::string one = run<float>(options).bytes();
  CHECK(run<float>(options).bytes() == one);
  for (const int threads : {2, 3, 4}) {
    options.objective.threads = options.evaluation.threads = threads;
    CHECK(run<float>(options).bytes() == one);
  }
}

TEST_CASE("hooks do not change a run", "[flows][train][bits]") {
  const std::string plain = run<float>(quick(10)).bytes();
  TrainHooks<float> hooks;
  int steps = 0, checkpoints = 0;
  hooks.step = [&](const TrainingState<float>&, const StepReport&) { ++steps; };
  hooks.checkpoint = [&](const TrainingState<float>&) { ++checkpoints; };
  hooks.interrupted = [] { return false; };
  hooks.clock = [] { return 0.0; };
  CHECK(run<float>(quick(10), mixture(), hooks).bytes() == plain);
  CHECK((steps == 10 && checkpoints == 2));
}

TEST_CASE("a run by seconds gives the bits of the steps it names, with a warm start and by matching too",
          "[flows][train][seconds][matching]") {
  for (const std::int64_t warm_start : {-1, 0, 32, 40}) {  // likelihood; matching; a third of the time; all of it
    CAPTURE(warm_start);
    FlowTrainOptions options = quick(0);
    options.seconds = warm_start == 40 ? 1 : 6;
    options.warm_start = std::max<std::int64_t>(0, warm_start);
    if (warm_start == 0) options.objective.minimise = FlowMatching{};
    double now = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> fixed;
    TrainHooks<float> hooks;
    hooks.clock = [&] { return now; };
    hooks.step = [&](const TrainingState<float>&, const StepReport& made) {
      now += made.loss_name == "nll" ? 0.125 : 0.0625;
    };
    hooks.steps_fixed = [&](std::int64_t steps, std::int64_t schedule) { fixed.emplace_back(steps, schedule); };
    const auto timed = run<float>(options, mixture(), hooks);
    REQUIRE(fixed.size() == 1);
    CHECK(timed.state.step == options.warm_start + fixed[0].first);
    FlowTrainOptions counted = options;
    std::tie(counted.steps, counted.schedule_steps) = fixed[0];
    CHECK(run<float>(counted).bytes() == timed.bytes());
  }
}

TEST_CASE("a rate far too high is rolled back, halved, and never leaves weights that are not finite",
          "[flows][train][trouble]") {
  FlowTrainOptions options = quick(15);
  options.lr = 1e6;
  options.objective.flow()->solve.max_steps = options.evaluation.solve.max_steps = 60;
  Run<float> end{initial_state<float>(fresh_model()), TrainEnd::finished, ""};
  std::string said;
  try {
    train<float>(fresh_model(), mixture(), options, end.state, {});
  } catch (const ComputationError& error) {
    said = error.what();
  }
  CHECK(end.state.rollbacks > 0);
  CHECK(end.state.skipped > 0);
  CHECK(end.state.rate_scale <= 0.5);
  CHECK((end.state.best.allFinite() && end.state.last_good.params.allFinite()));
}

TEST_CASE("training that cannot be saved stops with step, loss, rate and gradient norm, and the last good weights",
          "[flows][train][trouble]") {
  FlowTrainOptions options = quick(1000);
  options.lr = 1e36;  // twenty halvings do not help
  options.objective.flow()->solve.max_steps = options.evaluation.solve.max_steps = 60;
  TrainingState<float> state = initial_state<float>(fresh_model());
  const Vector<float> start = state.current.params;
  std::string said, advice;
  try {
    train<float>(fresh_model(), mixture(), options, state, {});
  } catch (const ComputationError& error) {
    said = error.what();
    advice = error.help();
  }
  CAPTURE(said);
  CHECK_THAT(said, Catch::Contains("diverged at step ") && Catch::Contains("loss ") && Catch::Contains("rate ") &&
                       Catch::Contains("gradient norm ") && Catch::Contains("20 halvings"));
  CHECK_THAT(advice, Catch::Contains("--lr"));
  CHECK(state.current.params == start);
  CHECK(state.best.allFinite());
}

TEST_CASE("training whose solves fail before any update ends at once, since no rate can help",
          "[flows][train][trouble]") {
  FlowTrainOptions options = quick(1000);
  options.objective.flow()->solve.max_steps = 1;
  TrainingState<float> state = initial_state<float>(fresh_model());
  std::string said;
  try {
    train<float>(fresh_model(), mixture(), options, state, {});
  } catch (const ComputationError& error) {
    said = error.what();
  }
  CAPTURE(said);
  CHECK((state.step == 5 && state.rollbacks == 0 && state.rate_scale == 1));
  CHECK_THAT(said, Catch::Contains("at step 5: loss nan, rate ") && Catch::Contains("gradient norm ") &&
                       Catch::Contains("the last sound weights themselves fail") && Catch::Contains("step_limit: row"));
}

TEST_CASE("steps whose data are not finite are skipped and counted, and nothing else changes",
          "[flows][train][trouble]") {
  TrainingData data = mixture();
  data.draw = [](std::uint32_t step, SampleSlots batch) {
    Out<double> x = batch.x;
    draw_mixture(step, x);
    if (step % 3 == 1) x(1, 63) = kNaN;
  };
  std::int64_t seen = 0;
  TrainHooks<float> hooks;
  hooks.step = [&](const TrainingState<float>& state, const StepReport&) {
    CHECK(state.current.params.allFinite());
    if (state.step % 3 == 2) ++seen;
    CHECK(state.skipped == seen);
    CHECK(state.current.updates == state.step - seen);
  };
  std::vector<MetricsRow> rows;
  hooks.metrics = [&](const MetricsRow& row) { rows.push_back(row); };
  const auto end = run<float>(quick(20), data, hooks);
  CHECK(end.state.skipped == 7);
  CHECK(end.state.rollbacks == 0);
  REQUIRE(rows.size() == 4);
  CHECK(rows.back().skipped == 7);
  for (const MetricsRow& row : rows) CHECK((std::isfinite(row.train_loss) && std::isfinite(row.judged.score)));
}

TEST_CASE("five bad steps in a row go back to the last sound validation at half the rate", "[flows][train][trouble]") {
  TrainingData data = mixture();
  data.draw = [](std::uint32_t step, SampleSlots batch) {
    Out<double> x = batch.x;
    draw_mixture(step, x);
    if (step >= 9 && step < 14) x.setConstant(kNaN);
  };
  FlowTrainOptions options = quick(15);
  options.validate_every = 8;
  Vector<float> at_eight;
  bool moved = false, back = false;
  TrainHooks<float> hooks;
  hooks.step = [&](const TrainingState<float>& state, const StepReport&) {
    if (state.step == 8) at_eight = state.current.params;
    if (state.step == 13) moved = state.current.params != at_eight && state.rollbacks == 0;
    if (state.step == 14) back = state.current.params == at_eight && state.rollbacks == 1 && state.rate_scale == 0.5;
  };
  const auto end = run<float>(options, data, hooks);
  CHECK(moved);
  CHECK(back);
  CHECK(end.state.skipped == 5);
  CHECK(end.state.rollbacks == 1);
}

TEST_CASE("patience stops a run that no longer improves, and the best weights are kept", "[flows][train]") {
  FlowTrainOptions options = quick(200);
  options.patience = 3;
  options.lr = 3;  // it wanders off
  options.ema = 0;
  options.objective.flow()->solve.max_steps = options.evaluation.solve.max_steps = 300;
  double best = std::numeric_limits<double>::infinity();
  Vector<float> best_params;
  std::int64_t best_step = 0, last_step = 0;
  TrainHooks<float> hooks;
  hooks.checkpoint = [&](const TrainingState<float>& state) {
    last_step = state.step;
    if (state.best_score < best) {
      best = state.best_score;
      best_params = state.current.average;
      best_step = state.step;
    }
  };
  const auto end = run<float>(options, mixture(), hooks);
  REQUIRE(end.end == TrainEnd::stopped_early);
  CHECK(end.state.stale_validations == 3);
  CHECK(end.state.best_score == best);
  CHECK(end.state.best == best_params);
  CHECK(end.state.best_step == best_step);
  CHECK(last_step >= best_step + 15);
  CHECK(last_step < 200);
}

TEST_CASE("patience counts from the end of a warm start", "[flows][train][matching]") {
  FlowTrainOptions options = quick(200);
  options.patience = 2;
  options.warm_start = 500;
  options.validate_every = 5;  // in the warm start every 80
  options.lr = 1e-30;          // nothing moves, so no validation is better than the first
  const auto end = run<float>(options, mixture());
  CHECK(end.end == TrainEnd::stopped_early);
  CHECK(end.state.stale_validations == 2);
  CHECK(end.state.step == 505);  // the one that ends the warm start, and the one after it
}

TEST_CASE("training refuses options and data that make no sense", "[flows][train][errors]") {
  TrainingState<float> state = initial_state<float>(fresh_model());
  const auto says = [&](const FlowTrainOptions& options, const TrainingData& data) {
    return message_of<std::invalid_argument>([&] { train<float>(fresh_model(), data, options, state); });
  };
  const auto with = [](auto change) {
    FlowTrainOptions options = quick(3);
    change(options);
    return options;
  };
  using Catch::Contains;
  CHECK_THAT(says(with([](auto& o) { o.batch = 0; }), mixture()), Contains("batch is 0"));
  CHECK_THAT(says(with([](auto& o) { o.validate_every = -1; }), mixture()), Contains("validate_every is -1"));
  CHECK_THAT(says(with([](auto& o) { o.steps = -1; }), mixture()), Contains("steps is -1"));
  CHECK_THAT(says(with([](auto& o) { o.warm_start = -1; }), mixture()), Contains("warm_start is -1"));
  CHECK_THAT(says(with([](auto& o) { o.warm_start = 1, o.objective.minimise = FlowMatching{}; }), mixture()),
             Contains("the objective is flow-matching"));
  CHECK_THAT(says(with([](auto& o) { o.steps = 0; }), mixture()), Contains("clock"));
  CHECK_THAT(says(with([](auto& o) { o.steps = 0, o.seconds = kNaN; }), mixture()), Contains("seconds is nan"));
  CHECK_THAT(says(with([](auto& o) { o.objective.flow()->solve.rtol = -1; }), mixture()), Contains("rtol"));
  TrainingData data = mixture();
  data.draw = nullptr;
  CHECK_THAT(says(quick(3), data), Contains("draw"));
  data = mixture();
  data.validation.x.resize(3, 4);
  CHECK_THAT(says(quick(3), data), Contains("validation is 3 x 4"));
  data = mixture();
  data.true_log_prob.conservativeResize(3);
  CHECK_THAT(says(quick(3), data), Contains("3 true log-densities"));
}
