// Invariants. From open() on phi_[1] ... phi_[known_] are the modified divided differences of the slopes at t_ and
// before it; known_ exceeds the order of the last step by 1. From attempt() on v_ holds phi_[1]
// ... phi_[k] and d_, the slope at the predicted end less what was predicted of it, and grid_ the numbers of that try;
// accepted or not, they stay until the next one. A rejected try changes nothing else: beta is applied where phi is
// read.
#include "solvers/steppers/adams_variable.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cnf {

namespace {

/// How many times less than the tolerance an error must be: no less than rounding.
template <class T>
double margin(const SolveOptions& options) {
  double least = options.tolerance_z.empty() ? std::max(options.rtol, options.atol) : 1.0;
  for (const Tolerance& t : options.tolerance_z) least = std::min(least, std::max(t.relative, t.absolute));
  return std::clamp(least / std::numeric_limits<T>::epsilon(), 1.0, VariableAdams::kMargin);
}

}  // namespace

template <class T>
AdamsStepper<T>::AdamsStepper(const Solve<T>& solve, const VariableAdams& method)
    : slope_(solve.slope), norm_(solve.norm), margin_(margin<T>(solve.options)), control_(method.most) {
  const Index n = slope_.shape.size();
  for (int i = 1; i <= method.most + 1; ++i) phi_[i] = slope_.scratch.template take<T>(n);
  d_ = slope_.scratch.template take<T>(n);
  work_ = slope_.scratch.template take<T>(n);
}

/// The differences at t_, of one order more than the last step's, from those at its start and the slope in work_.
template <class T>
void AdamsStepper<T>::update() {
  const int k = grid_.order();
  const Index n = slope_.shape.size();
  for (int i = 1; i <= k; ++i) {
    const T beta = static_cast<T>(grid_.beta(i));
    T* const phi = phi_[i];
    for (Index r = 0; r < n; ++r) {
      const T before = phi[r];
      phi[r] = work_[r];
      work_[r] -= beta * before;
    }
  }
  std::swap(phi_[k + 1], work_);
  known_ = k + 1;
  for (int i = 1; i <= known_; ++i) slope_.rest(phi_[i]);  // masked since the last step
}

template <class T>
const T* AdamsStepper<T>::open(double t, const T* y) {
  t_ = t;
  y_ = y;
  if (known_ == 0) {
    slope_(t, y, phi_[1], static_cast<T*>(nullptr));
    known_ = 1;
  } else {
    slope_(t, y, work_, static_cast<T*>(nullptr));
    update();
  }
  return phi_[1];
}

template <class T>
bool AdamsStepper<T>::attempt(double t_next, T* y_next, T* error) {
  static_assert(VariableAdams::kMost + 1 <= kMaxStages);
  const double h = t_next - t_;
  const int k = control_.order();
  const Index n = slope_.shape.size();
  grid_.plan(h, k, known_ > k);
  std::array<double, kMaxStages> w{}, predicted{};
  grid_.weights(1, w.data());
  for (int i = 1; i <= k; ++i) {
    v_[i - 1] = phi_[i];
    predicted[i - 1] = -grid_.beta(i);
  }
  v_[k] = d_;
  combine(y_next, y_, h, w, k, v_, n);
  slope_(t_next, y_next, work_, static_cast<T*>(nullptr));
  combine(d_, static_cast<const T*>(work_), 1, predicted, k, v_, n);
  combine(y_next, y_, h, w, k + 1, v_, n);
  y_next_ = y_next;
  estimate_ = static_cast<T>(margin_ * h * (w[k] - w[k - 1] / grid_.beta(k)));
  for (Index r = 0; r < n; ++r) error[r] = estimate_ * d_[r];
  return true;
}

template <class T>
DenseStep<T> AdamsStepper<T>::dense(double t_next, const T*) {
  DenseStep<T> step{t_, t_next, y_, grid_.order() + 1, {}, &grid_, &adams_weights};
  std::copy_n(v_.begin(), step.terms, step.v.begin());
  return step;
}

template <class T>
void AdamsStepper<T>::accept(double, double) {
  grid_.advance();
}

/// What the last try, whose error is `err`, would have made at its neighbours' orders.
template <class T>
OrderErrors AdamsStepper<T>::errors(double err) {
  const int k = grid_.order();
  const Index n = slope_.shape.size();
  const auto size = [&](const T* x, int order) {
    return margin_ * grid_.error_weight(order) * norm_(x, y_, y_next_).value;
  };
  const auto add = [&](T* x, const T* y, int i, double sign) {
    const T beta = static_cast<T>(sign * grid_.beta(i));
    for (Index r = 0; r < n; ++r) x[r] = y[r] + beta * phi_[i][r];
  };
  OrderErrors errors{.same = margin_ * grid_.error_weight(k) * (err / std::abs(static_cast<double>(estimate_)))};
  if (k >= 2) {
    add(work_, d_, k, 1);
    errors.lower = size(work_, k - 1);
  }
  if (k >= 3) {
    add(work_, work_, k - 1, 1);
    errors.two_lower = size(work_, k - 2);
  }
  if (known_ > k && control_.may_rise()) {
    add(work_, d_, k + 1, -1);
    errors.higher = size(work_, k + 1);
  }
  return errors;
}

template <class T>
double AdamsStepper<T>::accept(double err) {
  return control_.accept(errors(err));
}

template <class T>
double AdamsStepper<T>::reject(double err) {
  return control_.reject(errors(err));
}

template class AdamsStepper<float>;
template class AdamsStepper<double>;

}  // namespace cnf
