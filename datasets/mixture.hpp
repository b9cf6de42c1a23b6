// Mixtures of Gaussians in any dimension: exact densities to draw from, and a baseline fitted to data.
#pragma once

#include <vector>

#include "base/random.hpp"
#include "base/stop.hpp"
#include "base/types.hpp"

namespace cnf {

/// p(x) = sum_k weights_k N(x; means.col(k), L_k L_k^T).
struct GaussianMixture {
  Vector<double> weights;              ///< K, non-negative, sum 1
  Batch means;                         ///< D x K
  std::vector<Matrix<double>> scales;  ///< K lower-triangular L_k, D x D, positive diagonals

  Index dim() const { return means.rows(); }
  Index components() const { return means.cols(); }
  /// Nats.   Shapes  x: D x N.  Returns: N.   Cost  N K D^2.   Throws Stopped once `stop` is raised.
  Vector<double> log_prob(const Eigen::Ref<const Batch>& x, StopFlag stop = nullptr) const;
  /// Points first, first + 1, ...: number i depends on (seed, purpose, step, i) alone.   Shapes  out: D x n.
  void sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const;
};

/// The maximum-likelihood Gaussian with full covariance, as a mixture of one (fit_standardisation says what becomes of
/// a singular covariance and of constant columns).   Shapes  x: D x N, N >= 2.
GaussianMixture fit_gaussian(const Eigen::Ref<const Batch>& x);

struct MixtureOptions {
  int max_iterations = 300;
  double tolerance = 1e-5;  ///< stop when the mean log-likelihood gains less, nats
  double ridge = 1e-6;      ///< added to each covariance, in units of the whole data's
  int starts = 3;           ///< the best of this many
  StopFlag stop = nullptr;  ///< once it is raised, the fit throws Stopped
};

struct FittedMixture {
  GaussianMixture mixture;
  double mean_log_prob = 0;  ///< of the data it was fitted to, nats
  int iterations = 0;        ///< of the best start
  bool converged = false;
};

/// Expectation-maximisation from k-means++ centres (draws: Purpose::initialisation), in whitened coordinates, so that
/// an affine map of the data changes nothing but the units.
///
/// Shapes  x: D x N, N >= components >= 1, else std::invalid_argument.
/// Cost    starts * iterations * N K D^2.
/// Source  Dempster, Laird and Rubin (1977), J. R. Stat. Soc. B 39, 1-38; Arthur and Vassilvitskii (2007), SODA.
FittedMixture fit_mixture(const Eigen::Ref<const Batch>& x, Index components, Seed seed,
                          const MixtureOptions& options = {});

}  // namespace cnf
