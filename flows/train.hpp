// Training a flow by either objective: steps, validation, best weights, recovery, and a state that resumes to the same
// bits.
#pragma once

#include <functional>
#include <limits>
#include <optional>

#include "flows/objectives/objective.hpp"
#include "flows/optimizer.hpp"

namespace cnf {

/// Where a run's points come from, in the user's units.
struct TrainingData {
  /// Fills x (D x B) with the batch of a step: a function of the step alone.
  std::function<void(std::uint32_t step, Out<double> x)> draw;
  Batch validation;              ///< D x N
  Vector<double> true_log_prob;  ///< of the validation points, where the truth is known; else empty
};

/// Batches of rows drawn with replacement, addressed by the step, from a table (D x N).
TrainingData training_rows(Batch rows, Batch validation, Seed seed);

/// How training solves unless told otherwise: at 1e-3, by a tile's root mean square. Looser, a field learns to exploit
/// the solver: docs/decisions/003.
ObjectiveOptions training_objective();

struct TrainOptions {
  std::int64_t steps = 0;  ///< > 0: that many, to the same bits on every run
  double seconds = 60;     ///< else: about that long; the number of steps is fixed after a twentieth of it
  /// Likelihood only: so many steps by flow matching come before `steps`, with a schedule of their own; the averaged
  /// weights they end with are what the likelihood's run, with a new Adam, starts from. `seconds` includes them.
  std::int64_t warm_start = 0;
  Index batch = 512;
  AdamOptions adam{};
  /// How training solves: its tolerances may be loose, since the discrete adjoint is exact at any.
  ObjectiveOptions objective = training_objective();
  EvaluationOptions evaluation{};  ///< how validation solves: always at evaluation accuracy
  std::int64_t validate_every = 250;
  int patience = 0;  ///< > 0: stop after that many validations in a row without a better one
};

/// What a run knows after a number of steps. Everything the next step depends on is here.
template <class T>
struct TrainingState {
  AdamState<T> current, last_good;  ///< last_good: at the last validation that was sound; what a rollback returns to
  Vector<T> best;                   ///< averaged weights of the best validation so far
  double best_nll = std::numeric_limits<double>::infinity();
  std::int64_t best_step = 0;
  std::int64_t step = 0;   ///< taken, skipped ones and the warm start's included
  std::int64_t steps = 0;  ///< in all, with the warm start's; 0: not fixed yet
  double rate_scale = 1;   ///< halved by every rollback
  std::int64_t skipped = 0, rollbacks = 0, failed_in_a_row = 0, stale_validations = 0;
  double gradient_norm = 0;  ///< of the last step that had a finite one
  double window_loss = 0, window_evaluations = 0, window_solves = 0, window_steps = 0;  ///< since the last validation
};

/// One line of metrics.csv. Nothing in it depends on the clock.
struct MetricsRow {
  std::int64_t step = 0;
  double lr = 0;              ///< of the step just made
  double train_loss = 0;      ///< mean since the last row: likelihood in nats in the user's units, at training
                              ///< tolerance; flow matching a mean square, and so in a warm start
  double validation_nll = 0;  ///< averaged weights, evaluation accuracy
  double validation_nll_stderr = 0;
  double kl = 0;  ///< truth to model on the validation points; NaN where the truth is unknown
  double nfe_train = 0, nfe_validation = 0;  ///< evaluations per forward solve; of flow matching 1
  double gradient_norm = 0;
  std::int64_t skipped = 0, rollbacks = 0;
};

enum class TrainEnd { finished, stopped_early, interrupted };

/// How a run speaks to its caller. Any may be empty.
template <class T>
struct TrainHooks {
  std::function<void(const TrainingState<T>&, double train_loss, double nfe)> step;  ///< after every step
  std::function<void(const MetricsRow&)> metrics;                                    ///< after every validation
  std::function<void(const TrainingState<T>&)> checkpoint;  ///< after every validation, and when interrupted
  std::function<void(std::int64_t steps)> steps_fixed;      ///< a run by seconds now knows its options.steps
  std::function<bool()> interrupted;                        ///< polled after every step
  std::function<double()> clock;                            ///< seconds; a run by seconds needs it
};

/// The state a run starts from: the model's weights.
template <class T>
TrainingState<T> initial_state(const Cnf& model);

/// What step number `step`, counted from 0 with the warm start's, minimises.
ObjectiveKind objective_of_step(const TrainOptions& options, std::int64_t step);

/// Runs from `state` to the end. Validation is the exact NLL whatever the objective; a warm start is validated at its
/// end and, its steps being cheap, every sixteenth time before. A step whose loss is not finite or whose solves fail is
/// skipped and counted; five in a row, or a validation that is not finite, go back to the last sound validation at half
/// the rate. Throws ComputationError (step, loss, rate, gradient norm) when twenty rollbacks have not helped; `state`
/// then holds the last good weights. Throws std::invalid_argument for options and data that make no sense.
template <class T>
TrainEnd train(const Cnf& model, const TrainingData& data, const TrainOptions& options, TrainingState<T>& state,
               const TrainHooks<T>& hooks = {});

/// The same in one call: from `start` to the best weights, in float, by the steady clock.
Cnf train(const Cnf& start, const TrainingData& data, const TrainOptions& options);

/// A model on a run's validation points: mean NLL and its standard error, nats in the user's units; KL from the truth,
/// NaN where that is unknown; evaluations per solve.
struct Validation {
  double nll = 0, nll_stderr = 0, kl = 0, nfe = 0;
};
Validation validate(const Cnf& model, const TrainingData& data, const EvaluationOptions& options);

/// The model with the state's best weights.
template <class T>
Cnf best_model(const Cnf& model, const TrainingState<T>& state);

}  // namespace cnf
