// Maximum likelihood: the mean negative log-density of a batch and its gradient, by either adjoint.
#pragma once

#include <memory>
#include <vector>

#include "flows/cnf.hpp"

namespace cnf {

enum class GradientMode {
  discrete,    ///< the exact gradient of the number computed: the accepted steps transposed
  continuous,  ///< Chen et al. (2018): the adjoint equation solved backwards, memory constant in the number of steps
};
std::string_view name(GradientMode mode);  ///< as spelled on the command line

struct ObjectiveOptions {
  SolveOptions solve{};
  SolveOptions adjoint{};  ///< of the backward solve of the continuous adjoint
  DivergenceChoice divergence{};
  GradientMode gradient = GradientMode::discrete;
  int threads = 0;
  Seed seed{};  ///< of Hutchinson's probes
};

/// The loss of one batch, in unit coordinates, and what was asked for of its gradient.
template <class T>
struct LossGradient {
  double loss = 0;          ///< mean over the batch of -log p_u(u), nats; meaningless if there are failures
  Vector<T> dloss_dparams;  ///< MlpLayout(shape).size
  Matrix<T> dloss_du;       ///< D x B
  double dloss_dt_data = 0, dloss_dt_base = 0;
  Counters forward, backward;  ///< sums over tiles; backward: of the continuous adjoint's solves
  Index tiles = 0;
  std::vector<Status> failures;  ///< the first of each tile that failed, its row counted in the batch

  double nfe_forward() const { return static_cast<double>(forward.evaluations) / static_cast<double>(tiles); }
};

/// The objective of one shape, with every worker's memory kept from call to call.
/// Tiles are balanced, about 64 samples each, and their gradients are added in tile order.
template <class T>
class MaximumLikelihood {
 public:
  MaximumLikelihood(const MlpShape& shape, double t_base, double t_data, const ObjectiveOptions& options);
  ~MaximumLikelihood();

  /// At `params` on the batch u (D x B, unit coordinates). `step` addresses the probes: the same at every stage of a
  /// solve, forward and backward, other ones at the next step. The result stays valid until the next call.
  const LossGradient<T>& operator()(const Vector<T>& params, const Matrix<T>& u, std::uint32_t step);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace cnf
