// What training minimises: a batch's loss and its gradient.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "flows/cnf.hpp"
#include "flows/tile_sum.hpp"

namespace cnf {

enum class ObjectiveKind {
  likelihood,     ///< the mean negative log-density: every step solves the flow
  flow_matching,  ///< the field's mean squared distance from straight paths: one evaluation, no solve
};
std::string_view name(ObjectiveKind kind);  ///< as spelled on the command line

enum class GradientMode {
  discrete,    ///< the exact gradient of the number computed: the accepted steps transposed
  continuous,  ///< Chen et al. (2018): the adjoint equation solved backwards, memory constant in the number of steps
};
std::string_view name(GradientMode mode);  ///< as spelled on the command line

/// Flow matching reads `threads` and `seed` alone.
struct ObjectiveOptions {
  SolveOptions solve{};
  SolveOptions adjoint{};  ///< of the backward solve of the continuous adjoint
  DivergenceChoice divergence{};
  GradientMode gradient = GradientMode::discrete;
  int threads = 0;
  Seed seed{};  ///< of Hutchinson's probes, or of the paths
  ObjectiveKind kind = ObjectiveKind::likelihood;
};

/// The loss of one batch, in unit coordinates, and its gradient.
template <class T>
struct LossGradient {
  double loss = 0;          ///< meaningless if there are failures
  Vector<T> dloss_dparams;  ///< MlpLayout(shape).size
  Matrix<T> dloss_du;       ///< D x B
  double dloss_dt_data = 0, dloss_dt_base = 0;
  Counters forward, backward;  ///< sums over tiles; backward: of the continuous adjoint's solves
  Index tiles = 0;
  std::vector<Status> failures;  ///< the first of each tile that failed, its row counted in the batch

  /// Takes over what tiles have added up; the share keeps their counters.
  void take(TileShare<T>& sum, Index n_tiles) {
    loss = sum.loss;
    dloss_dparams.swap(sum.params_bar);
    dloss_dt_base = sum.dloss_dt_base;
    dloss_dt_data = sum.dloss_dt_data;
    forward = sum.forward;
    backward = sum.backward;
    failures.swap(sum.failures);
    tiles = n_tiles;
  }
  double nfe_forward() const { return static_cast<double>(forward.evaluations) / static_cast<double>(tiles); }
};

/// An objective of one shape, with every worker's memory kept from call to call.
/// Tiles are balanced, about 64 samples each, and their gradients are added by a fixed tree (tile_sum.hpp).
template <class T>
class Objective {
 public:
  Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;
  virtual ~Objective() = default;

  /// At `params` on the batch u (D x B, unit coordinates). `step` addresses what is drawn: the same at every stage of a
  /// solve, forward and backward, other at the next step. The result stays valid until the next call.
  virtual const LossGradient<T>& operator()(const Vector<T>& params, const Matrix<T>& u, std::uint32_t step) = 0;
};

/// The objective that options.kind names.
template <class T>
std::unique_ptr<Objective<T>> make_objective(const MlpShape& shape, double t_base, double t_data,
                                             const ObjectiveOptions& options);

}  // namespace cnf
