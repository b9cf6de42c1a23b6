// Every sample over a span of its own, by a change of variable: no method and no gradient has to know.
#pragma once

#include <span>
#include <vector>

#include "solvers/dynamics.hpp"

namespace cnf {

/// dz/ds = L_b f(t0_b + s L_b, z), L_b = t1_b - t0_b, for s from 0 to 1: sample b goes from t0_b to t1_b, forwards,
/// backwards or nowhere, all samples in one solve. Quadratures q likewise. s = 1 is t1_b itself.
///
/// Gradient  params_bar = [f's gradient_size() | B values of dloss/dt0_b | B values of dloss/dt1_b]: with w the
///           cotangent of (dz/ds, dq/ds) and t_bar f's own, of w scaled by L_b,
///               t0_bar_b += (1 - s) t_bar_b - w_b . f_b       t1_bar_b += s t_bar_b + w_b . f_b.
/// Throws    std::invalid_argument for spans of different numbers, or not finite, and for a dynamics with an s block:
///           rates summed over samples cannot be scaled by sample. So the adjoint of a span is made of
///           SpanDynamics(f), never the reverse.
/// Memory    two tiles and B values more a tape than f. It is for tiles of as many samples as it has spans.
template <class T>
class SpanDynamics final : public Dynamics<T> {
 public:
  /// `f` must outlive this.
  SpanDynamics(const Dynamics<T>& f, std::span<const double> t0, std::span<const double> t1);

  Index spans() const { return static_cast<Index>(t0_.size()); }
  Blocks blocks() const override { return f_.blocks(); }
  Index gradient_size() const override { return f_.gradient_size() + 2 * spans(); }
  Index tape_size(Index B) const override;
  Derivatives derivatives() const override { return f_.derivatives(); }
  void forward(Times<T> s, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T> ds, T* tape, Scratch& scratch) const override;
  void jvp(const T* tape, Tile<T> v, Times<T> s_dot, Out<T> dz_dot, Out<T> dq_dot, Scratch& scratch) const override;
  void vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> s_bar, std::span<T> params_bar,
           Scratch& scratch) const override;

 private:
  const Dynamics<T>& f_;
  std::vector<T> t0_, t1_, length_;
};

}  // namespace cnf
