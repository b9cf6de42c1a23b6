// Runs by seconds, on a machine whose clock the test holds: how near to its seconds a run ends when the machine's speed
// changes at any moment, and that the steps it names give its bits.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "flows/training/pace.hpp"
#include "flows/training/train.hpp"

using namespace cnf;

namespace {

/// A machine: its clock, and how much slower than alone it is at a moment.
struct Machine {
  double now = 0;
  std::function<double(double)> slower = [](double) { return 1; };

  /// Work that alone takes so long, in slices between which the load may change.
  void work(double seconds) {
    for (int slice = 0; slice < 8; ++slice) now += seconds / 8 * slower(now);
  }
};

/// (p - 3)^2, on the machine: its first steps are cheaper, as solves are.
class Bowl final : public Task<double> {
 public:
  double step_seconds = 0.01, judge_seconds = 0.2;
  std::function<double(int)> score{};  ///< of a validation by its number; else how far p is

  explicit Bowl(Machine& machine) : machine_(machine) { layout_.add("p", 1, 1, true); }
  const Layout& layout() const override { return layout_; }
  StepResult<double> step(const Vector<double>& params, std::uint32_t step) override {
    machine_.work(step_seconds * (1 + std::min(1.0, step / 300.0)));
    gradient_ = Vector<double>::Zero(layout_.size);
    gradient_[0] = 2 * (params[0] - 3) + 0.1 * std::sin(step);
    StepResult<double> made{.loss = (params[0] - 3) * (params[0] - 3),
                            .dloss_dparams = {gradient_.data(), static_cast<std::size_t>(layout_.size)}};
    made.forward.evaluations = 1;
    return made;
  }
  Judgement judge(const Vector<double>& params) override {
    machine_.work(judge_seconds);
    const double far = score ? score(judged_++) : std::abs(params[0] - 3);
    return {far, {far}, 1};
  }
  std::span<const std::string_view> judged() const override { return kJudged; }
  std::string_view loss_name() const override { return "square"; }

 private:
  static constexpr std::string_view kJudged[] = {"far"};
  Machine& machine_;
  Layout layout_;
  Vector<double> gradient_;
  int judged_ = 0;
};

struct Outcome {
  TrainingState<double> state;
  TrainEnd end = TrainEnd::finished;
  std::vector<MetricsRow> rows;
  std::int64_t steps = 0, schedule_steps = 0;  ///< as it names them
  int named = 0;
};

const Adam<double> kRule;

Outcome begin() {
  Machine machine;
  const Bowl bowl(machine);
  Outcome outcome;
  outcome.state = initial_state<double>(bowl.layout(), Vector<double>::Zero(bowl.layout().size), kRule);
  return outcome;
}

/// A run by seconds, or by the steps given; `stop` at that step.
Outcome run(Machine& machine, Bowl& bowl, TrainOptions options, Outcome from = begin(), std::int64_t steps = 0,
            std::int64_t schedule_steps = 0, std::int64_t stop = -1, std::int64_t warm_steps = 0) {
  std::vector<RunStage<double>> stages;
  if (warm_steps > 0) stages.push_back({{.steps = warm_steps, .validate_every = 100}, &bowl});
  stages.push_back({{.steps = steps, .schedule_steps = schedule_steps, .validate_every = 100}, &bowl});
  TrainHooks<double> hooks;
  hooks.clock = [&] { return machine.now; };
  hooks.metrics = [&](const MetricsRow& row) { from.rows.push_back(row); };
  hooks.steps_fixed = [&](std::int64_t made, std::int64_t schedule) {
    from.steps = made, from.schedule_steps = schedule;
    ++from.named;
  };
  hooks.interrupted = [&] { return from.state.step == stop; };
  from.end = train<double>(stages, kRule, options, from.state, hooks);
  return from;
}

/// As far as bits go.
bool same(const Outcome& a, const Outcome& b) {
  const auto row_same = [](const MetricsRow& x, const MetricsRow& y) {
    return x.step == y.step && x.lr == y.lr && x.train_loss == y.train_loss && x.judged.score == y.judged.score;
  };
  return a.state.current.params == b.state.current.params && a.state.current.average == b.state.current.average &&
         a.state.best == b.state.best && a.state.step == b.state.step && a.state.steps == b.state.steps &&
         std::ranges::equal(a.rows, b.rows, row_same);
}

}  // namespace

TEST_CASE("a run by seconds ends within a twentieth of them, closing work included, at a rate that has fallen to zero",
          "[flows][train][seconds]") {
  for (const auto& [seconds, closing] : {std::pair{20.0, 0.0}, {20.0, 4.0}, {300.0, 4.0}, {10.0, 1.0}}) {
    CAPTURE(seconds, closing);
    Machine machine;
    Bowl bowl(machine);
    const Outcome timed = run(machine, bowl, {.seconds = seconds, .closing = closing});
    CHECK(std::abs(machine.now + closing * bowl.judge_seconds - seconds) < 0.05 * seconds);
    CHECK(timed.steps == timed.schedule_steps);
    CHECK(timed.rows.back().lr < 1e-3 * 2e-2);
    CHECK(timed.named == 1);
    Machine other;
    Bowl counted(other);
    CHECK(same(timed, run(other, counted, {}, begin(), timed.steps)));
  }
}

