// One session of a run: from a state to its end, with logs, checkpoints, progress and a last word. It knows steps,
// files and signals; what is trained are the tasks of a Trainee.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flows/training/train.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/progress.hpp"
#include "tools/run/run_folder.hpp"

namespace cnf {

/// When a checkpoint is due that no validation makes: a killed run loses so many seconds at most, or what keeps the
/// time that checkpoints take below a two-hundredth of the run's.
class CheckpointPace {
 public:
  explicit CheckpointPace(double now) : last_(now) {}
  bool due(double now) const { return now - last_ > std::max(kSeconds, cost_ / kShare); }
  /// Any checkpoint.
  void made(double began, double ended) { last_ = ended, cost_ = std::max(cost_, ended - began); }

 private:
  static constexpr double kSeconds = 10, kShare = 1.0 / 200;
  double last_;
  double cost_ = 0;  ///< seconds of the longest
};

/// What a run says at its end, beside what every run says.
struct Ending {
  std::string found;  ///< behind "trained N steps in S s: ", without a line feed
  std::string next;   ///< a command to go on with
};

/// What a session trains. T: the numbers it computes with.
template <class T>
class Trainee {
 public:
  Trainee() = default;
  Trainee(const Trainee&) = delete;
  Trainee& operator=(const Trainee&) = delete;
  virtual ~Trainee() = default;

  /// What is trained, in stages, and how: as the library's train() takes them.
  virtual std::span<const RunStage<T>> stages() const = 0;
  virtual const Optimizer<T>& rule() const = 0;
  virtual const TrainOptions& options() const = 0;
  /// A run by seconds knows the steps that its last stage made, and of how many its schedule was: they go into the
  /// recipe.
  virtual void fix_steps(std::int64_t steps, std::int64_t schedule_steps) = 0;

  /// What the progress line goes on showing of a validation.
  virtual std::vector<Progress::Field> shown(const MetricsRow& row) const = 0;

  /// The files: of the best weights, with what the validation just made found, and of the state.
  virtual std::string model_bytes(const TrainingState<T>& state, const MetricsRow& row) const = 0;
  virtual std::string training_bytes(const TrainingState<T>& state) const = 0;

  /// Judges the best weights once more and writes what else a finished run has. Adds its keys to the report.
  virtual Ending finish(const TrainingState<T>& state, JsonReport& report) = 0;
};

/// Trains to the end, in a folder that is locked: metrics.csv and timing.csv grow, the model and the state are written
/// after every validation, and the state alone before the first step and from time to time. A run that replaces another
/// does so with its first model; one that is given up before leaves the other as it was. `args` has --progress, --quiet
/// and --json. Returns the exit code.
/// Throws Interrupted after it has saved, ComputationError if no validation was finite, and before it writes anything
/// InputError if a log lacks what the run had written.
template <class T>
int run_session(RunFolder& folder, const Args& args, Trainee<T>& trainee, TrainingState<T> state);

}  // namespace cnf
