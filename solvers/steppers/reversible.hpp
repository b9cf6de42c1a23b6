// Steps that can be taken back: couplings of Runge-Kutta methods, and asynchronous leapfrog.
#pragma once

#include "solvers/methods/reversible.hpp"
#include "solvers/stepper.hpp"

namespace cnf {

template <class T>
class ReversibleStepper final : public Stepper<T> {
 public:
  ReversibleStepper(const Solve<T>& solve, const ReversibleMethod& method);

  const T* open(double t, const T* y) override;
  bool attempt(double t_next, T* y_next, T* error) override;
  DenseStep<T> dense(double t_next, const T* y_next) override;
  void accept(double t_next, double fraction) override;
  StepSizes& sizes() override { return controller_; }

 private:
  void couple(double t_next, T* y_next, T* error);
  void leap(double t_next, T* y_next);
  void note_rests(double t_next);

  const Slope<T>& slope_;
  const ReversibleMethod& method_;
  const StepRule rule_;
  Recording<T>* const record_;
  StepController controller_;

  double t_ = 0;
  const T* y_ = nullptr;
  const T* y_next_ = nullptr;
  char* awake_ = nullptr;  ///< recorded: whose steps up to t_ were their own
  bool begun_ = false, have_end_ = false;
  Slots<T> k_{}, back_{};
  T *companion_, *next_, *rise_, *start_slope_ = nullptr, *z_;
};

}  // namespace cnf
