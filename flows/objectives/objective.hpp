// What training minimises: a batch's loss and its gradient; and what one objective has to say of itself.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "flows/setting.hpp"
#include "flows/tile_flow.hpp"

namespace cnf {

/// The loss of one batch, in unit coordinates, and its gradient.
template <class T>
struct LossGradient {
  double loss = 0;                   ///< meaningless if there are failures
  std::vector<double> parts;         ///< of a sum, without their weights: by part_names (objectives.hpp); else empty
  Vector<T> dloss_dparams;           ///< model.layout().size
  Matrix<T> dloss_du;                ///< D x B
  std::vector<double> dloss_dtimes;  ///< by t_base and t_data of each block in turn
  Counters forward, backward;        ///< sums over tiles; backward: of the continuous adjoint's solves
  Index tiles = 0;
  std::vector<Status> failures;  ///< the first of each tile that failed, its row counted in the batch

  double dloss_dt_base(std::size_t block = 0) const { return dloss_dtimes[2 * block]; }
  double dloss_dt_data(std::size_t block = 0) const { return dloss_dtimes[2 * block + 1]; }
  double nfe_forward() const { return static_cast<double>(forward.evaluations) / static_cast<double>(tiles); }

  /// Copies what tiles have added up, of params_bar the first `parameters` values.
  void take(const TileShare<T>& sum, Index parameters, Index n_tiles) {
    loss = sum.loss;
    parts = sum.parts;
    dloss_dparams = sum.params_bar.head(parameters);
    dloss_dtimes = sum.dloss_dtimes;
    forward = sum.forward;
    backward = sum.backward;
    failures = sum.failures;
    tiles = n_tiles;
  }
};

/// An objective of one model's shape, with every worker's memory kept from call to call.
/// Tiles are balanced, about tile_rows(model) samples each, and their gradients are added by a fixed tree
/// (tile_sum.hpp).
template <class T>
class Objective {
 public:
  Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;
  virtual ~Objective() = default;

  /// At `params` on the batch u (unit coordinates). `step` addresses what is drawn: the same at every stage of a
  /// solve, forward and backward, other at the next step. The result stays valid until the next call.
  /// std::invalid_argument: another number of parameters, rows of another number, no sample.
  virtual const LossGradient<T>& operator()(const Vector<T>& params, const Samples<T>& u, std::uint32_t step) = 0;

  /// Whether some of its weights rise with the evaluations of a solve, and by how much they have risen from now on.
  virtual bool rises() const { return false; }
  virtual void raise(double) {}
};

/// One tile's work: what it reads, its worker's memory, and what it fills.
template <class T>
struct TileJob {
  const BoundCnf<T>& flow;
  TileInput<T> input;
  Index batch;               ///< samples of the whole batch, over which the loss is a mean
  TileFlow<T>&own, &second;  ///< second: of an objective that compares two solves
  TileShare<T>& share;       ///< cleared
  Out<T> u_bar;              ///< the tile's columns of dloss_du, to be set
  TileShare<T>& spare;       ///< of this worker, for a sum
  /// Not empty: to be set by an objective that has terms, the loss without them and each of them without its weight.
  std::span<double> parts;
};

/// What training and its command line need to know of an objective.
struct ObjectiveTraits {
  std::string_view name, help;  ///< as spelled on the command line and in a recipe
  std::string_view loss_name;   ///< of the loss in a line of progress
  bool solves;                  ///< a step solves the flow as FlowOptions say
  /// The loss is -log p in unit coordinates, and more: log |det| of the scaling makes it the user's. A warm start may
  /// come before it.
  bool log_density;
  /// A step costs so many times less than a step of the likelihood: validations lie so much further apart.
  int validation_stretch;
  bool towards_target = false;  ///< it reads no data, but a Target (target.hpp)
};

// Of an objective that makes solves: how it differentiates them.
Setting gradient_setting(FlowOptions& flow);
Setting probe_setting(FlowOptions& flow);

}  // namespace cnf
