#include "flows/objectives/max_likelihood.hpp"

#include <cmath>
#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {

std::vector<Setting> MaximumLikelihood::settings() {
  return {
      {.name = "gradient",
       .help = "The exact gradient of the steps taken, kept or (reversible) taken back; or the adjoint equation solved "
               "backwards, with the path or along its steps.",
       .value = choice_of(flow.gradient, kAllGradientModes)},
      {.name = "probe",
       .help = "What Hutchinson's random vectors are drawn from.",
       .value = choice_of(flow.divergence.probe, kAllProbes)},
      {.name = "steer",
       .help = "End each update's solves up to so far from the base's time, at random (STEER).",
       .value = Setting::Real{&steer}}};
}

void MaximumLikelihood::check(const Cnf& model) const {
  cnf::check(flow.solve);
  cnf::check(flow.adjoint);
  if (weights.size() != flow.beside.size())
    throw std::invalid_argument("likelihood: " + std::to_string(weights.size()) + " weights for " +
                                std::to_string(flow.beside.size()) + " terms of its solve");
  const double span = std::abs(model.blocks[0].t_data - model.blocks[0].t_base);
  if (!(steer >= 0 && steer < span))
    throw std::invalid_argument("likelihood: steer is " + shortest(steer) + ", expected 0 or more and less than the " +
                                shortest(span) + " that the first block lasts");
}

}  // namespace cnf
