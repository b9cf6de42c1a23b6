// One tile carried through a flow, to the base or to the data, and gradients carried back: the only place where a
// flow's dynamics are made and solved.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <variant>
#include <vector>

#include "flows/cnf.hpp"
#include "flows/quadratures.hpp"
#include "flows/samples.hpp"
#include "flows/tile_sum.hpp"
#include "solvers/frozen_grid.hpp"
#include "solvers/gradients/differentiate.hpp"

namespace cnf {

/// How a flow is solved and differentiated.
struct FlowOptions {
  SolveOptions solve{};
  SolveOptions adjoint{};  ///< of the backward solves of the continuous and the interpolated adjoint
  DivergenceChoice divergence{};
  GradientMode gradient = GradientMode::discrete;
  std::size_t memory = Recording<float>::kDefaultBudget;  ///< bytes that one worker keeps for it, of all blocks
  bool reserve = false;                                   ///< every worker takes them whole, before its first tile
  std::vector<Quadrature> beside{};                       ///< in training: rows of q below the divergence
};

/// What a tile is carried for.
enum class Use {
  points,      ///< without a divergence: q has no rows
  evaluation,  ///< with it, as `auto` takes it in evaluation
  training,    ///< with it, as `auto` takes it in training
};

/// The numbers of a tile's samples: all that is drawn for them is a function of these and the sample's own number.
struct TileAddress {
  Seed seed{};
  std::uint64_t first = 0;  ///< the number of the first sample
  std::uint32_t step = 0;   ///< of training; 0 in evaluation
};

/// A tile's samples, in unit coordinates. S is double in evaluation, the solve's own type in training.
template <class S>
struct TileInput {
  Samples<S> samples;
  TileAddress at;
};

/// A model made ready once per update and shared by all threads: its fields bound to `params`.
///
/// A tile's params_bar has a part for each block, one after the other: its parameters, then its field's tail (what it
/// derives from them once per update), which only that field reads and writes.
template <class T>
class BoundCnf {
 public:
  /// `model` and `params` (model.layout().size values) must outlive this; model.params is not read.
  /// std::invalid_argument: another number of parameters.
  BoundCnf(const Cnf& model, const Vector<T>& params);

  const Cnf& model() const { return model_; }
  const Field<T>& field(std::size_t k) const { return *fields_[k]; }
  std::size_t blocks() const { return fields_.size(); }
  /// What a tile's share of a loss takes. With `tails` false nothing is in the tails, so they need not be added up.
  ShareSize share_size(bool tails) const;
  /// Block k's part of a tile's params_bar, which may be longer than all parts.
  std::span<T> bar(std::size_t k, Vector<T>& params_bar) const;
  /// Folds the tails of a sum of tiles' params_bar into the gradients of the parameters, which become its first values,
  /// and returns how many these are: model.layout().size. With `tails` false they are left out unread.
  Index fold(Vector<T>& params_bar, bool tails) const;

 private:
  const Cnf& model_;
  std::vector<std::unique_ptr<Field<T>>> fields_;
  std::vector<Index> begins_;  ///< of each block's part of params_bar, and the end
};

/// One worker's memory for a tile: begin, carry, pull. Kept from tile to tile.
template <class T>
class TileFlow {
 public:
  /// A new tile: its points become z, padded with zeros to `rows` columns, q = 0, and its probes are drawn; they stay
  /// for every carry and pull until the next begin. `flow` and `options` must outlive it.
  template <class S>
  void begin(const BoundCnf<T>& flow, const FlowOptions& options, Use use, const TileInput<S>& input, Index rows) {
    prepare(flow, options, use, input.at, rows);
    state_.z().leftCols(input.samples.size()) = input.samples.x.template cast<T>();
  }
  template <class S>
  void begin(const BoundCnf<T>& flow, const FlowOptions& options, Use use, const TileInput<S>& input) {
    begin(flow, options, use, input, input.samples.size());
  }

  Scratch& scratch() { return scratch_; }
  Out<T> z() { return state_.z(); }  ///< D x rows, unit coordinates: where the points are now
  /// The integral of the divergence along the way, 1 x rows; in training FlowOptions::beside below it.
  Out<T> q() { return state_.q(); }

