// The potential field: the velocity is minus the gradient of a potential, as optimal transport has it (OT-Flow).
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "flows/fields/field.hpp"
#include "flows/layout.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// f(t, z) = -grad_z Phi(z, t),  with s = (z, t) and sigma(a) = log(e^a + e^-a), whose derivative is tanh:
///   Phi = w . N(s) + |A s|^2 / 2 + b . s,   N = u_0 + sigma(K_1 u_0 + b_1),   u_0 = sigma(K_0 s + b_0).
///
/// N is a residual network of two layers. A constant in Phi would move nothing, so there is none.
/// Tensors  weight K_0: width x (D + 1); bias b_0; inner_weight K_1: width x width; inner_bias b_1; out_weight w;
///          quadratic A: min(rank, D + 1) x (D + 1);  linear b: D + 1.
/// Source   Onken, Wu Fung, Li, Ruthotto (2021), OT-Flow, section 3 and appendix A: M = 1 layer after the first, whose
///          step is 1; their width for planar sets is 32, for tables 64 and more, their rank 10.
struct PotentialShape {
  static constexpr std::string_view kKind = "potential",
                                    kHelp = "the slope of a potential, for optimal transport (OT-Flow)";
  static constexpr bool kHasPotential = true;

  Index dim = 2;
  Index width = 64;
  Index rank = 10;

  bool operator==(const PotentialShape&) const = default;
  std::vector<Setting> settings();
  Layout layout() const;  ///< throws std::invalid_argument for a dimension, a width or a rank below 1
  Vector<double> initial_parameters(Seed seed) const;
  template <class T>
  std::unique_ptr<Field<T>> make(std::span<const T> params) const;
};

/// A potential field bound to parameters, with its closed form. J = -H, H the z-block of Phi's second derivative:
///   H = K^T diag(tanh'(a_0) z_1) K + X^T diag(w tanh'(a_1)) X + A_z^T A_z,  X = K_1 diag(tanh(a_0)) K,  K = K_0's
/// columns of z, z_1 = w + K_1^T (w tanh(a_1)).  J is symmetric, and its trace takes X but not X^T.
///
/// Cost  per sample and evaluation: f takes 2 width^2 multiply-adds, the closed form D width^2 more, a tangent twice
///       width^2; vjp: twice that.
template <class T>
class PotentialField final : public Field<T>, public ClosedFormTrace<T> {
 public:
  /// `params`: shape.layout().size values, which must outlive the field.
  PotentialField(const PotentialShape& shape, std::span<const T> params);

  Index dim() const override { return D_; }
  Index parameters() const override { return size_; }
  Index gradient_size() const override { return size_; }
  void fold_derived(std::span<T>) const override {}  // what is derived once per update is pulled at once
  bool has_potential() const override { return true; }

  Index tape_size(Index B, Index) const override { return B * (D_ + 1 + 4 * M_); }
  void forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape, Scratch& scratch) const override;
  void jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
           Scratch& scratch) const override;
  void vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
           std::span<T> params_bar, Scratch& scratch) const override;

  const ClosedFormTrace<T>* trace() const override { return this; }
  Index trace_tape_size(Index B) const override { return tape_size(B, 0) + D_ * M_ * B; }
  void trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const override;
  void trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                 Scratch& scratch) const override;
  void trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
                 Scratch& scratch) const override;

 private:
  struct On;     // what lies on a tape
  struct Moved;  // derivatives of the tape along a direction
  struct Bars;   // cotangents of what lies there

  On evaluate(Times<T> t, Tile<T> z, Out<T> f, T* tape, Scratch& scratch) const;
  void write(const T* gradient, Out<T> f) const;
  T* column_products(const T* x, Index n, Scratch& scratch) const;
  T* bend(const On& on, const T* r, Index C, T* m, Scratch& scratch) const;
  Moved push(const On& on, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Scratch& scratch) const;
  Bars pull(const On& on, Tile<T> w_f, std::span<T> params_bar, Scratch& scratch) const;
  void pull_tangents(const On& on, Tile<T> V, Tile<T> w_jv, const Bars& bars, std::span<T> params_bar,
                     Scratch& scratch) const;
  void pull_trace(const On& on, Tile<T> w_div, const Bars& bars, std::span<T> params_bar, Scratch& scratch) const;
  void pull_layers(const On& on, const Bars& bars, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
                   Scratch& scratch) const;

  const T* at(Index offset) const { return params_.data() + offset; }

  Index D_, M_, rank_, size_;
  Index K0_, b0_, K1_, b1_, w_, A_, b_;  ///< offsets
  std::span<const T> params_;
  Matrix<T> twice_;      ///< 2 K_0, since log(e^a + e^-a) = softplus(2 a) - a
  Vector<T> twice_b0_;   ///< 2 b_0
  Matrix<T> K0t_, K1t_;  ///< transposed
  Matrix<T> S_;          ///< A^T A
  Vector<T> squares_;    ///< of K's rows
};

}  // namespace cnf
