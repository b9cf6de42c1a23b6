// Invariants. Whole tiles are solved, as Evaluator::sample does: a sample's steps depend on its tile. A time on the
// border of two blocks is seen by the first of them.
#include "flows/paths.hpp"

#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/number_text.hpp"
#include "flows/tile_flow.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf {

namespace {

/// What one block's solve is looked at for: times [first, first + count) of all.
struct Leg {
  Index first = 0, count = 0;
  std::vector<Observation> observations;  ///< at the block's own times, of every sample of a tile
};

std::vector<Leg> legs_of(const Cnf& model, std::span<const double> times, Index rows) {
  std::vector<Leg> legs;
  double begin = 0;
  Index next = 0;
  const Index n = static_cast<Index>(times.size());
  for (const Block& block : model.blocks) {
    const double length = std::abs(block.t_data - block.t_base), end = begin + length;
    const bool last = &block == &model.blocks.back();
    Leg& leg = legs.emplace_back();
    leg.first = next;
    for (; next < n && (last || times[static_cast<std::size_t>(next)] <= end); ++next) {
      const double share = std::min(1.0, (times[static_cast<std::size_t>(next)] - begin) / length);
      const double t = share == 1 ? block.t_data : block.t_base + share * (block.t_data - block.t_base);
      for (Index j = 0; j < rows; ++j) leg.observations.push_back({t, j});
    }
    leg.count = next - leg.first;
    begin = end;
  }
  return legs;
}

void check_times(const Cnf& model, std::span<const double> times) {
  const double length = path_length(model);
  double last = 0;
  for (const double t : times) {
    if (!(t >= last && t <= length))
      throw std::invalid_argument("sample_paths: time " + shortest(t) + ", expected times that ascend from 0 to " +
                                  shortest(length));
    last = t;
  }
}

}  // namespace

double path_length(const Cnf& model) {
  double sum = 0;
  for (const Block& block : model.blocks) sum += std::abs(block.t_data - block.t_base);
  return sum;
}

Paths sample_paths(const Cnf& model, Seed seed, Index N, std::span<const double> times, const SolveOptions& solve) {
  check(solve);
  check(model);
  if (N < 1) throw std::invalid_argument("sample_paths: N is " + std::to_string(N) + ", expected 1 or more");
  check_times(model, times);
  const Index D = model.dim(), rows = tile_rows(model), n = static_cast<Index>(times.size());
  const BoundCnf<double> flow(model, model.params);
  const FlowOptions options{.solve = solve};
  const std::vector<Leg> legs = legs_of(model, times, rows);
  Paths paths{.points = Batch(D, n * N), .ends = Batch(D, N)};
  TileFlow<double> tile;
  Batch z(D, rows), seen(D, n * rows);
  for (Index at = 0; at < N && paths.status.ok(); at += rows) {
    const Index count = std::min(rows, N - at);
    sample_base(model.base, seed, static_cast<std::uint64_t>(at), Out<double>(z.data(), D, rows));
    const TileInput<double> input{Samples<double>(z), {}};
    tile.begin(flow, options, Use::points, input);
    std::vector<std::unique_ptr<Observer<double>>> observers;
    std::vector<StepListener<double>*> listeners;
    for (std::size_t k = 0; k < legs.size(); ++k) {
      const Leg& leg = legs[k];
      const Block& block = model.blocks[k];
      observers.push_back(std::make_unique<Observer<double>>(
          leg.observations, Blocks{D, 0, 0}, block.t_data > block.t_base,
          Out<double>(seen.data() + D * rows * leg.first, D, rows * leg.count), std::span<StepPoint>()));
      listeners.push_back(observers.back().get());
    }
    paths.status = tile.carry_seen(Way::to_data, listeners, paths.counters);
    if (paths.status.row >= 0) paths.status.row += at;
    ++paths.tiles;
    paths.ends.middleCols(at, count) = tile.z().leftCols(count);
    for (Index k = 0; k < n; ++k)
      paths.points.middleCols(k * N + at, count) = model.standardisation.invert(seen.middleCols(k * rows, count));
  }
  return paths;
}

}  // namespace cnf
