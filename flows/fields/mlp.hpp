// The multilayer perceptron as a velocity field.
#pragma once

#include "flows/fields/field.hpp"
#include "flows/fields/mlp_shape.hpp"

namespace cnf {

/// An MLP bound to parameters. Making one prepares what depends on them alone (transposed weights, the closed form's
/// matrix), so make one per update, not per tile.
///
/// Closed form  one or two hidden layers: with d_l = phi'(a_l) g_l, tr J = d_2^T M d_1, M = W_2 o (W_1 diag(g_3) W_3)^T
///              (one hidden layer: tr J = m^T d_1, m = diag(W_1 diag(g_2) W_2)); docs/math.md, section "divergence".
///              One extra column per sample. With a gated output layer M moves with t and is made anew at each
///              evaluation. Not available with one time per sample and a gated output layer.
/// Cost         per sample and evaluation: sum_l inputs_l outputs_l multiply-adds, times 1 + C; vjp: twice that.
///              The closed form adds H_1 H_2.
template <class T>
class MlpField final : public Field<T>, public ClosedFormTrace<T> {
 public:
  /// `params`: MlpLayout(shape).size values, which must outlive the field.
  MlpField(const MlpShape& shape, std::span<const T> params);

  Index dim() const override { return shape_.dim; }
  Index parameters() const override { return layout_.size; }
  Index gradient_size() const override { return layout_.size + (trace_per_update() ? M_.size() : 0); }
  void fold_derived(std::span<T> params_bar) const override;

  Index tape_size(Index B, Index C) const override;
  void forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape, Scratch& scratch) const override;
  void jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
           Scratch& scratch) const override;
  void vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
           std::span<T> params_bar, Scratch& scratch) const override;

  const ClosedFormTrace<T>* trace() const override { return shape_.has_trace() ? this : nullptr; }
  Index trace_tape_size(Index B) const override;
  void trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const override;
  void trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                 Scratch& scratch) const override;
  void trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
                 Scratch& scratch) const override;

 private:
  struct Layer;
  struct TraceMatrix;

  bool trace_per_update() const { return shape_.has_trace() && !shape_.gated(shape_.layers() - 1); }
  Tile<T> weight(Index layer) const {
    return {params_.data() + layout_.layers[static_cast<std::size_t>(layer)].weight, shape_.outputs(layer),
            shape_.inputs(layer)};
  }
  /// M's ingredients, with the output layer's gate: D values, or null for none.
  TraceMatrix trace_matrix(const T* gate) const;

  MlpShape shape_;
  MlpLayout layout_;
  std::span<const T> params_;
  std::vector<Matrix<T>> transposed_;  ///< W_l^T, inputs x outputs
  Matrix<T> M_, Mt_;                   ///< H_2 x H_1 (one hidden layer: 1 x H_1) and its transpose, if the output
                                       ///< layer has no gate
};

}  // namespace cnf
