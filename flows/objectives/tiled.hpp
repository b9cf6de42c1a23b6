// Private to objectives.cpp: any objective over tiles. The loop, the memory and the sum over tiles, written once.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "flows/objectives/objective.hpp"

namespace cnf {

/// `Kind` is one objective's options and its loss of a tile; objectives.hpp says what it has to have. A sum of them is
/// one too, which knows its traits at run time.
template <class T, class Kind>
class TiledObjective final : public Objective<T> {
 public:
  /// Throws std::invalid_argument for a model or options that make no sense.
  TiledObjective(const Cnf& model, Kind kind, int threads, Seed seed, StopFlag stop = nullptr)
      : model_(model),
        kind_(std::move(kind)),
        seed_(seed),
        stop_(stop),
        sum_(threads > 0 ? threads : available_threads()),
        own_(static_cast<std::size_t>(sum_.threads())),
        second_(own_.size()),
        spare_(own_.size()) {
    check(model_);
    kind_.check(model_);
    model_.params.resize(0);  // every call brings its own
  }

  const LossGradient<T>& operator()(const Vector<T>& params, const Samples<T>& u, std::uint32_t step) override {
    expect_samples(name().data(), model_, u.x.rows(), u.given.rows());
    if (u.size() == 0) throw std::invalid_argument(std::string(name()) + ": the batch is empty");
    const BoundCnf<T> flow(model_, params);
    reserve(flow, u);
    if constexpr (requires { kind_.before_tiles(u, seed_, step, 1); })
      kind_.before_tiles(u, seed_, step, sum_.threads());
    const Index D = model_.dim();
    result_.dloss_du.resize(D, u.size());
    ShareSize size = flow.share_size(uses_divergence());
    if constexpr (requires { kind_.told_parts(); }) size.parts = kind_.told_parts();
    TileShare<T>& total = sum_(u.size(), tile_rows(model_), size, [&](TileRange range, int n, TileShare<T>& share) {
      if (stop_asked(stop_)) return;
      const auto worker = static_cast<std::size_t>(n);
      kind_.template run_tile<T>(
          {flow,
           {u.middle(range.first, range.count), {seed_, static_cast<std::uint64_t>(range.first), step}},
           u.size(),
           own_[worker],
           second_[worker],
           share,
           Out<T>(result_.dloss_du.data() + range.first * D, D, range.count),
           spare_[worker],
           share.parts});
    });
    stop_if_asked(stop_);
    result_.take(total, flow.fold(total.params_bar, uses_divergence()), sum_.tiles());
    return result_;
  }

  bool rises() const override {
    if constexpr (requires { kind_.rises(); }) return kind_.rises();
    return false;
  }
  void raise(double by) override {
    if constexpr (requires { kind_.raise(by); }) kind_.raise(by);
  }

 private:
  /// What is reserved is every worker's, whoever gets a tile first: memory does not depend on that.
  void reserve(const BoundCnf<T>& flow, const Samples<T>& u) {
    const FlowOptions* const solve = how_solved();
    if (solve == nullptr || !solve->reserve || reserved_) return;
    reserved_ = true;
    const Index rows = tile_rows(model_), tiles = (u.size() + rows - 1) / rows;
    for (std::size_t w = 0; w < own_.size() && static_cast<Index>(w) < tiles; ++w) {
      own_[w].begin(flow, *solve, Use::training,
                    TileInput<T>{u.middle(0, (u.size() + tiles - 1) / tiles), {seed_, 0, 0}});
      own_[w].reserve();
    }
  }
  const FlowOptions* how_solved() const {
    if constexpr (requires { kind_.flow; })
      return &kind_.flow;
    else if constexpr (requires { kind_.flow_options(); })
      return kind_.flow_options();
    else
      return nullptr;
  }
  std::string_view name() const {
    if constexpr (requires { Kind::kTraits; })
      return Kind::kTraits.name;
    else
      return traits(kind_).name;
  }
  bool uses_divergence() const {
    if constexpr (requires { kind_.uses_divergence(); })
      return kind_.uses_divergence();
    else
      return Kind::kUsesDivergence;
  }

  Cnf model_;
  Kind kind_;
  Seed seed_;
  StopFlag stop_;
  TileSum<T> sum_;
  std::vector<TileFlow<T>> own_, second_;  ///< a worker each
  std::vector<TileShare<T>> spare_;        ///< the same
  bool reserved_ = false;
  LossGradient<T> result_;
};

}  // namespace cnf
