#include "flows/training/optimizers.hpp"

#include "flows/training/soap.hpp"

namespace cnf {

std::string_view name(OptimizerKind kind) { return kind == OptimizerKind::soap ? "soap" : "adam"; }

std::optional<OptimizerKind> find_optimizer(std::string_view text) {
  for (const OptimizerKind kind : kAllOptimizers)
    if (name(kind) == text) return kind;
  return {};
}

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const OptimizerOptions& options) {
  if (options.kind == OptimizerKind::soap) return std::make_unique<Soap<T>>(SoapOptions{.adam = options.adam});
  return std::make_unique<Adam<T>>(options.adam);
}

template std::unique_ptr<Optimizer<float>> make_optimizer(const OptimizerOptions&);
template std::unique_ptr<Optimizer<double>> make_optimizer(const OptimizerOptions&);

}  // namespace cnf
