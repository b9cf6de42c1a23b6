// The flow as a thing to train towards a density known up to a factor: no data, judged by its own draws.
#pragma once

#include <memory>
#include <vector>

#include "flows/evaluator.hpp"
#include "flows/judge/importance.hpp"
#include "flows/objectives/objectives.hpp"
#include "flows/training/task.hpp"

namespace cnf {

inline constexpr Index kJudgingDraws = 4096;  ///< of the model, by which its weights are chosen: the same each time

/// N draws of a model, by numbers that no one else asks for, against a target: what their weights say, and evaluations
/// per solve. A failed draw, or one where log p~ is NaN, makes the reverse KL NaN, with the trouble.
struct EnergyJudgement {
  Importance importance;
  double nfe = 0;
  std::string trouble{};
};
EnergyJudgement judge_by_draws(const Cnf& model, const Target& target, Seed seed, Index N,
                               const EvaluationOptions& options);

/// A model's weights under objectives of a target, which draw what they need; the score is the reverse KL of the whole
/// target, whatever share of it a step trains on, up to log Z.
template <class T>
class EnergyTask final : public Task<T> {
 public:
  EnergyTask(const Cnf& model, Target target, Index batch, const ObjectiveOptions& objective,
             const EvaluationOptions& evaluation);

  const Layout& layout() const override { return layout_; }
  StepResult<T> step(const Vector<T>& params, std::uint32_t step) override;
  Judgement judge(const Vector<T>& params) override;
  std::span<const std::string_view> judged() const override;
  std::string_view loss_name() const override { return traits_.loss_name; }
  std::span<const std::string_view> parts() const override { return part_names_; }

 private:
  Cnf model_;  ///< its params are those last judged
  Target target_;
  Seed seed_;
  ObjectiveTraits traits_;
  EvaluationOptions evaluation_;
  Layout layout_;
  std::unique_ptr<Objective<T>> objective_;
  Matrix<T> slots_;  ///< as many as a batch has draws; zero
  std::vector<std::string_view> part_names_;
};

}  // namespace cnf
