// Eight separated modes of unequal weight.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <numbers>

#include "datasets/energies/energy.hpp"

namespace cnf {

/// exp(-U) = sum_k w_k exp(-|x - m_k|^2 / (2 s^2)): normals of scale 0.4 on a circle of radius 4, neighbours 7.7 scales
/// apart, with weights from 0.05 to 0.25. Between two modes the density is 1e-3 of the peaks.
class EightModes final : public Energy {
 public:
  static constexpr double kRadius = 4, kScale = 0.4;
  static constexpr std::array kWeights{0.05, 0.20, 0.10, 0.15, 0.05, 0.25, 0.08, 0.12};

  std::string name() const override { return "eight-modes"; }
  Box box() const override { return {-6, 6, -6, 6}; }
  double entropy() const override { return kEntropy; }
  double log_z() const override { return std::log(2 * std::numbers::pi * kScale * kScale); }
  std::vector<Mode> modes() const override {
    std::vector<Mode> all;
    for (std::size_t k = 0; k < kWeights.size(); ++k) all.push_back({{centre(k)[0], centre(k)[1]}, kWeights[k]});
    return all;
  }
  double log_unnormalised(std::span<const double> x, std::span<double> slope) const override {
    constexpr double by = 1 / (kScale * kScale);
    std::array<double, 8> a;
    for (std::size_t k = 0; k < 8; ++k) {
      const double u = x[0] - centre(k)[0], v = x[1] - centre(k)[1];
      a[k] = std::log(kWeights[k]) - 0.5 * by * (u * u + v * v);
    }
    const double most = *std::max_element(a.begin(), a.end());
    double sum = 0, to_x = 0, to_y = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      const double w = std::exp(a[k] - most);
      sum += w;
      to_x += w * (centre(k)[0] - x[0]);
      to_y += w * (centre(k)[1] - x[1]);
    }
    if (!slope.empty()) {
      slope[0] = by * to_x / sum;
      slope[1] = by * to_y / sum;
    }
    return most + std::log(sum);
  }

 protected:
  void draw(const Draw& at, std::span<double> x) const override {
    double left = at.uniform(0);
    std::size_t k = 0;
    while (k + 1 < kWeights.size() && left >= kWeights[k]) left -= kWeights[k++];
    x[0] = centre(k)[0] + kScale * at.normal(0);
    x[1] = centre(k)[1] + kScale * at.normal(1);
  }

 private:
  static constexpr double kEntropy = 2.94431333690;  // by the midpoint rule on [-8, 8]^2, 1600 and 3200 a side
  static const std::array<double, 2>& centre(std::size_t k) {
    static const std::array<std::array<double, 2>, 8> all = [] {
      std::array<std::array<double, 2>, 8> c;
      for (std::size_t i = 0; i < c.size(); ++i) {
        const double angle = std::numbers::pi / 4 * static_cast<double>(i);
        c[i] = {kRadius * std::cos(angle), kRadius * std::sin(angle)};
      }
      return c;
    }();
    return all[k];
  }
};

}  // namespace cnf
