// The user's own function as a Dynamics, one sample at a time.
#pragma once

#include <concepts>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "solvers/dynamics.hpp"

namespace cnf {

/// The place of a pullback that was not given.
struct NoVjp {};

/// dz/dt = f(t, z) of D values, without quadratures. Made by function_dynamics below.
///
/// f         f(t, z, dz) or f(t, z, dz, j): z and dz are spans of D values, one sample's; j is its column in the tile.
///           Or f(t, z), which returns dz: a std::array<T, D>, or what else has values [0] to [D - 1].
/// vjp       T vjp(t, z, w, z_bar, params_bar): adds w^T df/dz to z_bar and w^T df/dparams to params_bar (P values),
///           and returns w^T df/dt. It says what f would only be differenced for: tests/laws.hpp checks such claims.
/// Threads   may share it: f and vjp are called through const, at once from several threads where a solve has several.
/// Throws    std::invalid_argument for D < 1 or P < 0. It has no jvp, and no vjp unless one is given (derivatives());
///           DualDynamics (dual_dynamics.hpp) finds both by itself.
/// Cost      of vjp's tape: (D + 1) B values.
template <class T, class F, class Vjp = NoVjp>
class FunctionDynamics final : public Dynamics<T> {
 public:
  FunctionDynamics(Index D, F f, Vjp vjp = {}, Index P = 0) : D_(D), P_(P), f_(std::move(f)), vjp_(std::move(vjp)) {
    if (D < 1) throw std::invalid_argument("function_dynamics: D is " + std::to_string(D) + ", expected 1 or more");
    if (P < 0) throw std::invalid_argument("function_dynamics: P is " + std::to_string(P) + ", expected 0 or more");
  }

  Blocks blocks() const override { return {D_, 0, 0}; }
  Index gradient_size() const override { return P_; }
  Index tape_size(Index B) const override { return kHasVjp ? (D_ + 1) * B : 0; }
  Derivatives derivatives() const override { return kHasVjp ? Derivatives::vjp : Derivatives::none; }

  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T>, std::span<T>, T* tape, Scratch&) const override {
    const Index B = z.cols();
    for (Index j = 0; j < B; ++j) {
      const T time = t[t.size() > 1 ? j : 0];
      if constexpr (std::invocable<const F&, T, std::span<const T>, std::span<T>, Index>)
        f_(time, values(z.data(), j), values(dz.data(), j), j);
      else if constexpr (std::invocable<const F&, T, std::span<const T>, std::span<T>>)
        f_(time, values(z.data(), j), values(dz.data(), j));
      else
        assign(f_(time, values(z.data(), j)), values(dz.data(), j));
      if (kHasVjp && tape) tape[D_ * B + j] = time;
    }
    if (kHasVjp && tape) Out<T>(tape, D_, B) = z;
  }

  void vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
           Scratch& scratch) const override {
    if constexpr (kHasVjp) {
      const Index B = w_z.cols();
      for (Index j = 0; j < B; ++j)
        t_bar[t_bar.size() > 1 ? j : 0] += vjp_(tape[D_ * B + j], values(tape, j), values(w_z.data(), j),
                                                values(z_bar.data(), j), params_bar.first(P_));
    } else {
      Dynamics<T>::vjp(tape, w_z, w_q, z_bar, t_bar, params_bar, scratch);
    }
  }

 private:
  template <class Values>
  static void assign(const Values& values, std::span<T> dz) {
    for (std::size_t i = 0; i < dz.size(); ++i) dz[i] = values[i];
  }

  static constexpr bool kHasVjp = !std::is_same_v<Vjp, NoVjp>;

  template <class V>
  std::span<V> values(V* tile, Index j) const {
    return {tile + j * D_, static_cast<std::size_t>(D_)};
  }

  Index D_, P_;
  F f_;
  [[no_unique_address]] Vjp vjp_;
};

/// A field of D values from a function: `function_dynamics<double>(1, [](double, auto z, auto dz) { dz[0] = -z[0]; })`.
template <class T, class F>
FunctionDynamics<T, F> function_dynamics(Index D, F f) {
  return {D, std::move(f)};
}

/// The same with its pullback, to z, t and P parameters that the function knows: gradients by discrete_adjoint or
/// continuous_adjoint.
template <class T, class F, class Vjp>
FunctionDynamics<T, F, Vjp> function_dynamics(Index D, F f, Vjp vjp, Index P = 0) {
  return {D, std::move(f), std::move(vjp), P};
}

}  // namespace cnf
