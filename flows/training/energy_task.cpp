#include "flows/training/energy_task.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "flows/training/flow_task.hpp"
#include "flows/training/step_result.hpp"

namespace cnf {

namespace {

constexpr std::string_view kJudgedByDraws[] = {"reverse_kl", "reverse_kl_stderr", "ess"};

}  // namespace

EnergyJudgement judge_by_draws(const Cnf& model, const Target& target, Seed seed, Index N,
                               const EvaluationOptions& options) {
  EvaluationOptions of_all = options;
  of_all.failing_steps = 0;
  const Evaluated drawn = Evaluator(model, of_all).sample(seed, kFirstOwnDraw, N, true);
  EnergyJudgement found;
  found.nfe = drawn.nfe_mean();
  found.importance.reverse_kl = std::numeric_limits<double>::quiet_NaN();
  if (!drawn.failures.empty()) {
    found.trouble = drawn.failures.front().message();
    return found;
  }
  const Vector<double> log_p = log_densities(target, drawn.points);
  if (log_p.array().isNaN().any()) {
    found.trouble = "the target's log-density is not a number at a draw";
    return found;
  }
  found.importance = importance(log_p - drawn.log_prob);
  return found;
}

template <class T>
EnergyTask<T>::EnergyTask(const Cnf& model, Target target, Index batch, const ObjectiveOptions& objective,
                          const EvaluationOptions& evaluation)
    : model_(model),
      target_(std::move(target)),
      seed_(objective.seed),
      traits_(traits(objective.minimise)),
      evaluation_(evaluation),
      layout_(model.layout()) {
  if (batch < 1) throw std::invalid_argument("train: batch is " + std::to_string(batch) + ", expected at least 1");
  if (objective.minimise.told_parts() > 0) part_names_ = part_names(objective.minimise);
  if (part_names_.size() > kMostParts)
    throw std::invalid_argument("train: the objective has " + std::to_string(part_names_.size()) +
                                " parts, expected at most " + std::to_string(kMostParts));
  ObjectiveOptions towards = objective;
  towards.minimise.set_target(target_);
  objective_ = make_objective<T>(model, towards);
  slots_ = Matrix<T>::Zero(model.dim(), batch);
}

template <class T>
StepResult<T> EnergyTask<T>::step(const Vector<T>& params, std::uint32_t step) {
  return step_result((*objective_)(params, slots_, step));
}

template <class T>
Judgement EnergyTask<T>::judge(const Vector<T>& params) {
  model_.params = params.template cast<double>();
  const EnergyJudgement now = judge_by_draws(model_, target_, seed_, kJudgingDraws, evaluation_);
  const Importance& by = now.importance;
  return {by.reverse_kl, {by.reverse_kl, by.reverse_kl_stderr, by.ess}, now.nfe, now.trouble};
}

template <class T>
std::span<const std::string_view> EnergyTask<T>::judged() const {
  return kJudgedByDraws;
}

template class EnergyTask<float>;
template class EnergyTask<double>;

}  // namespace cnf
