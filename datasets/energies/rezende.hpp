// The four energies of the plane that normalizing flows were first shown on.
#pragma once

#include <numbers>

#include "datasets/energies/energy.hpp"

namespace cnf {

/// u1, ..., u4, with w1 = sin(pi x / 2), w2 = 3 exp(-((x - 1) / 0.6)^2 / 2), w3 = 3 / (1 + exp(-(x - 1) / 0.3)):
///
///   u1  ((r - 2) / 0.4)^2 / 2 - log(exp(-((x - 2) / 0.6)^2 / 2) + exp(-((x + 2) / 0.6)^2 / 2))
///   u2  ((y - w1) / 0.4)^2 / 2
///   u3  -log(exp(-((y - w1) / 0.35)^2 / 2) + exp(-((y - w1 + w2) / 0.35)^2 / 2))
///   u4  -log(exp(-((y - w1) / 0.4)^2 / 2) + exp(-((y - w1 + w3) / 0.35)^2 / 2))
///
/// u2 to u4 do not end in x, so exp(-U) has no integral; the paper shows them for |x| < 4. Here a wall is added,
/// ((|x| - 4) / 0.5)^2 / 2 where |x| > 4.
/// Source  Rezende, Mohamed (2015), Variational inference with normalizing flows, ICML, table 1.
class RezendeEnergy final : public Energy {
 public:
  explicit RezendeEnergy(int number) : number_(number) {}
  std::string name() const override { return "u" + std::to_string(number_); }
  Box box() const override { return number_ == 1 ? Box{-4, 4, -4, 4} : Box{-6, 6, -6, 6}; }
  double entropy() const override;
  double log_z() const override;
  std::vector<Mode> modes() const override {
    return number_ == 1 ? std::vector<Mode>{{{-2, 0}, 0.5}, {{2, 0}, 0.5}} : std::vector<Mode>{};
  }
  double log_unnormalised(std::span<const double> x, std::span<double> slope) const override;

 protected:
  void draw(const Draw& at, std::span<double> x) const override;

 private:
  int number_;
};

}  // namespace cnf
