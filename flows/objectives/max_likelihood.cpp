#include "flows/objectives/max_likelihood.hpp"

#include <cmath>
#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {

std::vector<Setting> MaximumLikelihood::settings() {
  return {gradient_setting(flow),
          probe_setting(flow),
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
  if (!rising.empty() && rising.size() != weights.size())
    throw std::invalid_argument("likelihood: " + std::to_string(rising.size()) + " of " +
                                std::to_string(weights.size()) + " weights are said to rise or not");
  if (std::any_of(flow.beside.begin(), flow.beside.end(), needs_potential))
    for (const Block& block : model.blocks)
      if (!has_potential(block.field))
        throw std::invalid_argument("hjb is for a field that is the slope of a potential, this is " +
                                    std::string(kind(block.field)) + "; --field potential is one");
  const double span = std::abs(model.blocks[0].t_data - model.blocks[0].t_base);
  if (!(steer >= 0 && steer < span))
    throw std::invalid_argument("likelihood: steer is " + shortest(steer) + ", expected 0 or more and less than the " +
                                shortest(span) + " that the first block lasts");
}

}  // namespace cnf
