// The linear systems of implicit steps, one for each sample of a tile. Private to steppers.
#pragma once

#include "solvers/slope.hpp"

namespace cnf {

/// Solves (I - c J_j) x_j = r_j for the samples j of a tile, J_j = df/dz of sample j where it was linearised last.
///
/// Up to kMostDense rows J is D jvps of one tape and the systems are factored; above it GMRES multiplies by jvp, one
/// Krylov space a sample, at most kMostKrylov vectors. A sample's bits depend on its own column alone. Its arrays come
/// from the solve's scratch when it is made, and nothing is allocated afterwards.
/// Source  GMRES: Saad, Schultz (1986), SIAM J. Sci. Stat. Comput. 7(3), 856-869, in the norm of `scale`.
template <class T>
class StageSystem {
 public:
  static constexpr Index kMostDense = 32, kMostKrylov = 40;

  /// `judged`: the steps' errors are, so that a J need not be exact.
  StageSystem(const Slope<T>& slope, bool judged);

  bool dense() const { return D_ <= kMostDense; }
  /// Linearises the samples flagged in `which` at (t, z), all of them where the systems are not dense, and leaves the
  /// slope there in k (a state). One evaluation; if dense also D jvps, and where steps are judged a J that is
  /// not finite (a root's, at 0) counts as 0.
  void linearise(double t, const T* z, const char* which, T* k);
  /// out = (f, q') moved along v and t_dot from where it was linearised last: z (D x B), then q. One jvp. Without
  /// `with_q` the derivative of q' is not asked for.
  void move(const T* v, double t_dot, T* out, bool with_q);
  /// The c of the systems to be solved from now on.
  void set(double c);
  /// x = (I - c J)^-1 x in the columns flagged in `which`. Where they are not dense, to a residual whose root of the
  /// mean square of r_i / scale_i is `tolerance`, or as near as the Krylov space comes.
  void solve(T* x, const char* which, const T* scale, double tolerance);
  /// An estimate from above of the largest spectral radius of J among the samples flagged in `which`.
  double radius(const char* which);

 private:
  T* column(T* tile, Index j) const { return tile + j * D_; }
  void factor(Index j);
  void substitute(Index j, T* x) const;
  void krylov(T* x, const char* which, const T* scale, double tolerance);

  const Slope<T>& slope_;
  const bool judged_;
  const Index D_, B_;
  double c_ = 0;
  T *tape_, *v_, *w_;                              // of jvp: along what, and what comes out
  T *J_ = nullptr, *LU_ = nullptr;                 // D x D of every sample
  int* pivots_ = nullptr;                          // D of every sample
  char *factored_ = nullptr, *pending_ = nullptr;  // flags of every sample
  T* basis_ = nullptr;                             // (m + 1) tiles
  double *R_ = nullptr, *turns_ = nullptr;         // of every sample: m x m upper triangle; cosines, sines, residuals
  int* size_ = nullptr;                            // of every sample: vectors of its Krylov space
  Index m_ = 0;
};

}  // namespace cnf
