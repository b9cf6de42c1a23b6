// Explicit steps: Runge-Kutta methods, and Adams' with a Runge-Kutta start.
#pragma once

#include "solvers/method.hpp"
#include "solvers/recording.hpp"
#include "solvers/slope.hpp"
#include "solvers/stepper.hpp"

namespace cnf {

template <class T>
class ExplicitStepper final : public Stepper<T> {
 public:
  /// `record` may be null. `controlled`: attempts are asked for their error, so that FSAL pays.
  ExplicitStepper(const Slope<T>& slope, const Method& method, bool controlled, Recording<T>* record);

  const T* open(double t, const T* y) override;
  void attempt(double t_next, T* y_next, T* error) override;
  void accept(double t_next, double fraction) override;

 private:
  StepRule rule_of_next() const;
  void place_stages(const T* y);

  const Slope<T>& slope_;
  const Tableau* tableau_;
  const AdamsMethod* adams_;  ///< null: Runge-Kutta
  Recording<T>* record_;
  bool fsal_;

  StepRule rule_;
  double t_ = 0;
  const T* y_ = nullptr;
  bool have_first_ = false;
  bool kept_ = false;
  Index steps_ = 0;
  std::array<T*, kMaxStages> k_{}, tape_{}, work_{};
  std::array<T*, kMaxAdamsOrder> first_{};
  Past<T> past_{};
  T* z_ = nullptr;
};

}  // namespace cnf
