#include "flows/training/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/kernels/reduce.hpp"
#include "base/tiles.hpp"

namespace cnf {

namespace {

/// One update's numbers, as T.
template <class T>
struct AdamStep {
  T beta1, beta2, rate, correct, epsilon, decay;

  void apply(Index n, const T* gradient, T* params, T* m, T* v) const {
    const AdamStep by = *this;  // a copy: the arrays may not change it, so the loop becomes vector instructions
    for (Index i = 0; i < n; ++i) {
      const T g = gradient[i];
      m[i] = by.beta1 * m[i] + (1 - by.beta1) * g;
      v[i] = by.beta2 * v[i] + (1 - by.beta2) * g * g;
      params[i] -= by.rate * m[i] / (std::sqrt(by.correct * v[i]) + by.epsilon) + by.decay * params[i];
    }
  }
};

}  // namespace

template <class T>
std::vector<typename Optimizer<T>::Slot> Adam<T>::slots(const Layout& params) const {
  return {{"m", params}, {"v", params, true}};
}

template <class T>
void Adam<T>::update(const Layout&, Vector<T>& params, std::span<Vector<T>> slots, std::int64_t updates,
                     std::span<const T> g, double rate, int threads) const {
  const auto k = static_cast<double>(updates);
  AdamStep<T> step;
  step.beta1 = static_cast<T>(options_.beta1);
  step.beta2 = static_cast<T>(options_.beta2);
  step.rate = static_cast<T>(rate / (1 - std::pow(options_.beta1, k)));
  step.correct = static_cast<T>(1 / (1 - std::pow(options_.beta2, k)));
  step.epsilon = static_cast<T>(options_.epsilon);
  step.decay = static_cast<T>(rate * options_.weight_decay);
  for_each_range(params.size(), threads, [&](Index begin, Index end) {
    step.apply(end - begin, g.data() + begin, params.data() + begin, slots[0].data() + begin, slots[1].data() + begin);
  });
}

template <class T>
Weights<T>::Weights(Vector<T> initial, const std::vector<typename Optimizer<T>::Slot>& of_slots)
    : params(std::move(initial)), average(params) {
  for (const auto& slot : of_slots) slots.push_back(Vector<T>::Zero(slot.layout.size));
}

template <class T>
double update(Weights<T>& weights, const Layout& layout, const Optimizer<T>& rule, std::span<const T> dloss_dparams,
              double rate, const UpdateOptions& options) {
  const Index n = weights.params.size();
  if (std::ssize(dloss_dparams) != n || options.threads < 1)
    throw std::invalid_argument("update: a gradient of " + std::to_string(dloss_dparams.size()) + " for " +
                                std::to_string(n) + " parameters on " + std::to_string(options.threads) + " threads");
  const double norm = std::sqrt(static_cast<double>(kernels::dot(n, dloss_dparams.data(), dloss_dparams.data())));
  if (!std::isfinite(norm)) return norm;
  ++weights.updates;
  Vector<T> clipped;
  if (options.clip > 0 && norm > options.clip) {
    clipped = static_cast<T>(options.clip / norm) * Eigen::Map<const Vector<T>>(dloss_dparams.data(), n);
    dloss_dparams = {clipped.data(), dloss_dparams.size()};
  }
  rule.update(layout, weights.params, weights.slots, weights.updates, dloss_dparams, rate, options.threads);
  const auto k = static_cast<double>(weights.updates);
  const T ema = static_cast<T>(std::min(options.ema, (1 + k) / (10 + k)));  // it forgets its start as it grows
  for_each_range(n, options.threads, [&, keep = ema](Index begin, Index end) {
    const T* params = weights.params.data();
    T* average = weights.average.data();
    for (Index i = begin; i < end; ++i) average[i] = keep * average[i] + (1 - keep) * params[i];
  });
  return norm;
}

#define CNF_INSTANTIATE(T)                                                                            \
  template class Adam<T>;                                                                             \
  template struct Weights<T>;                                                                         \
  template double update(Weights<T>&, const Layout&, const Optimizer<T>&, std::span<const T>, double, \
                         const UpdateOptions&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
