// Invariants. k_[0] is f(t_, y_) from open() to the next accept(), k_ from stages + 1 on the extra stages of
// dense(). have_end_: the slope at the end of the last attempt, f(t_next, y_next), is in k_[stages]: FSAL's last
// stage, or evaluated because someone looked into the step; it is the next step's first, which then have_first_
// says. k_ and tape_ point into the record's slots iff kept_ (the end's slot is the next step's first), else k_ into
// work arrays and tape_ is null. Of a multistep method past_[m] is k_[0] of m steps ago, and an unrecorded k_[0]
// takes turns in first_, so that none is overwritten while it is read.
#include "solvers/steppers/explicit.hpp"

#include <algorithm>
#include <utility>

namespace cnf {

template <class T>
ExplicitStepper<T>::ExplicitStepper(const Solve<T>& solve, StepRule start, StepRule later)
    : slope_(solve.slope),
      start_(start),
      later_(later),
      record_(solve.record),
      controller_(solve.options.method, solve.options.controller),
      fsal_(solve.controlled && start.own->is_fsal()) {  // asked for errors: FSAL pays
  const Index n = slope_.shape.size();
  for (int i = 0; i <= std::max(start.own->stages - 1, start.stages() + start.extra()); ++i)
    work_[i] = slope_.scratch.template take<T>(n);
  first_[0] = work_[0];
  for (int m = 1; m <= later.history(); ++m) first_[m] = slope_.scratch.template take<T>(n);
  k_ = work_;
  z_ = slope_.scratch.template take<T>(slope_.shape.z());
}

/// Where the stages of the step about to be tried go: the record's slots while its budget lasts, else work arrays. If
/// the slope at y is there already, it is moved to k_[0].
template <class T>
void ExplicitStepper<T>::place_stages(const T* y) {
  const T* const first = have_first_ ? k_[end_] : nullptr;
  const bool kept_before = kept_;
  if (record_) {
    const Index n = record_->steps();
    record_->open(y, *rule_, past_);
    kept_ = record_->holds(n);
    for (int i = 0; kept_ && i <= rule_->stages(); ++i) {
      k_[i] = record_->k(n, i);
      tape_[i] = record_->tape(n, i);
    }
    if (kept_) return;  // k_[0] is the last step's k_[end_]: one slot
  }
  if (kept_before) {
    k_ = work_;
    tape_.fill(nullptr);
  }
  if (later_.history() > 0) k_[0] = first_[static_cast<std::size_t>(steps_ % (later_.history() + 1))];
  if (!first || first == k_[0]) return;
  if (!kept_before && later_.history() == 0)
    std::swap(k_[0], k_[end_]);
  else
    std::copy_n(first, slope_.shape.size(), k_[0]);
}

template <class T>
const T* ExplicitStepper<T>::open(double t, const T* y) {
  t_ = t;
  y_ = y;
  rule_ = steps_ < later_.history() ? &start_ : &later_;
  place_stages(y);
  have_end_ = false;
  if (have_first_) return fsal_ ? nullptr : k_[0];
  slope_(t, y, k_[0], tape_[0]);
  have_first_ = true;
  return k_[0];
}

template <class T>
void ExplicitStepper<T>::evaluate_end(double t_next, const T* y_next) {
  slope_(t_next, y_next, k_[rule_->stages()], tape_[rule_->stages()]);
  have_end_ = true;
}

template <class T>
bool ExplicitStepper<T>::attempt(double t_next, T* y_next, T* error) {
  const double h = t_next - t_;
  evaluate_stages(slope_, *rule_, slope_.shape, t_, t_next, y_, 1, rule_->stages(), k_, tape_, past_, z_);
  advance(y_next, *rule_, slope_.shape, y_, h, k_, past_);
  if (!error) return true;
  if (fsal_) evaluate_end(t_next, y_next);
  combine(error, static_cast<const T*>(nullptr), h, rule_->own->e, rule_->own->stages, k_, slope_.shape.size());
  return true;
}

template <class T>
DenseStep<T> ExplicitStepper<T>::ends(double t_next, const T* y_next) {
  if (rule_->reads_end() && !have_end_) evaluate_end(t_next, y_next);
  DenseStep<T> step{t_, t_next, y_, rule_->terms(), {}, rule_, &rule_weights};
  const int S = rule_->stages();
  for (int i = 0; i <= S + rule_->extra(); ++i) step.v[i] = k_[i];
  for (int m = 1; m <= rule_->history(); ++m) step.v[S + m] = past_[m];
  return step;
}

template <class T>
DenseStep<T> ExplicitStepper<T>::dense(double t_next, const T* y_next) {
  const DenseStep<T> step = ends(t_next, y_next);
  evaluate_extra(slope_, *rule_, slope_.shape, t_, t_next, y_, k_, tape_, z_);
  return step;
}

template <class T>
void ExplicitStepper<T>::accept(double t_next, double fraction) {
  if (record_) record_->accept(t_next, fraction);
  have_first_ = have_end_;
  end_ = rule_->stages();
  ++steps_;
  if (later_.history() == 0) return;
  for (std::size_t m = past_.size() - 1; m > 1; --m) past_[m] = past_[m - 1];
  past_[1] = k_[0];
}

template class ExplicitStepper<float>;
template class ExplicitStepper<double>;

}  // namespace cnf
