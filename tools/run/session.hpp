// One session of a run: from a state to its end, with logs, checkpoints, progress and a last word. It knows steps,
// files and signals; what is trained are the tasks of a Trainee.
#pragma once

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
/// after every validation. `args` has --progress, --quiet and --json. Returns the exit code.
/// Throws Interrupted after it has saved, ComputationError if no validation was finite.
template <class T>
int run_session(const RunFolder& folder, const Args& args, Trainee<T>& trainee, TrainingState<T> state);

}  // namespace cnf
