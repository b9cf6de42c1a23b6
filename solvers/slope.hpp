// The right-hand side as a solve sees it: counted, and at rest where samples are masked.
#pragma once

#include <algorithm>
#include <span>

#include "solvers/status.hpp"
#include "solvers/step.hpp"
#include "solvers/window.hpp"

namespace cnf {

/// Calls of a dynamics on one tile. Masked columns do not move: no step size is right for them, and what grows there
/// would be no one's trouble.
template <class T>
struct Slope {
  const Dynamics<T>& f;
  Shape shape;
  std::span<const char> active;  ///< empty: all samples
  Scratch& scratch;
  Counters& counters;
  const Window* window = nullptr;  ///< null: the slope jumps nowhere

  /// k = (f, q', s')(t, z), all blocks; tape may be null.
  void operator()(double t, const T* z, T* k, T* tape) const {
    const T time = window ? window->inside<T>(t) : static_cast<T>(t);
    evaluate(f, shape, Times<T>(&time, 1), z, k, tape, scratch);
    ++counters.evaluations;
    rest(k);
  }

  /// k = 0 where samples are masked.
  void rest(T* k) const {
    for (std::size_t j = 0; j < active.size(); ++j) {
      if (active[j]) continue;
      const auto row = static_cast<Index>(j);
      std::fill_n(k + row * shape.blocks.z, shape.blocks.z, T{0});
      std::fill_n(k + shape.z() + row * shape.blocks.q, shape.blocks.q, T{0});
    }
  }
};

}  // namespace cnf
