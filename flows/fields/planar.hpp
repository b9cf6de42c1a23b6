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
  static constexpr std::string_view kKind = "planar",
                                    kHelp = "units that each push along one direction (Chen et al. 2018)";

  Index dim = 2;
  Index units = 64;
  Activation activation = Activation::tanh;

  bool operator==(const PlanarShape&) const = default;
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
  void forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape, Scratch& scratch) const override {
    evaluate(t, z, tangents, f, jv, nullptr, tape, scratch);
  }
  void jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
           Scratch& scratch) const override {
    push(tape, tangents, z_dot, t_dot, f_dot, jv_dot, nullptr, scratch);
  }
  void vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
           std::span<T> params_bar, Scratch& scratch) const override {
    pull(tape, tangents, w_f, w_jv, nullptr, z_bar, t_bar, params_bar, scratch);
  }

  const ClosedFormTrace<T>* trace() const override { return this; }
  Index trace_tape_size(Index B) const override { return tape_size(B, 0); }
  void trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const override {
    evaluate(t, z, none(), f, no_out(), div.data(), tape, scratch);
  }
  void trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                 Scratch& scratch) const override {
    push(tape, none(), z_dot, t_dot, f_dot, no_out(), div_dot.size() > 0 ? div_dot.data() : nullptr, scratch);
  }
  void trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
                 Scratch& scratch) const override {
    pull(tape, none(), w_f, none(), w_div.data(), z_bar, t_bar, params_bar, scratch);
  }

 private:
  struct Units;

  Tile<T> none() const { return {nullptr, shape_.dim, 0}; }
  Out<T> no_out() const { return {nullptr, shape_.dim, 0}; }

  // Field's three functions, with the closed form's output or cotangent beside; null: without it.
  void evaluate(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* div, T* tape, Scratch& scratch) const;
  void push(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot, T* div_dot,
            Scratch& scratch) const;
  void pull(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, const T* w_div, Out<T> z_bar,
            std::span<T> t_bar, std::span<T> params_bar, Scratch& scratch) const;
  void pull_units(const Units& units, const T* a_bar, T* s_bar, Out<T> z_bar, std::span<T> t_bar,
                  std::span<T> params_bar) const;
  void pull_trace(const Units& units, const T* w_div, T* dh, T* d2h, Out<T> z_bar, std::span<T> t_bar,
                  std::span<T> params_bar, Scratch& scratch) const;

  PlanarShape shape_;
  Index size_;
  Index W_, b_, g_, c_, U_;  ///< offsets
  std::span<const T> params_;
  Matrix<T> Wt_, Ut_;
  Vector<T> overlap_;  ///< w_m . u_m
};

}  // namespace cnf
