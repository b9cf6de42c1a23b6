// Small right-hand sides for the solvers' tests.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "base/random.hpp"
#include "solvers/dynamics.hpp"
#include "solvers/function_dynamics.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/integrate.hpp"
#include "solvers/masked.hpp"

namespace cnf {

/// dz/dt = f(t, z, dz, j), one sample at a time, of a type that tables can hold. No derivatives.
template <class T>
using PointField = FunctionDynamics<T, std::function<void(T, std::span<const T>, std::span<T>, Index)>>;

/// y1' = y1 log y2, y2' = -y2 log y1.
template <class T>
PointField<T> wave_field() {
  return PointField<T>(2, [](T, std::span<const T> y, std::span<T> dy, Index) {
    dy[0] = y[0] * std::log(y[1]);
    dy[1] = -y[1] * std::log(y[0]);
  });
}
/// Its solution (e^sin(t + phase), e^cos(t + phase)), a phase a sample.
inline Matrix<double> waves(double t, Index B) {
  Matrix<double> z(2, B);
  for (Index j = 0; j < B; ++j) {
    const double at = t + 0.4 * static_cast<double>(j);
    z.col(j) << std::exp(std::sin(at)), std::exp(std::cos(at));
  }
  return z;
}

/// f = tanh(A z + b t), q' = |z|^2; params = (A, b). Tape: f, z (D x B each), t (B).
template <class T>
class TanhField final : public Dynamics<T> {
 public:
  Matrix<T> A;
  Vector<T> b;

  TanhField(Index D, Seed seed) : A(D, D), b(D) {
    for (Index i = 0; i < D; ++i) {
      for (Index j = 0; j < D; ++j) A(i, j) = draw(seed, 0, i, j);
      b(i) = draw(seed, 1, i, 0);
    }
  }
  Index parameters() const { return A.size() + b.size(); }
  T& parameter(Index i) { return i < A.size() ? A.data()[i] : b[i - A.size()]; }

  Blocks blocks() const override { return {A.rows(), 1, 0}; }
  Index gradient_size() const override { return parameters(); }
  Index tape_size(Index B) const override { return (2 * A.rows() + 1) * B; }
  Derivatives derivatives() const override { return Derivatives::all; }

  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T>, T* tape, Scratch&) const override {
    const Index D = A.rows(), B = z.cols();
    for (Index j = 0; j < B; ++j) {
      const T time = t[t.size() > 1 ? j : 0];
      T square = 0;
      for (Index i = 0; i < D; ++i) {
        T u = b[i] * time;
        for (Index l = 0; l < D; ++l) u += A(i, l) * z(l, j);
        dz(i, j) = std::tanh(u);
        square += z(i, j) * z(i, j);
      }
      dq(0, j) = square;
      if (tape) tape[2 * D * B + j] = time;
    }
    if (tape) {
      Out<T>(tape, D, B) = dz;
      Out<T>(tape + D * B, D, B) = z;
    }
  }
  void jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T> dq_dot, Scratch&) const override {
    const Index D = A.rows(), B = v.cols();
    const Tile<T> f(tape, D, B), z(tape + D * B, D, B);
    for (Index j = 0; j < B; ++j) {
      const T tau = t_dot[t_dot.size() > 1 ? j : 0];
      T square = 0;
      for (Index i = 0; i < D; ++i) {
        T u = b[i] * tau;
        for (Index l = 0; l < D; ++l) u += A(i, l) * v(l, j);
        dz_dot(i, j) = (1 - f(i, j) * f(i, j)) * u;
        square += 2 * z(i, j) * v(i, j);
      }
      if (dq_dot.size() > 0) dq_dot(0, j) = square;
    }
  }
  void vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
           Scratch&) const override {
    const Index D = A.rows(), B = w_z.cols();
    const Tile<T> f(tape, D, B), z(tape + D * B, D, B);
    const T* const t = tape + 2 * D * B;
    for (Index j = 0; j < B; ++j) {
      for (Index i = 0; i < D; ++i) {
        const T g = (1 - f(i, j) * f(i, j)) * w_z(i, j);
        for (Index l = 0; l < D; ++l) {
          z_bar(l, j) += A(i, l) * g;
          params_bar[i + l * D] += g * z(l, j);
        }
        params_bar[D * D + i] += g * t[j];
        t_bar[t_bar.size() > 1 ? j : 0] += b[i] * g;
        z_bar(i, j) += 2 * z(i, j) * w_q(0, j);
      }
    }
  }

 private:
  static T draw(Seed seed, std::uint32_t what, Index i, Index j) {
    return static_cast<T>(
        normal(seed, Purpose::direction, what, static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(j)));
  }
};

inline Tile<double> tile(const Matrix<double>& x) { return {x.data(), x.rows(), x.cols()}; }
inline Out<double> out(Matrix<double>& x) { return {x.data(), x.rows(), x.cols()}; }

/// The fourth-order central difference of value() along x, which value() reads.
template <class Value>
double difference(double& x, const Value& value) {
  const double at = x, h = 1e-3;
  const auto moved = [&](double step) {
    x = at + step;
    const double result = value();
    x = at;
    return result;
  };
  return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
}

/// Standard normals, rows x cols.
template <class T>
Matrix<T> normals(Index rows, Index cols, Seed seed) {
  Matrix<T> x(rows, cols);
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; ++i)
      x(i, j) = static_cast<T>(
          normal(seed, Purpose::direction, 99, static_cast<std::uint64_t>(j), static_cast<std::uint32_t>(i)));
  return x;
}

template <class T>
struct Solved {
  Matrix<T> z, q;
  Status status;
  Counters counters;
};

/// Integrates z over the dynamics; the other blocks start from zero.
template <class T>
Solved<T> solved(const Dynamics<T>& f, double t_begin, double t_end, const Matrix<T>& z, const SolveOptions& options,
                 const SolveExtras<T>& extras = {}) {
  Scratch scratch;
  Solved<T> result;
  State<T> state(f.blocks(), z.cols());
  state.z() = z;
  result.status = integrate(f, t_begin, t_end, state, options, scratch, result.counters, extras);
  result.z = state.z();
  result.q = state.q();
  return result;
}

/// The least memory that a discrete gradient of a tile of B samples does with.
template <class T>
std::size_t least_memory(const Dynamics<T>& f, Index B, const SolveOptions& options) {
  return least_memory(step_memory<T>({f.blocks(), B}, f.tape_size(B), options.method), length_of(options));
}

/// The state integrated from 0 to 1, with failing samples masked.
template <class T>
std::vector<Status> solved_masked(const Dynamics<T>& f, State<T>& state, std::vector<char>& active,
                                  const SolveOptions& options, Scratch& scratch, Counters& counters,
                                  SolveExtras<T> extras = {}) {
  return masked(state, active, options.max_steps, scratch, [&](std::span<const char> on, std::span<char> bad) {
    extras.active = on;
    extras.bad = bad;
    return integrate(f, 0, 1, state, options, scratch, counters, extras);
  });
}

}  // namespace cnf
