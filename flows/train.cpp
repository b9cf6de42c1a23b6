#include "flows/train.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>

#include <stdexcept>
#include <string>

#include "base/error.hpp"

namespace cnf {

namespace {

constexpr std::int64_t kFailuresBeforeRollback = 5;
constexpr std::int64_t kRollbacksBeforeGivingUp = 20;

Cnf with_params(Cnf model, const Vector<double>& params) {
  model.params = params;
  return model;
}

/// Mean and standard error of the mean.
std::pair<double, double> mean_and_error(const Vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = values.mean();
  const double variance = (values.array() - mean).square().sum() / std::max(1.0, n - 1);
  return {mean, std::sqrt(variance / n)};
}

/// A run by seconds makes so many times the steps of its first twentieth. At least ten, so that those made lie in the
/// schedule's first tenth, which does not depend on their number. Of the likelihood's steps later ones cost up to twice
/// as much, since a flow grows stiffer as it learns (on rings twice, on most sets a tenth to a half); flow matching's
/// all cost the same, and only validation grows.
std::int64_t steps_per_first_twentieth(ObjectiveKind kind) { return kind == ObjectiveKind::likelihood ? 10 : 16; }

/// Of the steps between validations in a warm start: as much dearer is a step of the likelihood.
constexpr std::int64_t kStretch = 16;

void check(const Cnf& model, const TrainingData& data, const TrainOptions& options, bool clock) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("train: " + what); };
  if (!data.draw) refuse("data.draw is empty");
  if (data.validation.rows() != model.dim() || data.validation.cols() == 0)
    refuse("validation is " + std::to_string(data.validation.rows()) + " x " + std::to_string(data.validation.cols()) +
           ", expected " + std::to_string(model.dim()) + " rows and at least one column");
  if (data.true_log_prob.size() != 0 && data.true_log_prob.size() != data.validation.cols())
    refuse(std::to_string(data.true_log_prob.size()) + " true log-densities for " +
           std::to_string(data.validation.cols()) + " validation points");
  if (options.steps < 0) refuse("steps is " + std::to_string(options.steps) + ", expected 0 or more");
  if (options.steps == 0 && !(options.seconds > 0 && std::isfinite(options.seconds)))
    refuse("seconds is " + std::to_string(options.seconds) + ", expected a positive number");
  if (options.steps == 0 && !clock) refuse("a run by seconds needs a clock");
  if (options.warm_start < 0) refuse("warm_start is " + std::to_string(options.warm_start) + ", expected 0 or more");
  if (options.warm_start > 0 && options.objective.kind != ObjectiveKind::likelihood)
    refuse("a warm start is for likelihood, the objective is " + std::string(name(options.objective.kind)));
  if (options.batch < 1) refuse("batch is " + std::to_string(options.batch) + ", expected at least 1");
  if (options.validate_every < 1)
    refuse("validate_every is " + std::to_string(options.validate_every) + ", expected at least 1");
}

}  // namespace

Validation validate(const Cnf& model, const TrainingData& data, const EvaluationOptions& options) {
  Evaluator evaluator(model, options);
  const Evaluated at = evaluator.log_prob(data.validation);
  Validation result;
  const auto [mean, error] = mean_and_error(at.log_prob);
  result.nll = -mean;
  result.nll_stderr = error;
  result.nfe = at.nfe_mean();
  result.kl = data.true_log_prob.size() == 0 ? std::numeric_limits<double>::quiet_NaN()
                                             : (data.true_log_prob - at.log_prob).mean();
  return result;
}

TrainingData training_rows(Batch rows, Batch validation, Seed seed) {
  constexpr Index kMost = std::numeric_limits<std::uint32_t>::max();
  if (rows.cols() < 1 || rows.cols() > kMost || rows.rows() != validation.rows())
    throw std::invalid_argument("training_rows: rows are " + std::to_string(rows.rows()) + " x " +
                                std::to_string(rows.cols()) + ", validation " + std::to_string(validation.rows()) +
                                " x " + std::to_string(validation.cols()) +
                                "; expected 1 to 2^32 - 1 columns and as many dimensions in both");
  TrainingData data;
  data.validation = std::move(validation);
  data.draw = [rows = std::move(rows), seed](std::uint32_t step, Out<double> x) {
    const auto n = static_cast<std::uint32_t>(rows.cols());
    for (Index b = 0; b < x.cols(); ++b)
      x.col(b) = rows.col(uniform_index(seed, Purpose::batch, step, static_cast<std::uint64_t>(b), 0, n));
  };
  return data;
}

