#include "flows/fields/mlp_shape.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "flows/initial_parameters.hpp"

namespace cnf {

std::string_view name(TimeConditioning time) { return time == TimeConditioning::concat ? "concat" : "concatsquash"; }

std::vector<Setting> MlpShape::settings() {
  return {{.name = "dim", .help = "Columns of the data.", .value = Setting::Whole{&dim}, .from_data = true},
          {.name = "hidden",
           .help = "Widths of the hidden layers; with one or two an exact log p costs least.",
           .value = Setting::Wholes{&hidden}},
          {.name = "activation",
           .help = "The nonlinearity of every hidden layer, or of every unit.",
           .value = choice_of(activation, kAllActivations)},
          {.name = "time",
           .help = "How time enters a layer: by a gate and a shift, or as one more input.",
           .value = choice_of(time, kAllTimeConditionings)},
          {.name = "output_gate",
           .help = "With concatsquash, gate the last layer too, as FFJORD does.",
           .value = Setting::Flag{&output_gate}}};
}

Layout MlpShape::layout() const { return MlpLayout(*this); }

Vector<double> MlpShape::initial_parameters(Seed seed) const { return cnf::initial_parameters(*this, {}, seed); }

MlpLayout::MlpLayout(const MlpShape& shape) {
  for (Index l = 0; l < shape.layers(); ++l)
    if (shape.inputs(l) < 1 || shape.outputs(l) < 1)
      throw std::invalid_argument("MlpLayout: layer " + std::to_string(l) + " is " + std::to_string(shape.inputs(l)) +
                                  " -> " + std::to_string(shape.outputs(l)) + "; dimensions and widths are at least 1");
  for (Index l = 0; l < shape.layers(); ++l) {
    const std::string layer = "layers." + std::to_string(l) + ".";
    LayerOffsets at{};
    at.weight = add(layer + "weight", shape.outputs(l), shape.inputs(l), false);
    at.bias = add(layer + "bias", shape.outputs(l), 1, true);
    at.time_weight = add(layer + "time_weight", shape.outputs(l), 1, true);
    at.gate_weight = shape.gated(l) ? add(layer + "gate_weight", shape.outputs(l), 1, true) : -1;
    at.gate_bias = shape.gated(l) ? add(layer + "gate_bias", shape.outputs(l), 1, true) : -1;
    layers.push_back(at);
  }
}

Vector<double> initial_parameters(const MlpShape& shape, const MlpInitialisation& how, Seed seed) {
  const MlpLayout layout(shape);
  InitialParameters initial(layout, seed);
  for (Index l = 0; l < shape.layers(); ++l) {
    const LayerOffsets& at = layout.layers[static_cast<std::size_t>(l)];
    const Index in = shape.inputs(l), out = shape.outputs(l);
    const bool first = l == 0, last = l == shape.layers() - 1;
    const double deviation = last ? how.last_weight : first ? how.first_weight : how.hidden_weight;
    initial.draw_normal(at.weight, out * in, deviation / std::sqrt(static_cast<double>(in)));
    if (!last) {
      initial.draw_even(at.bias, out, first ? std::numbers::pi : 1.0);
      initial.draw_even(at.time_weight, out, 1.0);
    }
    if (shape.gated(l)) {
      initial.draw_even(at.gate_weight, out, 1.0);
      initial.draw_even(at.gate_bias, out, 1.0);
    }
  }
  return initial.values();
}

}  // namespace cnf
