#include "flows/objectives/objective.hpp"

#include "flows/objectives/flow_matching.hpp"
#include "flows/objectives/max_likelihood.hpp"

namespace cnf {

std::string_view name(ObjectiveKind kind) { return kind == ObjectiveKind::likelihood ? "likelihood" : "flow-matching"; }

std::string_view name(GradientMode mode) { return mode == GradientMode::discrete ? "discrete" : "continuous"; }

template <class T>
std::unique_ptr<Objective<T>> make_objective(const MlpShape& shape, double t_base, double t_data,
                                             const ObjectiveOptions& options) {
  if (options.kind == ObjectiveKind::flow_matching)
    return std::make_unique<FlowMatching<T>>(shape, t_base, t_data, FlowMatchingOptions{options.threads, options.seed});
  return std::make_unique<MaximumLikelihood<T>>(shape, t_base, t_data, options);
}

template std::unique_ptr<Objective<float>> make_objective(const MlpShape&, double, double, const ObjectiveOptions&);
template std::unique_ptr<Objective<double>> make_objective(const MlpShape&, double, double, const ObjectiveOptions&);

}  // namespace cnf
