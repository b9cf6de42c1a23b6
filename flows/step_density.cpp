#include "flows/step_density.hpp"

#include <algorithm>

#include "flows/tile_flow.hpp"

namespace cnf {

namespace {

constexpr int kParts = 64;
constexpr int kSmooth = 4;  // parts on either side
constexpr double kTolerance = 1e-4;
constexpr double kLeastDensity = 1e-3;

void add_density(const std::vector<double>& fractions, std::vector<double>& density) {
  for (std::size_t i = 0; i < density.size(); ++i) {
    const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(density.size());
    const auto next = std::upper_bound(fractions.begin(), fractions.end() - 1, middle);
    density[i] += 1 / (*next - *(next - 1));
  }
}

std::vector<double> smoothed(const std::vector<double>& rough) {
  std::vector<double> smooth(kParts);
  for (int i = 0; i < kParts; ++i) {
    const int from = std::max(0, i - kSmooth), to = std::min(kParts, i + kSmooth + 1);
    double all = 0;
    for (int j = from; j < to; ++j) all += rough[static_cast<std::size_t>(j)];
    smooth[static_cast<std::size_t>(i)] = std::max(all / (to - from), kLeastDensity);
  }
  return smooth;
}

}  // namespace

std::vector<std::vector<double>> step_densities(const Cnf& model, Way way, const Batch& x,
                                                const EvaluationOptions& options) {
  const BoundCnf<double> flow(model, model.params);
  FlowOptions how{.solve = {.method = &kDopri5, .stop = options.solve.stop}, .divergence = options.divergence};
  how.solve.rtol = how.solve.atol = kTolerance;
  const Batch u = model.standardisation.apply(x);
  std::vector<std::vector<double>> found(model.blocks.size(), std::vector<double>(kParts, 0));
  TileFlow<double> tile;
  const Index rows = std::min<Index>(tile_rows(model), u.cols());
  for (Index begin = 0; begin + rows <= u.cols(); begin += rows) {
    Counters counters;
    tile.begin(flow, how, Use::evaluation, TileInput<double>{Samples<double>(u).middle(begin, rows), {}});
    if (!tile.carry_recorded(counters).ok()) continue;
    const std::vector<SolveOptions> steps = tile.frozen();
    for (std::size_t k = 0; k < steps.size(); ++k) add_density(steps[k].fractions, found[k]);
  }
  for (std::vector<double>& density : found) {
    if (way == Way::to_data) std::reverse(density.begin(), density.end());
    density = smoothed(density);
  }
  return found;
}

}  // namespace cnf
