// The flow as a thing to train: batches of points by an objective, judged by the exact log-density.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "flows/certificate.hpp"
#include "flows/evaluator.hpp"
#include "flows/objectives/objectives.hpp"
#include "flows/training/optimizers.hpp"
#include "flows/training/train.hpp"

namespace cnf {

/// Where a run's points come from, in the user's units, with what is given beside them; or, where there are none, what
/// it is trained towards.
struct TrainingData {
  /// Writes the batch of a step: a function of the step alone.
  std::function<void(std::uint32_t step, SampleSlots batch)> draw;
  SampleBatch validation;
  Vector<double> true_log_prob;  ///< of the validation points, where the truth is known; else empty
  bool repeats = false;          ///< the same rows are drawn again and again, and can be learned by heart
  Target target{};               ///< with a log-density: objectives of a target train, and nothing else here is read
};

/// The first of a model's draws that a run makes for itself: in no stream that is asked for by numbers from 0 on. What
/// chose weights, or was trained on, flatters them.
inline constexpr std::uint64_t kFirstOwnDraw = std::uint64_t{1} << 40;

inline constexpr Index kMostValidationRows = 4096;  ///< of a table: more would cost time and say no more

/// Batches of a table's rows drawn with replacement, addressed by the step. They are read where they lie, so `rows`
/// must outlive the data. At most kMostValidationRows of the validation rows are copied, spread evenly over them, since
/// their order may mean something; if there are none, the training rows validate.
/// std::invalid_argument: no row, more than 2^32 - 1, or validation over other dimensions or conditions.
TrainingData training_rows(const Samples<double>& rows, const Samples<double>& validation, Seed seed);
template <class Rows>
requires std::is_same_v<Rows, Batch> || std::is_same_v<Rows, SampleBatch> TrainingData
training_rows(Rows&& temporary, const Samples<double>& validation, Seed seed)
= delete;

/// How training solves unless told otherwise: at 1e-3, by a tile's root mean square. Looser, a field learns to exploit
/// the solver: docs/decisions/003.
ObjectiveOptions training_objective();

/// How validation solves unless told otherwise: as an evaluation does, but no solve tries more than 1000 steps. Weights
/// that take more are on their way to diverge: a sound flow takes some tens.
EvaluationOptions validation_evaluation();

/// A model on a run's validation points, scored as judge/scores.hpp does: mean NLL and its standard error, nats in the
/// user's units, and KL from the truth where that is known; evaluations per solve. A score that is unknown, or of
/// points of which one failed, is NaN; the first failure ends the work.
struct Validation {
  double nll = std::numeric_limits<double>::quiet_NaN(), nll_stderr = nll, kl = nll, nfe = nll;
  std::string trouble{};  ///< of the first row that failed
};
Validation validate(const Cnf& model, const TrainingData& data, const EvaluationOptions& options);
/// Meanly over the same points: how far the log p of few steps is from the exact one, nats; NaN where a solve failed.
double few_steps_error(const Cnf& model, const TrainingData& data, const CheapSolver& few,
                       const EvaluationOptions& options);

/// A model's weights under one objective. The loss of likelihood is in nats in the user's units, at training tolerance;
/// that of flow matching a mean square in unit coordinates, that of a sum told by parts.
/// Judged by the validation's NLL whatever the objective; with few steps (see FlowRun), by that plus their closeness
/// times the mean error, without sign, of their log p: or weights would be best before they are straight.
template <class T>
class FlowTask final : public Task<T> {
 public:
  /// `data` must outlive it. std::invalid_argument: data or options that make no sense.
  FlowTask(const Cnf& model, const TrainingData& data, Index batch, const ObjectiveOptions& objective,
           const EvaluationOptions& evaluation, const FewSteps* few = nullptr);

  const Layout& layout() const override { return layout_; }
  StepResult<T> step(const Vector<T>& params, std::uint32_t step) override;
  bool rises() const override { return objective_->rises(); }
  void raise(double by) override { objective_->raise(by); }
  Judgement judge(const Vector<T>& params) override;
  std::span<const std::string_view> judged() const override;
  std::string_view loss_name() const override { return traits_.loss_name; }
  std::span<const std::string_view> parts() const override { return part_names_; }

