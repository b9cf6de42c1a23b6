// The table of optimizers: every rule there is, and how one is chosen by its name.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "flows/training/optimizer.hpp"

namespace cnf {

enum class OptimizerKind { adam, soap };
inline constexpr OptimizerKind kAllOptimizers[] = {OptimizerKind::adam, OptimizerKind::soap};
std::string_view name(OptimizerKind kind);  ///< as on the command line, in a recipe and in a training state
std::optional<OptimizerKind> find_optimizer(std::string_view name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  AdamOptions adam{};  ///< of Soap too, in its coordinates
};

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const OptimizerOptions& options);

}  // namespace cnf
