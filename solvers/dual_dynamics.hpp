// The user's own function as a Dynamics that finds its derivatives by dual numbers.
#pragma once

#include <Eigen/Core>  // unsupported/Eigen/AutoDiff does not include it
#include <array>
#include <stdexcept>
#include <string>
#include <unsupported/Eigen/AutoDiff>
#include <utility>

#include "solvers/dynamics.hpp"

namespace cnf {

/// dz/dt = f(t, z; params) of D values and P parameters, with jvp and vjp, without quadratures. Made by dual_dynamics.
///
/// f        f(t, z, params, dz) on one sample, for any scalar S: t is an S, the others are spans of S. It is called
///          with S = T and with S = Eigen::AutoDiffScalar. A generic lambda will do:
///              [](auto t, auto z, auto p, auto dz) { using std::cos; dz[0] = p[0] * z[0] * cos(t); }
///          An intermediate value is declared by its type, never `auto`: an expression of dual numbers refers to what
///          it was made of. `std::remove_cvref_t<decltype(z[0])>` is S where the lambda has no name for it.
/// params   P x 1: one set for the tile; or P x B: a column a sample, for tiles of B samples.
/// Gradient params_bar has the shape of params, column by column.
/// Tape     the Jacobian by (z, t, params) of each sample, D x (D + 1 + P), column by column.
/// Cost     without a tape: f. With one: f once more, on 1 + D + 1 + P numbers each, on the stack: for small D and P.
/// Throws   std::invalid_argument for params of other shapes.
template <class T, int D, int P, class F>
class DualDynamics final : public Dynamics<T> {
 public:
  static_assert(D >= 1 && P >= 0);

  DualDynamics(F f, Matrix<T> params) : f_(std::move(f)), params_(std::move(params)) {
    if (params_.rows() != P || params_.cols() < 1)
      throw std::invalid_argument("dual_dynamics: params is " + shape(params_.rows(), params_.cols()) + ", expected " +
                                  std::to_string(P) + " rows, and one column or one a sample");
  }

  const Matrix<T>& params() const { return params_; }

  Blocks blocks() const override { return {D, 0, 0}; }
  Index gradient_size() const override { return params_.size(); }
  Index tape_size(Index B) const override { return Index{D} * kInputs * B; }
  Derivatives derivatives() const override { return Derivatives::all; }

  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T>, std::span<T>, T* tape, Scratch&) const override {
    if (params_.cols() != 1 && params_.cols() != z.cols())
      throw std::invalid_argument("dual_dynamics: params is " + shape(params_.rows(), params_.cols()) +
                                  ", a column a sample, but the tile has " + std::to_string(z.cols()) + " samples");
    for (Index j = 0; j < z.cols(); ++j) {
      const T time = t[t.size() > 1 ? j : 0];
      const std::span<const T> at(z.data() + j * D, D), p(params_.data() + set(j) * P, P);
      f_(time, at, p, std::span<T>(dz.data() + j * D, D));
      if (tape) differentiate(time, at, p, tape + j * D * kInputs);
    }
  }

  void jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T>, Scratch&) const override {
    for (Index j = 0; j < v.cols(); ++j) {
      const T* const J = tape + j * D * kInputs;
      const T tau = t_dot[t_dot.size() > 1 ? j : 0];
      for (int i = 0; i < D; ++i) {
        T sum = J[D * D + i] * tau;
        for (int l = 0; l < D; ++l) sum += J[l * D + i] * v(l, j);
        dz_dot(i, j) = sum;
      }
    }
  }

  void vjp(const T* tape, Tile<T> w_z, Tile<T>, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
           Scratch&) const override {
    for (Index j = 0; j < w_z.cols(); ++j) {
      const T* const J = tape + j * D * kInputs;
      const auto pull = [&](int input) {
        T sum = 0;
        for (int i = 0; i < D; ++i) sum += J[input * D + i] * w_z(i, j);
        return sum;
      };
      for (int l = 0; l < D; ++l) z_bar(l, j) += pull(l);
      t_bar[t_bar.size() > 1 ? j : 0] += pull(D);
      for (int l = 0; l < P; ++l) params_bar[set(j) * P + l] += pull(D + 1 + l);
    }
  }

 private:
  static constexpr int kInputs = D + 1 + P;  // z, t, params
  using Dual = Eigen::AutoDiffScalar<Eigen::Matrix<T, kInputs, 1>>;

  static std::string shape(Index rows, Index cols) { return std::to_string(rows) + " x " + std::to_string(cols); }
  /// The column of params that sample j has.
  Index set(Index j) const { return params_.cols() > 1 ? j : 0; }

  void differentiate(T t, std::span<const T> z, std::span<const T> p, T* jacobian) const {
    std::array<Dual, D> at, out;
    std::array<Dual, P> params;
    for (int i = 0; i < D; ++i) at[i] = Dual(z[i], kInputs, i);
    for (int i = 0; i < P; ++i) params[i] = Dual(p[i], kInputs, D + 1 + i);
    f_(Dual(t, kInputs, D), std::span<const Dual>(at), std::span<const Dual>(params), std::span<Dual>(out));
    for (int i = 0; i < D; ++i)
      for (int l = 0; l < kInputs; ++l) jacobian[l * D + i] = out[i].derivatives()[l];
  }

  F f_;
  Matrix<T> params_;
};

/// A field of D values and P parameters from a function of any scalar: `dual_dynamics<2, 4, double>(f, params)`.
template <int D, int P, class T, class F>
DualDynamics<T, D, P, F> dual_dynamics(F f, Matrix<T> params) {
  return {std::move(f), std::move(params)};
}

}  // namespace cnf
