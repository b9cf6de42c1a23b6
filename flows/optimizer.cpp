#include "flows/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/kernels/reduce.hpp"

namespace cnf {

double schedule(std::int64_t step, std::int64_t steps) {
  constexpr double kWarmUp = 100;
  const double warm = std::min(1.0, static_cast<double>(step + 1) / kWarmUp);
  const double hold = 0.1 * static_cast<double>(steps), at = static_cast<double>(step);
  if (at <= hold) return warm;
  const double share = (at - hold) / (static_cast<double>(steps) - hold);
  return warm * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

template <class T>
double adam_update(AdamState<T>& state, const Vector<T>& dloss_dparams, double lr, const AdamOptions& options) {
  const Index n = state.params.size();
  const double norm = std::sqrt(static_cast<double>(kernels::dot(n, dloss_dparams.data(), dloss_dparams.data())));
  if (!std::isfinite(norm)) return norm;
  ++state.updates;
  const auto scale = static_cast<T>(options.clip > 0 && norm > options.clip ? options.clip / norm : 1.0);
  const auto k = static_cast<double>(state.updates);
  const auto beta1 = static_cast<T>(options.beta1), beta2 = static_cast<T>(options.beta2);
  const auto rate = static_cast<T>(lr / (1 - std::pow(options.beta1, k)));
  const auto correct = static_cast<T>(1 / (1 - std::pow(options.beta2, k)));
  const auto epsilon = static_cast<T>(options.epsilon), decay = static_cast<T>(lr * options.weight_decay);
  // The average forgets its start as it grows: min(ema, (1 + k) / (10 + k)).
  const auto ema = static_cast<T>(std::min(options.ema, (1 + k) / (10 + k)));
  for (Index i = 0; i < n; ++i) {
    const T g = scale * dloss_dparams[i];
    state.m[i] = beta1 * state.m[i] + (1 - beta1) * g;
    state.v[i] = beta2 * state.v[i] + (1 - beta2) * g * g;
    state.params[i] -= rate * state.m[i] / (std::sqrt(correct * state.v[i]) + epsilon) + decay * state.params[i];
    state.average[i] = ema * state.average[i] + (1 - ema) * state.params[i];
  }
  return norm;
}

template double adam_update(AdamState<float>&, const Vector<float>&, double, const AdamOptions&);
template double adam_update(AdamState<double>&, const Vector<double>&, double, const AdamOptions&);

}  // namespace cnf
