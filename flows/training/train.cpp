// The trainer. What holds between two steps, and hence in every state that is saved:
//   - `state` alone decides the next step: the stage follows from state.step, and no member of Trainer but pace_,
//     end_ and last_score_, which only say when a run by seconds falls and ends, outlives a step;
//   - state.last_good and state.best are finite; state.current is, or is put back to last_good before it is saved;
//   - a stage's new weights are made before its predecessor's last validation, so that a rollback there finds them.
// A step and its validation are one: stopped inside either, the state is what it was before the step.
#include "flows/training/train.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "base/stop.hpp"
#include "flows/training/pace.hpp"

namespace cnf {

namespace {

constexpr std::int64_t kFailuresBeforeRollback = 5;
constexpr std::int64_t kRollbacksBeforeGivingUp = 20;
constexpr double kStepsAValidation = 5;  // a guess at its time, until there was one
// Of a run's seconds: before which its steps are not fixed, where its schedule is to end, where the run ends anyway.
constexpr double kFix = 0.78, kAim = 0.99, kCut = 1.03;
// When a validation that is worse than the best by TrainOptions::lost is the last one.
constexpr int kLost = 10;                              // validations after the best
constexpr std::int64_t kLostAfter = 3;                 // times the best one's steps
constexpr double kGrowth = 1.02, kMostDoublings = 40;  // weights that rise: when, and how often
constexpr double kMostClosing = 0.25;                  // of them: set aside for what follows the last step

/// The least number of steps, of which so many can have been made before it was known.
std::int64_t least_steps(std::int64_t made) {
  const auto last = static_cast<double>(made - 1);
  auto steps = std::max(made, static_cast<std::int64_t>(last / kFreeShare));
  while (kFreeShare * static_cast<double>(steps) < last) ++steps;
  return steps;
}

template <class T>
class Trainer {
 public:
  Trainer(std::span<const RunStage<T>> stages, const Optimizer<T>& rule, const TrainOptions& options,
          TrainingState<T>& state, const TrainHooks<T>& hooks)
      : stages_(stages), rule_(rule), options_(options), state_(state), hooks_(hooks) {
    check();
    begins_.push_back(0);
    for (const RunStage<T>& run : stages_) begins_.push_back(begins_.back() + run.stage.steps);
    end_ = begins_.back();
    begins_.pop_back();
    const Stage& last = stages_.back().stage;
    by_clock_ = last.steps == 0;
    if (!by_clock_)
      state_.steps = begins_.back() + std::max(last.steps, last.schedule_steps);
    else
      end_ = state_.steps > 0 ? state_.steps : std::numeric_limits<std::int64_t>::max();
    note_pace();
  }

  TrainEnd run() {
    try {
      return make_steps();
    } catch (const Stopped&) {
      if (before_) state_ = *std::move(before_);
      return interrupted();
    }
  }

 private:
  TrainEnd make_steps() {
    if (stale()) return TrainEnd::stopped_early;
    if (state_.step == end_ && state_.window_solves > 0) {  // stopped inside the last validation, which the clock began
      stage_ = stages_.size() - 1;
      rate_ = rate(state_.step - 1);
      validate();
      if (hooks_.checkpoint) hooks_.checkpoint(state_);
    }
    while (state_.step < end_) {
      stage_ = stage_of_step(stages_, state_.step);
      rate_ = rate(state_.step);
      before_.reset();
      if (validation_is_due(state_.step + 1)) before_ = state_;
      step();
      if (stage_ + 1 < stages_.size() && state_.step == begins_[stage_ + 1])
        begin_next_stage();
      else if (by_clock_ && stage_ + 1 == stages_.size())
        watch_clock();
      if (validation_is_due(state_.step)) {
        validate();
        if (stale() && state_.step < end_) end_here();
        if (hooks_.checkpoint) hooks_.checkpoint(state_);
        if (stale()) return TrainEnd::stopped_early;
      } else if (hooks_.checkpoint_due && hooks_.checkpoint_due() && state_.current.params.allFinite()) {
        if (hooks_.checkpoint) hooks_.checkpoint(state_);
      }
      if (hooks_.interrupted && hooks_.interrupted()) return interrupted();
    }
    if (!std::isfinite(state_.best_score)) diverged("the run ends without a finite validation", last_loss_, "");
    return TrainEnd::finished;
  }

