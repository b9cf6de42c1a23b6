// Rosenbrock steps: one linearisation and as many linear systems as stages, no iterations.
#pragma once

#include "solvers/methods/rosenbrock.hpp"
#include "solvers/stepper.hpp"
#include "solvers/steppers/stage_system.hpp"

namespace cnf {

/// q is integrated with z, by the derivative of q' along each stage: one more jvp a stage where there are quadratures.
/// Not for a state with an s block, whose rates have no such derivative.
template <class T>
class RosenbrockStepper final : public Stepper<T> {
 public:
  RosenbrockStepper(const Solve<T>& solve, const RosenbrockTableau& method);

  const T* open(double t, const T* y) override;
  bool attempt(double t_next, T* y_next, T* error) override;
  Index unsolved_row() const override { return unsolved_; }
  DenseStep<T> dense(double t_next, const T* y_next) override;
  void accept(double, double) override {}
  StepSizes& sizes() override { return controller_; }

  /// As StageSystem::radius, of J at the start of the last step.
  double radius() { return system_.radius(active_); }

 private:
  bool finite(const T* u, Index j) const;

  const Slope<T>& slope_;
  const SolveOptions& options_;
  const RosenbrockTableau& method_;
  const bool controlled_;
  StepController controller_;
  StageSystem<T> system_;

  double t_ = 0;
  const T* y_ = nullptr;
  Index unsolved_ = -1;
  Slots<T> u_{};
  T *f_, *f_t_, *z_, *right_,
      *scale_;            // slopes at (t_, y_), their derivatives by t, a stage's argument and slopes; units
  char *active_, *todo_;  // flags of every sample
};

}  // namespace cnf
