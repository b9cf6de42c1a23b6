// What a training solve can integrate beside the divergence: a field's kinetic energy, and how much it bends.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "flows/divergence.hpp"

namespace cnf {

/// A quadrature along a sample's path, never negative whichever way time runs:
///   kinetic     integral of |f|^2 |dt|:    straight paths at constant speed make it least, which few steps can follow
///   frobenius   integral of |J|_F^2 |dt|:  fields that bend little. As the divergence is taken: exactly where that has
///               all tangents, else |J e|^2 with the same probe e, the mean over several; unbiased, E[e e^T] = I
///   hjb         integral of |d Phi/dt - |f|^2 / 2| |dt|, of f = -grad Phi alone: 0 where every path is a straight line
///               at constant speed, the Hamilton-Jacobi-Bellman equation of optimal transport
/// Source  Finlay, Jacobsen, Nurbekyan, Oberman (2020), How to train your neural ODE; theirs is |e^T J|,
///         whose mean is the same. hjb: Onken, Wu Fung, Li, Ruthotto (2021), OT-Flow, section 2.
enum class Quadrature { kinetic, frobenius, hjb };
inline constexpr std::array kAllQuadratures{Quadrature::kinetic, Quadrature::frobenius, Quadrature::hjb};
std::string_view name(Quadrature quadrature);  ///< as spelled on the command line
std::string_view help(Quadrature quadrature);  ///< a sentence

/// Whether it takes J v: then the divergence is by tangents or probes, not by a closed form.
constexpr bool needs_tangents(Quadrature quadrature) { return quadrature == Quadrature::frobenius; }
/// Whether it takes d Phi/dt, of a field that has a potential.
constexpr bool needs_potential(Quadrature quadrature) { return quadrature == Quadrature::hjb; }

/// FlowDynamics with rows of quadratures below the divergence: q' = (div f, the rates in the order of `beside`).
template <class T>
class RegularisedDynamics final : public Dynamics<T> {
 public:
  /// As FlowDynamics, with a method that is not `none`. `forwards`: the solve goes up in time. `beside` outlives it.
  /// std::invalid_argument: the closed form, where one of them needs tangents; a field that lacks the potential needed.
  RegularisedDynamics(const Field<T>& field, DivergenceMethod method, const T* probes,
                      std::span<const Quadrature> beside, bool forwards);

  Blocks blocks() const override { return {field_.dim(), 1 + std::ssize(beside_), 0}; }
  Index gradient_size() const override { return field_.gradient_size(); }
  Index tape_size(Index B) const override;
  Derivatives derivatives() const override { return Derivatives::all; }
  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T> ds, T* tape, Scratch& scratch) const override;
  void jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T> dq_dot, Scratch& scratch) const override;
  void vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
           Scratch& scratch) const override;

 private:
  bool by_trace() const { return plain_.method().kind == DivergenceMethod::Kind::trace; }
  Index rows() const { return field_.dim() + (slope_ ? 1 : 0); }
  T scale(Quadrature quadrature) const;
  void rates(const T* f, const T* JV, Out<T> dq) const;
  T rate_dot(Quadrature quadrature, Index b, Index B, const T* kept, const T* f_dot, const T* JV_dot) const;
  T residual(const T* f) const;

  const Field<T>& field_;
  FlowDynamics<T> plain_;
  std::span<const Quadrature> beside_;
  T sign_;
  bool slope_;  ///< whether f has d Phi/dt below it
};

}  // namespace cnf
