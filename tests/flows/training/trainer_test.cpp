// The trainer on something that is no density: least squares of a line, by rules that are not Adam.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/stop.hpp"
#include "flows/training/train.hpp"
#include "tests/base/temporary_folder.hpp"

using namespace cnf;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kJudged[] = {"distance"};

/// y = 2 x - 1 from sixteen points a batch, without noise: loss = mean (a x + b - y)^2 / 2.
class Line final : public Task<double> {
 public:
  std::function<bool(std::uint32_t)> bad = [](std::uint32_t) { return false; };       ///< steps with a loss of NaN
  std::function<std::int64_t(std::uint32_t)> cost = [](std::uint32_t) { return 3; };  ///< evaluations of a step
  bool has_rising = false;
  double raised = 1;
  int calls_left = -1;  ///< after so many calls it is stopped inside one; below 0: never

  Line() {
    layout_.add("slope", 1, 1, true);
    layout_.add("height", 1, 1, true);
    gradient_ = Vector<double>::Zero(layout_.size);
  }
  const Layout& layout() const override { return layout_; }
  StepResult<double> step(const Vector<double>& params, std::uint32_t step) override {
    if (calls_left-- == 0) throw Stopped();
    constexpr int kPoints = 16;
    double loss = 0;
    gradient_.setZero();
    for (std::uint64_t i = 0; i < kPoints; ++i) {
      const double x = normal(Seed{5}, Purpose::batch, step, i, 0);
      const double off = params[slope()] * x + params[height()] - (2 * x - 1);
      loss += off * off / 2 / kPoints;
      gradient_[slope()] += off * x / kPoints;
      gradient_[height()] += off / kPoints;
    }
    StepResult<double> result{.loss = bad(step) ? kNaN : loss,
                              .dloss_dparams = {gradient_.data(), static_cast<std::size_t>(gradient_.size())}};
    result.forward.evaluations = cost(step);
    return result;
  }
  bool rises() const override { return has_rising; }
  void raise(double by) override { raised = by; }
  Judgement judge(const Vector<double>& params) override {
    if (calls_left-- == 0) throw Stopped();
    const double distance = std::hypot(params[slope()] - 2, params[height()] + 1);
    return {distance, {distance}, 7};
  }
  std::span<const std::string_view> judged() const override { return kJudged; }
  std::string_view loss_name() const override { return "squares"; }

  Index slope() const { return layout_.tensors[0].offset; }
  Index height() const { return layout_.tensors[1].offset; }

 private:
  Layout layout_;
  Vector<double> gradient_;
};

/// params -= rate g: nothing is remembered.
class Descent final : public Optimizer<double> {
 public:
  std::string_view name() const override { return "descent"; }
  std::vector<Slot> slots(const Layout&) const override { return {}; }
  void update(const Layout&, Vector<double>& params, std::span<Vector<double>>, std::int64_t, std::span<const double> g,
              double rate, int) const override {
    params -= rate * Eigen::Map<const Vector<double>>(g.data(), params.size());
  }
};

/// One slot: p <- 0.9 p + g, params -= rate p.
class Momentum final : public Optimizer<double> {
 public:
  std::string_view name() const override { return "momentum"; }
  std::vector<Slot> slots(const Layout& params) const override { return {{"p", params}}; }
  void update(const Layout&, Vector<double>& params, std::span<Vector<double>> slots, std::int64_t,
              std::span<const double> g, double rate, int) const override {
    slots[0] = 0.9 * slots[0] + Eigen::Map<const Vector<double>>(g.data(), params.size());
    params -= rate * slots[0];
  }
};

double constant(std::int64_t, std::int64_t) { return 1; }

Stage stage(std::int64_t steps, double rate = 0.05) {
  return {.steps = steps, .rate = rate, .schedule = constant, .validate_every = 10};
}

TrainingState<double> start(const Optimizer<double>& rule) {
  const Line line;
  return initial_state<double>(line.layout(), Vector<double>::Zero(line.layout().size), rule);
}

bool same(const Weights<double>& a, const Weights<double>& b) {
  return a.params == b.params && a.average == b.average && a.slots == b.slots && a.updates == b.updates;
}

