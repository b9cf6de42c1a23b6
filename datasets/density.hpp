// A density about which everything is known: what a trained flow is measured against.
#pragma once

#include <cstdint>
#include <string>

#include "base/box.hpp"
#include "base/random.hpp"
#include "base/types.hpp"

namespace cnf {

/// A density that can be drawn from and evaluated exactly. Point number i depends on (seed, purpose, step, i) alone.
class Density {
 public:
  Density() = default;
  Density(const Density&) = delete;
  Density& operator=(const Density&) = delete;
  virtual ~Density() = default;

  virtual std::string name() const = 0;
  virtual Index dim() const { return 2; }
  /// The plotting window of the first two coordinates; a little mass may lie outside.
  virtual Box box() const = 0;
  /// Differential entropy in nats, the least mean -log p any model can reach, and a bound on its error.
  virtual double entropy() const = 0;
  virtual double entropy_error() const = 0;
  /// Writes points first, first + 1, ... independent and identically distributed.
  /// Shapes  out: D x n, one point per column.   Throws std::invalid_argument for another number of rows.
  virtual void sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const = 0;
  /// The log-density, nats; -infinity where the density is 0.   Shapes  x: D x n.  Returns: n.
  virtual Vector<double> log_prob(const Eigen::Ref<const Batch>& x) const = 0;

  /// The same points as a new batch, D x n.
  Batch sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Index n) const {
    Batch out(dim(), n);
    sample(seed, purpose, step, first, Out<double>(out.data(), dim(), n));
    return out;
  }
};

}  // namespace cnf
