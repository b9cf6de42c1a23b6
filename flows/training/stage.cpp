#include "flows/training/stage.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cnf {

namespace {

/// From 1 at `begin` of the steps to 0 at their end, before and after it level.
double half_cosine(double n, double begin, double steps) {
  if (n <= begin) return 1;
  return 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, (n - begin) / (steps - begin))));
}

double warm_up(double n) { return std::min(1.0, (n + 1) / 100); }

}  // namespace

double warm_root_fall(std::int64_t step, std::int64_t steps) {
  constexpr double kLevel = 200;
  const double n = static_cast<double>(step), N = static_cast<double>(steps);
  return warm_up(n) * std::min(1.0, std::sqrt(kLevel / (n + 1))) * half_cosine(n, kFreeShare * N, N);
}

double warm_hold_cosine(std::int64_t step, std::int64_t steps) {
  const double n = static_cast<double>(step), N = static_cast<double>(steps);
  return warm_up(n) * half_cosine(n, 0.1 * N, N);
}

}  // namespace cnf
