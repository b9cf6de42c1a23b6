// Neal's funnel.
#pragma once

#include <numbers>

#include "datasets/energies/energy.hpp"

namespace cnf {

/// x_1 ~ N(0, 3^2), and the other D - 1 coordinates ~ N(0, e^x_1): scales from e^-4 to e^4 in one density.
/// Source  Neal (2003), Slice sampling, Ann. Stat. 31(3), 705-767, sec. 8, where D = 10.
class Funnel final : public Energy {
 public:
  explicit Funnel(Index D) : D_(D) {}
  std::string name() const override { return D_ == 2 ? "funnel" : "funnel:" + std::to_string(D_); }
  Index dim() const override { return D_; }
  Box box() const override { return {-10, 10, -20, 20}; }
  Reach reach() const override {
    const auto D = static_cast<std::size_t>(D_);
    Reach reach{std::vector<double>(D, 0.0), std::vector<double>(D, 6.0)};
    reach.scale[0] = 3;
    return reach;
  }
  double entropy() const override {
    return static_cast<double>(D_) * (0.5 + 0.5 * std::log(2 * std::numbers::pi)) + std::log(3);
  }
  double log_z() const override { return static_cast<double>(D_) * 0.5 * std::log(2 * std::numbers::pi) + std::log(3); }
  double log_unnormalised(std::span<const double> x, std::span<double> slope) const override {
    const double narrow = std::exp(-x[0]), others = static_cast<double>(D_ - 1);
    double square = 0;
    for (std::size_t i = 1; i < x.size(); ++i) square += x[i] * x[i];
    if (!slope.empty()) {
      slope[0] = -x[0] / 9 + square * narrow / 2 - others / 2;
      for (std::size_t i = 1; i < x.size(); ++i) slope[i] = -x[i] * narrow;
    }
    return -x[0] * x[0] / 18 - square * narrow / 2 - others * x[0] / 2;
  }

 protected:
  void draw(const Draw& at, std::span<double> x) const override {
    x[0] = 3 * at.normal(0);
    const double wide = std::exp(x[0] / 2);
    for (std::size_t i = 1; i < x.size(); ++i) x[i] = wide * at.normal(static_cast<std::uint32_t>(i));
  }

 private:
  Index D_;
};

}  // namespace cnf
