// Diagonally implicit Runge-Kutta steps.
#pragma once

#include "solvers/methods/dirk.hpp"
#include "solvers/stepper.hpp"
#include "solvers/steppers/stage_system.hpp"

namespace cnf {

/// Each stage after the first is solved for z alone, by simplified Newton iterations on its slope k,
///
///   k = f(t_i, y + h sum_{j<i} a_ij k_j + h gamma k),        (I - h gamma J) dk = f - k,
///
/// a sample at a time: it stops when its own correction is small and takes no part from then on. q and s are weighed
/// sums of the stages.
///
/// J         df/dz at the start of a step, kept for a sample from step to step until its iterations converge slowly,
///           or for kMostAge steps; above StageSystem::kMostDense rows it is that of every step.
/// Stops     when what is left is kEnough of the tolerance (SolveOptions), on a fixed grid at rounding.
/// Failure   a sample whose iterations diverge has J made anew, on a fixed grid then in every iteration; if they still
///           do, attempt says false and unsolved_row() whose they were.
/// Source    Hairer, Wanner II, sec. IV.8: when to stop, when to keep J.
template <class T>
class DirkStepper final : public Stepper<T> {
 public:
  DirkStepper(const Solve<T>& solve, const DirkTableau& method);

  const T* open(double t, const T* y) override;
  bool attempt(double t_next, T* y_next, T* error) override;
  Index unsolved_row() const override { return unsolved_; }
  DenseStep<T> dense(double t_next, const T* y_next) override;
  void accept(double t_next, double fraction) override;
  StepSizes& sizes() override { return controller_; }

  /// The next step goes on from elsewhere.
  void restart();
  /// As StageSystem::radius, of J as it is.
  double radius() { return system_.radius(active_); }

 private:
  void linearise_stale();
  void guess(int stage);
  bool solve_stage(int stage, double t, double c);
  void iterate(int stage, double t, double c, bool newton);
  bool judge(Index j, double size, int iteration, bool newton);
  bool any(const char* flags) const;

  const Slope<T>& slope_;
  const SolveOptions& options_;
  const DirkTableau& method_;
  const bool controlled_;
  const Index D_, B_;
  StepController controller_;
  StageSystem<T> system_;
  std::array<std::array<double, kMaxStages>, kMaxStages> predict_{};

  double t_ = 0;
  const T* y_ = nullptr;
  bool have_first_ = false, linearised_ = false;
  Index unsolved_ = -1;
  Slots<T> k_{};
  T *base_, *z_, *f_, *delta_, *scale_;  // of the stage: what is known of z, z, a state's slope, the correction; units
  char *active_, *todo_, *failed_, *ill_, *fresh_, *stale_;  // flags of every sample
  double *eta_, *before_, *slowest_;                         // of every sample
  int* age_;
};

}  // namespace cnf
