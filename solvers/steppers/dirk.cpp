// Invariants. k_[0] is the slope at (t_, y_) from open() on, k_[i] the solution of stage i, in z exact to its Newton
// iterations: never f of a value, whose error f would magnify. Flags: todo_, iterates; failed_, diverged; ill_, met a
// slope that is not finite where its first guess led; fresh_, its J is of (t_, y_); stale_, to be linearised at the
// next attempt. eta_ is theta / (1 - theta) of a sample's last iterations, theta being what a correction leaves of the
// one before.
#include "solvers/steppers/dirk.hpp"

#include <algorithm>
#include <cmath>

#include "solvers/methods/hermite.hpp"

namespace cnf {

namespace {

constexpr double kEnough = 0.03;  // of the tolerance, may be left of a stage's equations
constexpr double kSlow = 0.1;     // theta from which on a new J pays
constexpr int kMostIterations = 10, kMostNewton = 20, kMostAge = 20;
constexpr double kRounding = 8;   // units in the last place: as well as equations can be solved
constexpr double kLinear = 0.05;  // of what may be left, may be left by GMRES

/// Of y + h sum_i w_i k_i at theta: the Hermite polynomial of the ends and their slopes, and the bump.
void dirk_weights(const void* method, double theta, double* w, double* dw) {
  const DirkTableau& m = *static_cast<const DirkTableau*>(method);
  const auto spread = [&m](const Hermite& at, double bump, double* to) {
    for (int i = 0; i < m.stages; ++i) to[i] = at.b * m.b()[i] + bump * m.bump[i];
    to[0] += at.first;
    to[m.stages - 1] += at.last;
  };
  spread(hermite(theta), bubble(theta), w);
  if (theta == 1) std::copy_n(m.b().begin(), m.stages, w);
  if (dw) spread(hermite_slope(theta), bubble_slope(theta), dw);
}

}  // namespace

template <class T>
DirkStepper<T>::DirkStepper(const Solve<T>& solve, const DirkTableau& method)
    : slope_(solve.slope),
      options_(solve.options),
      method_(method),
      controlled_(solve.controlled),
      D_(slope_.shape.blocks.z),
      B_(slope_.shape.B),
      controller_(&method, solve.options.controller),
      system_(slope_, controlled_) {
  Scratch& scratch = slope_.scratch;
  const Index n = slope_.shape.size(), nz = slope_.shape.z();
  for (int i = 0; i < method.stages; ++i) {
    k_[i] = scratch.take<T>(n);
    std::fill_n(k_[i], n, T{0});
  }
  f_ = scratch.take<T>(n);
  for (T** of : {&base_, &z_, &delta_, &scale_}) *of = scratch.take<T>(nz);
  for (char** of : {&active_, &todo_, &failed_, &ill_, &fresh_, &stale_}) *of = scratch.take<char>(B_);
  for (double** of : {&eta_, &before_, &slowest_}) *of = scratch.take<double>(B_);
  age_ = scratch.take<int>(B_);
  for (Index j = 0; j < B_; ++j)
    active_[j] = slope_.active.empty() || slope_.active[static_cast<std::size_t>(j)] ? 1 : 0;
  restart();
  // A stage's first guess: the slopes before it, extrapolated; of two stages at one time the later one's.
  for (int i = 1; i < method.stages; ++i)
    for (int j = 0; j < i; ++j) {
      double weight = 1;
      for (int l = 0; l < i; ++l)
        if (l != j)
          weight *= method.c[i] == method.c[j] ? 1 : (method.c[i] - method.c[l]) / (method.c[j] - method.c[l]);
      predict_[i][j] = weight;
    }
}

template <class T>
void DirkStepper<T>::restart() {
  have_first_ = linearised_ = false;
  std::copy_n(active_, B_, stale_);
  std::fill_n(eta_, B_, 1.0);
  std::fill_n(slowest_, B_, 0.0);
  std::fill_n(age_, B_, 0);
}

template <class T>
bool DirkStepper<T>::any(const char* flags) const {
  return std::find(flags, flags + B_, char{1}) != flags + B_;
}

template <class T>
const T* DirkStepper<T>::open(double t, const T* y) {
  t_ = t;
  y_ = y;
  linearised_ = false;
  std::fill_n(fresh_, B_, char{0});
  const double eps = std::numeric_limits<T>::epsilon();
  for (Index j = 0; j < B_; ++j) {
    const T* const at = y + j * D_;
    const double rms = std::sqrt(dot(at, at, D_) / static_cast<double>(D_));
    for (Index i = 0; i < D_; ++i) {
      const double size = std::abs(static_cast<double>(at[i]));
      const auto [relative, absolute] = options_.of_z(i);
      const double unit =
          controlled_ ? std::max(absolute + relative * size, kRounding * eps * size) : kRounding * eps * (size + rms);
      scale_[j * D_ + i] = std::max(static_cast<T>(unit), std::numeric_limits<T>::min());
    }
  }
  if (have_first_) return controlled_ ? nullptr : k_[0];
  slope_(t, y, k_[0], static_cast<T*>(nullptr));
  have_first_ = true;
  return k_[0];
}

/// J at (t_, y_) of the samples whose own is out of date.
template <class T>
void DirkStepper<T>::linearise_stale() {
  if (system_.dense() ? !any(stale_) : linearised_) return;
  system_.linearise(t_, y_, stale_, f_);
  linearised_ = true;
  for (Index j = 0; j < B_; ++j) {
    if (system_.dense() && !stale_[j]) continue;
    fresh_[j] = 1;
    stale_[j] = 0;
    age_[j] = 0;
    slowest_[j] = 0;
  }
}

template <class T>
void DirkStepper<T>::guess(int stage) {
  for (Index j = 0; j < B_; ++j) {
    if (!todo_[j]) continue;
    for (Index i = j * D_; i < (j + 1) * D_; ++i) {
      T sum = 0;
      for (int l = 0; l < stage; ++l) sum += static_cast<T>(predict_[stage][l]) * k_[l][i];
      k_[stage][i] = sum;
    }
  }
}

/// Whether the correction of size `size` is a sample's last. Sets failed_.
template <class T>
bool DirkStepper<T>::judge(Index j, double size, int iteration, bool newton) {
  const double enough = controlled_ ? kEnough : 1;
  if (iteration > 0) {
    const double theta = size / before_[j];
    slowest_[j] = std::max(slowest_[j], theta);
    if (!(theta < 1)) {
      eta_[j] = 1;
      before_[j] = size;
      failed_[j] = !newton && !(size <= enough);
      return failed_[j] || size <= enough;
    }
    eta_[j] = theta / (1 - theta);
    const bool hopeless = std::pow(theta, kMostIterations - 1 - iteration) * eta_[j] * size > enough;
    if (controlled_ && hopeless) failed_[j] = 1;
  }
  before_[j] = size;
  return failed_[j] || eta_[j] * size <= enough || size == 0;
}

/// Iterations for the samples in todo_, from the k_[stage] that is there. `newton`: each with its own J.
template <class T>
void DirkStepper<T>::iterate(int stage, double t, double c, bool newton) {
  T* const k = k_[stage];
  const int most = newton ? kMostNewton : kMostIterations;
  for (Index j = 0; j < B_; ++j)
    if (todo_[j]) eta_[j] = std::pow(std::max(eta_[j], std::numeric_limits<double>::epsilon()), 0.8);
  for (int iteration = 0; iteration < most && any(todo_); ++iteration) {
    for (Index i = 0; i < D_ * B_; ++i) z_[i] = base_[i] + static_cast<T>(c) * k[i];
    if (newton)
      system_.linearise(t, z_, todo_, f_);
    else
      slope_(t, z_, f_, static_cast<T*>(nullptr));
    for (Index j = 0; j < B_; ++j) {
      if (!todo_[j]) continue;
      bool finite = true;
      for (Index i = j * D_; i < (j + 1) * D_; ++i) {
        delta_[i] = f_[i] - k[i];
        finite = finite && std::isfinite(delta_[i]);
      }
      if (finite) continue;
      todo_[j] = 0;
      (iteration == 0 ? ill_ : failed_)[j] = 1;
    }
    system_.solve(delta_, todo_, scale_, kLinear * (controlled_ ? kEnough : 1) / std::abs(c));
    for (Index j = 0; j < B_; ++j) {
      if (!todo_[j]) continue;
      double square = 0;
      for (Index i = j * D_; i < (j + 1) * D_; ++i) {
        const double share = c * static_cast<double>(delta_[i]) / static_cast<double>(scale_[i]);
        square += share * share;
        k[i] += delta_[i];
      }
      const double size = std::sqrt(square / static_cast<double>(D_));
      if (!std::isfinite(size))
        failed_[j] = 1, todo_[j] = 0;
      else if (judge(j, size, iteration, newton))
        todo_[j] = 0;
    }
  }
  for (Index j = 0; j < B_; ++j) {
    if (todo_[j]) failed_[j] = 1;
    todo_[j] = 0;
  }
}

/// False: some sample's equations were not solved.
template <class T>
bool DirkStepper<T>::solve_stage(int stage, double t, double c) {
  std::copy_n(active_, B_, todo_);
  std::fill_n(failed_, B_, char{0});
  guess(stage);
  iterate(stage, t, c, false);
  if (!any(failed_)) return true;
  const auto again = [&](bool newton) {
    for (Index j = 0; j < B_; ++j) {
      todo_[j] = failed_[j] && (newton || !fresh_[j]);
      if (todo_[j]) stale_[j] = 1, failed_[j] = 0, eta_[j] = 1;
    }
    if (!any(todo_)) return;
    guess(stage);
    if (!newton) linearise_stale();
    iterate(stage, t, c, newton);
    if (newton && !system_.dense()) system_.linearise(t_, y_, active_, f_);
  };
  again(false);
  if (!controlled_) again(true);
  return !any(failed_);
}

template <class T>
bool DirkStepper<T>::attempt(double t_next, T* y_next, T* error) {
  const double h = t_next - t_, c = h * method_.gamma();
  const Index n = slope_.shape.size(), nz = slope_.shape.z();
  std::fill_n(ill_, B_, char{0});
  linearise_stale();
  system_.set(c);
  for (int stage = 1; stage < method_.stages; ++stage) {
    const double t = method_.c[stage] == 1 ? t_next : t_ + method_.c[stage] * h;
    combine(base_, y_, h, method_.a[stage], stage, k_, nz);
    if (!solve_stage(stage, t, c)) {
      unsolved_ = std::find(failed_, failed_ + B_, char{1}) - failed_;
      return false;
    }
    if (any(ill_)) break;
    if (n == nz) continue;
    for (Index i = 0; i < nz; ++i) z_[i] = base_[i] + static_cast<T>(c) * k_[stage][i];
    slope_(t, z_, f_, static_cast<T*>(nullptr));
    std::copy(f_ + nz, f_ + n, k_[stage] + nz);
  }
  if (any(ill_)) {
    std::copy_n(y_, n, y_next);
    for (Index j = 0; j < B_; ++j)
      if (ill_[j]) std::fill_n(y_next + j * D_, D_, std::numeric_limits<T>::quiet_NaN());
    if (error) std::fill_n(error, n, T{0});
    return true;
  }
  combine(y_next, y_, h, method_.b(), method_.stages, k_, n);
  if (error) combine(error, static_cast<const T*>(nullptr), h, method_.e(), method_.stages, k_, n);
  return true;
}

template <class T>
DenseStep<T> DirkStepper<T>::dense(double t_next, const T*) {
  DenseStep<T> step{t_, t_next, y_, method_.stages, {}, &method_, &dirk_weights};
  for (int i = 0; i < method_.stages; ++i) step.v[i] = k_[i];
  return step;
}

template <class T>
void DirkStepper<T>::accept(double, double) {
  std::swap(k_[0], k_[method_.stages - 1]);
  for (Index j = 0; j < B_; ++j)
    if (active_[j] && (slowest_[j] > kSlow || ++age_[j] >= kMostAge)) stale_[j] = 1;
}

template class DirkStepper<float>;
template class DirkStepper<double>;

}  // namespace cnf
