// The shape of a multilayer perceptron that is a velocity field, and where its tensors lie.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/types.hpp"
#include "flows/fields/field.hpp"
#include "flows/kernels/activation.hpp"
#include "flows/layout.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// How time enters a layer a = g(t) * (W h + b) + c(t), element by element.
enum class TimeConditioning {
  concat,        ///< g = 1, c = w_t t: time as one more input of every layer
  concatsquash,  ///< g = sigmoid(w_g t + b_g), c = w_t t: FFJORD's layer (Grathwohl et al. 2019, appendix)
};
inline constexpr TimeConditioning kAllTimeConditionings[] = {TimeConditioning::concatsquash, TimeConditioning::concat};
std::string_view name(TimeConditioning time);  ///< as spelled on the command line

/// f(t, z): D -> H_1 -> ... -> H_L -> D, an activation after every layer but the last.
struct MlpShape {
  static constexpr std::string_view kKind = "mlp", kHelp = "a multilayer perceptron";

  Index dim = 2;
  std::vector<Index> hidden = {96, 96};
  Activation activation = Activation::sin;
  TimeConditioning time = TimeConditioning::concatsquash;
  bool output_gate = false;  ///< whether the last layer has g(t) too (FFJORD: yes); without it the closed-form
                             ///< divergence needs its matrix once per update instead of once per evaluation

  Index layers() const { return static_cast<Index>(hidden.size()) + 1; }
  Index inputs(Index layer) const { return layer == 0 ? dim : hidden[static_cast<std::size_t>(layer - 1)]; }
  Index outputs(Index layer) const { return layer == layers() - 1 ? dim : hidden[static_cast<std::size_t>(layer)]; }
  /// Whether the divergence has a closed form.
  bool has_trace() const { return hidden.size() == 1 || hidden.size() == 2; }
  bool gated(Index layer) const {
    return time == TimeConditioning::concatsquash && (output_gate || layer < layers() - 1);
  }

  // What FieldShape asks of every shape.
  std::vector<Setting> settings();
  Layout layout() const;
  Vector<double> initial_parameters(Seed seed) const;  ///< by MlpInitialisation's defaults
  template <class T>
  std::unique_ptr<Field<T>> make(std::span<const T> params) const;  ///< an MlpField
};

/// Where one layer's tensors begin in the flat parameter vector; gate_* are -1 in a layer without a gate.
struct LayerOffsets {
  Index weight, bias, time_weight, gate_weight, gate_bias;
};

/// An MLP's layout, with each layer's places in it.
struct MlpLayout : Layout {
  explicit MlpLayout(const MlpShape& shape);  ///< throws std::invalid_argument for a dimension or width below 1

  std::vector<LayerOffsets> layers;
};

/// How the weights begin, for inputs of unit variance. A wide first layer makes sharp features reachable from the
/// start: docs/decisions/003 has the measurements.
struct MlpInitialisation {
  double first_weight = 7.0;   ///< standard deviation of W_0, times 1/sqrt(D); its bias is uniform on (-pi, pi)
  double hidden_weight = 1.0;  ///< of the hidden layers' W_l, times 1/sqrt(inputs)
  double last_weight = 0.1;    ///< of the last W_l, times 1/sqrt(inputs): the flow begins near the identity
};

/// Parameters drawn from the seed. Returns MlpLayout(shape).size values.
Vector<double> initial_parameters(const MlpShape& shape, const MlpInitialisation& how, Seed seed);

}  // namespace cnf
