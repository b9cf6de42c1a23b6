// A session of something that is no flow: what it writes, when, and how it goes on.
#include "tools/run/session.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tools/cli/output.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

namespace {

/// (p - 3)^2 of one parameter, and how far p is from 3.
class Parabola final : public Task<float> {
 public:
  bool finite = true;

  Parabola() { layout_.add("p", 1, 1, true); }
  const Layout& layout() const override { return layout_; }
  StepResult<float> step(const Vector<float>& params, std::uint32_t) override {
    gradient_ = Vector<float>::Zero(layout_.size);
    gradient_[0] = 2 * (params[0] - 3);
    StepResult<float> made;
    made.loss = double{params[0] - 3} * double{params[0] - 3};
    made.dloss_dparams = {gradient_.data(), static_cast<std::size_t>(gradient_.size())};
    return made;
  }
  Judgement judge(const Vector<float>& params) override {
    const double far = finite ? std::abs(params[0] - 3) : std::numeric_limits<double>::quiet_NaN();
    return {.score = far, .values = {far, params[0]}, .nfe = 1};
  }
  std::span<const std::string_view> judged() const override { return kJudged; }
  std::string_view loss_name() const override { return "square"; }

 private:
  static constexpr std::string_view kJudged[] = {"far", "seen"};
  Layout layout_;
  Vector<float> gradient_;
};

/// Twelve steps down the parabola, judged every fifth. Keeps the states it wrote.
class Descent final : public Trainee<float> {
 public:
  Parabola task;
  mutable std::vector<TrainingState<float>> states;

  std::span<const RunStage<float>> stages() const override { return stages_; }
  const Optimizer<float>& rule() const override { return rule_; }
  const TrainOptions& options() const override { return options_; }
  void fix_steps(std::int64_t, std::int64_t) override { FAIL("its steps are known"); }
  std::vector<Progress::Field> shown(const MetricsRow&) const override { return {}; }
  std::string model_bytes(const TrainingState<float>& state, const MetricsRow& row) const override {
    CHECK(row.step == state.step);
    return std::to_string(row.step) + " " + std::to_string(state.best[0]);
  }
  std::string training_bytes(const TrainingState<float>& state) const override {
    states.push_back(state);
    return "state " + std::to_string(state.step);
  }
  Ending finish(const TrainingState<float>& state, JsonReport& report) override {
    report.set("far", state.best_score);
    return {"all but down", "cnf info"};
  }
  TrainingState<float> start() const {
    return initial_state<float>(task.layout(), Vector<float>::Zero(task.layout().size), rule_);
  }

 private:
  RunStage<float> stages_[1] = {{{.steps = 12, .rate = 0.5, .validate_every = 5}, &task}};
  Adam<float> rule_;
  TrainOptions options_;
};

Args quiet() {
  static const Verb verb = train_verb();
  return Args(verb, {"--quiet"});
}

std::vector<std::string> first_columns(const std::string& log) {
  std::vector<std::string> columns;
  for (std::size_t begin = 0; begin < log.size(); begin = log.find('\n', begin) + 1)
    columns.push_back(log.substr(begin, log.find(',', begin) - begin));
  return columns;
}

}  // namespace

TEST_CASE("a session logs each validation, keeps model and state, and goes on from any state to the same files",
          "[session]") {
  const TemporaryFolder folder;
  RunFolder run{folder.path()};
  Descent descent;
  CHECK(run_session<float>(run, quiet(), descent, descent.start()) == 0);
  const std::string metrics = contents(run.metrics()), model = contents(run.model());
  CHECK(metrics.starts_with("step,lr,train_loss,far,seen,nfe_train,nfe_validation,gradient_norm,skipped,rollbacks\n"));
  CHECK(first_columns(metrics) == std::vector<std::string>{"step", "5", "10", "12"});
  CHECK(first_columns(contents(run.timing())) == std::vector<std::string>{"step", "5", "10", "12"});
  CHECK(model.starts_with("12 "));
  CHECK(contents(run.training()) == "state 12");
  CHECK(descent.states.front().step == 0);

  // A run killed after step 5: lines of steps that are made again, the last of them cut in the middle, go.
  const auto five =
      std::find_if(descent.states.begin(), descent.states.end(), [](const auto& s) { return s.step == 5; });
  REQUIRE(five != descent.states.end());
  put(run.metrics(), metrics.substr(0, metrics.size() - 10));
  const TrainingState<float> state = *five;
  CHECK(run_session<float>(run, quiet(), descent, state) == 0);
  CHECK(contents(run.metrics()) == metrics);
  CHECK(contents(run.model()) == model);
  CHECK(first_columns(contents(run.timing())) == std::vector<std::string>{"step", "5", "10", "12"});
}

TEST_CASE("checkpoints between validations cost less than a two-hundredth of the time, and are ten seconds apart",
          "[session]") {
  CheckpointPace pace(100);
  CHECK((!pace.due(109.9) && pace.due(110.1)));
  pace.made(110, 110.02);
  CHECK((!pace.due(120) && pace.due(120.1)));
  pace.made(120, 121);  // a second long: 200 seconds apart
  CHECK((!pace.due(320.9) && pace.due(321.1)));
  pace.made(321, 321.1);
  CHECK((!pace.due(521) && pace.due(521.2)));
}

TEST_CASE("a session of which no validation was finite keeps no model", "[session]") {
  const TemporaryFolder folder;
  RunFolder run{folder.path()};
  Descent descent;
  descent.task.finite = false;
  CHECK_THROWS_AS(run_session<float>(run, quiet(), descent, descent.start()), ComputationError);
  CHECK_FALSE(std::filesystem::exists(run.model()));
}

TEST_CASE("a word of a shell is quoted where it must be", "[session]") {
  CHECK(shell_word("runs/8g") == "runs/8g");
  CHECK(shell_word("my run") == "'my run'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a\nb'") == "$'a\\012b\\''");
}
