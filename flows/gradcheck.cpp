#include "flows/gradcheck.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numbers>
#include <stdexcept>

#include "base/tiles.hpp"
#include "flows/fields/mlp.hpp"
#include "solvers/recording.hpp"

namespace cnf {

namespace {

/// Where the loss is taken: what differences move.
struct Place {
  Vector<double> params;
  Matrix<double> u;
  double t_data, t_base;
};

/// One block of unknowns: how a unit of direction j moves the place, and the gradient's slope along it.
struct Moves {
  std::string name;
  int directions;
  std::function<void(int j, double h, Place& place)> move;
  std::function<double(int j, const LossGradient<double>& g)> slope;
};

double direction(Seed seed, std::size_t block, int j, Index i) {
  return normal(seed, Purpose::direction, static_cast<std::uint32_t>(block * 4096 + static_cast<std::size_t>(j)),
                static_cast<std::uint64_t>(i), 0);
}

std::vector<Moves> moves_of(const Cnf& model, Index B, const GradcheckOptions& options) {
  std::vector<Moves> moves;
  const Seed seed = options.seed;
  const auto along = [&](std::string name, std::size_t block, Index offset, Index n, auto field, auto gradient) {
    moves.push_back({std::move(name), options.directions,
                     [=](int j, double h, Place& place) {
                       for (Index i = 0; i < n; ++i) field(place)[offset + i] += h * direction(seed, block, j, i);
                     },
                     [=](int j, const LossGradient<double>& g) {
                       double sum = 0;
                       for (Index i = 0; i < n; ++i) sum += gradient(g)[offset + i] * direction(seed, block, j, i);
                       return sum;
                     }});
  };
  along(
      "z", 0, 0, model.dim() * B, [](Place& place) { return place.u.data(); },
      [](const LossGradient<double>& g) { return g.dloss_du.data(); });
  std::size_t block = 1;
  for (const TensorSlice& slice : MlpLayout(model.shape).tensors)
    along(
        slice.name, block++, slice.offset, slice.size(), [](Place& place) { return place.params.data(); },
        [](const LossGradient<double>& g) { return g.dloss_dparams.data(); });
  moves.push_back({"t_data", 1, [](int, double h, Place& place) { place.t_data += h; },
                   [](int, const LossGradient<double>& g) { return g.dloss_dt_data; }});
  moves.push_back({"t_base", 1, [](int, double h, Place& place) { place.t_base += h; },
                   [](int, const LossGradient<double>& g) { return g.dloss_dt_base; }});
  return moves;
}

/// Compares a gradient with fourth-order central differences of `loss` with step `h`, whose second argument is the
/// worker that asks.
GradientCheck compare(const std::string& mode, const std::string& reference, const LossGradient<double>& gradient,
                      const std::vector<Moves>& moves, const Place& place, double h, int threads,
                      const std::function<bool()>& stop, const std::function<double(const Place&, int worker)>& loss) {
  struct Job {
    const Moves* block;
    int j;
  };
  std::vector<Job> jobs;
  for (const Moves& block : moves)
    for (int j = 0; j < block.directions; ++j) jobs.push_back({&block, j});
  std::vector<double> slopes(jobs.size());
  for_each_tile(static_cast<int>(jobs.size()), threads, [&](int job, int worker) {
    if (stop && stop()) return;
    const auto& [block, j] = jobs[static_cast<std::size_t>(job)];
    const auto at = [&, block = block, j = j](double step) {
      Place moved = place;
      block->move(j, step, moved);
      return loss(moved, worker);
    };
    slopes[static_cast<std::size_t>(job)] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  });

  GradientCheck check{mode, reference, {}, 0};
  auto slope_of = slopes.begin();
  for (const Moves& block : moves) {
    double difference2 = 0, reference2 = 0, gradient2 = 0, product = 0;
    for (int j = 0; j < block.directions; ++j) {
      const double slope = *slope_of++, g = block.slope(j, gradient);
      difference2 += (g - slope) * (g - slope);
      reference2 += slope * slope;
      gradient2 += g * g;
      product += g * slope;
    }
    const double scale = std::sqrt(gradient2 * reference2);
    check.blocks.push_back({block.name, block.directions,
                            reference2 > 0 ? std::sqrt(difference2 / reference2) : std::sqrt(difference2),
                            scale > 0 ? product / scale : 1.0});
  }
  return check;
}

void expect_ok(const Status& status) {
  if (!status.ok()) throw std::runtime_error("gradcheck: the solve failed: " + status.message());
}

/// The loss of one tile, and the grid its solve takes.
class TileLoss {
 public:
  TileLoss(const Cnf& model, Index B, const GradcheckOptions& options)
      : shape_(model.shape), options_(options), D_(model.dim()), B_(B) {
    method_ = resolve(options.divergence, model.shape.has_trace(), D_, /*training=*/true);
    if (method_.kind == DivergenceMethod::Kind::hutchinson) {
      probes_.resize(D_, method_.columns * B_);
      draw_probes(options.divergence.probe, method_.columns, options.seed, 0, 0, D_, B_, probes_.data());
    }
  }

