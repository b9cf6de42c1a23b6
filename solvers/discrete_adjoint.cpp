#include "solvers/discrete_adjoint.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace cnf {

namespace {

template <class T>
void check_shape(const char* what, const T& x, Index rows, Index cols) {
  if (x.rows() == rows && x.cols() == cols) return;
  throw std::invalid_argument("discrete_adjoint: " + std::string(what) + " is " + std::to_string(x.rows()) + " x " +
                              std::to_string(x.cols()) + ", the recording asks for " + std::to_string(rows) + " x " +
                              std::to_string(cols));
}

template <class T>
double dot(const T* x, const T* y, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return sum;
}

}  // namespace

template <class T>
TimeGradient discrete_adjoint(const Dynamics<T>& dynamics, const Recording<T>& recording, Tile<T> w_z, Tile<T> w_q,
                              Out<T> z_bar, std::span<T> params_bar, Scratch& scratch) {
  TimeGradient gradient;
  if (recording.steps() == 0) {
    if (w_z.rows() != z_bar.rows() || w_z.cols() != z_bar.cols()) check_shape("z_bar", z_bar, w_z.rows(), w_z.cols());
    z_bar = w_z;
    return gradient;
  }
  const Shape& shape = recording.shape();
  const Blocks& rows = shape.blocks;
  check_shape("w_z", w_z, rows.z, shape.B);
  check_shape("w_q", w_q, rows.q, shape.B);
  check_shape("z_bar", z_bar, rows.z, shape.B);
  if (static_cast<Index>(params_bar.size()) != dynamics.gradient_size())
    throw std::invalid_argument("discrete_adjoint: params_bar has " + std::to_string(params_bar.size()) +
                                " values, the dynamics " + std::to_string(dynamics.gradient_size()));

  const Tableau& m = recording.method();
  const int S = m.own_stages();
  const Index nz = shape.z(), nq = shape.q();
  const double span = recording.t_end() - recording.t_begin();

  const Scratch::Frame frame(scratch);
  std::array<T*, kMaxStages> X_bar{}, k_again{}, tape_again{};
  for (int i = 0; i < S; ++i) X_bar[i] = scratch.take<T>(nz);
  T* const k_bar_z = scratch.take<T>(nz);
  T* const k_bar_q = scratch.take<T>(nq);
  T* const lambda_q = scratch.take<T>(nq);
  T *lambda = scratch.take<T>(nz), *lambda_next = scratch.take<T>(nz);
  T* const z_work = scratch.take<T>(nz);
  std::copy_n(w_z.data(), nz, lambda);
  std::copy_n(w_q.data(), nq, lambda_q);
  if (!recording.holds(recording.steps() - 1)) {
    const Index tape_size = dynamics.tape_size(shape.B);
    for (int i = 0; i < S; ++i) {
      k_again[i] = scratch.take<T>(shape.size());
      tape_again[i] = scratch.take<T>(tape_size);
    }
  }
  std::array<double, kMaxStages> ones;
  ones.fill(1);

  for (Index n = recording.steps() - 1; n >= 0; --n) {
    const double t = recording.t(n), t_next = recording.t(n + 1), h = recording.h(n);
    const double s = recording.fractions()[n], ds = recording.fractions()[n + 1] - s;
    const bool held = recording.holds(n);
    if (!held)
      evaluate_stages(dynamics, m, shape, t, t_next, recording.z(n), 0, S, k_again, tape_again, z_work, scratch);
    for (int i = S - 1; i >= 0; --i) {
      const T* const k = held ? recording.k(n, i) : k_again[i];
      const T* const tape = held ? recording.tape(n, i) : tape_again[i];
      // The column of a below the diagonal, and b beside it as one more term.
      std::array<double, kMaxStages> weights{};
      std::array<T*, kMaxStages> terms{};
      int count = 0;
      if (m.b[i] != 0) weights[count] = m.b[i], terms[count++] = lambda;
      for (int j = i + 1; j < S; ++j)
        if (m.a[j][i] != 0) weights[count] = m.a[j][i], terms[count++] = X_bar[j];
      combine(k_bar_z, static_cast<const T*>(nullptr), h, weights, count, terms, nz);
      const T b = static_cast<T>(h * m.b[i]);
      for (Index r = 0; r < nq; ++r) k_bar_q[r] = b * lambda_q[r];

      std::fill_n(X_bar[i], nz, T{0});
      T t_bar = 0;
      dynamics.vjp(tape, Tile<T>(k_bar_z, rows.z, shape.B), Tile<T>(k_bar_q, rows.q, shape.B),
                   Out<T>(X_bar[i], rows.z, shape.B), std::span<T>(&t_bar, 1), params_bar, scratch);

      const double at = s + m.c[i] * ds;  // the stage's own fraction of the way
      const double stretch = (dot(k_bar_z, k, nz) + dot(k_bar_q, k + nz, nq)) / span;
      gradient.begin += static_cast<double>(t_bar) * (1 - at) - stretch;
      gradient.end += static_cast<double>(t_bar) * at + stretch;
    }
    combine(lambda_next, lambda, 1.0, ones, S, X_bar, nz);
    std::swap(lambda, lambda_next);
  }
  std::copy_n(lambda, nz, z_bar.data());
  return gradient;
}

template TimeGradient discrete_adjoint(const Dynamics<float>&, const Recording<float>&, Tile<float>, Tile<float>,
                                       Out<float>, std::span<float>, Scratch&);
template TimeGradient discrete_adjoint(const Dynamics<double>&, const Recording<double>&, Tile<double>, Tile<double>,
                                       Out<double>, std::span<double>, Scratch&);

}  // namespace cnf
