// Right-hand sides with their Jacobians, for the tests of implicit methods.
#pragma once

#include <cmath>
#include <functional>

#include "tests/solvers/fields.hpp"

namespace cnf {

/// dz/dt = f(t, z, j) of D values, one sample at a time, with q' = |z|^2 if asked for; jvp by the Jacobian's columns
/// and df/dt, by `moves(t, z, v, tau, out, j)` = J v + tau df/dt. Tape: z, t.
template <class T>
class JacobianField final : public Dynamics<T> {
 public:
  using F = std::function<void(T t, const T* z, T* dz, Index j)>;
  using Moves = std::function<void(T t, const T* z, const T* v, T tau, T* out, Index j)>;

  JacobianField(Index D, F f, Moves moves, bool with_q = false)
      : D_(D), with_q_(with_q), f_(std::move(f)), moves_(std::move(moves)) {}

  Blocks blocks() const override { return {D_, with_q_ ? 1 : 0, 0}; }
  Index tape_size(Index B) const override { return (D_ + 1) * B; }
  Derivatives derivatives() const override { return Derivatives::all; }

  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T>, T* tape, Scratch&) const override {
    for (Index j = 0; j < z.cols(); ++j) {
      const T time = t[t.size() > 1 ? static_cast<std::size_t>(j) : 0];
      f_(time, z.data() + j * D_, dz.data() + j * D_, j);
      if (with_q_) dq(0, j) = z.col(j).squaredNorm();
      if (!tape) continue;
      std::copy_n(z.data() + j * D_, D_, tape + j * D_);
      tape[D_ * z.cols() + j] = time;
    }
  }
  void jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T> dq_dot, Scratch&) const override {
    for (Index j = 0; j < v.cols(); ++j) {
      const T* const z = tape + j * D_;
      moves_(tape[D_ * v.cols() + j], z, v.data() + j * D_, t_dot[t_dot.size() > 1 ? static_cast<std::size_t>(j) : 0],
             dz_dot.data() + j * D_, j);
      if (dq_dot.size() == 0) continue;
      dq_dot(0, j) = 0;
      for (Index i = 0; i < D_; ++i) dq_dot(0, j) += 2 * z[i] * v(i, j);
    }
  }

 private:
  Index D_;
  bool with_q_;
  F f_;
  Moves moves_;
};

/// z' = lambda (z - cos t) - sin t (Prothero and Robinson 1974): z = cos t, whatever lambda.
template <class T>
JacobianField<T> prothero_robinson(T lambda) {
  return {1, [lambda](T t, const T* z, T* dz, Index) { dz[0] = lambda * (z[0] - std::cos(t)) - std::sin(t); },
          [lambda](T t, const T*, const T* v, T tau, T* out, Index) {
            out[0] = lambda * (v[0] + std::sin(t) * tau) - std::cos(t) * tau;
          }};
}

}  // namespace cnf
