#include "bench/workloads.hpp"

#include <cmath>
#include <memory>

#include "base/error.hpp"
#include "datasets/toy.hpp"
#include "flows/files/model_file.hpp"
#include "flows/training/flow_task.hpp"
#include "flows/training/optimizer.hpp"

namespace cnf::bench {

namespace {

const DivergenceChoice kExact{DivergenceChoice::Kind::exact, 1, Probe::rademacher};
const DivergenceChoice kOneProbe{DivergenceChoice::Kind::hutchinson, 1, Probe::rademacher};

Cnf untrained(const MlpShape& shape, double t_base, std::uint32_t seed) {
  Cnf model;
  model.blocks = {{shape, t_base, 0}};
  model.params = linear_parameters(shape, seed);
  model.standardisation = Standardisation::identity(shape.dim);
  return model;
}

/// Batches of a standardised mixture of five Gaussians in D dimensions.
std::vector<Matrix<float>> mixture_batches(Index D, Index batch, int count) {
  const auto number = [](Index i) { return static_cast<std::uint64_t>(i); };
  const auto draw = [](std::uint32_t step, std::uint64_t sample, Index i) {
    return normal(Seed{5}, Purpose::data, step, sample, static_cast<std::uint32_t>(i));
  };
  Matrix<double> centres(D, 5), all(D, batch * count);
  for (Index c = 0; c < 5; ++c)
    for (Index i = 0; i < D; ++i) centres(i, c) = draw(0, number(c), i);
  for (Index b = 0; b < all.cols(); ++b) {
    const Index c = uniform_index(Seed{5}, Purpose::batch, 0, number(b), 0, 5);
    for (Index i = 0; i < D; ++i) all(i, b) = centres(i, c) + 0.5 * draw(1, number(b), i);
  }
  all.colwise() -= all.rowwise().mean().eval();
  const Vector<double> deviation = (all.rowwise().squaredNorm() / static_cast<double>(all.cols())).cwiseSqrt();
  const Matrix<float> standard = (deviation.cwiseInverse().asDiagonal() * all).cast<float>();
  std::vector<Matrix<float>> batches;
  for (int k = 0; k < count; ++k) batches.push_back(standard.middleCols(k * batch, batch));
  return batches;
}

/// The grid of n x n points over (-4, 4)^2, edges included.
Batch grid(Index n) {
  Batch x(2, n * n);
  const auto at = [n](Index i) { return -4 + 8 * static_cast<double>(i) / static_cast<double>(n - 1); };
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < n; ++i) x.col(j * n + i) << at(i), at(j);
  return x;
}

std::shared_ptr<Evaluator> evaluator(const Cnf& model, const SolveOptions& solve, int threads) {
  EvaluationOptions options;
  options.solve = solve;
  options.divergence = kExact;
  options.threads = threads;
  return std::make_shared<Evaluator>(model, options);
}

using Prepare = std::function<Call(int threads)>;

Prepare train_plane(const Cnf& plane, Index batch, const SolveOptions& solve) {
  return [=](int threads) { return training(plane, plane_batches(batch), solve, kExact, threads); };
}

/// log p of a grid of n x n points.
Prepare log_density(const Cnf& model, Index n, const SolveOptions& solve) {
  const double work = multiply_adds(model.mlp(), resolve(kExact, model.mlp().has_trace(), model.dim(), false));
  return [=](int threads) -> Call {
    return [=, own = evaluator(model, solve, threads), x = grid(n)] {
      const double evaluations = own->log_prob(x).nfe_mean(), points = static_cast<double>(n * n);
      return Cost{2 * work * points * evaluations, evaluations, points};
    };
  };
}

/// n samples, without their log-densities.
Prepare samples(const Cnf& model, Index n, const SolveOptions& solve) {
  const double work = multiply_adds(model.mlp(), {});
  return [=](int threads) -> Call {
    return [=, own = evaluator(model, solve, threads)] {
      const double evaluations = own->sample(Seed{3}, 0, n, false).nfe_mean(), points = static_cast<double>(n);
      return Cost{2 * work * points * evaluations, evaluations, points};
    };
  };
}

/// Iterations on these batches in turn: loss, gradient and Adam at rate 0.
Call iterations(const Cnf& model, std::vector<Matrix<float>> batches, const ObjectiveOptions& options,
                const std::function<Cost(const LossGradient<float>&, Index batch)>& cost) {
  struct Run {
    std::unique_ptr<Objective<float>> objective;
    Layout layout;
    Weights<float> weights;
    std::vector<Matrix<float>> batches;
    std::uint32_t step = 0;
  };
  const std::shared_ptr<Run> run(
      new Run{make_objective<float>(model, options), model.layout(), {}, std::move(batches)});
  run->weights = Weights<float>(model.params.cast<float>(), Adam<float>().slots(run->layout));
  return [=] {
    const Matrix<float>& u = run->batches[run->step % run->batches.size()];
    const LossGradient<float>& at = (*run->objective)(run->weights.params, u, run->step++);
    update<float>(run->weights, run->layout, Adam<float>(),
                  {at.dloss_dparams.data(), static_cast<std::size_t>(at.dloss_dparams.size())}, 0.0,
                  {.threads = options.threads});
    return cost(at, u.cols());
  };
}

/// W5: conditional flow matching, 2-D, three layers of 64, tanh, time as one more input; batch 256.
Call matching(int threads) {
  MlpShape shape{.dim = 2, .hidden = {64, 64, 64}, .activation = Activation::tanh, .time = TimeConditioning::concat};
  Cnf model = untrained(shape, 0, 0);
  model.blocks[0].t_data = 1;
  const ObjectiveOptions options{FlowMatching{}, threads, Seed{4}};
  const double work = multiply_adds(shape, {});
  return iterations(model, plane_batches(256, 64), options, [work](const LossGradient<float>&, Index batch) {
    return Cost{2 * 3 * work * static_cast<double>(batch), 1, 0};
  });
}

/// What one iteration of `cnf train` does with its defaults: two hidden layers, closed-form divergence, loose
/// tolerance.
Call program_defaults(int threads) {
  const Cnf model = start_flow(MlpShape{}, Standardisation::identity(2), Seed{1});
  return training(model, plane_batches(512), training_objective().flow()->solve, kExact, threads);
}

/// W6, FFJORD's setting for MINIBOONE.
Call miniboone(int threads) {
  MlpShape shape{.dim = 43, .hidden = {860, 860}, .activation = Activation::softplus, .output_gate = true};
  return training(untrained(shape, 1, 0), mixture_batches(43, 1000, 4), solve_with("dopri5", 0, Norm::tile), kOneProbe,
                  threads);
}

/// W6, FFJORD's setting for POWER is a stack of five fields. Here the five are trained one after another on the same
/// points, each with a loss of its own: the stack's arithmetic, but for which points enter a field.
Call power(int threads) {
  MlpShape shape{.dim = 6, .hidden = {60, 60, 60}, .activation = Activation::tanh, .output_gate = true};
  std::vector<Call> blocks;
  for (std::uint32_t seed = 0; seed < 5; ++seed)
    blocks.push_back(training(untrained(shape, 1, seed), mixture_batches(6, 10'000, 1),
                              solve_with("dopri5", 0, Norm::tile), kOneProbe, threads));
  return [blocks] {
    Cost sum;
    for (const Call& block : blocks) sum += block();
    return sum;
  };
}

}  // namespace

double numpy_uniform(std::mt19937& words) {
  const double high = static_cast<double>(words() >> 5), low = static_cast<double>(words() >> 6);  // 53 bits of two
  return (high * 67108864 + low) / 9007199254740992;
}

Vector<double> linear_parameters(const MlpShape& shape, std::uint32_t seed) {
  const MlpLayout layout(shape);
  Vector<double> params = Vector<double>::Zero(layout.size);
  std::mt19937 words(seed);
  const auto uniform_in = [&](double bound) {
    return static_cast<double>(static_cast<float>(-bound + 2 * bound * numpy_uniform(words)));
  };
  for (Index l = 0; l < shape.layers(); ++l) {
    const LayerOffsets& at = layout.layers[static_cast<std::size_t>(l)];
    const Index in = shape.inputs(l), out = shape.outputs(l);
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    for (Index i = 0; i < out; ++i)
      for (Index j = 0; j < in; ++j) params[at.weight + j * out + i] = uniform_in(bound);
    for (Index i = 0; i < out; ++i) params[at.bias + i] = uniform_in(bound);
    for (const Index offset : {at.gate_weight, at.gate_bias, at.time_weight})
      for (Index i = 0; i < out && offset >= 0; ++i) params[offset + i] = uniform_in(1);
  }
  return params;
}

PlaneModel plane_model(const std::filesystem::path& path) {
  const MlpShape shape{.dim = 2, .hidden = {64, 64, 64}, .activation = Activation::tanh, .output_gate = true};
  if (!std::filesystem::exists(path)) return {untrained(shape, 0.5, 0), false};
  const Cnf model = read_model(path).model;
  const MlpShape& own = model.mlp();
  if (own.dim != shape.dim || own.hidden != shape.hidden || own.activation != shape.activation ||
      own.time != shape.time || own.output_gate != shape.output_gate ||
      model.blocks[0].t_base - model.blocks[0].t_data != 0.5)
    throw InputError(path.string() +
                     ": not the benchmark's network; expected 2-64-64-64-2, tanh, concatsquash with a " +
                     "gated output, from t_data to t_base = t_data + 0.5");
  return {model, true};
}

std::vector<Matrix<float>> plane_batches(Index batch, int count) {
  std::vector<Matrix<float>> batches;
  for (int k = 0; k < count; ++k)
    batches.push_back(
        find_toy("8gaussians")->sample(Seed{2}, Purpose::batch, static_cast<std::uint32_t>(k), 0, batch).cast<float>());
  return batches;
}

SolveOptions solve_with(const char* method, int fixed_steps, Norm norm) {
  SolveOptions solve;
  solve.method = *find_method(method);
  solve.fixed_steps = fixed_steps;
  solve.norm = norm;
  return solve;
}

double multiply_adds(const MlpShape& shape, const DivergenceMethod& method) {
  using Kind = DivergenceMethod::Kind;
  const auto product = [&](Index l) { return static_cast<double>(shape.inputs(l) * shape.outputs(l)); };
  const Index last = shape.layers() - 1;
  double value = 0, inner = 0;
  for (Index l = 0; l <= last; ++l) value += product(l);
  for (Index l = 1; l < last; ++l) inner += product(l);
  const auto D = static_cast<double>(shape.dim), H = static_cast<double>(shape.inputs(last));
  switch (method.kind) {
    case Kind::none:
      return value;
    case Kind::trace:  // d_2^T M d_1, or m^T d_1
      return value + (last == 2 ? inner : H);
    case Kind::tangents:  // unit vectors need no product, and of J only the diagonal is needed
      return value + D * (inner + H);
    case Kind::hutchinson:
      return value * (1 + static_cast<double>(method.columns));
  }
  return value;
}

Call training(const Cnf& model, std::vector<Matrix<float>> batches, const SolveOptions& solve,
              const DivergenceChoice& divergence, int threads) {
  const DivergenceMethod method = resolve(divergence, model.mlp().has_trace(), model.dim(), /*training=*/true);
  const double work = multiply_adds(model.mlp(), method);
  const int stages = solve.method.evaluations_per_step();
  return iterations(model, std::move(batches),
                    {MaximumLikelihood{{solve, solve, divergence, GradientMode::discrete}}, threads, Seed{4}},
                    [=](const LossGradient<float>& at, Index batch) {
                      const double tiles = static_cast<double>(at.tiles), per_tile = static_cast<double>(batch) / tiles;
                      const double forward = static_cast<double>(at.forward.evaluations);
                      const double reverse = static_cast<double>(at.forward.accepted) * stages;
                      return Cost{2 * work * per_tile * (forward + 2 * reverse), forward / tiles, 0};
                    });
}

std::vector<Workload> workloads(const Cnf& plane) {
  constexpr Index kGrid = 316, kSamples = 100'000;
  const SolveOptions sample = solve_with("dopri5", 0), tile = solve_with("dopri5", 0, Norm::tile),
                     rk4 = solve_with("rk4", 8);
  return {{"W1-b100", train_plane(plane, 100, tile)},
          {"W1-b100-sample", train_plane(plane, 100, sample)},
          {"W1-b512", train_plane(plane, 512, tile)},
          {"W1-b512-sample", train_plane(plane, 512, sample)},
          {"W2", train_plane(plane, 512, rk4)},
          {"W3-dopri5", log_density(plane, kGrid, sample)},
          {"W3-dopri5-tile", log_density(plane, kGrid, tile)},
          {"W3-rk4", log_density(plane, kGrid, rk4)},
          {"W4-dopri5", samples(plane, kSamples, sample)},
          {"W4-dopri5-tile", samples(plane, kSamples, tile)},
          {"W4-rk4", samples(plane, kSamples, rk4)},
          {"W5", matching},
          {"W6-miniboone", miniboone},
          {"W6-power-5x1", power},
          {"defaults-b512", program_defaults}};
}

std::vector<Workload> short_workloads(const Cnf& plane) {
  return {{"W1-b512", train_plane(plane, 512, solve_with("dopri5", 0, Norm::tile))},
          {"W2", train_plane(plane, 512, solve_with("rk4", 8))},
          {"W3-rk4, 32x32", log_density(plane, 32, solve_with("rk4", 8))},
          {"W5", matching},
          {"defaults-b512", program_defaults}};
}

}  // namespace cnf::bench
