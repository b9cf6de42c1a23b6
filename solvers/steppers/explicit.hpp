// Explicit steps: Runge-Kutta methods, and Adams' with a Runge-Kutta start.
#pragma once

#include "solvers/stepper.hpp"

namespace cnf {

template <class T>
class ExplicitStepper final : public Stepper<T> {
 public:
  ExplicitStepper(const Solve<T>& solve, const Tableau& method)
      : ExplicitStepper(solve, {&method, nullptr}, {&method, nullptr}) {}
  ExplicitStepper(const Solve<T>& solve, const AdamsMethod& method)
      : ExplicitStepper(solve, {method.start, nullptr}, {&method.step, &method.past}) {}

  const T* open(double t, const T* y) override;
  bool attempt(double t_next, T* y_next, T* error) override;
  DenseStep<T> dense(double t_next, const T* y_next) override;
  DenseStep<T> ends(double t_next, const T* y_next) override;
  void accept(double t_next, double fraction) override;
  StepSizes& sizes() override { return controller_; }

  /// The next step goes on from elsewhere. Not where steps are recorded or read each other's slopes.
  void restart() { have_first_ = have_end_ = false; }

 private:
  ExplicitStepper(const Solve<T>& solve, StepRule start, StepRule later);
  void place_stages(const T* y);
  void evaluate_end(double t_next, const T* y_next);

  const Slope<T>& slope_;
  const StepRule start_, later_;
  Recording<T>* record_;
  StepController controller_;
  bool fsal_;

  const StepRule* rule_ = nullptr;
  double t_ = 0;
  const T* y_ = nullptr;
  bool have_first_ = false, have_end_ = false;
  bool kept_ = false;
  Index steps_ = 0;
  int end_ = 0;  ///< where in k_ the slope at the end of the last step is, if have_first_
  std::array<T*, kMaxTerms> k_{}, tape_{}, work_{};
  std::array<T*, kMaxHistory + 1> first_{};
  Past<T> past_{};
  T* z_ = nullptr;
};

}  // namespace cnf
