// The order of a checkpoint: the logs are on the disk first, then the model is written, then the state. Killed in
// between, a run goes on from the state before it, cuts the logs and writes the same model again. Between validations,
// when interrupted or from time to time, the model file stays that of the last one.
#include "tools/run/session.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/number_text.hpp"
#include "base/stop.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"
#include "tools/run/run_log.hpp"

namespace cnf {

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// In all; 0 if the last stage's are not fixed.
template <class T>
std::int64_t steps_of(std::span<const RunStage<T>> stages) {
  std::int64_t steps = 0;
  for (const RunStage<T>& stage : stages) steps += stage.stage.steps;
  return stages.back().stage.steps > 0 ? steps : 0;
}

std::string steps_option(std::int64_t steps, std::int64_t schedule_steps) {
  return "--steps " + std::to_string(steps) +
         (steps < schedule_steps ? " --schedule-steps " + std::to_string(schedule_steps) : "");
}

template <class T>
class Session {
 public:
  Session(RunFolder& folder, const Args& args, Trainee<T>& trainee, const TrainingState<T>& state)
      : folder_(folder),
        args_(args),
        trainee_(trainee),
        steps_(steps_of(trainee.stages())),
        first_step_(state.step),
        rollbacks_(state.rollbacks),
        complete_(steps_ > 0 && state.step >= steps_),
        metrics_(folder.metrics(),
                 metrics_header(trainee.stages().front().task->judged(), trainee.stages().back().task->parts()),
                 state.step, state.validations),
        timing_(folder.timing(), "step,seconds\n", state.step, state.validations),
        before_(timing_.last()),
        progress_(Progress::mode(args.text("progress"), args.flag("quiet")), "step", steps_) {}

  int run(TrainingState<T> state) {
    for (RunLog* log : {&metrics_, &timing_}) {
      if (log->absent() && !args_.flag("quiet"))
        write_stderr("cnf " + args_.verb() + ": " + log->path().string() + " is not there and begins anew\n");
      log->begin();
    }
    if (state.step == 0) save(state);
    progress_.update(state.step, {}, fraction(state));
    TrainEnd end;
    try {
      end = train<T>(trainee_.stages(), trainee_.rule(), trainee_.options(), state, hooks());
    } catch (const ComputationError& error) {
      if (!folder_.replacing) throw;
      folder_.discard_replacement();
      throw ComputationError(std::string(error.what()) + "; the run before it stands", error.help());
    }
    progress_.finish();
    if (end == TrainEnd::interrupted)
      throw Interrupted("stopped after step " + std::to_string(state.step) + "; the run is saved" +
                            (folder_.replacing ? ", and the one before it stands until this has a model" : ""),
                        go_on());
    try {
      report(state, end);
    } catch (const Stopped&) {
      throw Interrupted("stopped after the last step; the run is complete and saved", go_on());
    }
    return 0;
  }

 private:
  std::string go_on() const {
    return "go on with: cnf " + args_.verb() + " --resume " + shell_word(folder_.folder.string());
  }
  double elapsed() const { return seconds_now() - started_; }
  double seconds() const { return before_ + elapsed(); }

  TrainHooks<T> hooks() {
    TrainHooks<T> hooks;
    hooks.clock = [this] { return seconds(); };
    hooks.interrupted = interrupted;
    hooks.step = [this](const TrainingState<T>& now, const StepReport& made) { show(now, made); };
    hooks.steps_fixed = [this](std::int64_t steps, std::int64_t schedule_steps) {
      repeat_ = steps_option(steps, schedule_steps);
      trainee_.fix_steps(steps, schedule_steps);
    };
    hooks.metrics = [this](const MetricsRow& row) {
      last_ = row;
      shown_ = trainee_.shown(row);
      metrics_.add(metrics_line(row));
      timing_.add(std::to_string(row.step) + ',' + shortest(seconds()) + '\n');
    };
    hooks.checkpoint_due = [this] { return pace_.due(seconds_now()); };
    hooks.checkpoint = [this](const TrainingState<T>& now) { save(now); };
    return hooks;
  }

  void save(const TrainingState<T>& now) {
    const double began = seconds_now();
    metrics_.sync();
    timing_.sync();
    const bool judged = std::isfinite(now.best_score) && last_.step == now.step;
    if (judged) write_file(folder_.model(), trainee_.model_bytes(now, last_), Links::replace);
    write_file(folder_.training(), trainee_.training_bytes(now), Links::replace);
    if (judged && folder_.replacing) {
      folder_.replace();
      metrics_.renamed(folder_.metrics());
      timing_.renamed(folder_.timing());
    }
    pace_.made(began, seconds_now());
  }