  /// Ends the tile's way to the base (and begins that to the data) at another time than the model says.
  void set_base_time(double t) { t_base_ = t; }

  /// Carries z and q through all blocks, in place. Returns the first trouble; z and q are then meaningless.
  Status carry(Way way, Counters& counters) { return through(way, counters, Keep::nothing, {}, {}, {}); }
  /// The same, each block's steps seen by a listener of its own.
  Status carry_seen(Way way, std::span<StepListener<T>* const> by_block, Counters& counters) {
    listeners_ = by_block;
    const Status status = carry(way, counters);
    listeners_ = {};
    return status;
  }
  /// Takes what FlowOptions::reserve asks for, after begin().
  void reserve();
  /// Keeping what pull() needs.
  Status carry_recorded(Counters& counters, Way way = Way::to_base) {
    recorded_ = way;
    return through(way, counters, Keep::all, {}, {}, {});
  }
  /// Each block by options of its own, as frozen() has them.
  Status carry_on(Way way, std::span<const SolveOptions> by_block, Counters& counters) {
    return through(way, counters, Keep::nothing, by_block, {}, {});
  }
  /// Each block along a grid of its own (solvers/frozen_grid.hpp), adding to `corrections`, one a sample.
  Status carry_frozen(Way way, std::span<const FrozenGrid> by_block, Counters& counters, std::span<double> corrections);
  /// With failing samples masked (masked.hpp), from the first block on: their columns end NaN. Failing solves that have
  /// taken more than `failing_steps` end it.
  std::vector<Status> carry_masked(Way way, std::vector<char>& active, Counters& counters,
                                   std::int64_t failing_steps = std::numeric_limits<std::int64_t>::max());

  /// After carry_recorded with the discrete or the reversible gradient: for each block the options that take its steps
  /// again.
  std::vector<SolveOptions> frozen() const;
  /// What carry_recorded, with one of these, would keep of block k's solve. std::invalid_argument: too little memory.
  MemoryPlan plan(std::size_t k) const;

  /// Back from where carry_recorded ended to where it began. `w` is dloss/dz there and becomes that of the begin, to
  /// the base dloss/du; w_q = dloss/dq, as q. Adds to share.params_bar and share.dloss_dtimes; share.backward counts.
  Status pull(Out<T> w, Tile<T> w_q, TileShare<T>& share);

 private:
  enum class Keep { nothing, all };

  void prepare(const BoundCnf<T>& flow, const FlowOptions& options, Use use, const TileAddress& at, Index rows);
  GradientOptions gradient() const {
    return {
        .mode = options_->gradient, .memory = memory(), .reserve = options_->reserve, .backward = options_->adjoint};
  }
  std::size_t memory() const { return options_->memory / flow_->blocks(); }
  using AnyDynamics = std::variant<FlowDynamics<T>, RegularisedDynamics<T>>;
  AnyDynamics dynamics(std::size_t k, Way way) const;
  double t_base(std::size_t k) const { return k == 0 ? t_base_ : flow_->model().blocks[k].t_base; }
  struct Leg {
    std::size_t block;
    double t_begin, t_end;
  };
  /// The n-th block that a point passes on its way.
  Leg leg(Way way, std::size_t n) const;
  Status through(Way way, Counters& counters, Keep keep, std::span<const SolveOptions> by_block,
                 std::span<const char> active, std::span<char> bad);

  const BoundCnf<T>* flow_ = nullptr;
  const FlowOptions* options_ = nullptr;
  double t_base_ = 0;  ///< of block 0
  Way recorded_ = Way::to_base;
  std::span<const Quadrature> beside_;
  std::vector<DivergenceMethod> methods_;  ///< a block each, as solves_
  std::vector<DifferentiableSolve<T>> solves_;
  Scratch scratch_;
  State<T> state_;
  Vector<T> probes_;
  std::span<StepListener<T>* const> listeners_;  ///< of the carry that is under way, a block each; or none
};

/// What the discrete gradient keeps of the solves of one tile, of each block's: before there is a tile.
template <class T>
std::vector<MemoryPlan> plan_memory(const Cnf& model, const FlowOptions& options, Index rows);

}  // namespace cnf
