// What a loss's gradient with respect to a solve is made from, and what it is: shared by all ways to compute it.
#pragma once

#include <span>

#include "solvers/dynamics.hpp"

namespace cnf {

/// The loss's derivatives by what a solve ended in and what was seen on its way.
template <class T>
struct Cotangents {
  Tile<T> z;                    ///< dloss/dz(t_end), blocks.z x B
  Tile<T> q{nullptr, 0, 0};     ///< dloss/dq(t_end), blocks.q x B; may be left out where there is no q
  Tile<T> seen{nullptr, 0, 0};  ///< dloss/d(observed z), blocks.z x number of observations
};

/// The loss's derivatives by what a solve started from.
template <class T>
struct SolveGradient {
  Out<T> z_bar;             ///< is set to dloss/dz(t_begin), blocks.z x B. dloss/dq(t_begin) is dloss/dq(t_end)
  std::span<T> params_bar;  ///< is added to; gradient_size() values
  std::span<double> dloss_dtimes{};             ///< is set, a value an observation; may be empty if it is not asked for
  double dloss_dt_begin = 0, dloss_dt_end = 0;  ///< are set
};

/// Throws std::invalid_argument, "WHO: ...", naming the argument whose shape is not that of a path of B samples.
template <class T>
void check_shapes(const char* who, const Cotangents<T>& w, const SolveGradient<T>& gradient, const Blocks& rows,
                  Index B, Index observations, Index gradient_size);

}  // namespace cnf