 private:
  Cnf model_;  ///< its params are those last judged
  const TrainingData& data_;
  ObjectiveTraits traits_;
  EvaluationOptions evaluation_;
  std::optional<FewSteps> few_;
  Layout layout_;
  std::unique_ptr<Objective<T>> objective_;
  SampleBatch batch_;
  double constant_ = 0;                       ///< from the objective's loss to the user's units
  std::vector<std::string_view> part_names_;  ///< empty: the loss has one part
  std::vector<double> part_constants_, parts_;
};

struct FlowTrainOptions {
  std::int64_t steps = 0;           ///< > 0: that many, to the same bits on every run
  std::int64_t schedule_steps = 0;  ///< > steps: the rate falls as in a run of so many
  double seconds = 60;              ///< without `steps`: that long
  double closing = 0;               ///< as TrainOptions
  /// Likelihood and few steps only: a stage of so many steps by flow matching comes before `steps`, at the same rate
  /// and schedule; the averaged weights it ends with are what the others start from, with a new optimizer. `seconds`
  /// includes it.
  std::int64_t warm_start = 0;
  FlowMatching warm{};  ///< what matches in it
  Index batch = 512;
  double lr = 2e-2;  ///< peak learning rate
  Schedule schedule = warm_root_fall;
  OptimizerOptions optimizer{};
  double clip = 0, ema = 0.998;  ///< as UpdateOptions
  /// How training solves: its tolerances may be loose, since the discrete adjoint is exact at any.
  ObjectiveOptions objective = training_objective();
  EvaluationOptions evaluation = validation_evaluation();  ///< how validation solves: always at evaluation accuracy
  /// Steps between validations; 0: as validation_interval says. A warm start, its steps being cheap, is validated every
  /// sixteenth time and at its end.
  std::int64_t validate_every = 0;
  /// As TrainOptions; none: of rows that repeat, a run by seconds stops once its validation is lost by a tenth of a nat
  /// and a twentieth a dimension.
  std::optional<int> patience{};
};

/// One precision, number of threads, seed and flag to stop by for all of a run: of its steps and of its validations.
void set_shared(FlowTrainOptions& options, Precision precision, int threads, Seed seed, StopFlag stop = nullptr);

/// Steps between validations on so many points, so that these cost little beside training: 25 to 250, and of an
/// objective whose steps are cheap a multiple (ObjectiveTraits::validation_stretch).
std::int64_t validation_interval(Index rows, const ObjectiveSum& objective);

/// All that `train` needs for a flow, made from its options. `data` must outlive it.
/// std::invalid_argument: options that make no sense.
template <class T>
class FlowRun {
 public:
  FlowRun(const Cnf& model, const TrainingData& data, const FlowTrainOptions& options);

  std::span<const RunStage<T>> stages() const { return stages_; }
  const Optimizer<T>& rule() const { return *rule_; }
  const TrainOptions& options() const { return options_; }

 private:
  std::vector<std::unique_ptr<Task<T>>> tasks_;
  std::vector<RunStage<T>> stages_;
  std::unique_ptr<Optimizer<T>> rule_;
  TrainOptions options_;
};

/// The state a flow's run starts from: the model's weights, and the optimizer's slots.
template <class T>
TrainingState<T> initial_state(const Cnf& model, OptimizerKind optimizer = {});

/// The model with the state's best weights.
template <class T>
Cnf best_model(const Cnf& model, const TrainingState<T>& state);

/// Runs a flow's stages from `state` to the end: see train.hpp.
template <class T>
TrainEnd train(const Cnf& model, const TrainingData& data, const FlowTrainOptions& options, TrainingState<T>& state,
               const TrainHooks<T>& hooks = {});

/// How a flow is trained towards a target unless told otherwise, docs/decisions/021: a tenth of reverse KL, which
/// keeps draws from where there is nothing, and forward KL, which finds all modes and gives them their shares.
ObjectiveSum target_objective();

/// The same in one call: from `start` to the best weights, in the precision that validation has, by the steady clock
/// unless the hooks have one. An interrupted run gives the best weights it has come to.
/// Throws ComputationError if no validation was finite.
Cnf train(const Cnf& start, const TrainingData& data, const FlowTrainOptions& options, const RunHooks& hooks = {});

}  // namespace cnf
