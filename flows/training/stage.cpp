#include "flows/training/stage.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cnf {

double warm_root_fall(std::int64_t step, std::int64_t steps) {
  constexpr double kWarmUp = 100, kLevel = 200;
  const double n = static_cast<double>(step), begin = kFreeShare * static_cast<double>(steps);
  const double free = std::min(1.0, (n + 1) / kWarmUp) * std::min(1.0, std::sqrt(kLevel / (n + 1)));
  if (n <= begin) return free;
  const double share = (n - begin) / (static_cast<double>(steps) - begin);
  return free * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

}  // namespace cnf
