#include "flows/gradcheck.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <optional>
#include <stdexcept>

#include "base/error.hpp"
#include "base/tiles.hpp"
#include "flows/objectives/objectives.hpp"

namespace cnf {

namespace {

/// Where the loss is taken: what differences move.
struct Place {
  Cnf model;  ///< its params and its blocks' times
  Matrix<double> u;
};

constexpr std::int64_t kReferenceSteps = 100'000;  // of a solve at the reference tolerance; some hundreds are usual

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

/// The derivative at 0 of a function of one variable.
template <class F>
double difference(const F& at, double h) {
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
}

/// A block's slopes by differences beside those of the gradient, `slope(j)`.
template <class Slope>
GradientBlock compared(const std::string& name, std::span<const double> differences, const Slope& slope) {
  double difference2 = 0, reference2 = 0, gradient2 = 0, product = 0;
  const int n = static_cast<int>(differences.size());
  for (int j = 0; j < n; ++j) {
    const double of = differences[static_cast<std::size_t>(j)], g = slope(j);
    difference2 += (g - of) * (g - of);
    reference2 += of * of;
    gradient2 += g * g;
    product += g * of;
  }
  const double scale = std::sqrt(gradient2 * reference2);
  return {name, n, reference2 > 0 ? std::sqrt(difference2 / reference2) : std::sqrt(difference2),
          scale == 0 ? 1.0 : product / scale};
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
  for (const TensorSlice& slice : model.layout().tensors)
    along(
        slice.name, block++, slice.offset, slice.size(), [](Place& place) { return place.model.params.data(); },
        [](const LossGradient<double>& g) { return g.dloss_dparams.data(); });
  for (std::size_t k = 0; k < model.blocks.size(); ++k) {
    const std::string prefix = model.blocks.size() == 1 ? "" : "blocks." + std::to_string(k) + ".";
    moves.push_back({prefix + "t_data", 1, [k](int, double h, Place& place) { place.model.blocks[k].t_data += h; },
                     [k](int, const LossGradient<double>& g) { return g.dloss_dt_data(k); }});
    moves.push_back({prefix + "t_base", 1, [k](int, double h, Place& place) { place.model.blocks[k].t_base += h; },
                     [k](int, const LossGradient<double>& g) { return g.dloss_dt_base(k); }});
  }
  return moves;
}

/// Fourth-order central differences of `loss` with step `h`, along all directions of all moves. The loss' second
/// argument is the worker that asks; `told` is called with every direction.
std::vector<double> differences(const std::vector<Moves>& moves, const Place& place, double h, int threads,
                                const std::function<void(int worker)>& told,
                                const std::function<double(const Place&, int worker)>& loss) {
  struct Job {
    const Moves* block;
    int j;
  };
  std::vector<Job> jobs;
  for (const Moves& block : moves)
    for (int j = 0; j < block.directions; ++j) jobs.push_back({&block, j});
  std::vector<double> slopes(jobs.size());
  std::atomic<bool> failed{false};  // then the others' differences are of no use
  for_each_tile(static_cast<int>(jobs.size()), threads, [&](int job, int worker) {
    if (failed) return;
    const auto& [block, j] = jobs[static_cast<std::size_t>(job)];
    const auto at = [&, block = block, j = j](double step) {
      Place moved = place;
      block->move(j, step, moved);
      return loss(moved, worker);
    };
    try {
      slopes[static_cast<std::size_t>(job)] = difference(at, h);
    } catch (...) {
      failed = true;
      throw;
    }
    told(worker);
  });
  return slopes;
}

/// A gradient beside `slopes`, block by block.
GradientCheck compare(std::string mode, std::string reference, const LossGradient<double>& gradient,
                      const std::vector<Moves>& moves, std::span<const double> slopes) {
  GradientCheck check{std::move(mode), std::move(reference), {}, 0};
  for (const Moves& block : moves) {
    const auto n = static_cast<std::size_t>(block.directions);
    check.blocks.push_back(compared(block.name, slopes.first(n), [&](int j) { return block.slope(j, gradient); }));
    slopes = slopes.subspan(n);
  }
  return check;
}

void expect_ok(const Status& status) {
  if (status.code == Status::Code::stopped) throw Stopped();
  if (!status.ok()) throw ComputationError("gradcheck: a solve failed: " + status.message());
}

/// The loss of one tile, and the grids its solves take. One a worker.
class TileLoss {
 public:
  double solved(const Place& place, const FlowOptions& options, Seed seed) {
    return loss(place, options, seed, [&] { return flow_.carry(Way::to_base, counters_); });
  }
  /// The grids that a solve by `options` takes.
  std::vector<SolveOptions> grids(const Place& place, const FlowOptions& options, Seed seed) {
    std::vector<SolveOptions> frozen;
    loss(place, options, seed, [&] {
      const Status status = flow_.carry_recorded(counters_);
      if (status.ok()) frozen = flow_.frozen();  // here: what the tile was begun with ends with this loss
      return status;
    });
    return frozen;
  }
  /// On frozen grids.
  double on_grids(const Place& place, const FlowOptions& options, Seed seed, std::span<const SolveOptions> grids) {
    return loss(place, options, seed, [&] { return flow_.carry_on(Way::to_base, grids, counters_); });
  }
  std::int64_t evaluations() const { return counters_.evaluations; }

