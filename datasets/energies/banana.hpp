// A banana: a normal bent along a parabola.
#pragma once

#include <numbers>

#include "datasets/energies/energy.hpp"

namespace cnf {

/// U = x^2 / 8 + 2 (y - x^2 / 4)^2: Rosenbrock's valley with an exact density, x ~ N(0, 2^2), y | x ~ N(x^2 / 4, 1/4).
/// Source  Haario, Saksman, Tamminen (1999), Comput. Stat. 14(3), 375-395, sec. 4, with other constants.
class Banana final : public Energy {
 public:
  std::string name() const override { return "banana"; }
  Box box() const override { return {-7, 7, -3, 11}; }
  double entropy() const override { return 1 + std::log(2 * std::numbers::pi); }
  double log_z() const override { return std::log(2 * std::numbers::pi); }
  double log_unnormalised(std::span<const double> x, std::span<double> slope) const override {
    const double off = x[1] - x[0] * x[0] / 4;
    if (!slope.empty()) {
      slope[0] = -x[0] / 4 + 2 * off * x[0];
      slope[1] = -4 * off;
    }
    return -x[0] * x[0] / 8 - 2 * off * off;
  }

 protected:
  void draw(const Draw& at, std::span<double> x) const override {
    x[0] = 2 * at.normal(0);
    x[1] = x[0] * x[0] / 4 + at.normal(1) / 2;
  }
};

}  // namespace cnf
