// The user's own function as an Event that finds its gradient by dual numbers.
#pragma once

#include <Eigen/Core>  // unsupported/Eigen/AutoDiff does not include it
#include <array>
#include <unsupported/Eigen/AutoDiff>
#include <utility>

#include "solvers/watching/event.hpp"

namespace cnf {

/// The event f(t, z) = 0 of samples of D values, for any scalar S: t is an S, z a span of S. Made in double whatever T
/// is. `dual_event<2, double>([](auto t, auto z) { return z[0] - t; })`; as for dual_dynamics, an intermediate value is
/// declared by its type, never `auto`.
template <int D, class T, class F>
Event<T> dual_event(F f, Crossing crossing = Crossing::any) {
  static_assert(D >= 1);
  using Dual = Eigen::AutoDiffScalar<Eigen::Matrix<double, D + 1, 1>>;
  auto g = [f](double t, std::span<const T> z) -> double {
    std::array<double, D> at;
    for (std::size_t i = 0; i < at.size(); ++i) at[i] = z[i];
    return f(t, std::span<const double>(at));
  };
  auto gradient = [f](double t, std::span<const T> z, std::span<T> g_z) -> double {
    std::array<Dual, D> at;
    for (int i = 0; i < D; ++i) at[i] = Dual(z[i], D + 1, i);
    const Dual value = f(Dual(t, D + 1, D), std::span<const Dual>(at));
    for (int i = 0; i < D; ++i) g_z[i] = static_cast<T>(value.derivatives()[i]);
    return value.derivatives()[D];
  };
  return {std::move(g), crossing, std::move(gradient)};
}

}  // namespace cnf