ObjectiveOptions training_objective() {
  ObjectiveOptions options;
  options.solve.rtol = options.solve.atol = 1e-3;
  options.solve.norm = Norm::tile;
  options.solve.max_steps = 300;  // ten times what a solve of the built-in sets takes
  options.adjoint = options.solve;
  options.adjoint.control_s = false;  // the seminorm: parameters' gradients are quadratures (Kidger et al. 2021)
  return options;
}

Cnf train(const Cnf& start, const TrainingData& data, const TrainOptions& options) {
  TrainingState<float> state = initial_state<float>(start);
  TrainHooks<float> hooks;
  hooks.clock = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  train<float>(start, data, options, state, hooks);
  if (!std::isfinite(state.best_nll))
    throw ComputationError("train: no validation was finite; there is no model to return", "lower the rate or clip");
  return best_model(start, state);
}

template <class T>
TrainingState<T> initial_state(const Cnf& model) {
  TrainingState<T> state;
  state.current = AdamState<T>(model.params.cast<T>());
  state.last_good = state.current;
  state.best = state.current.params;
  return state;
}

template <class T>
Cnf best_model(const Cnf& model, const TrainingState<T>& state) {
  return with_params(model, state.best.template cast<double>());
}

ObjectiveKind objective_of_step(const TrainOptions& options, std::int64_t step) {
  return step < options.warm_start ? ObjectiveKind::flow_matching : options.objective.kind;
}

