#include "flows/training/flow_task.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/tiles.hpp"
#include "flows/judge/scores.hpp"
#include "flows/training/energy_task.hpp"
#include "flows/training/step_result.hpp"

namespace cnf {

namespace {

constexpr std::string_view kJudged[] = {"validation_nll", "validation_nll_stderr", "kl"};

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("train: " + what); }

void check(const Cnf& model, const TrainingData& data, Index batch) {
  if (!data.draw) refuse("data.draw is empty");
  const Batch& x = data.validation.x;
  if (x.rows() != model.dim() || x.cols() == 0)
    refuse("validation is " + std::to_string(x.rows()) + " x " + std::to_string(x.cols()) + ", expected " +
           std::to_string(model.dim()) + " rows and at least one column");
  expect_samples("train", model, x.rows(), data.validation.given.rows());
  if (data.true_log_prob.size() != 0 && data.true_log_prob.size() != x.cols())
    refuse(std::to_string(data.true_log_prob.size()) + " true log-densities for " + std::to_string(x.cols()) +
           " validation points");
  if (batch < 1) refuse("batch is " + std::to_string(batch) + ", expected at least 1");
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

TrainingData training_rows(const Samples<double>& rows, const Samples<double>& validation, Seed seed) {
  constexpr Index kMost = std::numeric_limits<std::uint32_t>::max();
  const Samples<double>& judges = validation.size() > 0 ? validation : rows;
  if (rows.size() < 1 || rows.size() > kMost || rows.x.rows() != judges.x.rows() ||
      rows.given.rows() != judges.given.rows())
    throw std::invalid_argument("training_rows: rows are " + std::to_string(rows.x.rows()) + " x " +
                                std::to_string(rows.size()) + ", validation " + std::to_string(judges.x.rows()) +
                                " x " + std::to_string(judges.size()) +
                                "; expected 1 to 2^32 - 1 columns and as many dimensions and conditions in both");
  TrainingData data;
  const Index looked_at = std::min(judges.size(), kMostValidationRows);
  data.validation = {Batch(judges.x.rows(), looked_at), Batch(judges.given.rows(), looked_at)};
  for (Index i = 0; i < looked_at; ++i) {
    const Index at = i * judges.size() / looked_at;
    data.validation.x.col(i) = judges.x.col(at);
    data.validation.given.col(i) = judges.given.col(at);
  }
  data.repeats = judges.x.data() != rows.x.data();  // judged by themselves, they are never worse
  data.draw = [rows, seed](std::uint32_t step, SampleSlots batch) {
    const auto n = static_cast<std::uint32_t>(rows.size());
    for (Index b = 0; b < batch.x.cols(); ++b) {
      const Index at = uniform_index(seed, Purpose::batch, step, static_cast<std::uint64_t>(b), 0, n);
      batch.x.col(b) = rows.x.col(at);
      batch.given.col(b) = rows.given.col(at);
    }
  };
  return data;
}

ObjectiveOptions training_objective() {
  FlowOptions flow;
  flow.solve.rtol = flow.solve.atol = 1e-3;
  flow.solve.norm = Norm::tile;
  flow.solve.max_steps = 300;  // ten times what a solve of the built-in sets takes
  flow.adjoint = flow.solve;
  flow.adjoint.control_s = false;  // the seminorm: parameters' gradients are quadratures (Kidger et al. 2021)
  return {.minimise = MaximumLikelihood{flow}};
}

EvaluationOptions validation_evaluation() {
  EvaluationOptions options;
  options.solve.max_steps = 1000;
  return options;
}

ObjectiveSum target_objective() {
  const FlowOptions flow = *training_objective().flow();
  ReverseKl reverse;
  ForwardKl forward;
  reverse.flow = forward.flow = flow;
  std::vector<WeightedObjective> both(2);
  both[0].what = std::move(reverse);
  both[0].weight = 0.1;
  both[1].what = std::move(forward);
  return ObjectiveSum(std::move(both));
}

Validation validate(const Cnf& model, const TrainingData& data, const EvaluationOptions& options) {
  EvaluationOptions of_all = options;
  of_all.failing_steps = 0;  // one failed row, and there is no score
  const Evaluated at = Evaluator(model, of_all).log_prob(data.validation);
  if (!at.failures.empty()) return {.trouble = at.failures.front().message()};
  Scores scores;
  scores.add(at.log_prob, data.true_log_prob);
  if (scores.nll().count() != at.log_prob.size()) return {.nfe = at.nfe_mean()};
  return {scores.nll().value(), scores.nll().standard_error(), scores.kl().value(), at.nfe_mean(), {}};
}

double few_steps_error(const Cnf& model, const TrainingData& data, const CheapSolver& few,
                       const EvaluationOptions& options) {
  EvaluationOptions cheap = options;
  few.apply_to(cheap);
  const Vector<double> exact = Evaluator(model, options).log_prob(data.validation).log_prob,
                       by_few = Evaluator(model, cheap).log_prob(data.validation).log_prob;
  return (by_few - exact).cwiseAbs().mean();
}

template <class T>
FlowTask<T>::FlowTask(const Cnf& model, const TrainingData& data, Index batch, const ObjectiveOptions& objective,
                      const EvaluationOptions& evaluation, const FewSteps* few)
    : model_(model),
      data_(data),
      traits_(traits(objective.minimise)),
      evaluation_(evaluation),
      layout_(model.layout()) {
  if (few != nullptr) few_ = *few;
  check(model, data, batch);
  const double scaling = model.standardisation.log_abs_det();
  for (const double weight : log_density_weights(objective.minimise)) {
    if (weight > 0) constant_ += weight * scaling;
    part_constants_.push_back(weight > 0 ? scaling : 0);
  }
  if (objective.minimise.told_parts() > 0) part_names_ = part_names(objective.minimise);
  if (part_names_.size() > kMostParts)
    refuse("the objective has " + std::to_string(part_names_.size()) + " parts, expected at most " +
           std::to_string(kMostParts));
  objective_ = make_objective<T>(model, objective);
  batch_ = {Batch(model.dim(), batch), Batch(std::ssize(model.given), batch)};
}

template <class T>
StepResult<T> FlowTask<T>::step(const Vector<T>& params, std::uint32_t step) {
  data_.draw(step, batch_.slots());
  const Matrix<T> u = model_.standardisation.apply(batch_.x).template cast<T>();
  const Matrix<T> given = batch_.given.template cast<T>();
  const Samples<T> samples(Tile<T>(u.data(), u.rows(), u.cols()), Tile<T>(given.data(), given.rows(), given.cols()));
  const LossGradient<T>& at = (*objective_)(params, samples, step);
  parts_ = at.parts;
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i] += part_constants_[i];
  StepResult<T> result = step_result(at);
  result.loss += constant_;
  result.parts = parts_;
  return result;
}

template <class T>
Judgement FlowTask<T>::judge(const Vector<T>& params) {
  model_.params = params.template cast<double>();
  const Validation now = validate(model_, data_, evaluation_);
  double score = now.nll;
  if (few_ && std::isfinite(score))
    score += few_->weight * few_steps_error(model_, data_, few_->cheap_solver(), evaluation_);
  return {score, {now.nll, now.nll_stderr, now.kl}, now.nfe, now.trouble};
}

template <class T>
std::span<const std::string_view> FlowTask<T>::judged() const {
  return kJudged;
}

void set_shared(FlowTrainOptions& options, Precision precision, int threads, Seed seed, StopFlag stop) {
  options.evaluation.precision = precision;
  options.evaluation.threads = options.objective.threads = threads;
  options.objective.seed = seed;
  options.evaluation.solve.stop = options.objective.stop = stop;
}

std::int64_t validation_interval(Index rows, const ObjectiveSum& objective) {
  return std::clamp<std::int64_t>(rows / 16, 25, 250) * traits(objective).validation_stretch;
}

template <class T>
FlowRun<T>::FlowRun(const Cnf& model, const TrainingData& data, const FlowTrainOptions& options)
    : rule_(make_optimizer<T>(options.optimizer)) {
  if (options.warm_start < 0) refuse("warm_start is " + std::to_string(options.warm_start) + ", expected 0 or more");
  const ObjectiveTraits own = traits(options.objective.minimise);
  if (options.warm_start > 0 && !own.log_density)
    refuse("a warm start is for likelihood, the objective is " + std::string(own.name));
  const bool towards = static_cast<bool>(data.target.log_density);
  if (own.towards_target != towards)
    refuse(towards ? "there is a target and no data; the objective is " + std::string(own.name) + ", which reads data"
                   : "there are data; the objective is " + std::string(own.name) + ", which reads a target");
  const FewSteps* const few = few_steps_of(options.objective.minimise);
  const Index judging = towards ? kJudgingDraws : data.validation.size();
  const std::int64_t every =
      options.validate_every == 0 ? validation_interval(judging, options.objective.minimise) : options.validate_every;
  const auto add = [&](const ObjectiveSum& minimise, std::int64_t steps, std::int64_t validate_every) {
    ObjectiveOptions objective = options.objective;
    objective.minimise = minimise;
    if (towards)
      tasks_.push_back(
          std::make_unique<EnergyTask<T>>(model, data.target, options.batch, objective, options.evaluation));
    else
      tasks_.push_back(std::make_unique<FlowTask<T>>(model, data, options.batch, objective, options.evaluation, few));
    stages_.push_back(
        {{.steps = steps, .rate = options.lr, .schedule = options.schedule, .validate_every = validate_every},
         tasks_.back().get()});
  };
  if (options.warm_start > 0) add(options.warm, options.warm_start, FlowMatching::kTraits.validation_stretch * every);
  add(options.objective.minimise, options.steps, every);
  stages_.back().stage.schedule_steps = options.schedule_steps;
  options_.seconds = options.seconds;
  options_.closing = options.closing;
  options_.patience = options.patience.value_or(0);
  if (!options.patience && data.repeats) options_.lost = 0.1 + 0.05 * static_cast<double>(model.dim());
  options_.update = {.clip = options.clip,
                     .ema = options.ema,
                     .threads = options.objective.threads > 0 ? options.objective.threads : available_threads()};
}

template <class T>
TrainingState<T> initial_state(const Cnf& model, OptimizerKind optimizer) {
  return initial_state<T>(model.layout(), Vector<T>(model.params.cast<T>()), *make_optimizer<T>({.kind = optimizer}));
}

template <class T>
Cnf best_model(const Cnf& model, const TrainingState<T>& state) {
  Cnf best = model;
  best.params = state.best.template cast<double>();
  return best;
}

template <class T>
TrainEnd train(const Cnf& model, const TrainingData& data, const FlowTrainOptions& options, TrainingState<T>& state,
               const TrainHooks<T>& hooks) {
  const FlowRun<T> run(model, data, options);
  return train<T>(run.stages(), run.rule(), run.options(), state, hooks);
}

namespace {

template <class T>
Cnf trained(const Cnf& start, const TrainingData& data, const FlowTrainOptions& options, const RunHooks& said) {
  TrainingState<T> state = initial_state<T>(start, options.optimizer.kind);
  TrainHooks<T> hooks{said};
  if (!hooks.clock) hooks.clock = steady_seconds;
  train<T>(start, data, options, state, hooks);
  if (!std::isfinite(state.best_score))
    throw ComputationError("train: no validation was finite; there is no model to return",
                           "lower the rate or clip; a run that was interrupted has to reach a validation");
  return best_model(start, state);
}

}  // namespace

Cnf train(const Cnf& start, const TrainingData& data, const FlowTrainOptions& options, const RunHooks& hooks) {
  return options.evaluation.precision == Precision::double_float ? trained<double>(start, data, options, hooks)
                                                                 : trained<float>(start, data, options, hooks);
}

#define CNF_INSTANTIATE(T)                                                                             \
  template class FlowTask<T>;                                                                          \
  template class FlowRun<T>;                                                                           \
  template TrainingState<T> initial_state(const Cnf&, OptimizerKind);                                  \
  template Cnf best_model(const Cnf&, const TrainingState<T>&);                                        \
  template TrainEnd train(const Cnf&, const TrainingData&, const FlowTrainOptions&, TrainingState<T>&, \
                          const TrainHooks<T>&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
