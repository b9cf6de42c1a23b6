// cnf_bench: what training and evaluation cost, as time and as a share of what the machine could do in the same run.
//
// The field is FFJORD's for the plane: 2-64-64-64-2, tanh, concatsquash with a gated output, exact divergence by
// tangents, time 0.5. Useful flops: 2 per multiply-add of the products, forward once and reverse twice; accepted and
// rejected evaluations alike; no recomputation, padding or activations.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/tiles.hpp"
#include "bench/peak.hpp"
#include "flows/fields/mlp.hpp"
#include "flows/objectives/max_likelihood.hpp"
#include "flows/optimizer.hpp"

namespace {

using namespace cnf;

struct Result {
  std::string name;
  double seconds = 0;      ///< per iteration or per call, the median of the blocks
  double points = 0;       ///< per call; 0: not counted
  double evaluations = 0;  ///< of the field per solve
  double flops = 0;        ///< useful ones per call
};

/// The median over blocks of the mean time of one call.
double timed(const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  constexpr int kBlocks = 7;
  constexpr double kBlockSeconds = 0.25;
  const auto seconds_of = [&](int calls) {
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  seconds_of(1);
  const int calls = std::max(1, static_cast<int>(kBlockSeconds / seconds_of(1)));
  std::vector<double> blocks;
  for (int i = 0; i < kBlocks; ++i) blocks.push_back(seconds_of(calls) / calls);
  std::sort(blocks.begin(), blocks.end());
  return blocks[kBlocks / 2];
}

Cnf ffjord_model() {
  Cnf model;
  model.shape = {.dim = 2, .hidden = {64, 64, 64}, .activation = Activation::tanh, .output_gate = true};
  model.params = initial_parameters(model.shape, {.first_weight = 1, .hidden_weight = 1, .last_weight = 1}, Seed{1});
  model.params = model.params.cast<float>().cast<double>();
  model.t_data = 0.5;
  model.standardisation = Standardisation::identity(2);
  return model;
}

/// Multiply-adds of one evaluation of one column.
double products(const MlpShape& shape) {
  double sum = 0;
  for (Index l = 0; l < shape.layers(); ++l) sum += static_cast<double>(shape.inputs(l) * shape.outputs(l));
  return sum;
}

Batch points(Index n) {
  Batch x(2, n);
  for (Index b = 0; b < n; ++b)
    for (Index i = 0; i < 2; ++i)
      x(i, b) = 1.5 * normal(Seed{2}, Purpose::data, 0, static_cast<std::uint64_t>(b), static_cast<std::uint32_t>(i));
  return x;
}

SolveOptions solve_with(const char* method, int fixed_steps, Norm norm) {
  SolveOptions solve;
  solve.method = find_tableau(method);
  solve.fixed_steps = fixed_steps;
  solve.norm = norm;
  return solve;
}

/// Forward, gradient and Adam at rate 0, so that every iteration does the same work.
Result training(const std::string& name, Index batch, const SolveOptions& solve, int threads) {
  const Cnf model = ffjord_model();
  MaximumLikelihood<float> objective(
      model.shape, model.t_base, model.t_data,
      {solve, solve, {DivergenceChoice::Kind::exact}, GradientMode::discrete, threads, {}});
  AdamState<float> adam(model.params.cast<float>());
  const Matrix<float> u = points(batch).cast<float>();
  Result result{name};
  double forward = 0, accepted = 0, tiles = 0;
  result.seconds = timed([&] {
    const LossGradient<float>& at = objective(adam.params, u, 0);
    adam_update(adam, at.dloss_dparams, 0.0, {});
    forward = static_cast<double>(at.forward.evaluations);
    accepted = static_cast<double>(at.forward.accepted);
    tiles = static_cast<double>(at.tiles);
  });
  const double columns = 3 * static_cast<double>(batch) / tiles;  // value and two tangents of a tile's samples
  const double reverse = accepted * solve.method->own_stages();
  result.evaluations = forward / tiles;
  result.flops = 2 * products(model.shape) * columns * (forward + 2 * reverse);
  return result;
}

Result evaluation(const std::string& name, bool sampling, Index n, const SolveOptions& solve, int threads) {
  const Cnf model = ffjord_model();
  EvaluationOptions options;
  options.solve = solve;
  options.divergence.kind = DivergenceChoice::Kind::exact;
  options.threads = threads;
  Evaluator evaluator(model, options);
  const Batch x = points(n);
  Result result{name};
  result.seconds = timed([&] {
    const Evaluated at = sampling ? evaluator.sample(Seed{3}, 0, n, false) : evaluator.log_prob(x);
    result.evaluations = at.nfe_mean();
  });
  result.points = static_cast<double>(n);
  result.flops = 2 * products(model.shape) * (sampling ? 1 : 3) * static_cast<double>(n) * result.evaluations;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  std::string only;
  int threads = available_threads();
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (word == "--threads" && i + 1 < argc) {
      threads = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: cnf_bench [--json] [--only NAME] [--threads N]\n");
      return 2;
    }
  }
  if (threads < 1) {
    std::fprintf(stderr, "cnf_bench: --threads must be at least 1\n");
    return 2;
  }
  constexpr Index kPoints = 20'000;
  const SolveOptions adaptive = solve_with("dopri5", 0, Norm::sample), tile = solve_with("dopri5", 0, Norm::tile),
                     rk4 = solve_with("rk4", 8, Norm::sample);
  const std::vector<std::pair<std::string, std::function<Result(const std::string&)>>> workloads{
      {"W1-b100", [&](const std::string& name) { return training(name, 100, tile, threads); }},
      {"W1-b512", [&](const std::string& name) { return training(name, 512, tile, threads); }},
      {"W1-b512-sample", [&](const std::string& name) { return training(name, 512, adaptive, threads); }},
      {"W2", [&](const std::string& name) { return training(name, 512, rk4, threads); }},
      {"W3-dopri5", [&](const std::string& name) { return evaluation(name, false, kPoints, adaptive, threads); }},
      {"W3-rk4", [&](const std::string& name) { return evaluation(name, false, kPoints, rk4, threads); }},
      {"W4-dopri5", [&](const std::string& name) { return evaluation(name, true, kPoints, adaptive, threads); }},
      {"W4-rk4", [&](const std::string& name) { return evaluation(name, true, kPoints, rk4, threads); }}};
  const double peak = bench::peak_gflops(threads);
  if (json)
    std::printf("[");
  else
    std::printf("%s, %d threads, %.0f GFLOP/s of float multiply-adds\n%-16s %10s %12s %12s %10s\n",
                bench::instruction_set(), threads, peak, "workload", "ms", "points/s", "evaluations", "of peak");
  bool first = true, found = false;
  for (const auto& [name, work] : workloads) {
    if (!only.empty() && name != only) continue;
    found = true;
    const Result r = work(name);
    const double fraction = r.flops / r.seconds * 1e-9 / peak;
    if (json) {
      std::printf("%s\n {\"name\": \"%s\", \"threads\": %d, \"ms\": %.6g, ", first ? "" : ",", name.c_str(), threads,
                  r.seconds * 1e3);
      if (r.points > 0) std::printf("\"points_per_s\": %.6g, ", r.points / r.seconds);
      std::printf("\"evaluations\": %.6g, \"fraction_of_peak\": %.4f}", r.evaluations, fraction);
    } else {
      std::printf("%-16s %10.3f %12s %12.1f %9.0f%%\n", name.c_str(), r.seconds * 1e3,
                  r.points > 0 ? std::to_string(static_cast<long>(r.points / r.seconds)).c_str() : "-", r.evaluations,
                  100 * fraction);
    }
    std::fflush(stdout);
    first = false;
  }
  if (json) std::printf("\n]\n");
  if (!found) {
    std::fprintf(stderr, "cnf_bench: no workload '%s'\n", only.c_str());
    return 2;
  }
  return 0;
}
