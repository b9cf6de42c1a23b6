#include "flows/objectives/objectives.hpp"

#include "flows/objectives/tiled.hpp"

namespace cnf {

const ObjectiveTraits& traits(const AnyObjective& objective) {
  return std::visit([](const auto& kind) -> const ObjectiveTraits& { return kind.kTraits; }, objective);
}

std::vector<Setting> settings(AnyObjective& objective) {
  return std::visit(
      [](auto& kind) -> std::vector<Setting> {
        if constexpr (requires { kind.settings(); })
          return kind.settings();
        else
          return {};
      },
      objective);
}

std::vector<AnyObjective> all_objectives() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<AnyObjective>{std::variant_alternative_t<I, AnyObjective>{}...};
  }
  (std::make_index_sequence<std::variant_size_v<AnyObjective>>{});
}

std::optional<AnyObjective> find_objective(std::string_view name) {
  for (const AnyObjective& objective : all_objectives())
    if (traits(objective).name == name) return objective;
  return {};
}

const FlowOptions* ObjectiveOptions::flow() const {
  return std::visit(
      [](const auto& kind) -> const FlowOptions* {
        if constexpr (requires { kind.flow; })
          return &kind.flow;
        else
          return nullptr;
      },
      minimise);
}

FlowOptions* ObjectiveOptions::flow() { return const_cast<FlowOptions*>(std::as_const(*this).flow()); }

template <class T>
std::unique_ptr<Objective<T>> make_objective(const Cnf& model, const ObjectiveOptions& options) {
  return std::visit(
      [&](auto kind) -> std::unique_ptr<Objective<T>> {
        if constexpr (requires { kind.flow; }) kind.flow.solve.stop = kind.flow.adjoint.stop = options.stop;
        return std::make_unique<TiledObjective<T, decltype(kind)>>(model, std::move(kind), options.threads,
                                                                   options.seed, options.stop);
      },
      options.minimise);
}

template std::unique_ptr<Objective<float>> make_objective(const Cnf&, const ObjectiveOptions&);
template std::unique_ptr<Objective<double>> make_objective(const Cnf&, const ObjectiveOptions&);

}  // namespace cnf