template <class T>
TrainEnd train(const Cnf& model, const TrainingData& data, const TrainOptions& options, TrainingState<T>& state,
               const TrainHooks<T>& hooks) {
  check(model, data, options, static_cast<bool>(hooks.clock));
  const std::int64_t warm_start = options.warm_start;
  const auto objective_for = [&](ObjectiveKind kind) {
    ObjectiveOptions of = options.objective;
    of.kind = kind;
    return make_objective<T>(model.shape, model.t_base, model.t_data, of);
  };
  const auto objective = objective_for(options.objective.kind);
  const auto matching = warm_start > 0 ? objective_for(ObjectiveKind::flow_matching) : nullptr;
  const int threads = options.objective.threads > 0 ? options.objective.threads : available_threads();
  const double log_det = model.standardisation.log_abs_det();
  const double started = hooks.clock ? hooks.clock() : 0;
  double warm_seconds = 0;  // that the warm start took, if it ended in this call
  Batch x(model.dim(), options.batch);
  double gradient_norm = 0;
  if (options.steps > 0) state.steps = warm_start + options.steps;

  const auto lr = [&] {
    const bool warming = state.step < warm_start;
    const std::int64_t steps = warming           ? warm_start
                               : state.steps > 0 ? state.steps - warm_start
                                                 : std::numeric_limits<std::int64_t>::max();
    return options.adam.lr * state.rate_scale * schedule(warming ? state.step : state.step - warm_start, steps);
  };
  const auto roll_back = [&](double loss, const std::string& cause) {
    if (++state.rollbacks > kRollbacksBeforeGivingUp) {
      state.current = state.last_good;
      std::ostringstream what;
      what << "training diverged at step " << state.step << ": loss " << loss << ", rate " << lr() << ", gradient norm "
           << gradient_norm << ", after " << kRollbacksBeforeGivingUp << " halvings of the rate"
           << (cause.empty() ? "" : "; the last step failed with ") << cause;
      throw ComputationError(what.str(),
                             "the last good weights are kept; lower --lr, set --clip, raise --max-steps, or look at "
                             "the data's scale");
    }
    state.current = state.last_good;
    state.rate_scale /= 2;
    state.failed_in_a_row = 0;
  };

  const auto stale = [&] {
    return options.patience > 0 && state.step > warm_start && state.stale_validations >= options.patience;
  };
  if (stale()) return TrainEnd::stopped_early;
  while (state.steps == 0 || state.step < state.steps) {
    const double rate = lr();
    const ObjectiveKind kind = objective_of_step(options, state.step);
    const bool warming = state.step < warm_start;
    data.draw(static_cast<std::uint32_t>(state.step), {x.data(), x.rows(), x.cols()});
    const Matrix<T> u = model.standardisation.apply(x).template cast<T>();
    const LossGradient<T>& at =
        (*(warming ? matching : objective))(state.current.params, u, static_cast<std::uint32_t>(state.step));
    const double loss = at.failures.empty() ? at.loss + (kind == ObjectiveKind::likelihood ? log_det : 0)
                                            : std::numeric_limits<double>::quiet_NaN();
    bool sound = std::isfinite(loss);
    if (sound) {
      gradient_norm = adam_update(state.current, at.dloss_dparams, rate, options.adam, threads);
      sound = std::isfinite(gradient_norm);
      if (sound) state.gradient_norm = gradient_norm;
    }
    ++state.step;
    if (sound) {
      state.failed_in_a_row = 0;
      state.window_loss += loss;
      state.window_steps += 1;
    } else {
      ++state.skipped;
      if (++state.failed_in_a_row >= kFailuresBeforeRollback)
        roll_back(loss, at.failures.empty() ? "" : at.failures.front().message());
    }
    state.window_evaluations += static_cast<double>(at.forward.evaluations);
    state.window_solves += static_cast<double>(at.tiles);
    if (hooks.step) hooks.step(state, loss, at.nfe_forward());

    if (warming && state.step == warm_start) {  // before the validation, so that a rollback comes back to here
      state.current = AdamState<T>(Vector<T>(state.current.average));
      if (state.current.params.allFinite()) state.last_good = state.current;
      state.rate_scale = 1;
      state.failed_in_a_row = state.stale_validations = 0;
      if (hooks.clock) warm_seconds = hooks.clock() - started;
    } else if (state.steps == 0 && !warming) {
      const double elapsed = hooks.clock() - started - warm_seconds;
      if (elapsed >= (options.seconds - warm_seconds) / 20) {
        const std::int64_t steps = steps_per_first_twentieth(kind) * (state.step - warm_start);
        state.steps = warm_start + steps;
        if (hooks.steps_fixed) hooks.steps_fixed(steps);
      }
    }
    const std::int64_t every = (warming ? kStretch : 1) * options.validate_every;
    if (state.step % every == 0 || state.step == warm_start || state.step == state.steps) {
      MetricsRow row;
      row.step = state.step;
      row.lr = rate;
      row.train_loss = state.window_loss / state.window_steps;
      row.nfe_train = state.window_evaluations / state.window_solves;
      row.gradient_norm = state.gradient_norm;
      const Validation now =
          validate(with_params(model, state.current.average.template cast<double>()), data, options.evaluation);
      row.validation_nll = now.nll;
      row.validation_nll_stderr = now.nll_stderr;
      row.kl = now.kl;
      row.nfe_validation = now.nfe;
      if (std::isfinite(now.nll) && state.current.params.allFinite()) {
        state.last_good = state.current;
        ++state.stale_validations;
        if (now.nll < state.best_nll) {
          state.best = state.current.average;
          state.best_nll = now.nll;
          state.best_step = state.step;
          state.stale_validations = 0;
        }
      } else {
        roll_back(now.nll, "");
      }
      row.skipped = state.skipped;
      row.rollbacks = state.rollbacks;
      state.window_loss = state.window_steps = state.window_evaluations = state.window_solves = 0;
      if (hooks.metrics) hooks.metrics(row);
      if (hooks.checkpoint) hooks.checkpoint(state);
      if (stale()) return TrainEnd::stopped_early;
    }
    if (hooks.interrupted && hooks.interrupted()) {
      if (!state.current.params.allFinite()) state.current = state.last_good;  // what is saved is always finite
      if (hooks.checkpoint) hooks.checkpoint(state);
      return TrainEnd::interrupted;
    }
  }
  return TrainEnd::finished;
}

#define CNF_INSTANTIATE(T)                                                                         \
  template TrainingState<T> initial_state(const Cnf&);                                             \
  template Cnf best_model(const Cnf&, const TrainingState<T>&);                                    \
  template TrainEnd train(const Cnf&, const TrainingData&, const TrainOptions&, TrainingState<T>&, \
                          const TrainHooks<T>&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
