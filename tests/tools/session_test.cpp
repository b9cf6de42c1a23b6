// A session of something that is no flow: what it writes, when, and how it goes on.
#include "tools/run/session.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tools/cli/signals.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

namespace {

/// Counts to twelve, judged every fifth step; its weights are the number.
class Counter final : public Trainee<float> {
 public:
  std::int64_t stop_after = 12;
  bool finite = true;
  std::vector<std::string> calls;

  Budget budget() const override { return {12, 0}; }
  TrainEnd train(TrainingState<float>& state, const TrainHooks<float>& hooks) override {
    for (state.steps = 12; state.step < 12;) {
      if (state.step == stop_after) {
        hooks.checkpoint(state);
        return TrainEnd::interrupted;
      }
      ++state.step;
      hooks.step(state, {0, "loss", 1.0, 1.0});
      if (state.step % 5 != 0 && state.step != 12) continue;
      state.best_score = finite ? 0.5 : std::numeric_limits<double>::infinity();
      hooks.metrics({.step = state.step, .judged = {0.5, {0.5, 0.25, 1}, 2}});
      hooks.checkpoint(state);
    }
    return TrainEnd::finished;
  }
  void fix_steps(std::int64_t) override { calls.emplace_back("fix"); }
  std::span<const std::string_view> judged() const override {
    static constexpr std::string_view kColumns[] = {"wrong", "sure", "seen"};
    return kColumns;
  }
  std::vector<Progress::Field> step_fields(const StepReport& made) const override {
    return {{made.loss_name, made.loss}};
  }
  std::vector<Progress::Field> validation_fields(const MetricsRow&) const override { return {}; }
  std::string model_bytes(const TrainingState<float>& state, const MetricsRow& row) const override {
    CHECK(row.step == state.step);
    return "model " + std::to_string(state.step);
  }
  std::string training_bytes(const TrainingState<float>& state) const override {
    return "state " + std::to_string(state.step);
  }
  Ending finish(const TrainingState<float>&, JsonReport& report) override {
    report.set("wrong", 0.5);
    calls.emplace_back("finish");
    return {"half of it wrong", "cnf info"};
  }
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

TrainingState<float> at_step(std::int64_t step) {
  TrainingState<float> state;
  state.step = step;
  return state;
}

}  // namespace

TEST_CASE("a session logs each validation, keeps model and state, and goes on where it was stopped", "[session]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path()};
  Counter counter;
  counter.stop_after = 7;
  CHECK_THROWS_AS(run_session<float>(run, quiet(), counter, at_step(0)), Interrupted);
  CHECK(counter.calls.empty());
  CHECK(contents(run.model()) == "model 5");  // of the last validation
  CHECK(contents(run.training()) == "state 7");
  const std::string header =
      "step,lr,train_loss,wrong,sure,seen,nfe_train,nfe_validation,gradient_norm,skipped,rollbacks\n";
  CHECK(contents(run.metrics()).starts_with(header));
  CHECK(first_columns(contents(run.metrics())) == std::vector<std::string>{"step", "5"});

  // What another process added behind the state's step, the last line cut in the middle, goes.
  put(run.metrics(), contents(run.metrics()) + "10,0,0,0,0,0,0,0,0,0,0\n11,0");
  counter.stop_after = 12;
  CHECK(run_session<float>(run, quiet(), counter, at_step(7)) == 0);
  CHECK(counter.calls == std::vector<std::string>{"finish"});
  CHECK(contents(run.model()) == "model 12");
  CHECK(contents(run.training()) == "state 12");
  CHECK(first_columns(contents(run.metrics())) == std::vector<std::string>{"step", "5", "10", "12"});
  CHECK(first_columns(contents(run.timing())) == std::vector<std::string>{"step", "5", "10", "12"});
  CHECK(contents(run.metrics()).find("10,0,0,0,") == std::string::npos);
}

TEST_CASE("a session of which no validation was finite keeps no model and says so", "[session]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path()};
  Counter counter;
  counter.finite = false;
  CHECK_THROWS_AS(run_session<float>(run, quiet(), counter, at_step(0)), ComputationError);
  CHECK_FALSE(std::filesystem::exists(run.model()));
  CHECK(contents(run.training()) == "state 12");
}

TEST_CASE("a word of a shell is quoted where it must be", "[session]") {
  CHECK(shell_word("runs/8g") == "runs/8g");
  CHECK(shell_word("my run") == "'my run'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("") == "''");
}
