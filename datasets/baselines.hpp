// What simple density estimates reach on the same data: the bar a flow has to clear.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/standardisation.hpp"
#include "base/stop.hpp"
#include "base/types.hpp"
#include "datasets/mixture.hpp"

namespace cnf {

/// p(x) = 1/N sum_i N(x; x_i, h^2 C) with C the covariance of the data (whitened kernel).
struct KernelDensity {
  Batch points;                     ///< D x N, whitened
  Standardisation standardisation;  ///< C = L L^T
  double bandwidth = 1;             ///< h, in units of the data's own spread

  /// Nats, user units; finite also far away.   Shapes  x: D x n.  Returns: n.   Cost  n N (2 D + 10) operations.
  /// Throws Stopped once `stop` is raised.
  Vector<double> log_prob(const Eigen::Ref<const Batch>& x, int threads = 1, StopFlag stop = nullptr) const;
};

/// The bandwidth that makes the validation samples likeliest, or with none (0 columns) the data's own samples, each
/// left out of its own estimate. Searched on a grid from 1/50 to twice Scott's N^(-1/(D+4)), in steps of 8 %, over at
/// most 512 samples spread evenly; many equal rows drive the leave-one-out choice to the grid's lower end.
/// Source  Scott (1992), Multivariate Density Estimation, sec. 6.3; Habbema et al. (1974), Compstat, 101-110.
KernelDensity fit_kernel_density(const Eigen::Ref<const Batch>& x, const Eigen::Ref<const Batch>& validation,
                                 StopFlag stop = nullptr);

struct Baseline {
  std::string name;           ///< gaussian, mixture, kernel
  std::string detail;         ///< what was chosen: "8 components", "bandwidth 0.07"
  double log_prob = 0;        ///< mean over the test samples, nats, user units
  double standard_error = 0;  ///< of that mean
};

struct BaselineOptions {
  std::vector<Index> components{2, 4, 8, 16, 32};  ///< mixtures tried; sizes above a tenth of the samples are not
  Index max_kernels = 20000;                       ///< the kernel estimate uses the first so many training samples
  int threads = 1;
  MixtureOptions mixture = {.tolerance = 1e-4, .starts = 1};
  StopFlag stop = nullptr;                     ///< once it is raised, the fits throw Stopped
  std::function<void(int fitted)> progress{};  ///< told how many fits are done, each size of a mixture being one
};

/// Fits each baseline to `train`, chooses its size on `validation` (if that has 0 columns: on a tenth of `train`, set
/// aside) and measures it on `test`.   Shapes  all D x their N, 2 or more test samples.
std::vector<Baseline> fit_baselines(const Eigen::Ref<const Batch>& train, const Eigen::Ref<const Batch>& validation,
                                    const Eigen::Ref<const Batch>& test, Seed seed,
                                    const BaselineOptions& options = {});

}  // namespace cnf
