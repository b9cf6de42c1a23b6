// How large an error is in units of its tolerance, and whether values are finite: for a tile, and whose fault.
#pragma once

#include <span>

#include "solvers/integrate.hpp"
#include "solvers/step.hpp"

namespace cnf {

/// A size and the sample that it is about.
struct Size {
  double value = 0;
  Index row = -1;  ///< the sample with the largest part, or the first that is not finite; -1: the s block
  bool finite = true;
};

/// The norm of SolveOptions over the active samples of a tile.
///
/// A component's share is |x| / (atol + rtol max(|y0|, |y1|)), by its block's tolerance, a block's the root of
/// their mean square, a sample's the maximum over its blocks. Norm::sample takes the maximum over samples,
/// Norm::tile the root of their mean square block by block; the s block counts as one more sample. Blocks left out
/// by the options count for whether values are finite.
template <class T>
class ErrorNorm {
 public:
  /// `bad`, if not empty, has a flag a sample: set anew by every call that finds values that are not finite. `parts` is
  /// memory for shape.size() values.
  ErrorNorm(const Shape& shape, const SolveOptions& options, std::span<const char> active, std::span<char> bad,
            T* parts)
      : shape_(shape), options_(options), active_(active), bad_(bad), parts_(parts) {}

  /// The norm of x around y0 and y1; not finite if an active value of x or y1 is not.
  Size operator()(const T* x, const T* y0, const T* y1) const;
  /// The norm of what rounding leaves open of y, of one sample, or of the s block if row is -1.
  double rounding(const T* y, Index row) const;
  /// The largest of these: its sample, and a flag in `bad` for each where it is above `most`.
  Size roughest(const T* y, double most) const;
  /// Whether the active part of y is finite; the value is 0.
  Size finite(const T* y) const;

 private:
  bool is_active(Index j) const { return active_.empty() || active_[static_cast<std::size_t>(j)]; }
  void square(const T* x, const T* y0, const T* y1, Index first, Index count, const Tolerance* tolerance) const;
  double mean(Index first, Index count) const;
  Size find_non_finite(const T* x, const T* y) const;

  Shape shape_;
  const SolveOptions& options_;
  std::span<const char> active_;
  std::span<char> bad_;
  T* parts_;
};

}  // namespace cnf
