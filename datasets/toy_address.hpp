// Private to toy and pinwheel: a point's addressed randomness, and constants.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "datasets/toy.hpp"

namespace cnf::toy {

using std::numbers::pi;
using Address = ToyDensity::Address;

inline constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
inline const double kLog2Pi = std::log(2 * pi);

// Components 0..3 of a point are its uniforms, 4.. its normals: two kinds of draw never share a Philox block.
inline double uniform_at(const Address& at, std::uint32_t component) {
  return uniform(at.seed, at.purpose, at.step, at.sample, component);
}
inline double normal_at(const Address& at, std::uint32_t component) {
  return normal(at.seed, at.purpose, at.step, at.sample, 4 + component);
}
inline int index_at(const Address& at, std::uint32_t component, std::uint32_t n) {
  return static_cast<int>(uniform_index(at.seed, at.purpose, at.step, at.sample, component, n));
}
inline void add_noise(const Address& at, double sigma, double x[2]) {
  x[0] += sigma * normal_at(at, 0);
  x[1] += sigma * normal_at(at, 1);
}

}  // namespace cnf::toy