  /// Solved by `solve`; with `record`, its steps are kept.
  double solved(const Place& place, const SolveOptions& solve, Recording<double>* record = nullptr) {
    return run(place, [&](const Dynamics<double>& dynamics, State<double>& state) {
      return integrate(dynamics, place.t_data, place.t_base, state, solve, *scratch_, counters_, record);
    });
  }
  /// On a frozen grid.
  double on_grid(const Place& place, const Method& method, const std::vector<double>& fractions) {
    SolveOptions frozen;
    frozen.method = method;
    frozen.fractions = fractions;
    return solved(place, frozen);
  }
  std::int64_t evaluations() const { return counters_.evaluations; }

 private:
  template <class Solve>
  double run(const Place& place, Solve solve) {
    const MlpField<double> field(shape_, {place.params.data(), static_cast<std::size_t>(place.params.size())});
    const FlowDynamics<double> dynamics(field, method_, probes_.data());
    State<double> state(dynamics.blocks(), B_);
    state.z() = place.u;
    expect_ok(solve(dynamics, state));
    const double constant = 0.5 * static_cast<double>(D_) * std::log(2 * std::numbers::pi);
    return (0.5 * state.z().squaredNorm() - state.q().sum()) / static_cast<double>(B_) + constant;
  }

  MlpShape shape_;
  GradcheckOptions options_;
  Index D_, B_;
  DivergenceMethod method_;
  Matrix<double> probes_;
  std::unique_ptr<Scratch> scratch_ = std::make_unique<Scratch>();
  Counters counters_;
};

}  // namespace

const GradientBlock& GradientCheck::worst() const {
  return *std::max_element(blocks.begin(), blocks.end(), [](const GradientBlock& a, const GradientBlock& b) {
    return a.relative_error < b.relative_error;
  });
}

double GradientCheck::cosine() const {
  double least = 1;
  for (const GradientBlock& block : blocks) least = std::min(least, block.cosine);
  return least;
}

std::vector<GradientCheck> gradcheck(const Cnf& model, const Batch& x, const GradcheckOptions& options) {
  if (x.cols() < 1 || x.cols() > Evaluator::kTile || x.rows() != model.dim())
    throw std::invalid_argument("gradcheck: x is " + std::to_string(x.rows()) + " x " + std::to_string(x.cols()) +
                                ", expected " + std::to_string(model.dim()) + " x 1 to " +
                                std::to_string(Evaluator::kTile));
  const Place place{model.params, model.standardisation.apply(x), model.t_data, model.t_base};
  const std::vector<Moves> moves = moves_of(model, x.cols(), options);
  const auto gradient_of = [&](GradientMode mode, const SolveOptions& solve, const SolveOptions& adjoint) {
    MaximumLikelihood<double> objective(model.shape, model.t_base, model.t_data,
                                        {solve, adjoint, options.divergence, mode, options.threads, options.seed});
    LossGradient<double> gradient = objective(place.params, place.u, 0);
    if (!gradient.failures.empty()) expect_ok(gradient.failures.front());
    return gradient;
  };
  SolveOptions tight = options.solve, reference = options.solve;
  tight.rtol = tight.atol = options.continuous_rtol;
  reference.rtol = reference.atol = options.reference_rtol;
  if (options.solve.fixed_steps > 0) {  // a fixed grid has no tolerance: the adjoint solves the same number of steps
    tight = options.solve;
    reference = options.solve;
    reference.fixed_steps *= 8;
  }
  tight.max_steps = reference.max_steps = 1'000'000;

  const int threads = options.threads > 0 ? options.threads : available_threads();
  std::vector<TileLoss> losses;
  for (int worker = 0; worker < threads; ++worker) losses.emplace_back(model, x.cols(), options);
  Recording<double> record;
  losses[0].solved(place, options.solve, &record);
  const std::vector<double> fractions = record.fractions();

  std::vector<GradientCheck> checks;
  const auto check = [&](const char* mode, const char* what, const LossGradient<double>& gradient, double h,
                         const std::function<double(const Place&, TileLoss&)>& of) {
    const auto spent = [&] {
      std::int64_t sum = 0;
      for (const TileLoss& loss : losses) sum += loss.evaluations();
      return sum;
    };
    const std::int64_t before = spent();
    checks.push_back(
        compare(mode, what, gradient, moves, place, h, threads, options.stop,
                [&](const Place& at, int worker) { return of(at, losses[static_cast<std::size_t>(worker)]); }));
    checks.back().evaluations = spent() - before;
  };
  // Steps of differences: small against a wide first layer's features, large against the noise of the solve (1e-16 on a
  // grid, 1e-11 at the reference tolerance, the tolerance itself where steps adapt).
  const LossGradient<double> discrete = gradient_of(GradientMode::discrete, options.solve, options.solve);
  check("discrete", "differences on the recorded grid", discrete, 2e-4,
        [&](const Place& at, TileLoss& loss) { return loss.on_grid(at, options.solve.method, fractions); });
  const LossGradient<double> continuous = gradient_of(GradientMode::continuous, tight, tight);
  check("continuous", "differences of a solve at the reference tolerance", continuous, 2e-4,
        [&](const Place& at, TileLoss& loss) { return loss.solved(at, reference); });
  check("discrete, solved again", "differences of solves whose steps adapt anew", discrete, 2e-3,
        [&](const Place& at, TileLoss& loss) { return loss.solved(at, options.solve); });
  return checks;
}

}  // namespace cnf
