// A whole solve as a function of time, kept while it runs.
#pragma once

#include <memory>
#include <vector>

#include "solvers/dense_step.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/integrate.hpp"

namespace cnf {

/// z of a solve at any time between its ends: of each step the polynomial through its dense output at Chebyshev's
/// points (Lobatto's kind, the ends among them), which is the dense output itself where that is a polynomial of at most
/// `degree`: it holds for every method, after the solve.
/// Memory  degree tiles of z and a time each step, and a tile.
template <class T>
class DenseTrack final : public StepListener<T> {
 public:
  static int degree(const Method& method);

  /// For the next solve. Throws std::invalid_argument where it is known beforehand that `budget` bytes will not do.
  void begin(const Shape& shape, const T* z, double t_begin, double t_end, const SolveOptions& options,
             std::size_t budget);
  bool wants(double, double) override { return true; }
  Next look(const DenseStep<T>& step, T* y) override;

  /// Whether the budget was too small for the solve: from full_at() on nothing is kept.
  bool full() const { return full_; }
  double full_at() const { return full_at_; }

  /// Sets out to z of samples first .. first + count - 1 at time t.
  void operator()(double t, Index first, Index count, T* out) const;

 private:
  T* values(Index step) const {
    const auto n = static_cast<std::size_t>(step);
    return pieces_[n / per_piece_].get() + n % per_piece_ * step_size_;
  }
  std::size_t bytes(std::size_t steps) const;

  Shape shape_;
  int degree_ = 0;
  std::vector<double> nodes_, weights_;  ///< barycentric
  double t_begin_ = 0, t_end_ = 0;
  std::size_t budget_ = 0, step_size_ = 0, per_piece_ = 1;
  bool full_ = false;
  double full_at_ = 0;
  std::vector<T> start_;
  Grown<double> times_;  ///< the steps' ends
  std::vector<std::unique_ptr<T[]>> pieces_;
};

}  // namespace cnf
