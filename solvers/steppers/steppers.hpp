// The stepper of each family of methods: a new family is a line here and an alternative of Method::Row.
#pragma once

#include "solvers/steppers/explicit.hpp"

namespace cnf {

template <class T, class Row>
struct StepperOf;
template <class T>
struct StepperOf<T, Tableau> {
  using type = ExplicitStepper<T>;
};
template <class T>
struct StepperOf<T, AdamsMethod> {
  using type = ExplicitStepper<T>;
};

/// Returns with(stepper), where stepper is the method's, on the stack while that runs. `controlled`: attempts are asked
/// for their error. `record` may be null.
template <class T, class With>
auto with_stepper(const Method& method, const Slope<T>& slope, bool controlled, Recording<T>* record, With&& with) {
  return std::visit(
      [&]<class Row>(const Row* row) {
        typename StepperOf<T, Row>::type stepper(slope, *row, controlled, record);
        return with(stepper);
      },
      method.row());
}

}  // namespace cnf
