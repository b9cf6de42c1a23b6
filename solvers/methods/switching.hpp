// A method that chooses between an explicit one and one for stiff problems.
#pragma once

#include <algorithm>

#include "solvers/methods/dirk.hpp"
#include "solvers/methods/rosenbrock.hpp"

namespace cnf {

/// Starts with `nonstiff` and takes `stiff` where stability, not accuracy, limits its steps (steppers/switching.hpp).
struct SwitchingMethod {
  std::string_view name, help;
  const Tableau* nonstiff;  ///< its last two stages are at the step's end
  const RosenbrockTableau* stiff;
  int order, embedded_order;  ///< of both
  double limit;  ///< of h |lambda|, for lambda in the left half plane and away from its edge, by `nonstiff`

  constexpr int evaluations_per_step() const { return nonstiff->evaluations_per_step(); }
  constexpr int dense_order() const { return std::min(nonstiff->dense_order(), stiff->dense_order()); }
  constexpr bool has_transpose() const { return false; }
  constexpr bool takes_grid() const { return false; }
  constexpr bool needs_jvp() const { return true; }
  constexpr bool needs_equal_steps() const { return false; }
};

inline constexpr SwitchingMethod kAuto{.name = "auto",
                                       .help = "tsit5, and rodas5p where the field is stiff",
                                       .nonstiff = &kTsit5,
                                       .stiff = &kRodas5p,
                                       .order = 5,
                                       .embedded_order = 4,
                                       .limit = 3.5};

static_assert(kAuto.order == kAuto.nonstiff->order && kAuto.order == kAuto.stiff->order &&
              kAuto.embedded_order == kAuto.nonstiff->embedded_order &&
              kAuto.embedded_order == kAuto.stiff->embedded_order && kAuto.nonstiff->is_fsal() &&
              kAuto.nonstiff->c[kAuto.nonstiff->stages - 2] == 1);

}  // namespace cnf