TEST_CASE(
    "a machine that becomes busy or free at any moment moves the end a little, and the steps named "
    "give the bits",
    "[flows][train][seconds]") {
  constexpr double kSeconds = 40;
  int cut = 0;
  for (const auto& [slow, allowed] : {std::pair{3.0, 0.15}, {4.0, 0.17}})
    for (int from = -1; from < 20; ++from)
      for (int until = from + 1; until <= 21; until += 4) {
        CAPTURE(slow, from, until);
        Machine machine;
        machine.slower = [&, slow = slow](double now) {
          return now >= 0.05 * kSeconds * from && (until == 21 || now < 0.05 * kSeconds * until) ? slow : 1;
        };
        Bowl bowl(machine);
        const Outcome timed = run(machine, bowl, {.seconds = kSeconds});
        CHECK(std::abs(machine.now - kSeconds) < allowed * kSeconds);
        REQUIRE(timed.named == 1);
        if (timed.steps < timed.schedule_steps) ++cut;
        Machine other;
        Bowl counted(other);
        CHECK(same(timed, run(other, counted, {}, begin(), timed.steps, timed.schedule_steps)));
      }
  CHECK(cut > 0);  // both ways to end were met
}

TEST_CASE("a run by seconds, stopped and gone on with, takes its seconds in all and repeats by the steps it names",
          "[flows][train][seconds][resume]") {
  for (const std::int64_t stop : {50, 600, 900}) {  // the last after the steps are fixed
    CAPTURE(stop);
    Machine machine;
    Bowl bowl(machine);
    Outcome first = run(machine, bowl, {.seconds = 20}, begin(), 0, 0, stop);
    REQUIRE(first.end == TrainEnd::interrupted);
    CHECK((first.state.steps > 0) == (stop == 900));
    CHECK(first.named == 0);
    Bowl again(machine);
    const Outcome timed = run(machine, again, {.seconds = 20}, first);
    CHECK(std::abs(machine.now - 20) < 1);
    Machine other;
    Bowl counted(other);
    CHECK(same(timed, run(other, counted, {}, begin(), timed.steps, timed.schedule_steps)));
  }
}

TEST_CASE("a warm start is made whole, within the run's seconds if they are enough", "[flows][train][seconds]") {
  for (const std::int64_t warm : {300, 3000}) {  // 3000 take longer than all of it
    CAPTURE(warm);
    Machine machine;
    Bowl bowl(machine);
    const Outcome timed = run(machine, bowl, {.seconds = 20}, begin(), 0, 0, -1, warm);
    CHECK(timed.state.step == warm + timed.steps);
    CHECK(timed.steps >= 1);
    if (warm == 300) CHECK(std::abs(machine.now - 20) < 1);
    Machine other;
    Bowl counted(other);
    CHECK(same(timed, run(other, counted, {}, begin(), timed.steps, timed.schedule_steps, -1, warm)));
  }
}

TEST_CASE("a run by seconds that patience stops repeats by the steps it names", "[flows][train][seconds]") {
  Machine machine;
  Bowl bowl(machine);
  bowl.score = [](int) { return 1; };
  const Outcome timed = run(machine, bowl, {.seconds = 40, .patience = 3});
  REQUIRE(timed.end == TrainEnd::stopped_early);
  REQUIRE(timed.named == 1);
  CHECK(timed.steps == 400);
  CHECK(static_cast<double>(timed.steps - 1) <= kFreeShare * static_cast<double>(timed.schedule_steps));
  Machine other;
  Bowl counted(other);
  counted.score = [](int) { return 1; };
  CHECK(same(timed, run(other, counted, {.patience = 3}, begin(), timed.steps, timed.schedule_steps)));
}

TEST_CASE("a run by seconds ends once its validation is lost, and not for a while of worse ones",
          "[flows][train][seconds]") {
  const auto trained = [&](std::function<double(int)> score, double lost = 0.3) {
    Machine machine;
    Bowl bowl(machine);
    bowl.step_seconds = 0.001, bowl.judge_seconds = 0.01, bowl.score = std::move(score);
    return run(machine, bowl, {.seconds = 40, .lost = lost});
  };
  const Outcome early = trained([](int n) { return std::abs(n - 4) * 0.1; });  // best at step 500, number 4
  CHECK(early.end == TrainEnd::stopped_early);
  CHECK((early.state.best_step == 500 && early.steps == 1500));  // 10 validations later, three times the steps
  const Outcome late = trained([](int n) { return std::abs(n - 19) * 0.1; });
  CHECK((late.state.best_step == 2000 && late.steps == 6000));                              // three times the steps
  CHECK(trained([](int n) { return n < 60 ? n * 0.004 : -n; }).end == TrainEnd::finished);  // worse by little
  CHECK(trained([](int n) { return std::abs(n - 4) * 0.1; }, 1e300).end == TrainEnd::finished);
  CHECK(trained([](int n) { return n % 8 == 0 ? -n : n * 0.1; }).end == TrainEnd::finished);  // better now and then
}

TEST_CASE("a first step that took long, or a long closing, does not end a run by seconds", "[flows][train][seconds]") {
  Machine machine;
  machine.slower = [](double now) { return now < 0.5 ? 50 : 1; };
  Bowl bowl(machine);
  CHECK(run(machine, bowl, {.seconds = 20, .closing = 40}).steps > 500);
  CHECK(machine.now > 14);
}

TEST_CASE("the pace is that of the last quarter of the time", "[flows][train][seconds]") {
  CHECK(Pace(5, 1.0).steps_per_second() == std::numeric_limits<double>::infinity());
  Pace pace(100, 10);
  for (int i = 1; i <= 600; ++i) pace.note(100 + i, 10 + 0.01 * i);  // 100 a second
  CHECK(pace.steps_per_second() == Approx(100));
  for (int i = 1; i <= 100; ++i) pace.note(700 + i, 16 + 0.04 * i);  // 25 a second
  CHECK(pace.steps_per_second() == Approx(25));
  pace.note(801, 120);  // one that took a hundred seconds
  CHECK(pace.steps_per_second() < 0.1);
}
