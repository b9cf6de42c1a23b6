// Adams' method with order and step chosen together.
#pragma once

#include "solvers/stepper.hpp"
#include "solvers/steppers/adams_grid.hpp"
#include "solvers/steppers/adams_order.hpp"

namespace cnf {

template <class T>
class AdamsStepper final : public Stepper<T>, private StepSizes {
 public:
  AdamsStepper(const Solve<T>& solve, const VariableAdams& method);

  const T* open(double t, const T* y) override;
  bool attempt(double t_next, T* y_next, T* error) override;
  DenseStep<T> dense(double t_next, const T* y_next) override;
  void accept(double t_next, double fraction) override;
  StepSizes& sizes() override { return *this; }

  const AdamsGrid& grid() const { return grid_; }  ///< of the last attempt

 private:
  double accept(double err) override;
  double reject(double err) override;
  double reject_non_finite() override { return control_.reject_non_finite(); }
  double reject_unsolved() override { return control_.reject_non_finite(); }
  double exponent() const override { return 0.5; }

  void update();
  OrderErrors errors(double err);

  const Slope<T>& slope_;
  const ErrorNorm<T>& norm_;
  const double margin_;

  AdamsGrid grid_;
  OrderControl control_;
  int known_ = 0;
  double t_ = 0;
  const T *y_ = nullptr, *y_next_ = nullptr;
  Slots<T> v_{};
  std::array<T*, VariableAdams::kMost + 2> phi_{};
  T *d_ = nullptr, *work_ = nullptr;
  T estimate_{};  ///< what d_ is times for it to be the last attempt's error
};

}  // namespace cnf
