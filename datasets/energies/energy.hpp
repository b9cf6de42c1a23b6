// A density given as an energy, p = exp(-U) / Z, about which nonetheless everything is known.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "datasets/density.hpp"

namespace cnf {

/// A mode that lies apart from the others: a point belongs to the one whose centre is nearest.
struct Mode {
  std::vector<double> centre;
  double share = 0;  ///< of the mass nearest to it
};

/// What a flow is trained towards without data is log_unnormalised alone; Z, the draws and the modes are there to judge
/// it.
class Energy : public Density {
 public:
  /// log p~(x) = -U(x), nats; writes -dU/dx to `slope` unless it is empty.   Shapes  x, slope: D.
  virtual double log_unnormalised(std::span<const double> x, std::span<double> slope) const = 0;
  virtual double log_z() const = 0;  ///< log of the integral of exp(-U), to 1e-9
  virtual std::vector<Mode> modes() const { return {}; }
  /// A mean and a scale for each coordinate that together reach over all of it: where a flow begins.
  struct Reach {
    std::vector<double> mean, scale;
  };
  /// Of the plane, the box in two scales to each side.
  virtual Reach reach() const {
    const Box at = box();
    return {{(at.x0 + at.x1) / 2, (at.y0 + at.y1) / 2}, {(at.x1 - at.x0) / 4, (at.y1 - at.y0) / 4}};
  }

  double entropy_error() const override { return 1e-8; }
  using Density::sample;
  void sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const final;
  Vector<double> log_prob(const Eigen::Ref<const Batch>& x) const final;

 protected:
  /// Addressed randomness of one point; uniforms and normals never share a word.
  struct Draw {
    Seed seed;
    Purpose purpose;
    std::uint32_t step;
    std::uint64_t sample;
    double uniform(std::uint32_t i) const { return cnf::uniform(seed, purpose, step, sample, 8 * (i / 4) + i % 4); }
    double normal(std::uint32_t i) const { return cnf::normal(seed, purpose, step, sample, 8 * (i / 4) + 4 + i % 4); }
  };
  virtual void draw(const Draw& at, std::span<double> x) const = 0;
};

}  // namespace cnf