 private:
  template <class Carry>
  double loss(const Place& place, const FlowOptions& options, Seed seed, Carry carry) {
    const BoundCnf<double> bound(place.model, place.model.params);
    flow_.begin(bound, options, Use::training, TileInput<double>{place.u, {seed, 0, 0}});
    expect_ok(carry());
    const Index D = place.u.rows(), B = place.u.cols();
    return negative_log_prob<double>(place.model.base, Tile<double>(flow_.z().data(), D, B),
                                     Tile<double>(flow_.q().data(), 1, B)) /
           static_cast<double>(B);
  }

  TileFlow<double> flow_;
  Counters counters_;
};

}  // namespace

const GradientBlock& GradientCheck::worst() const {
  return *std::max_element(blocks.begin(), blocks.end(), [](const GradientBlock& a, const GradientBlock& b) {
    return a.relative_error < b.relative_error || (std::isnan(b.relative_error) && !std::isnan(a.relative_error));
  });
}

double GradientCheck::cosine() const {
  double least = 1;
  for (const GradientBlock& block : blocks)
    if (!std::isnan(least) && !(block.cosine >= least)) least = block.cosine;  // NaN too, and then it stays
  return least;
}

std::vector<GradientCheck> gradcheck(const Cnf& model, const Samples<double>& x, const GradcheckOptions& options) {
  check(model);
  expect_samples("gradcheck", model, x.x.rows(), x.given.rows());
  if (x.size() < 1 || x.size() > tile_rows(model))
    throw std::invalid_argument("gradcheck: " + std::to_string(x.size()) + " samples, expected 1 to " +
                                std::to_string(tile_rows(model)));
  for (const GradientMode mode : options.modes) check_gradient(mode, options.solve.method);
  const auto asks = [&](GradientMode mode) {
    if (options.modes.empty()) return why_not(mode, options.solve.method).empty();
    return std::find(options.modes.begin(), options.modes.end(), mode) != options.modes.end();
  };
  const Place place{model, model.standardisation.apply(x.x)};
  const std::vector<Moves> moves = moves_of(model, x.size(), options);
  SolveOptions tight = options.solve, reference = options.solve;
  tight.rtol = tight.atol = options.continuous_rtol;
  reference.rtol = reference.atol = options.reference_rtol;
  if (options.solve.fixed_steps > 0) {  // a fixed grid has no tolerance: the adjoint solves the same number of steps
    tight = options.solve;
    reference = options.solve;
    reference.fixed_steps *= 8;
  }
  tight.max_steps = reference.max_steps = std::max<std::int64_t>(options.solve.max_steps, kReferenceSteps);
  const auto flow_options = [&](const SolveOptions& solve, GradientMode gradient) {
    SolveOptions adjoint = solve;
    if (adjoint.method.needs_jvp()) adjoint.method = &kDopri5;  // no field has the adjoint equation's Jacobian
    return FlowOptions{solve, adjoint, options.divergence, gradient, options.memory};
  };
  const auto gradient_of = [&](const FlowOptions& flow) {
    const auto objective =
        make_objective<double>(model, {MaximumLikelihood{flow}, options.threads, options.seed, options.solve.stop});
    LossGradient<double> gradient = (*objective)(place.model.params, place.u, 0);
    if (!gradient.failures.empty()) expect_ok(gradient.failures.front());
    return gradient;
  };

  const int threads = options.threads > 0 ? options.threads : available_threads();
  std::vector<TileLoss> losses(static_cast<std::size_t>(threads));
  const bool discretely = asks(GradientMode::discrete), back = asks(GradientMode::reversible);
  const bool solved = asks(GradientMode::continuous) || asks(GradientMode::interpolated);

  std::int64_t directions = 0;  // of all sets of differences
  for (const Moves& block : moves) directions += (2 * discretely + back + solved) * block.directions;
  std::atomic<std::int64_t> done{0};
  const auto told = [&](int worker) {
    ++done;
    if (worker == 0 && options.progress) options.progress(done, directions);
  };

  std::vector<GradientCheck> checks;
  std::int64_t evaluations = 0;  // of the differences that were taken last
  const auto slopes_of = [&](double h, const std::function<double(const Place&, TileLoss&)>& of) {
    const auto spent = [&] {
      std::int64_t sum = 0;
      for (const TileLoss& loss : losses) sum += loss.evaluations();
      return sum;
    };
    const std::int64_t before = spent();
    std::vector<double> slopes = differences(moves, place, h, threads, told, [&](const Place& at, int worker) {
      return of(at, losses[static_cast<std::size_t>(worker)]);
    });
    evaluations = spent() - before;
    return slopes;
  };
  const auto compare_with = [&](const char* mode, const char* what, const LossGradient<double>& gradient,
                                std::span<const double> slopes) {
    checks.push_back(compare(mode, what, gradient, moves, slopes));
    checks.back().evaluations = evaluations;
  };
  // Steps of differences: small against a wide first layer's features, large against the noise of the solve (1e-16 on a
  // grid, 1e-11 at the reference tolerance, the tolerance itself where steps adapt).
  const auto on_own_grid = [&](const FlowOptions& flow, const LossGradient<double>& gradient) {
    const std::vector<SolveOptions> grids = losses[0].grids(place, flow, options.seed);
    const std::vector<double> slopes =
        slopes_of(2e-4, [&](const Place& at, TileLoss& loss) { return loss.on_grids(at, flow, options.seed, grids); });
    compare_with(name(flow.gradient).data(), "differences on the recorded grid", gradient, slopes);
    checks.back().kept = plan_memory<double>(model, flow, x.size()).front().text();
  };
  const FlowOptions own = flow_options(options.solve, GradientMode::discrete);
  std::optional<LossGradient<double>> discrete;
  if (discretely) on_own_grid(own, discrete.emplace(gradient_of(own)));
  if (solved) {
    const FlowOptions exact = flow_options(reference, GradientMode::discrete);
    const std::vector<double> truth =
        slopes_of(2e-4, [&](const Place& at, TileLoss& loss) { return loss.solved(at, exact, options.seed); });
    for (const GradientMode mode : {GradientMode::continuous, GradientMode::interpolated})
      if (asks(mode))
        compare_with(name(mode).data(), "differences of a solve at the reference tolerance",
                     gradient_of(flow_options(tight, mode)), truth);
  }
  if (back) {
    const FlowOptions taken_back = flow_options(options.solve, GradientMode::reversible);
    on_own_grid(taken_back, gradient_of(taken_back));
  }
  if (discretely)
    compare_with("discrete, solved again", "differences of solves whose steps adapt anew", *discrete,
                 slopes_of(2e-3, [&](const Place& at, TileLoss& loss) { return loss.solved(at, own, options.seed); }));
  return checks;
}

GradientCheck gradcheck(Task<double>& task, const Vector<double>& params, const TaskGradcheckOptions& options) {
  const Layout layout = task.layout();
  if (params.size() != layout.size)
    throw std::invalid_argument("gradcheck: " + std::to_string(params.size()) + " parameters, the task has " +
                                std::to_string(layout.size) + " (with padding; see Layout)");
  if (layout.tensors.empty()) throw std::invalid_argument("gradcheck: the task's layout has no tensors");
  if (options.directions < 1)
    throw std::invalid_argument("gradcheck: directions is " + std::to_string(options.directions) +
                                ", expected 1 or more");
  GradientCheck check{"step " + std::to_string(options.step), "differences of the task's loss", {}, 0};
  const auto step = [&](const Vector<double>& at) {
    const StepResult<double> made = task.step(at, options.step);
    check.evaluations += made.forward.evaluations;
    if (!made.failures.empty()) expect_ok(made.failures.front());
    return made;
  };
  const StepResult<double> made = step(params);
  const std::vector<double> gradient(made.dloss_dparams.begin(), made.dloss_dparams.end());
  std::vector<double> differences(static_cast<std::size_t>(options.directions));
  for (std::size_t k = 0; k < layout.tensors.size(); ++k) {
    const TensorSlice& slice = layout.tensors[k];
    const auto along = [&](int j, Index i) { return direction(options.seed, k, j, i); };
    for (int j = 0; j < options.directions; ++j)
      differences[static_cast<std::size_t>(j)] = difference(
          [&](double h) {
            Vector<double> moved = params;
            for (Index i = 0; i < slice.size(); ++i) moved[slice.offset + i] += h * along(j, i);
            return step(moved).loss;
          },
          options.difference);
    check.blocks.push_back(compared(slice.name, differences, [&](int j) {
      double sum = 0;
      for (Index i = 0; i < slice.size(); ++i)
        sum += gradient[static_cast<std::size_t>(slice.offset + i)] * along(j, i);
      return sum;
    }));
  }
  return check;
}

}  // namespace cnf
