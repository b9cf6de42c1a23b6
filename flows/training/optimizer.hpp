// Rules that turn a gradient into an update, and the weights they update.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "flows/layout.hpp"

namespace cnf {

/// A rule without state. What it remembers from update to update lies in named slots, each a flat vector with a layout
/// of its own, so that files and rollbacks keep them without knowing the rule.
template <class T>
class Optimizer {
 public:
  struct Slot {
    std::string name;  ///< one word; in a training state its tensors are NAME. + the layout's names
    Layout layout;
    bool never_negative = false;  ///< its values: a state in which one is was not written by a run
  };

  virtual ~Optimizer() = default;

  virtual std::string_view name() const = 0;
  /// The slots for parameters of that layout. All begin as zeros.
  virtual std::vector<Slot> slots(const Layout& params) const = 0;
  /// Update number `updates`, from 1, by the gradient g at this rate. Gaps of the layout stay 0; the bits are the same
  /// on any number of threads.
  virtual void update(const Layout& layout, Vector<T>& params, std::span<Vector<T>> slots, std::int64_t updates,
                      std::span<const T> g, double rate, int threads) const = 0;
};

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< > 0: AdamW's decoupled decay (Loshchilov and Hutter 2019)
};

/// Adam (Kingma and Ba 2015). Slots: m and v, the running means of g and g^2.
template <class T>
class Adam final : public Optimizer<T> {
 public:
  explicit Adam(const AdamOptions& options = {}) : options_(options) {}

  std::string_view name() const override { return "adam"; }
  std::vector<typename Optimizer<T>::Slot> slots(const Layout& params) const override;
  void update(const Layout& layout, Vector<T>& params, std::span<Vector<T>> slots, std::int64_t updates,
              std::span<const T> g, double rate, int threads) const override;

 private:
  AdamOptions options_;
};

/// Weights, their running average, and the optimizer's slots.
template <class T>
struct Weights {
  Vector<T> params, average;
  std::vector<Vector<T>> slots;
  std::int64_t updates = 0;  ///< made so far; skipped steps make none

  Weights() = default;
  /// No update made: the average is the weights, the slots are zeros.
  Weights(Vector<T> initial, const std::vector<typename Optimizer<T>::Slot>& of_slots);
};

/// What surrounds the rule.
struct UpdateOptions {
  double clip = 0;  ///< > 0: the gradient's 2-norm is brought down to this
  double ema =
      0.998;  ///< decay per update of the average; the first ones less, min(ema, (1 + k) / (10 + k)) at the k-th
  int threads = 1;
};

/// One update at this rate, and the average after it. Returns the gradient's 2-norm before clipping; a norm that is not
/// finite changes nothing. std::invalid_argument: a gradient of another size, threads < 1.
template <class T>
double update(Weights<T>& weights, const Layout& layout, const Optimizer<T>& rule, std::span<const T> dloss_dparams,
              double rate, const UpdateOptions& options = {});

}  // namespace cnf