bool same(const TrainingState<double>& a, const TrainingState<double>& b) {
  return same(a.current, b.current) && same(a.last_good, b.last_good) && a.best == b.best &&
         a.best_score == b.best_score && a.best_step == b.best_step && a.step == b.step && a.steps == b.steps &&
         a.rate_scale == b.rate_scale && a.skipped == b.skipped && a.rollbacks == b.rollbacks &&
         a.window_loss == b.window_loss && a.window_steps == b.window_steps && a.gradient_norm == b.gradient_norm &&
         a.validations == b.validations && a.doublings == b.doublings && a.evaluations_then == b.evaluations_then;
}

}  // namespace

TEST_CASE("the trainer fits a line by gradient descent and by momentum", "[flows][train][task]") {
  const Descent descent;
  const Momentum momentum;
  for (const Optimizer<double>* rule :
       {static_cast<const Optimizer<double>*>(&descent), static_cast<const Optimizer<double>*>(&momentum)}) {
    CAPTURE(rule->name());
    Line line;
    const RunStage<double> run{stage(400), &line};
    TrainingState<double> state = start(*rule);
    std::vector<MetricsRow> rows;
    TrainHooks<double> hooks;
    hooks.metrics = [&](const MetricsRow& row) { rows.push_back(row); };
    hooks.step = [](const TrainingState<double>&, const StepReport& made) {
      CHECK((made.stage == 0 && made.loss_name == "squares" && made.nfe == 3));
    };
    CHECK(train<double>({&run, 1}, *rule, {.update = {.ema = 0}}, state, hooks) == TrainEnd::finished);
    CHECK(state.best_score < 1e-6);
    CHECK(std::abs(state.best[line.slope()] - 2) < 1e-6);
    CHECK(std::abs(state.best[line.height()] + 1) < 1e-6);
    REQUIRE(rows.size() == 40);
    CHECK((rows[0].lr == 0.05 && rows[0].nfe_train == 3 && rows[0].judged.nfe == 7));
    CHECK(rows[39].judged.values == std::vector{rows[39].judged.score});
    CHECK(state.current.slots.size() == rule->slots(line.layout()).size());
  }
}

TEST_CASE("a fit with trouble in it, interrupted at any step, resumes to the same bits",
          "[flows][train][task][resume]") {
  const Momentum rule;
  Line line;
  line.bad = [](std::uint32_t step) { return step == 3 || (step >= 12 && step < 18); };  // a skip, then a rollback
  Stage second = stage(9, 0.02);
  second.validate_every = 4;
  for (const bool fresh : {true, false}) {
    second.fresh_optimizer = fresh;
    const RunStage<double> stages[] = {{stage(15), &line}, {stage(6), &line}, {second, &line}};
    TrainingState<double> whole = start(rule);
    train<double>(stages, rule, {}, whole);
    CHECK((whole.step == 30 && whole.skipped == 7 && whole.best_step > 18));
    for (std::int64_t stop = 1; stop < 30; ++stop) {
      CAPTURE(fresh, stop);
      TrainingState<double> state = start(rule);
      TrainHooks<double> hooks;
      hooks.interrupted = [&] { return state.step == stop; };
      CHECK(train<double>(stages, rule, {}, state, hooks) == TrainEnd::interrupted);
      TrainingState<double> again = state;  // all that is kept of the first call
      CHECK(train<double>(stages, rule, {}, again) == TrainEnd::finished);
      CHECK(same(again, whole));
    }
  }
}