  TrainEnd interrupted() {
    if (!state_.current.params.allFinite()) state_.current = state_.last_good;  // what is saved is always finite
    if (hooks_.checkpoint) hooks_.checkpoint(state_);
    return TrainEnd::interrupted;
  }

  void check() const;
  void step();
  void begin_next_stage();
  void note_pace();
  void watch_clock();
  void end_here();
  void validate();
  void note_evaluations(double per_solve);
  void roll_back(double loss, const std::string& cause);
  [[noreturn]] void diverged(const std::string& what, double loss, const std::string& more) const;

  /// The absolute rate of step number `step`.
  double rate(std::int64_t step) const {
    const std::size_t k = stage_of_step(stages_, step);
    const Stage& stage = stages_[k].stage;
    const std::int64_t steps = k + 1 < stages_.size() ? std::max(stage.steps, stage.schedule_steps)
                               : state_.steps > 0     ? state_.steps - begins_[k]
                                                      : std::numeric_limits<std::int64_t>::max();
    return stage.rate * state_.rate_scale * stage.schedule(step - begins_[k], steps);
  }

  bool stale() const {
    if (state_.step <= begins_.back()) return false;
    if (options_.patience > 0 && state_.stale_validations >= options_.patience) return true;
    const std::int64_t best = std::max(state_.best_step - begins_.back(), std::int64_t{0});
    return by_clock_ && last_score_ > state_.best_score + options_.lost && state_.stale_validations >= kLost &&
           state_.step - begins_.back() >= kLostAfter * best;
  }

  /// After `step` steps, the last of stage_: every so many steps of the run, and where a stage or the run ends.
  bool validation_is_due(std::int64_t step) const {
    const bool ends = stage_ + 1 < stages_.size() ? step == begins_[stage_ + 1] : step == end_;
    return ends || step % stages_[stage_].stage.validate_every == 0;
  }

