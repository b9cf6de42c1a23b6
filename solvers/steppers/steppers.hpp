// The stepper of each family of methods: a new family is a line here and an alternative of Method::Row.
#pragma once

#include "solvers/steppers/adams_variable.hpp"
#include "solvers/steppers/dirk.hpp"
#include "solvers/steppers/explicit.hpp"
#include "solvers/steppers/reversible.hpp"
#include "solvers/steppers/rosenbrock.hpp"
#include "solvers/steppers/switching.hpp"

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
template <class T>
struct StepperOf<T, VariableAdams> {
  using type = AdamsStepper<T>;
};
template <class T>
struct StepperOf<T, DirkTableau> {
  using type = DirkStepper<T>;
};
template <class T>
struct StepperOf<T, RosenbrockTableau> {
  using type = RosenbrockStepper<T>;
};
template <class T>
struct StepperOf<T, SwitchingMethod> {
  using type = SwitchingStepper<T>;
};
template <class T>
struct StepperOf<T, ReversibleMethod> {
  using type = ReversibleStepper<T>;
};

/// Returns with(stepper), where stepper is that of the solve's method, on the stack while that runs.
template <class T, class With>
auto with_stepper(const Solve<T>& solve, With&& with) {
  return std::visit(
      [&]<class Row>(const Row* row) {
        typename StepperOf<T, Row>::type stepper(solve, *row);
        return with(stepper);
      },
      solve.options.method.row());
}

}  // namespace cnf
