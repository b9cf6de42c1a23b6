// What simple density estimates reach on the same data: the bar a flow has to clear.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
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
/// most 512 samples drawn by the seed; many equal rows drive the leave-one-out choice to the grid's lower end.
/// Source  Scott (1992), Multivariate Density Estimation, sec. 6.3; Habbema et al. (1974), Compstat, 101-110.
KernelDensity fit_kernel_density(const Eigen::Ref<const Batch>& x, const Eigen::Ref<const Batch>& validation, Seed seed,
                                 StopFlag stop = nullptr);

/// From the simplest on.
enum class BaselineKind { gaussian, mixture, kde };
inline constexpr std::array kAllBaselines{BaselineKind::gaussian, BaselineKind::mixture, BaselineKind::kde};

/// gaussian, mixture, kde.
std::string_view name(BaselineKind kind);

/// A simple density, fitted.
struct Baseline {
  BaselineKind kind = BaselineKind::gaussian;
  std::string detail{};  ///< what was chosen: "8 components", "bandwidth 0.07"
  std::variant<GaussianMixture, KernelDensity> density{};

  /// Nats, user units.   Shapes  x: D x N.  Returns: N.   Throws Stopped once `stop` is raised.
  Vector<double> log_prob(const Eigen::Ref<const Batch>& x, int threads = 1, StopFlag stop = nullptr) const;
};

struct BaselineOptions {
  std::vector<BaselineKind> kinds{kAllBaselines.begin(), kAllBaselines.end()};  ///< which, each once
  Index most_components = 1024;  ///< mixtures are tried from 2 components on, doubled while they get better
  double most_work = 1e11;       ///< no mixture is tried that is foreseen to take more: see MixtureOptions' cost
  Index max_rows = 100'000;      ///< mixtures are fitted to so many training samples at most, drawn by the seed,
  Index max_kernels = 20'000;    ///< and the kernel estimate to so many
  MixtureOptions mixture = {.tolerance = 1e-4, .starts = 1};
  StopFlag stop = nullptr;                     ///< once it is raised, the fits throw Stopped
  std::function<void(int fitted)> progress{};  ///< told how many fits are done, each size of a mixture being one
};

/// Fits them to `train`, in the order asked for, and chooses their sizes on `validation` (if that has 0 columns: on a
/// tenth of `train`, set aside). A mixture grows until two sizes in a row make the validation samples no likelier than
/// the best before them, or a component would have fewer than ten samples; of fewer than twenty there is none.
///
/// Shapes  all D x their N.
/// Cost    mixtures: `most_work`, about a minute, for the largest and as much again for all smaller ones.
std::vector<Baseline> fit_baselines(const Eigen::Ref<const Batch>& train, const Eigen::Ref<const Batch>& validation,
                                    Seed seed, const BaselineOptions& options = {});

}  // namespace cnf
