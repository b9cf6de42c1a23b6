// Training by gradient steps, whatever it is that is trained: steps, validation, best weights, recovery, and a state
// that resumes to the same bits.
#pragma once

#include <array>
#include <functional>
#include <limits>
#include <span>

#include "flows/training/optimizer.hpp"
#include "flows/training/stage.hpp"

namespace cnf {

struct TrainOptions {
  double seconds = 60;  ///< of a run whose last stage has no steps: so long, the earlier stages included
  double closing = 0;   ///< with what follows its end, which takes as long as so many validations, a quarter at most
  int patience = 0;     ///< > 0: in the last stage, stop after that many validations in a row without a better one
  /// Of a run by seconds: stop once a validation is that much worse than the best, in the last stage's three times the
  /// steps of that and 10 validations after it. What is learned then is the training data by heart.
  double lost = std::numeric_limits<double>::infinity();
  UpdateOptions update{};
};

/// What a run knows after a number of steps. Everything the next step depends on is here.
template <class T>
struct TrainingState {
  Weights<T> current, last_good;  ///< last_good: at the last validation that was sound; what a rollback returns to
  Vector<T> best;                 ///< averaged weights of the best validation so far
  double best_score = std::numeric_limits<double>::infinity();
  std::int64_t best_step = 0;
  std::int64_t step = 0;         ///< taken, skipped ones and those of earlier stages included
  std::int64_t steps = 0;        ///< in all stages, by the last one's schedule; 0: not fixed yet
  double rate_scale = 1;         ///< halved by every rollback
  std::int64_t validations = 0;  ///< made, each with its MetricsRow; 0 in a state that does not know
  std::int64_t skipped = 0, rollbacks = 0, failed_in_a_row = 0, stale_validations = 0;
  double gradient_norm = 0;  ///< of the last step that had a finite one
  double window_loss = 0, window_evaluations = 0, window_solves = 0, window_steps = 0;  ///< since the last validation
  std::array<double, kMostParts> window_parts{};  ///< sums of the loss's parts, if it has several
  /// Of a loss with weights that rise: how often they have been doubled, and the evaluations a solve took when they
  /// last were (0: in no window yet).
  double doublings = 0, evaluations_then = 0;
};

/// The state a run starts from.
template <class T>
TrainingState<T> initial_state(const Layout& layout, const Vector<T>& params, const Optimizer<T>& rule);

/// One line of metrics.csv. Nothing in it depends on the clock.
struct MetricsRow {
  std::int64_t step = 0;
  double lr = 0;                      ///< of the step just made
  double train_loss = 0;              ///< mean since the last row
  std::vector<double> train_parts{};  ///< the same of the last stage's Task::parts; NaN in a stage that has others
  Judgement judged;                   ///< of the averaged weights
  double nfe_train = 0;               ///< evaluations per forward solve
  double gradient_norm = 0;
  std::int64_t skipped = 0, rollbacks = 0;
};

/// One step just made, sound or skipped.
struct StepReport {
  std::size_t stage = 0;
  std::string_view loss_name;
  double loss = 0;  ///< NaN if a solve failed
  double nfe = 0;   ///< evaluations per forward solve
  std::span<const std::string_view> part_names{};
  std::span<const double> parts{};  ///< as many, or none if a solve failed
};

enum class TrainEnd { finished, stopped_early, interrupted };

/// How a run speaks to its caller. Any may be empty.
struct RunHooks {
  std::function<void(const MetricsRow&)> metrics{};  ///< after every validation
  /// A run by seconds is at its end: with these as Stage::steps and schedule_steps its last stage gives the same bits.
  std::function<void(std::int64_t steps, std::int64_t schedule_steps)> steps_fixed{};
  std::function<bool()> interrupted{};     ///< polled after every step; true ends the run
  std::function<bool()> checkpoint_due{};  ///< polled after steps without a validation; true: make a checkpoint
  std::function<double()> clock{};  ///< seconds that the run has taken, in earlier calls too; for a run by seconds
};
template <class T>
struct TrainHooks : RunHooks {
  std::function<void(const TrainingState<T>&, const StepReport&)> step{};  ///< after every step
  std::function<void(const TrainingState<T>&)> checkpoint{};  ///< after validations, when due, and when interrupted
};

/// Runs the stages from `state` to the end. Their tasks have one layout and judge alike.
///
/// The weights of a loss that can rise do so only while its solves grow: they are doubled by a validation before which
/// a solve took 2 % more evaluations than when they last were, or than before the first validation.
///
/// A step whose loss or gradient is not finite, or whose solves fail, is skipped and counted; five in a row, or a
/// validation that is not finite, go back to the last sound validation at half the rate. Throws ComputationError (step,
/// loss, rate, gradient norm) when twenty rollbacks have not helped, when the solves of five steps in a row run out of
/// steps at the last sound weights themselves, and at the end if no validation was finite; `state` then holds the last
/// good weights. Where a task throws Stopped, in a step or its validation, that step is not made and the end is
/// `interrupted`. Throws std::invalid_argument for stages, options and states that make no sense.
template <class T>
TrainEnd train(std::span<const RunStage<T>> stages, const Optimizer<T>& rule, const TrainOptions& options,
               TrainingState<T>& state, const TrainHooks<T>& hooks = {});

}  // namespace cnf
