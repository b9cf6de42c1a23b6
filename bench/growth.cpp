#include "bench/growth.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "bench/workloads.hpp"

namespace cnf::bench {

namespace {

double peak_rss_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Points in blocks, as the program streams them.
constexpr Index kBlock = 1 << 16;

Workload stream(const Cnf& plane, double points, bool sampling) {
  return {"", [=, &plane](int threads) -> Call {
            EvaluationOptions options;
            options.solve = solve_with("rk4", 2);  // a quarter of W3's steps, for the time that 10^7 points take
            options.divergence.kind = DivergenceChoice::Kind::exact;
            options.threads = threads;
            const auto evaluator = std::make_shared<Evaluator>(plane, options);
            Batch x;
            if (!sampling) x = 2 * Batch::Random(2, std::min<Index>(kBlock, static_cast<Index>(points)));
            return [=] {
              for (auto done = Index{0}, n = static_cast<Index>(points); done < n; done += kBlock) {
                const Index rows = std::min(kBlock, n - done);
                if (sampling)
                  evaluator->sample(Seed{3}, static_cast<std::uint64_t>(done), rows, false);
                else
                  evaluator->log_prob(Tile<double>(x.data(), 2, rows), static_cast<std::uint64_t>(done));
              }
              return Cost{1, 0, points};
            };
          }};
}

Workload iteration(const Cnf& model, Index batch, int steps) {
  return {"", [=](int threads) {
            return training(model, plane_batches(batch, 1), solve_with("rk4", steps), {DivergenceChoice::Kind::exact},
                            threads);
          }};
}

Cnf wide(Index width) {
  Cnf model;
  const MlpShape shape{.dim = 2, .hidden = {width, width, width}, .activation = Activation::tanh, .output_gate = true};
  model.blocks = {{shape, 0.5, 0}};
  model.params = linear_parameters(shape, 0);
  model.standardisation = Standardisation::identity(2);
  return model;
}

}  // namespace

void growth(const Cnf& plane, double most_points, const std::function<void(const GrowthPoint&)>& point,
            const std::function<void(const Growth&)>& series) {
  const Effort effort{.blocks = 5, .least_blocks = 1, .block_seconds = 0.2, .total_seconds = 1};
  const auto run = [&](const std::string& name, const std::string& unit, const std::vector<double>& sizes,
                       const std::function<Workload(double)>& make) {
    std::vector<GrowthPoint> points;
    for (const double size : sizes) {
      const Result r = measure(make(size), 1, effort);
      points.push_back({name, unit, size, r.cpu_seconds, r.cpu_seconds / size, peak_rss_mib()});
      point(points.back());
    }
    double x = 0, y = 0, xx = 0, xy = 0, low = points[0].per_unit, high = low;
    const auto n = static_cast<double>(points.size());
    for (const GrowthPoint& p : points) {
      const double log_size = std::log(p.size), log_cost = std::log(p.seconds);
      x += log_size, y += log_cost, xx += log_size * log_size, xy += log_size * log_cost;
      low = std::min(low, p.per_unit), high = std::max(high, p.per_unit);
    }
    series({name, (n * xy - x * y) / (n * xx - x * x), high / low - 1});
  };
  std::vector<double> counts;
  for (double n = 1e4; n <= most_points; n *= 10) counts.push_back(n);
  run("log p, rk4:2", "point", counts, [&](double n) { return stream(plane, n, false); });
  run("samples, rk4:2", "sample", counts, [&](double n) { return stream(plane, n, true); });
  run("iteration over batch, rk4:8", "sample", {64, 128, 256, 512, 1024, 4096, 16384},
      [&](double batch) { return iteration(plane, static_cast<Index>(batch), 8); });
  run("iteration over steps, batch 512", "step", {2, 4, 8, 16, 32, 64},
      [&](double steps) { return iteration(plane, 512, static_cast<int>(steps)); });
  std::vector<Cnf> models;
  std::vector<double> weights;
  for (const Index width : {32, 64, 128, 256, 512}) {
    models.push_back(wide(width));
    weights.push_back(static_cast<double>(models.back().layout().parameters));
  }
  run("iteration over weights, rk4:2, batch 512", "weight", weights, [&](double count) {
    const auto at = std::find(weights.begin(), weights.end(), count) - weights.begin();
    return iteration(models[static_cast<std::size_t>(at)], 512, 2);
  });
}

}  // namespace cnf::bench
