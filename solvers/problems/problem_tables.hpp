// The parts that all_problems() is made of. Private to solvers/problems.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "solvers/problems/dual.hpp"
#include "solvers/problems/problems.hpp"

namespace cnf {

inline Vector<double> values(std::initializer_list<double> list) {
  Vector<double> v(static_cast<Index>(list.size()));
  std::copy(list.begin(), list.end(), v.data());
  return v;
}

/// The two instances of a functor of equations.hpp.
template <class F>
Equation equation() {
  return {[](const double& t, std::span<const double> z, std::span<const double> p, std::span<double> dz) {
            F()(t, z, p, dz);
          },
          [](const Dual& t, std::span<const Dual> z, std::span<const Dual> p, std::span<Dual> dz) {
            F()(t, z, p, dz);
          }};
}

std::vector<Problem> detest_problems();
std::vector<Problem> classic_problems();

}  // namespace cnf
