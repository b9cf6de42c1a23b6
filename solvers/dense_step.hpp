// One accepted step as a function of time, and who may look into steps as they are taken.
#pragma once

#include <array>

#include "base/types.hpp"
#include "solvers/step_rule.hpp"

namespace cnf {

/// y(t + theta (t_next - t)) = y + (t_next - t) sum_{i < terms} w_i(theta) v_i, theta in [0, 1], of z, q and s alike.
/// Valid while the solve stands still: until the listener returns. The order is Method::dense_order(), but in the first
/// steps of a multistep method that of the tableau it starts with.
template <class T>
struct DenseStep {
  double t, t_next;
  const T* y;
  int terms;
  std::array<const T*, kMaxTerms> v;
  const void* method;  ///< handed to `weights`
  /// Sets w_0 ... w_{terms - 1} at theta and, if not null, their derivatives by theta.
  void (*weights)(const void* method, double theta, double* w, double* dw);

  /// The share of the step at time `at`; 1 at t_next itself.
  double theta(double at) const { return at == t_next ? 1.0 : (at - t) / (t_next - t); }
  /// The time of a share of the step; t_next itself at 1.
  double at(double theta) const { return theta == 1 ? t_next : t + theta * (t_next - t); }
  /// Values first .. first + count - 1 of the state at theta. The bits at theta = 1 are those of the state at t_next.
  void operator()(double theta, Index first, Index count, T* out) const {
    std::array<double, kMaxTerms> w;
    weights(method, theta, w.data(), nullptr);
    for (Index r = 0; r < count; ++r) {
      T sum = y[first + r];
      for (int i = 0; i < terms; ++i)
        if (w[i] != 0) sum += static_cast<T>((t_next - t) * w[i]) * v[i][first + r];
      out[r] = sum;
    }
  }
  /// Their derivative by time: that of the polynomial, not the field's.
  void slope(double theta, Index first, Index count, T* out) const {
    std::array<double, kMaxTerms> w, dw;
    weights(method, theta, w.data(), dw.data());
    for (Index r = 0; r < count; ++r) {
      T sum = 0;
      for (int i = 0; i < terms; ++i)
        if (dw[i] != 0) sum += static_cast<T>(dw[i]) * v[i][first + r];
      out[r] = sum;
    }
  }
};

/// How a solve goes on after a step that was looked into.
enum class Next {
  go_on,
  restart,  ///< the state was changed: slopes and steps from before do not hold. Refused in a recorded solve
  stop,     ///< the solve ends here, well, before its t_end
};

/// Sees the accepted steps of a solve, one by one, in the direction of the solve.
template <class T>
class StepListener {
 public:
  /// Asked once for every accepted step, from t to t_next: whether it looks into it. If not, nothing is evaluated. At a
  /// jump it is told of a step without length, whatever it answers: a recording counts it.
  virtual bool wants(double t, double t_next) = 0;
  /// Then, whether it looks between the ends too: if not, at theta = 0 and 1 alone, no extra stages are evaluated.
  virtual bool inside(double /*t*/, double /*t_next*/) { return true; }
  /// `y` is the whole state at t_next. It may be changed, and then the answer is restart; go_on will do if only columns
  /// were changed whose flags in SolveExtras::active, which a listener may own, are 0 by now.
  virtual Next look(const DenseStep<T>& step, T* y) = 0;

 protected:
  ~StepListener() = default;
};

}  // namespace cnf
