#include "flows/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "base/kernels/reduce.hpp"
#include "base/tiles.hpp"

namespace cnf {

double schedule(std::int64_t step, std::int64_t steps) {
  constexpr double kWarmUp = 100;
  const double warm = std::min(1.0, static_cast<double>(step + 1) / kWarmUp);
  const double hold = 0.1 * static_cast<double>(steps), at = static_cast<double>(step);
  if (at <= hold) return warm;
  const double share = (at - hold) / (static_cast<double>(steps) - hold);
  return warm * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

namespace {

/// One update's numbers, as T.
template <class T>
struct Adam {
  T scale, beta1, beta2, rate, correct, epsilon, decay, ema;

  void apply(Index n, const T* gradient, T* params, T* average, T* m, T* v) const {
    const Adam by = *this;  // a copy: the arrays may not change it, so the loop becomes vector instructions
    for (Index i = 0; i < n; ++i) {
      const T g = by.scale * gradient[i];
      m[i] = by.beta1 * m[i] + (1 - by.beta1) * g;
      v[i] = by.beta2 * v[i] + (1 - by.beta2) * g * g;
      params[i] -= by.rate * m[i] / (std::sqrt(by.correct * v[i]) + by.epsilon) + by.decay * params[i];
      average[i] = by.ema * average[i] + (1 - by.ema) * params[i];
    }
  }
};

}  // namespace

template <class T>
double adam_update(AdamState<T>& state, const Vector<T>& dloss_dparams, double lr, const AdamOptions& options,
                   int threads) {
  const Index n = state.params.size();
  if (dloss_dparams.size() != n || threads < 1)
    throw std::invalid_argument("adam_update: a gradient of " + std::to_string(dloss_dparams.size()) + " for " +
                                std::to_string(n) + " parameters on " + std::to_string(threads) + " threads");
  const double norm = std::sqrt(static_cast<double>(kernels::dot(n, dloss_dparams.data(), dloss_dparams.data())));
  if (!std::isfinite(norm)) return norm;
  ++state.updates;
  const auto k = static_cast<double>(state.updates);
  Adam<T> adam;
  adam.scale = static_cast<T>(options.clip > 0 && norm > options.clip ? options.clip / norm : 1.0);
  adam.beta1 = static_cast<T>(options.beta1);
  adam.beta2 = static_cast<T>(options.beta2);
  adam.rate = static_cast<T>(lr / (1 - std::pow(options.beta1, k)));
  adam.correct = static_cast<T>(1 / (1 - std::pow(options.beta2, k)));
  adam.epsilon = static_cast<T>(options.epsilon);
  adam.decay = static_cast<T>(lr * options.weight_decay);
  // The average forgets its start as it grows: min(ema, (1 + k) / (10 + k)).
  adam.ema = static_cast<T>(std::min(options.ema, (1 + k) / (10 + k)));
  for_each_range(n, threads, [&](Index begin, Index end) {
    adam.apply(end - begin, dloss_dparams.data() + begin, state.params.data() + begin, state.average.data() + begin,
               state.m.data() + begin, state.v.data() + begin);
  });
  return norm;
}

template double adam_update(AdamState<float>&, const Vector<float>&, double, const AdamOptions&, int);
template double adam_update(AdamState<double>&, const Vector<double>&, double, const AdamOptions&, int);

}  // namespace cnf