  std::span<const RunStage<T>> stages_;
  const Optimizer<T>& rule_;
  const TrainOptions& options_;
  TrainingState<T>& state_;
  const TrainHooks<T>& hooks_;
  std::vector<std::int64_t> begins_;  ///< of each stage: its first step's number
  bool by_clock_ = false;
  std::int64_t end_ = 0;           ///< the run's last step; of a run by seconds the largest number until it is known
  Pace pace_;                      ///< of the last stage, in this call
  double validation_seconds_ = 0;  ///< of the last one
  double gradient_norm_ = 0;       ///< the last one, finite or not
  double last_loss_ = 0;           ///< of the last step or validation, finite or not
  double last_score_ = -std::numeric_limits<double>::infinity();  ///< of this call's last validation
  std::optional<TrainingState<T>> before_;                        ///< a step that is judged: what it began with
  std::size_t stage_ = 0;                                         ///< of the step being made
  double rate_ = 0;                                               ///< its rate
  bool too_fine_ = false;                                         ///< the last solve to fail: for float
};

template <class T>
void Trainer<T>::check() const {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("train: " + what); };
  if (stages_.empty()) refuse("there is no stage");
  for (const RunStage<T>& run : stages_) {
    const Stage& stage = run.stage;
    const bool last = &run == &stages_.back();
    if (run.task == nullptr || stage.schedule == nullptr) refuse("a stage is without a task or a schedule");
    if (stage.steps < 0 || (stage.steps == 0 && !last))
      refuse("steps is " + std::to_string(stage.steps) + ", expected " + (last ? "0 or more" : "at least 1"));
    if (stage.schedule_steps != 0 && (stage.schedule_steps < stage.steps || stage.steps == 0))
      refuse("schedule_steps is " + std::to_string(stage.schedule_steps) + ", expected 0, or at least the steps, " +
             std::to_string(stage.steps));
    if (stage.validate_every < 1)
      refuse("validate_every is " + std::to_string(stage.validate_every) + ", expected at least 1");
    if (!std::ranges::equal(run.task->judged(), stages_[0].task->judged())) refuse("its stages judge by other columns");
    const Index size = run.task->layout().size;
    for (const Index found : {state_.current.params.size(), state_.current.average.size(),
                              state_.last_good.params.size(), state_.best.size()})
      if (found != size)
        refuse("a state of " + std::to_string(found) + " values for a task of " + std::to_string(size));
    if (state_.current.slots.size() != rule_.slots(run.task->layout()).size())
      refuse("a state of " + std::to_string(state_.current.slots.size()) + " slots for the optimizer " +
             std::string(rule_.name()));
  }
  if (stages_.back().stage.steps > 0) return;
  if (!(options_.seconds > 0 && std::isfinite(options_.seconds)))
    refuse("seconds is " + shortest(options_.seconds) + ", expected a positive number");
  if (!hooks_.clock) refuse("a run by seconds needs a clock");
}

template <class T>
void Trainer<T>::step() {
  Task<T>& task = *stages_[stage_].task;
  if (task.rises()) task.raise(std::exp2(state_.doublings));
  const StepResult<T> at = task.step(state_.current.params, static_cast<std::uint32_t>(state_.step));
  const double loss = at.failures.empty() ? at.loss : std::numeric_limits<double>::quiet_NaN();
  last_loss_ = loss;
  bool sound = std::isfinite(loss);
  if (sound) {
    gradient_norm_ = update(state_.current, task.layout(), rule_, at.dloss_dparams, rate_, options_.update);
    sound = std::isfinite(gradient_norm_);
    if (sound) state_.gradient_norm = gradient_norm_;
  }
  ++state_.step;
  if (sound) {
    state_.failed_in_a_row = 0;
    state_.window_loss += loss;
    for (std::size_t i = 0; i < at.parts.size(); ++i) state_.window_parts[i] += at.parts[i];
    state_.window_steps += 1;
  } else {
    ++state_.skipped;
    if (++state_.failed_in_a_row >= kFailuresBeforeRollback) {
      const std::string cause = at.failures.empty() ? "" : at.failures.front().message();
      too_fine_ = !at.failures.empty() && at.failures.front().cause == Status::Cause::float_rounding;
      const bool spent = !at.failures.empty() && at.failures.front().code != Status::Code::non_finite;  // not the data
      if (spent && state_.current.updates == state_.last_good.updates)  // where a rate has had no part
        diverged("training cannot go on", loss,
                 ", the solves of the last sound weights themselves fail; one of them: " + cause);
      roll_back(loss, cause);
    }
  }
  state_.window_evaluations += static_cast<double>(at.forward.evaluations);
  state_.window_solves += static_cast<double>(at.tiles);
  if (hooks_.step) hooks_.step(state_, {stage_, task.loss_name(), loss, at.nfe(), task.parts(), at.parts});
}

template <class T>
void Trainer<T>::begin_next_stage() {
  if (stages_[stage_ + 1].stage.fresh_optimizer) {
    state_.current = Weights<T>(Vector<T>(state_.current.average), rule_.slots(stages_[stage_ + 1].task->layout()));
    if (state_.current.params.allFinite()) state_.last_good = state_.current;
    state_.rate_scale = 1;
  }
  state_.failed_in_a_row = state_.stale_validations = 0;
  state_.doublings = state_.evaluations_then = 0;
  note_pace();
}

template <class T>
void Trainer<T>::note_pace() {
  if (by_clock_) pace_ = Pace(state_.step, hooks_.clock());
}

/// After a step of the last stage by seconds. Their number is fixed as late as the schedule's free part lets it, by the
/// pace of late, and not before kFix: what fits is then so little that a machine that becomes faster ends it in time,
/// and one that becomes slower is cut short.
template <class T>
void Trainer<T>::watch_clock() {
  const double now = hooks_.clock();
  pace_.note(state_.step, now);
  const double validation =
      validation_seconds_ > 0 ? validation_seconds_ : kStepsAValidation / pace_.steps_per_second();
  const double closing = std::min((1 + options_.closing) * validation, kMostClosing * options_.seconds);
  if (state_.steps == 0) {
    if (now + closing < kFix * options_.seconds) return;
    const double left = kAim * options_.seconds - closing - now;
    const double ahead = left > 0 ? left * pace_.steps_per_second() : 0;
    const std::int64_t made = state_.step - begins_.back();
    if (static_cast<double>(made) < kFreeShare * (static_cast<double>(made) + ahead)) return;
    // A pace that has fallen at once leaves fewer steps than the schedule of those made can have.
    state_.steps = std::max(state_.step + std::lround(ahead), begins_.back() + least_steps(made));
  }
  if (state_.step == state_.steps || now + closing > kCut * options_.seconds) end_here();
}

/// The run's last step is the one just made.
template <class T>
void Trainer<T>::end_here() {
  end_ = state_.step;
  if (!by_clock_) return;
  const std::int64_t made = state_.step - begins_.back();
  if (state_.steps == 0) state_.steps = begins_.back() + least_steps(made);
  if (hooks_.steps_fixed) hooks_.steps_fixed(made, state_.steps - begins_.back());
}

template <class T>
void Trainer<T>::validate() {
  MetricsRow row;
  row.step = state_.step;
  row.lr = rate_;
  row.train_loss = state_.window_loss / state_.window_steps;
  const auto told = stages_.back().task->parts();
  row.train_parts.assign(told.size(), std::numeric_limits<double>::quiet_NaN());
  if (std::ranges::equal(stages_[stage_].task->parts(), told))
    for (std::size_t i = 0; i < told.size(); ++i) row.train_parts[i] = state_.window_parts[i] / state_.window_steps;
  row.nfe_train = state_.window_evaluations / state_.window_solves;
  note_evaluations(row.nfe_train);
  row.gradient_norm = state_.gradient_norm;
  const double begin = by_clock_ ? hooks_.clock() : 0;
  row.judged = stages_[stage_].task->judge(state_.current.average);
  if (by_clock_) validation_seconds_ = hooks_.clock() - begin;
  const double score = last_score_ = row.judged.score;
  if (std::isfinite(score) && state_.current.params.allFinite()) {
    state_.last_good = state_.current;
    ++state_.stale_validations;
    if (score < state_.best_score) {
      state_.best = state_.current.average;
      state_.best_score = score;
      state_.best_step = state_.step;
      state_.stale_validations = 0;
    }
  } else {
    roll_back(score, row.judged.trouble);
  }
  ++state_.validations;
  row.skipped = state_.skipped;
  row.rollbacks = state_.rollbacks;
  state_.window_parts = {};
  state_.window_loss = state_.window_steps = state_.window_evaluations = state_.window_solves = 0;
  if (hooks_.metrics) hooks_.metrics(row);
}

/// A window of solves has ended: weights that rise with them do, if there were more evaluations a solve.
template <class T>
void Trainer<T>::note_evaluations(double per_solve) {
  if (!stages_[stage_].task->rises() || !std::isfinite(per_solve)) return;
  const bool first = state_.evaluations_then == 0;
  if (!first && per_solve <= kGrowth * state_.evaluations_then) return;
  state_.evaluations_then = per_solve;
  if (!first && state_.doublings < kMostDoublings) ++state_.doublings;
}

template <class T>
void Trainer<T>::roll_back(double loss, const std::string& cause) {
  state_.current = state_.last_good;
  if (++state_.rollbacks > kRollbacksBeforeGivingUp)
    diverged("training diverged", loss,
             ", after " + std::to_string(kRollbacksBeforeGivingUp) + " halvings of the rate" +
                 (cause.empty() ? "" : "; the last solve to fail: " + cause));
  state_.rate_scale /= 2;
  state_.failed_in_a_row = 0;
}

template <class T>
void Trainer<T>::diverged(const std::string& what, double loss, const std::string& more) const {
  const std::string text = what + " at step " + std::to_string(state_.step) + ": loss " + significant(loss, 6) +
                           ", rate " + significant(rate_, 6) + ", gradient norm " + significant(gradient_norm_, 6) +
                           more;
  const char* const help = too_fine_ ? "--precision double keeps to the tolerance; or loosen --rtol and --atol"
                                     : "lower --lr, set --clip, raise --max-steps, shorten --t-end, or look at the "
                                       "data's scale";
  throw ComputationError(text, std::string("the last good weights are kept; ") + help);
}

}  // namespace

template <class T>
TrainingState<T> initial_state(const Layout& layout, const Vector<T>& params, const Optimizer<T>& rule) {
  TrainingState<T> state;
  state.current = Weights<T>(params, rule.slots(layout));
  state.last_good = state.current;
  state.best = params;
  return state;
}

template <class T>
TrainEnd train(std::span<const RunStage<T>> stages, const Optimizer<T>& rule, const TrainOptions& options,
               TrainingState<T>& state, const TrainHooks<T>& hooks) {
  return Trainer<T>(stages, rule, options, state, hooks).run();
}

#define CNF_INSTANTIATE(T)                                                                                           \
  template TrainingState<T> initial_state(const Layout&, const Vector<T>&, const Optimizer<T>&);                     \
  template TrainEnd train(std::span<const RunStage<T>>, const Optimizer<T>&, const TrainOptions&, TrainingState<T>&, \
                          const TrainHooks<T>&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
