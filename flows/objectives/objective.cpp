#include "flows/objectives/objective.hpp"

namespace cnf {

Setting gradient_setting(FlowOptions& flow) {
  return {.name = "gradient",
          .help =
              "The exact gradient of the steps taken, kept or (reversible) taken back; or the adjoint equation "
              "solved backwards, with the path or along its steps.",
          .value = choice_of(flow.gradient, kAllGradientModes)};
}

Setting probe_setting(FlowOptions& flow) {
  return {.name = "probe",
          .help = "What Hutchinson's random vectors are drawn from.",
          .value = choice_of(flow.divergence.probe, kAllProbes)};
}

}  // namespace cnf
