#include "flows/objectives/flow_matching.hpp"

#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {

std::string_view name(Path path) {
  return path == Path::straight ? "straight" : path == Path::target ? "target" : "variance-preserving";
}

std::vector<Setting> FlowMatching::settings() {
  return {
      {.name = "path",
       .help = "Of flow matching: how a sample goes from the base to the data.",
       .value = choice_of(path, kAllPaths)},
      {.name = "sigma",
       .help = "Of flow matching: noise about the path; of the target path the deviation it ends with.",
       .value = Setting::Real{&sigma, 0, 1}},
      {.name = "coupling",
       .help = "Of flow matching: which base draw goes to which row, any or the nearest as a whole (exact transport "
               "of 256 at a time).",
       .value = choice_of(coupling.kind, kAllCouplings)}};
}

void FlowMatching::check(const Cnf& model) const {
  if (model.blocks.size() != 1)
    throw std::invalid_argument("flow-matching: the model has several blocks, expected one field from base to data");
  if (!std::holds_alternative<NormalBase>(model.base))
    throw std::invalid_argument("flow-matching: its paths begin at N(0, I), the model's base is another");
  if (!(sigma >= 0 && sigma <= 1))
    throw std::invalid_argument("flow-matching: sigma is " + shortest(sigma) + ", expected 0 to 1");
  coupling.check(model.dim());
}

}  // namespace cnf