TEST_CASE("a step or a validation that is stopped inside was never begun, and is made when the run goes on",
          "[flows][train][task][resume]") {
  const Momentum rule;
  Line line;
  line.bad = [](std::uint32_t step) { return step == 3 || (step >= 12 && step < 18); };
  const RunStage<double> stages[] = {{stage(15), &line}, {stage(15), &line}};
  TrainingState<double> whole = start(rule);
  std::vector<std::int64_t> rows;
  TrainHooks<double> hooks;
  hooks.metrics = [&](const MetricsRow& row) { rows.push_back(row.step); };
  train<double>(stages, rule, {}, whole, hooks);
  const std::vector<std::int64_t> all = rows;
  CHECK(all == std::vector<std::int64_t>{10, 15, 20, 30});
  const int calls = 30 + 4;
  for (int stop = 0; stop < calls; ++stop) {
    CAPTURE(stop);
    TrainingState<double> state = start(rule), saved;
    rows.clear();
    int checkpoints = 0;
    hooks.checkpoint = [&](const TrainingState<double>& now) { saved = now, ++checkpoints; };
    line.calls_left = stop;
    CHECK(train<double>(stages, rule, {}, state, hooks) == TrainEnd::interrupted);
    CHECK(same(saved, state));
    CHECK(checkpoints == std::ssize(rows) + 1);
    line.calls_left = -1;
    CHECK(train<double>(stages, rule, {}, saved, hooks) == TrainEnd::finished);
    CHECK(same(saved, whole));
    CHECK(rows == all);
  }
}

TEST_CASE("a checkpoint is made whenever it is due, of finite weights alone, and resumes to the same bits",
          "[flows][train][task][resume]") {
  const Momentum rule;
  Line line;
  const RunStage<double> stages[] = {{stage(15), &line}, {stage(16), &line}};
  TrainingState<double> whole = start(rule);
  train<double>(stages, rule, {}, whole);
  CHECK(whole.validations == 5);  // after steps 10, 15, 20, 30 and 31
  std::vector<TrainingState<double>> saved;
  TrainingState<double> state = start(rule);
  TrainHooks<double> hooks;
  hooks.checkpoint_due = [] { return true; };
  hooks.checkpoint = [&](const TrainingState<double>& now) { saved.push_back(now); };
  train<double>(stages, rule, {}, state, hooks);
  CHECK(same(state, whole));
  REQUIRE(saved.size() == 31);
  for (TrainingState<double>& from : saved) {
    CAPTURE(from.step);
    train<double>(stages, rule, {}, from);
    CHECK(same(from, whole));
  }

  saved.clear();
  state = start(rule);
  const RunStage<double> run{stage(9, std::numeric_limits<double>::max()), &line};  // its first step overflows
  CHECK_THROWS_AS(train<double>({&run, 1}, rule, {}, state, hooks), ComputationError);
  for (const TrainingState<double>& now : saved) CHECK(now.current.params.allFinite());
  CHECK(saved.size() < 9);
}

TEST_CASE("weights that rise double while a solve takes more evaluations than when they last did",
          "[flows][train][task]") {
  // Evaluations a step in each window of ten; by how much the weights have been raised in that window.
  const std::vector<std::int64_t> cost{100, 101, 103, 104, 104, 108, 90, 100, 111, 111};
  const std::vector<double> expected{1, 1, 1, 2, 2, 2, 4, 4, 4, 8};
  for (const bool has_rising : {true, false}) {
    const Descent rule;
    Line line;
    line.has_rising = has_rising;
    line.cost = [&](std::uint32_t step) { return cost[step / 10]; };
    const std::vector<RunStage<double>> stages{{stage(100), &line}};
    TrainingState<double> state = start(rule);
    std::vector<double> seen;
    TrainHooks<double> hooks;
    hooks.step = [&](const TrainingState<double>& at, const StepReport&) {
      if (at.step % 10 == 1) seen.push_back(line.raised);
    };
    train<double>(stages, rule, {}, state, hooks);
    CHECK(seen == (has_rising ? expected : std::vector<double>(10, 1)));
    CHECK(state.doublings == (has_rising ? 3 : 0));
    CHECK(state.evaluations_then == (has_rising ? 111 : 0));
  }
}

