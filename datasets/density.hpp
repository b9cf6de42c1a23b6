// A density on the plane about which everything is known: what a trained flow is measured against.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.hpp"
#include "base/types.hpp"

namespace cnf {

/// A rectangle of the plane: where a density is drawn and looked at.
struct Box {
  double x0 = -4, x1 = 4, y0 = -4, y1 = 4;
};

/// A density that can be drawn from and evaluated exactly. Point number i depends on (seed, purpose, step, i) alone.
class PlanarDensity {
 public:
  PlanarDensity() = default;
  PlanarDensity(const PlanarDensity&) = delete;
  PlanarDensity& operator=(const PlanarDensity&) = delete;
  virtual ~PlanarDensity() = default;

  virtual std::string name() const = 0;
  /// The plotting window; a little mass may lie outside.
  virtual Box box() const = 0;
  /// Differential entropy in nats, the least mean -log p any model can reach, and a bound on its error.
  virtual double entropy() const = 0;
  virtual double entropy_error() const = 0;
  /// Writes points first, first + 1, ... independent and identically distributed.
  /// Shapes  out: 2 x n, one point per column.   Throws std::invalid_argument for another number of rows.
  virtual void sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const = 0;
  /// The log-density, nats; -infinity where the density is 0.   Shapes  x: 2 x n.  Returns: n.
  virtual Vector<double> log_prob(const Eigen::Ref<const Batch>& x) const = 0;

  /// The same points as a new batch, 2 x n.
  Batch sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Index n) const {
    Batch out(2, n);
    sample(seed, purpose, step, first, Out<double>(out.data(), 2, n));
    return out;
  }
};

}  // namespace cnf
