// Invariants. From open() on the systems are linearised at (t_, y_), f_ is the slope there and f_t_ its derivative by t
// alone, 0 where that is not finite and steps are judged. u_[i] of masked samples is 0.
#include "solvers/steppers/rosenbrock.hpp"

#include <algorithm>
#include <cmath>

namespace cnf {

namespace {

constexpr double kEnoughByGmres = 1e-3;  // of the tolerance, may be left of a stage's systems by GMRES
constexpr double kFixedRounding = 16;    // on a fixed grid: units in the last place

void rosenbrock_weights(const void* method, double theta, double* w, double* dw) {
  const RosenbrockTableau& m = *static_cast<const RosenbrockTableau*>(method);
  const double x = theta;
  for (int i = 0; i < m.stages; ++i) {
    const double bend = m.p[0][i] + x * (m.p[1][i] + x * m.p[2][i]), slope = m.p[1][i] + 2 * x * m.p[2][i];
    w[i] = x == 1 ? m.m[i] : x * (m.m[i] + (1 - x) * bend);
    if (dw) dw[i] = m.m[i] + (1 - 2 * x) * bend + x * (1 - x) * slope;
  }
}

}  // namespace

template <class T>
RosenbrockStepper<T>::RosenbrockStepper(const Solve<T>& solve, const RosenbrockTableau& method)
    : slope_(solve.slope),
      options_(solve.options),
      method_(method),
      controlled_(solve.controlled),
      controller_(&method, solve.options.controller),
      system_(slope_, controlled_) {
  Scratch& scratch = slope_.scratch;
  const Shape& shape = slope_.shape;
  for (int i = 0; i < method.stages; ++i) {
    u_[i] = scratch.take<T>(shape.size());
    std::fill_n(u_[i], shape.size(), T{0});
  }
  for (T** of : {&f_, &f_t_, &right_}) *of = scratch.take<T>(shape.size());
  for (T** of : {&z_, &scale_}) *of = scratch.take<T>(shape.z());
  for (char** of : {&active_, &todo_}) *of = scratch.take<char>(shape.B);
  for (Index j = 0; j < shape.B; ++j)
    active_[j] = slope_.active.empty() || slope_.active[static_cast<std::size_t>(j)] ? 1 : 0;
}

template <class T>
const T* RosenbrockStepper<T>::open(double t, const T* y) {
  t_ = t;
  y_ = y;
  system_.linearise(t, y, active_, f_);
  const Shape& shape = slope_.shape;
  std::fill_n(z_, shape.z(), T{0});
  system_.move(z_, 1, f_t_, true);
  for (Index j = 0; j < shape.B; ++j) {
    if (active_[j] && (!controlled_ || finite(f_t_, j))) continue;
    std::fill_n(f_t_ + j * shape.blocks.z, shape.blocks.z, T{0});
    std::fill_n(f_t_ + shape.z() + j * shape.blocks.q, shape.blocks.q, T{0});
  }
  const double eps = std::numeric_limits<T>::epsilon();
  for (Index i = 0; i < shape.z(); ++i) {
    const double size = std::abs(static_cast<double>(y[i]));
    const auto [relative, absolute] = options_.of_z(i % shape.blocks.z);
    const double unit = controlled_ ? std::max(absolute + relative * size, kFixedRounding * eps * size)
                                    : kFixedRounding * eps * (1 + size);
    scale_[i] = static_cast<T>(unit);
  }
  return f_;
}

template <class T>
bool RosenbrockStepper<T>::finite(const T* u, Index j) const {
  const Index D = slope_.shape.blocks.z;
  return std::all_of(u + j * D, u + (j + 1) * D, [](T x) { return std::isfinite(x); });
}

template <class T>
bool RosenbrockStepper<T>::attempt(double t_next, T* y_next, T* error) {
  const Shape& shape = slope_.shape;
  const Index D = shape.blocks.z, n = shape.z() + shape.q(), nz = shape.z();
  const double h = t_next - t_, gamma = method_.gamma;
  system_.set(h * gamma);
  for (int stage = 0; stage < method_.stages; ++stage) {
    const T* slope = f_;
    if (stage > 0) {
      const double t = method_.c[stage] == 1 ? t_next : t_ + method_.c[stage] * h;
      combine(z_, y_, h, method_.a[stage], stage, u_, nz);
      slope_(t, z_, right_, static_cast<T*>(nullptr));
      slope = right_;
    }
    T* const u = u_[stage];
    combine(u, slope, 1, method_.w[stage], stage, u_, n);
    const T along = static_cast<T>(h * method_.d[stage]), scaled = static_cast<T>(gamma);
    for (Index i = 0; i < n; ++i) u[i] = scaled * (u[i] + along * f_t_[i]);
    for (Index j = 0; j < shape.B; ++j) {
      todo_[j] = active_[j] && finite(u, j);
      if (active_[j] && !todo_[j]) std::fill_n(u + j * D, D, std::numeric_limits<T>::quiet_NaN());
    }
    system_.solve(u, todo_, scale_, (controlled_ ? kEnoughByGmres : 1) / std::abs(h));
    for (Index j = 0; j < shape.B; ++j) {
      if (!todo_[j] || finite(u, j)) continue;
      unsolved_ = j;
      return false;
    }
    if (n == nz) continue;
    system_.move(u, 0, right_, true);
    for (Index i = nz; i < n; ++i) u[i] += static_cast<T>(h * gamma) * right_[i];
  }
  combine(y_next, y_, h, method_.m, method_.stages, u_, n);
  if (error)
    for (Index i = 0; i < n; ++i) error[i] = static_cast<T>(h) * u_[method_.stages - 1][i];
  return true;
}

template <class T>
DenseStep<T> RosenbrockStepper<T>::dense(double t_next, const T*) {
  DenseStep<T> step{t_, t_next, y_, method_.stages, {}, &method_, &rosenbrock_weights};
  for (int i = 0; i < method_.stages; ++i) step.v[i] = u_[i];
  return step;
}

template class RosenbrockStepper<float>;
template class RosenbrockStepper<double>;

}  // namespace cnf