TEST_CASE("five losses that are not finite go back to the last sound weights and slots at half the rate",
          "[flows][train][task][trouble]") {
  const Momentum rule;
  Line line;
  line.bad = [](std::uint32_t step) { return step >= 12 && step < 17; };
  const RunStage<double> run{stage(20), &line};
  TrainingState<double> state = start(rule);
  Weights<double> at_ten;
  bool back = false;
  TrainHooks<double> hooks;
  hooks.step = [&](const TrainingState<double>& now, const StepReport&) {
    if (now.step == 10) at_ten = now.current;
    if (now.step == 17) back = same(now.current, at_ten) && now.rate_scale == 0.5 && now.rollbacks == 1;
  };
  train<double>({&run, 1}, rule, {}, state, hooks);
  CHECK(back);
  CHECK(state.skipped == 5);
  CHECK(state.current.params.allFinite());
  line.bad = [](std::uint32_t) { return true; };
  const RunStage<double> longer{stage(200), &line};
  TrainingState<double> hopeless = start(rule);
  CHECK_THROWS_AS(train<double>({&longer, 1}, rule, {}, hopeless), ComputationError);
  CHECK((hopeless.rollbacks == 21 && same(hopeless.current, start(rule).current)));
}

TEST_CASE("a stage begins from the averaged weights with a new optimizer, or goes on with everything",
          "[flows][train][task]") {
  const Momentum rule;
  Line line;
  for (const bool fresh : {true, false}) {
    CAPTURE(fresh);
    Stage last = stage(5, 0.01);
    last.fresh_optimizer = fresh;
    const RunStage<double> stages[] = {{stage(10), &line}, {last, &line}};
    TrainingState<double> state = start(rule);
    Weights<double> before, after;
    std::vector<double> rates;
    TrainHooks<double> hooks;
    hooks.step = [&](const TrainingState<double>& now, const StepReport& made) {
      if (now.step == 10) before = now.current;
      CHECK((made.stage == 1) == (now.step > 10));
    };
    hooks.interrupted = [&] {
      if (state.step == 10) after = state.current;
      return false;
    };
    hooks.metrics = [&](const MetricsRow& row) { rates.push_back(row.lr); };
    train<double>(stages, rule, {}, state, hooks);
    CHECK(after.params == (fresh ? before.average : before.params));
    CHECK(after.slots[0].isZero(0) == fresh);
    CHECK(after.updates == (fresh ? 0 : 10));
    CHECK(rates == std::vector{0.05, 0.01});
  }
}

TEST_CASE("the stage follows from the step", "[flows][train][task]") {
  Line line;
  const RunStage<double> stages[] = {{stage(3), &line}, {stage(1), &line}, {stage(0), &line}};
  const std::size_t expected[] = {0, 0, 0, 1, 2, 2, 2};
  for (std::int64_t step = 0; step < 7; ++step)
    CHECK(stage_of_step<double>(stages, step) == expected[static_cast<std::size_t>(step)]);
}

TEST_CASE("the trainer refuses stages and states that make no sense", "[flows][train][task][errors]") {
  using Catch::Contains;
  const Momentum rule;
  Line line;
  const auto says = [&](std::vector<RunStage<double>> stages, TrainingState<double> state) {
    return message_of<std::invalid_argument>([&] { train<double>(stages, rule, {}, state); });
  };
  CHECK(says({{stage(1), &line}}, start(rule)).empty());
  CHECK_THAT(says({}, start(rule)), Contains("no stage"));
  CHECK_THAT(says({{stage(1), nullptr}}, start(rule)), Contains("without a task"));
  CHECK_THAT(says({{stage(0), &line}, {stage(1), &line}}, start(rule)), Contains("steps is 0, expected at least 1"));
  CHECK_THAT(says({{stage(-1), &line}}, start(rule)), Contains("steps is -1"));
  CHECK_THAT(says({{stage(0), &line}}, start(rule)), Contains("clock"));
  Stage often = stage(1);
  often.validate_every = 0;
  CHECK_THAT(says({{often, &line}}, start(rule)), Contains("validate_every is 0"));
  Stage short_schedule = stage(2);
  short_schedule.schedule_steps = 1;
  CHECK_THAT(says({{short_schedule, &line}}, start(rule)), Contains("schedule_steps is 1, expected 0, or at least"));
  CHECK_THAT(says({{stage(1), &line}}, start(Descent())), Contains("0 slots for the optimizer momentum"));
  TrainingState<double> small = start(rule);
  small.best.resize(3);
  CHECK_THAT(says({{stage(1), &line}}, small), Contains("a state of 3 values for a task of 32"));
}
