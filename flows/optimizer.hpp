// Adam and AdamW, their schedule, and the average of the weights.
#pragma once

#include <cstdint>

#include "base/types.hpp"

namespace cnf {

struct AdamOptions {
  double lr = 2e-2;  ///< peak learning rate
  double beta1 = 0.9, beta2 = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< > 0: AdamW's decoupled decay (Loshchilov and Hutter 2019)
  double clip = 0;          ///< > 0: the gradient's 2-norm is brought down to this
  double ema = 0.998;       ///< decay per step of the weights' average that is validated, saved and used
};

/// The learning rate as a share of its peak at step `step` (from 0) of `steps`: a linear warm-up over 100 steps, then
/// the peak until a tenth of the steps, then half a cosine to zero. Before a tenth it does not depend on `steps`, so
/// that a run by seconds can fix their number on the way and still be repeated by `--steps`.
double schedule(std::int64_t step, std::int64_t steps);

/// First and second moments and the averaged weights beside the weights, all of the parameters' size.
template <class T>
struct AdamState {
  Vector<T> params, average, m, v;
  std::int64_t updates = 0;  ///< made so far; skipped steps make none

  AdamState() = default;
  explicit AdamState(const Vector<T>& initial)
      : params(initial), average(initial), m(Vector<T>::Zero(initial.size())), v(Vector<T>::Zero(initial.size())) {}
};

/// One update at rate lr (absolute). Returns the gradient's 2-norm before clipping; a non-finite norm changes nothing.
/// The bits are the same on any number of threads. std::invalid_argument: a gradient of another size, threads < 1.
template <class T>
double adam_update(AdamState<T>& state, const Vector<T>& dloss_dparams, double lr, const AdamOptions& options,
                   int threads = 1);

}  // namespace cnf
