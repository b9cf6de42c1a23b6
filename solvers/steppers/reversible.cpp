// Invariants. companion_ belongs to (t_, y_). Of a coupling k_ are the stages from the companion, back_ those from the
// step's end; have_end_: back_[0], the slope at the end of the last attempt, is there. start_slope_ is the slope at y_.
// rise_ is (x1 - x) / h: a value at a step's end has the bits of the state there. Of leapfrog next_ is v1 of the last
// attempt.
#include "solvers/steppers/reversible.hpp"

#include <algorithm>
#include <utility>

namespace cnf {

template <class T>
ReversibleStepper<T>::ReversibleStepper(const Solve<T>& solve, const ReversibleMethod& method)
    : slope_(solve.slope),
      method_(method),
      rule_{method.base, nullptr},
      record_(solve.record),
      controller_(solve.options.method, solve.options.controller) {
  const Index n = slope_.shape.size();
  const auto take = [&] { return slope_.scratch.template take<T>(n); };
  companion_ = take();
  next_ = take();
  rise_ = take();
  z_ = slope_.scratch.template take<T>(slope_.shape.z());
  if (record_ && !slope_.active.empty()) {
    awake_ = slope_.scratch.template take<char>(slope_.shape.B);
    std::copy(slope_.active.begin(), slope_.active.end(), awake_);
  }
  if (!method.base) return;
  start_slope_ = take();
  for (int i = 0; i < method.base->stages; ++i) k_[i] = take();
  for (int i = 0; i < method.base->own_stages(); ++i) back_[i] = take();
}

template <class T>
const T* ReversibleStepper<T>::open(double t, const T* y) {
  const Index n = slope_.shape.size();
  const bool first = !begun_;
  t_ = t;
  y_ = y;
  begun_ = true;
  if (first && record_) record_->start(y);
  if (!method_.base) {
    if (!first) return nullptr;
    slope_(t, y, companion_, nullptr);
    return companion_;
  }
  if (first) std::copy_n(y, n, companion_);
  slope_(t, companion_, k_[0], nullptr);
  if (first) std::copy_n(k_[0], n, start_slope_);
  return k_[0];
}

template <class T>
bool ReversibleStepper<T>::attempt(double t_next, T* y_next, T* error) {
  have_end_ = false;
  y_next_ = y_next;
  if (method_.base)
    couple(t_next, y_next, error);
  else
    leap(t_next, y_next);
  return true;
}

template <class T>
void ReversibleStepper<T>::couple(double t_next, T* y_next, T* error) {
  const Tableau& m = *method_.base;
  const Index n = slope_.shape.size();
  const double h = t_next - t_;
  const int stages = error ? m.stages : rule_.stages();
  evaluate_stages(slope_, rule_, slope_.shape, t_, t_next, companion_, 1, stages, k_, {}, {}, z_);
  combine(rise_, static_cast<const T*>(nullptr), 1.0, m.b, rule_.stages(), k_, n);
  const T between = static_cast<T>((1 - method_.coupling) / h), size = static_cast<T>(h);
  for (Index i = 0; i < n; ++i) {
    rise_[i] += between * (companion_[i] - y_[i]);
    y_next[i] = y_[i] + size * rise_[i];
  }
  if (error) combine(error, static_cast<const T*>(nullptr), h, m.e, m.stages, k_, n);
}

template <class T>
void ReversibleStepper<T>::leap(double t_next, T* y_next) {
  const Index n = slope_.shape.size();
  const double h = t_next - t_;
  const T half = static_cast<T>(h / 2);
  for (Index i = 0; i < slope_.shape.z(); ++i) z_[i] = y_[i] + half * companion_[i];
  slope_(t_ + h / 2, z_, rise_, nullptr);
  for (Index i = 0; i < n; ++i) {
    next_[i] = 2 * rise_[i] - companion_[i];
    y_next[i] = y_[i] + half * companion_[i] + half * next_[i];
  }
}

namespace {

void hermite(const void*, double x, double* w, double* dw) {
  w[0] = x == 1 ? 1 : x * x * (3 - 2 * x);
  w[1] = x * (1 - x) * (1 - x);
  w[2] = x * x * (x - 1);
  if (!dw) return;
  dw[0] = 6 * x * (1 - x);
  dw[1] = (1 - x) * (1 - 3 * x);
  dw[2] = x * (3 * x - 2);
}
void parabola(const void*, double x, double* w, double* dw) {
  w[0] = x - x * x / 2;
  w[1] = x * x / 2;
  if (!dw) return;
  dw[0] = 1 - x;
  dw[1] = x;
}

}  // namespace

template <class T>
DenseStep<T> ReversibleStepper<T>::dense(double t_next, const T* y_next) {
  if (!method_.base) return {t_, t_next, y_, 2, {companion_, next_}, nullptr, &parabola};
  if (!have_end_) slope_(t_next, y_next, back_[0], nullptr);
  have_end_ = true;
  return {t_, t_next, y_, 3, {rise_, start_slope_, back_[0]}, nullptr, &hermite};
}

/// Samples that a listener has put to rest in this step, which was their own: y_next_ need not be theirs any more.
template <class T>
void ReversibleStepper<T>::note_rests(double t_next) {
  const Index D = slope_.shape.blocks.z;
  const T size = static_cast<T>(t_next - t_), half = static_cast<T>((t_next - t_) / 2);
  for (Index b = 0; b < slope_.shape.B; ++b) {
    if (awake_[b] == 0 || slope_.active[static_cast<std::size_t>(b)] != 0) continue;
    awake_[b] = 0;
    for (Index i = b * D; i < (b + 1) * D; ++i)
      z_[i] = method_.base ? y_[i] + size * rise_[i] : y_[i] + half * companion_[i] + half * next_[i];
    record_->rest(b, z_ + b * D, (method_.base ? companion_ : next_) + b * D);
  }
}

template <class T>
void ReversibleStepper<T>::accept(double t_next, double fraction) {
  if (awake_) note_rests(t_next);
  const Index n = slope_.shape.size();
  if (method_.base) {
    evaluate_stages(slope_, rule_, slope_.shape, t_next, t_, y_next_, have_end_ ? 1 : 0, rule_.stages(), back_, {}, {},
                    z_);
    combine(next_, companion_, t_next - t_, method_.base->b, rule_.stages(), back_, n);
    std::swap(start_slope_, back_[0]);
  }
  std::swap(companion_, next_);
  if (record_) record_->accept(t_next, fraction, y_next_, companion_);
}

template class ReversibleStepper<float>;
template class ReversibleStepper<double>;

}  // namespace cnf
