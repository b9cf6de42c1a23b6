// Private to flows: parameters before training, tensor by tensor.
#pragma once

#include <utility>

#include "base/random.hpp"
#include "flows/layout.hpp"

namespace cnf {

/// Draws   Purpose::initialisation at (seed, 0, i, 0), i a value's place in the flat vector. What is not drawn is 0.
class InitialParameters {
 public:
  InitialParameters(Layout layout, Seed seed)
      : layout_(std::move(layout)), seed_(seed), values_(Vector<double>::Zero(layout_.size)) {}

  /// n values from `offset` on, or those of tensor number `tensor`: N(0, deviation^2).
  void draw_normal(Index offset, Index n, double deviation) {
    for (Index i = offset; i < offset + n; ++i) values_[i] = deviation * normal(seed_, kPurpose, 0, place(i), 0);
  }
  void draw_normal(std::size_t tensor, double deviation) {
    draw_normal(layout_.tensors[tensor].offset, layout_.tensors[tensor].size(), deviation);
  }
  /// The same, uniform on (-bound, bound).
  void draw_even(Index offset, Index n, double bound) {
    for (Index i = offset; i < offset + n; ++i) values_[i] = bound * (2 * uniform(seed_, kPurpose, 0, place(i), 0) - 1);
  }
  void draw_even(std::size_t tensor, double bound) {
    draw_even(layout_.tensors[tensor].offset, layout_.tensors[tensor].size(), bound);
  }

  const Vector<double>& values() const { return values_; }

 private:
  static constexpr Purpose kPurpose = Purpose::initialisation;
  static std::uint64_t place(Index i) { return static_cast<std::uint64_t>(i); }

  Layout layout_;
  Seed seed_;
  Vector<double> values_;
};

}  // namespace cnf
