// Steps of an explicit method, or of one for stiff problems, whichever the problem asks for.
#pragma once

#include "solvers/methods/switching.hpp"
#include "solvers/steppers/explicit.hpp"
#include "solvers/steppers/rosenbrock.hpp"

namespace cnf {

/// To the stiff method   after kStiffSteps steps with h |lambda| near the explicit one's limit, of the last of which
///                       fewer than kCalmSteps in a row were not; |lambda| = |k_7 - k_6| / |z_7 - z_6| of its last two
///                       stages, in units of the tolerance, the largest of the active samples.
/// And back              after kCalmSteps steps with h rho(J) below half that limit, rho(J) from StageSystem::radius.
/// A switch counts in Counters::switches. Only for adaptive steps: a fixed grid has no choice.
/// Source                Hairer, Wanner II, sec. IV.2, "stiffness detection"; code DOPRI5.
template <class T>
class SwitchingStepper final : public Stepper<T> {
 public:
  SwitchingStepper(const Solve<T>& solve, const SwitchingMethod& method);

  const T* open(double t, const T* y) override;
  bool attempt(double t_next, T* y_next, T* error) override;
  Index unsolved_row() const override { return now_->unsolved_row(); }
  DenseStep<T> dense(double t_next, const T* y_next) override { return now_->dense(t_next, y_next); }
  void accept(double t_next, double fraction) override;
  StepSizes& sizes() override { return now_->sizes(); }

 private:
  double explicit_growth(double t_next);
  void take(Stepper<T>& other);

  const Slope<T>& slope_;
  const SolveOptions& options_;
  const SwitchingMethod& method_;
  ExplicitStepper<T> explicit_;
  RosenbrockStepper<T> stiff_;
  Stepper<T>* now_ = &explicit_;
  double t_ = 0;
  const T* y_next_ = nullptr;
  int stiff_steps_ = 0, calm_steps_ = 0;
};

}  // namespace cnf