  void show(const TrainingState<T>& now, const StepReport& made) {
    std::vector<Progress::Field> fields{{made.loss_name, made.loss}};
    for (std::size_t i = 0; i < made.parts.size(); ++i) fields.push_back({made.part_names[i], made.parts[i]});
    if (made.nfe > 1) fields.push_back({"evaluations", made.nfe});  // a task without solves makes one a step
    fields.insert(fields.end(), shown_.begin(), shown_.end());
    if (now.rollbacks > rollbacks_ && !args_.flag("quiet"))
      progress_.note("cnf " + args_.verb() + ": step " + std::to_string(now.step) + ": loss " +
                     significant(made.loss, 4) + ", gradient norm " + significant(now.gradient_norm, 4) +
                     "; back to the last sound weights, at half the rate: " +
                     significant(trainee_.stages()[made.stage].stage.rate * now.rate_scale, 3));
    rollbacks_ = now.rollbacks;
    progress_.update(now.step, fields, fraction(now));
  }

  /// Of the work: a step counts by how seldom its stage is validated, since this is how cheap it is. Of a run by
  /// seconds, of the time.
  double fraction(const TrainingState<T>& now) const {
    if (steps_ == 0) return seconds() / trainee_.options().seconds;
    double done = 0, all = 0;
    std::int64_t begin = 0;
    for (const RunStage<T>& run : trainee_.stages()) {
      const double each = 1 / static_cast<double>(run.stage.validate_every);
      done += each * static_cast<double>(std::clamp<std::int64_t>(now.step - begin, 0, run.stage.steps));
      all += each * static_cast<double>(run.stage.steps);
      begin += run.stage.steps;
    }
    return done / all;
  }

  /// Of a run by steps: those that its last stage has made.
  std::string steps_made(const TrainingState<T>& state) const {
    const Stage& last = trainee_.stages().back().stage;
    return steps_option(state.step - (steps_ - last.steps), std::max(last.steps, last.schedule_steps));
  }

  void report(const TrainingState<T>& state, TrainEnd end) {
    JsonReport report;
    report.set("model", folder_.folder.string()).set("steps", state.step);
    report.set("best_step", state.best_step);
    const Ending ending = trainee_.finish(state, report);
    const double taken = elapsed();
    report.set("seconds", taken).set("skipped", state.skipped).set("rollbacks", state.rollbacks);
    if (args_.flag("json")) write_stdout(report.text());
    if (args_.flag("quiet")) return;
    std::ostringstream text;
    if (complete_)
      text << "the run is complete; nothing was left to train. To train its model on: cnf " << args_.verb()
           << " --init " << shell_word(folder_.folder.string()) << " --data DATA -o NEW\n";
    text << "trained " << state.step - first_step_ << " steps in " << decimals(taken, 1) << " s: " << ending.found
         << '\n';
    if (!repeat_.empty() && end == TrainEnd::finished && state.step < state.steps)
      text << "cut short by the clock: the machine had become slower, and the rate had not fallen to zero\n";
    if (end == TrainEnd::stopped_early)
      text << "ended at step " << state.step << ": no validation was better than that of step " << state.best_step
           << ", whose weights are kept\n";
    if (state.skipped > 0) text << "skipped " << state.skipped << " steps, " << state.rollbacks << " rollbacks\n";
    const std::string repeat = end == TrainEnd::stopped_early && repeat_.empty() ? steps_made(state) : repeat_;
    if (!repeat.empty()) text << "repeat with: " << repeat << '\n';
    text << "next: " << ending.next << '\n';
    write_stderr(text.str());
  }

  RunFolder& folder_;
  const Args& args_;
  Trainee<T>& trainee_;
  double started_ = seconds_now();
  std::int64_t steps_;  ///< of all stages; 0: a run by seconds
  std::int64_t first_step_, rollbacks_;
  std::string repeat_;  ///< of a run by seconds that has ended
  bool complete_;
  RunLog metrics_, timing_;
  double before_;  ///< seconds of earlier sessions
  CheckpointPace pace_{started_};
  Progress progress_;
  MetricsRow last_;
  std::vector<Progress::Field> shown_;
};

}  // namespace

template <class T>
int run_session(RunFolder& folder, const Args& args, Trainee<T>& trainee, TrainingState<T> state) {
  Session<T> session(folder, args, trainee, state);
  return session.run(std::move(state));
}

template int run_session(RunFolder&, const Args&, Trainee<float>&, TrainingState<float>);
template int run_session(RunFolder&, const Args&, Trainee<double>&, TrainingState<double>);

}  // namespace cnf
