// The planar field: a sum of gated units, the continuous planar flow of the paper.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "flows/fields/field.hpp"
#include "flows/kernels/activation.hpp"
#include "flows/layout.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// f(t, z) = sum_m sigma_m(t) u_m phi(w_m . z + b_m),  sigma_m(t) = sigmoid(g_m t + c_m).
///
/// The paper's gate is "a neural network sigma_n(t) in (0, 1)"; here it is the least of these, one sigmoid a unit.
/// Tensors  weight W: units x D;  bias b;  gate_weight g;  gate_bias c: units;  out_weight U: D x units.
/// Source   Chen et al. (2018), Neural ordinary differential equations, section 4: "gating", "multiple hidden units".
struct PlanarShape {
  static constexpr std::string_view kKind = "planar", kHelp = "gated planar units (Chen et al. 2018)";

  Index dim = 2;
  Index units = 64;
  Activation activation = Activation::tanh;

  bool operator==(const PlanarShape&) const = default;
  bool has_trace() const { return true; }
  std::vector<Setting> settings();
  Layout layout() const;  ///< throws std::invalid_argument for a dimension or a number of units below 1
  Vector<double> initial_parameters(Seed seed) const;
  template <class T>
  std::unique_ptr<Field<T>> make(std::span<const T> params) const;
};

/// A planar field bound to parameters, with its closed form
///   tr J = sum_m sigma_m(t) phi'(w_m . z + b_m) (w_m . u_m),
/// which costs one product less than f itself, in any dimension and with one time a sample.
template <class T>
class PlanarField final : public Field<T>, public ClosedFormTrace<T> {
 public:
  /// `params`: shape.layout().size values, which must outlive the field.
  PlanarField(const PlanarShape& shape, std::span<const T> params);

  Index dim() const override { return shape_.dim; }
  Index parameters() const override { return size_; }
  Index gradient_size() const override { return size_; }
  void fold_derived(std::span<T>) const override {}  // nothing is derived once per update but w_m . u_m, pulled at once

  Index tape_size(Index B, Index C) const override;
  void forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape, Scratch& scratch) const override;
  void jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
           Scratch& scratch) const override;
  void vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
           std::span<T> params_bar, Scratch& scratch) const override;

  const ClosedFormTrace<T>* trace() const override { return this; }
  Index trace_tape_size(Index B) const override { return tape_size(B, 0); }
  void trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const override;
  void trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                 Scratch& scratch) const override;
  void trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
                 Scratch& scratch) const override;

 private:
  struct Units;

  PlanarShape shape_;
  Index size_;
  Index W_, b_, g_, c_, U_;  ///< offsets
  std::span<const T> params_;
  Matrix<T> Wt_, Ut_;
  Vector<T> overlap_;  ///< w_m . u_m
};

}  // namespace cnf
