// Invariants. k_[0] is f(t_, y_) from open() to the next accept(), and after it if have_first_: then the accepted
// step's last stage was f(t_next, y_next), the next one's first (FSAL). k_ and tape_ point into the record's slots iff
// kept_, else k_ into work arrays and tape_ is null. Of a multistep method past_[m] is k_[0] of m steps ago, and an
// unrecorded k_[0] takes turns in first_, so that none is overwritten while it is read.
#include "solvers/steppers/explicit.hpp"

#include <algorithm>
#include <utility>

namespace cnf {

template <class T>
ExplicitStepper<T>::ExplicitStepper(const Slope<T>& slope, const Method& method, bool controlled, Recording<T>* record)
    : slope_(slope), record_(record) {
  const auto* const* tableau = std::get_if<const Tableau*>(&method.row());
  adams_ = tableau ? nullptr : std::get<const AdamsMethod*>(method.row());
  tableau_ = tableau ? *tableau : adams_->start;
  fsal_ = controlled && tableau_->is_fsal();
  const Index n = slope.shape.size();
  for (int i = 0; i < tableau_->stages; ++i) work_[i] = slope.scratch.template take<T>(n);
  const int history = adams_ ? adams_->history() : 0;
  first_[0] = work_[0];
  for (int m = 1; m <= history; ++m) first_[m] = slope.scratch.template take<T>(n);
  k_ = work_;
  z_ = slope.scratch.template take<T>(slope.shape.z());
}

template <class T>
StepRule ExplicitStepper<T>::rule_of_next() const {
  if (adams_ && steps_ >= adams_->history()) return {&adams_->step, adams_};
  return {tableau_, nullptr};
}

/// Where the stages of the step about to be tried go: the record's slots while its budget lasts, else work arrays.
template <class T>
void ExplicitStepper<T>::place_stages(const T* y) {
  const bool kept_before = kept_;
  if (record_) {
    const Index n = record_->steps();
    record_->open(y, rule_);
    kept_ = record_->holds(n);
    if (kept_) {
      const int stages = fsal_ ? rule_.own->stages : rule_.stages();  // the last one of FSAL: only if it is evaluated
      for (int i = 0; i < stages; ++i) {
        k_[i] = record_->k(n, i);
        tape_[i] = record_->tape(n, i);
      }
      return;
    }
  }
  if (kept_before) {
    if (have_first_) std::copy_n(k_[tableau_->stages - 1], slope_.shape.size(), work_[0]);
    k_ = work_;
    tape_.fill(nullptr);
  }
  if (adams_) k_[0] = first_[static_cast<std::size_t>(steps_ % (adams_->history() + 1))];
}

template <class T>
const T* ExplicitStepper<T>::open(double t, const T* y) {
  t_ = t;
  y_ = y;
  rule_ = rule_of_next();
  place_stages(y);
  if (have_first_) return nullptr;
  slope_(t, y, k_[0], tape_[0]);
  have_first_ = true;
  return k_[0];
}

template <class T>
void ExplicitStepper<T>::attempt(double t_next, T* y_next, T* error) {
  const double h = t_next - t_;
  evaluate_stages(slope_, rule_, slope_.shape, t_, t_next, y_, 1, rule_.stages(), k_, tape_, past_, z_);
  advance(y_next, rule_, slope_.shape, y_, h, k_, past_);
  if (!error) return;
  const int last = rule_.own->stages - 1;
  if (fsal_) slope_(t_next, y_next, k_[last], tape_[last]);
  combine(error, static_cast<const T*>(nullptr), h, rule_.own->e, rule_.own->stages, k_, slope_.shape.size());
}

template <class T>
void ExplicitStepper<T>::accept(double t_next, double fraction) {
  if (record_) record_->accept(t_next, fraction);
  if (fsal_ && !kept_) std::swap(k_[0], k_[rule_.own->stages - 1]);
  have_first_ = fsal_;
  if (!adams_) return;
  for (std::size_t m = past_.size() - 1; m > 1; --m) past_[m] = past_[m - 1];
  past_[1] = k_[0];
  ++steps_;
}

template class ExplicitStepper<float>;
template class ExplicitStepper<double>;

}  // namespace cnf
