// Invariants. now_ made the last step and makes the next, but between accept() and open(), where it only makes the
// next. The other one knows nothing of the steps since it was last now_: it has been restarted.
#include "solvers/steppers/switching.hpp"

#include <algorithm>
#include <cmath>

namespace cnf {

namespace {

constexpr int kStiffSteps = 15, kCalmSteps = 6;  // DOPRI5's
constexpr double kNear = 0.9, kCalm = 0.5;       // of the limit

}  // namespace

template <class T>
SwitchingStepper<T>::SwitchingStepper(const Solve<T>& solve, const SwitchingMethod& method)
    : slope_(solve.slope),
      options_(solve.options),
      method_(method),
      explicit_(solve, *method.nonstiff),
      stiff_(solve, *method.stiff) {}

template <class T>
const T* SwitchingStepper<T>::open(double t, const T* y) {
  t_ = t;
  return now_->open(t, y);
}

template <class T>
bool SwitchingStepper<T>::attempt(double t_next, T* y_next, T* error) {
  y_next_ = y_next;
  return now_->attempt(t_next, y_next, error);
}

/// h |lambda| of the explicit step about to be accepted: the last two stages are h times `apart` from each other.
template <class T>
double SwitchingStepper<T>::explicit_growth(double t_next) {
  const Tableau& m = *method_.nonstiff;
  const DenseStep<T> step = explicit_.ends(t_next, y_next_);
  const int last = m.stages - 1;
  const Index D = slope_.shape.blocks.z;
  double largest = 0;
  for (Index j = 0; j < slope_.shape.B; ++j) {
    if (!slope_.active.empty() && !slope_.active[static_cast<std::size_t>(j)]) continue;
    double slopes = 0, arguments = 0;
    for (Index i = j * D; i < (j + 1) * D; ++i) {
      double apart = 0;
      for (int s = 0; s < last; ++s) apart += (m.b[s] - m.a[last - 1][s]) * static_cast<double>(step.v[s][i]);
      const double change = static_cast<double>(step.v[last][i]) - static_cast<double>(step.v[last - 1][i]);
      const auto [relative, absolute] = options_.of_z(i - j * D);
      const double unit = absolute + relative * std::abs(static_cast<double>(step.y[i]));
      slopes += change / unit * (change / unit);
      arguments += apart / unit * (apart / unit);
    }
    if (arguments > 0) largest = std::max(largest, slopes / arguments);
  }
  return std::sqrt(largest);
}

template <class T>
void SwitchingStepper<T>::take(Stepper<T>& other) {
  now_ = &other;
  stiff_steps_ = calm_steps_ = 0;
  ++slope_.counters.switches;
}

template <class T>
void SwitchingStepper<T>::accept(double t_next, double fraction) {
  const bool was_explicit = now_ == &explicit_;
  const double growth = was_explicit ? explicit_growth(t_next) : std::abs(t_next - t_) * stiff_.radius();
  now_->accept(t_next, fraction);
  const bool stiff = growth > kNear * method_.limit, calm = growth < kCalm * method_.limit;
  if (was_explicit) {
    if (stiff) ++stiff_steps_;
    calm_steps_ = stiff ? 0 : calm_steps_ + 1;
    if (calm_steps_ >= kCalmSteps) stiff_steps_ = 0;
    if (stiff_steps_ >= kStiffSteps) take(stiff_);
  } else {
    calm_steps_ = calm ? calm_steps_ + 1 : 0;
    if (calm_steps_ < kCalmSteps) return;
    explicit_.restart();
    take(explicit_);
  }
}

template class SwitchingStepper<float>;
template class SwitchingStepper<double>;

}  // namespace cnf
