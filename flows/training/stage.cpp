#include "flows/training/stage.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cnf {

double warm_hold_fall(std::int64_t step, std::int64_t steps) {
  constexpr double kWarmUp = 100;
  const double warm = std::min(1.0, static_cast<double>(step + 1) / kWarmUp);
  const double hold = 0.1 * static_cast<double>(steps), at = static_cast<double>(step);
  if (at <= hold) return warm;
  const double share = (at - hold) / (static_cast<double>(steps) - hold);
  return warm * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

}  // namespace cnf
