// The rows tried are the model's own: three stretches of one stream of samples, whose seed is a constant, to choose by,
// to choose a grid's limit by (from a wider base) and to judge by. What is chosen meets a target on the first two; the
// target is a little below the accuracy, and less by a third as long as the fresh rows do not confirm it.
#include "flows/accuracy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "flows/tile_flow.hpp"

namespace cnf {

namespace {

constexpr Seed kRows{0x6e617473};
constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kWider = 2;            // deviations of the base that wider rows are drawn from
constexpr double kMostLeftOver = 0.05;  // share of the model's own rows that a grid may leave over
constexpr double kFinerBeyond = 10;     // tolerance for rows that grids leave over: hard ones
constexpr double kBeyond = 2;           // a limit is at most so many times the largest correction seen
constexpr Index kTilesToChoose = 6, kTilesWider = 2, kTilesToJudge = 16;
constexpr std::int64_t kMostSteps = 1000;  // what takes more is no candidate
constexpr int kLeastOrder = 2, kMostOrder = 6;
constexpr int kDensityParts = 64;

/// Numbers of steps to try: 4 to about 800, each an eighth more than the one before.
std::vector<int> step_counts() {
  std::vector<int> counts;
  for (double n = 4; n < 800; n *= 1.125)
    if (const int whole = static_cast<int>(std::lround(n)); counts.empty() || whole > counts.back())
      counts.push_back(whole);
  return counts;
}

/// The first of `count` indices that `good` says yes to, if it says yes to all after it; `count` if there is none.
template <class Good>
int first_good(int count, Good&& good) {
  int low = 0, high = count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (good(middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/// What a way of evaluating made of some rows.
struct Trial {
  Vector<double> errors, corrections;
  double evaluations = 0;

  double largest() const { return errors.size() == 0 ? 0 : errors.maxCoeff<Eigen::PropagateNaN>(); }
};

/// Grids as they are tried: over all blocks, in shares that an adaptive solver takes.
struct Shape {
  int order = 0, steps = 0;
  double rise = 1;
  bool even = true;  ///< all steps of a block of one size, but the first
};

struct Walked {
  FrozenFlow frozen;
  double cost = 0;  ///< evaluations a row
};

/// The cheapest so far.
struct Offer {
  std::optional<MeasuredEvaluation> found;
  double cost = kInfinite;

  bool take(const std::optional<Walked>& walked, const MeasuredEvaluation& left_over) {
    if (!walked || !(walked->cost < cost)) return false;
    found = left_over;
    found->frozen = walked->frozen;
    cost = walked->cost;
    return true;
  }
};

class Search {
 public:
  Search(const Cnf& model, Way way, double accuracy, const EvaluationOptions& options)
      : model_(model), way_(way), options_(options), tile_(tile_rows(model)), exact_(model, exact(accuracy)) {
    options_.progress = {};
    options_.frozen.reset();
    options_.failing_steps = std::numeric_limits<std::int64_t>::max();
    options_.solve = {.max_steps = kMostSteps, .stop = options.solve.stop};
    chosen_by_ = draw(0, kTilesToChoose);
    if (way_ == Way::to_base) wider_ = draw_wider(kTilesToChoose);
    judged_by_ = draw(kTilesToChoose + kTilesWider, kTilesToJudge);
  }

  std::optional<MeasuredEvaluation> run(double accuracy, Precision precision) {
    constexpr int kTargets = 6;
    options_.precision = precision;
    double target = 0.8 * accuracy;
    for (int n = 0; n < kTargets; ++n, target *= 0.7) {
      std::optional<MeasuredEvaluation> best = cheapest(target);
      if (!best) return std::nullopt;
      EvaluationOptions as = options_;
      best->accuracy = accuracy;
      best->apply_to(as);
      const Trial judged = try_on(judged_by_, as, true);
      best->error = judged.largest();
      best->evaluations = judged.evaluations;
      best->rows = judged.errors.size();
      if (best->error <= accuracy) return best;
    }
    return std::nullopt;
  }

 private:
  struct Rows {
    std::uint64_t first = 0;  ///< of the stream of samples
    Batch x;                  ///< the samples; wider rows stand in no stream
    Vector<double> log_prob;  ///< the truth of them
  };

  EvaluationOptions exact(double accuracy) const {
    EvaluationOptions exact = options_;
    exact.precision = Precision::double_float;
    exact.solve = {.method = &kDopri8, .max_steps = 100'000, .stop = options_.solve.stop};
    exact.solve.rtol = exact.solve.atol = std::clamp(1e-4 * accuracy, 1e-13, 1e-7);
    exact.frozen.reset();
    exact.progress = {};
    return exact;
  }

  Rows draw(Index tile, Index tiles) {
    const auto first = static_cast<std::uint64_t>(tile * tile_);
    Evaluated drawn = exact_.sample(kRows, first, tiles * tile_, true);
    return {first, std::move(drawn.points), std::move(drawn.log_prob)};
  }

  Rows draw_wider(Index tile) {
    Batch z(model_.dim(), kTilesWider * tile_);
    sample_base(model_.base, kRows, static_cast<std::uint64_t>(tile * tile_),
                Out<double>(z.data(), z.rows(), z.cols()));
    const Batch x = exact_.decode(Batch(kWider * z)).points;
    const Vector<double> log_prob = exact_.log_prob(x).log_prob;
    std::vector<Index> sound;
    for (Index j = 0; j < x.cols(); ++j)
      if (std::isfinite(log_prob[j])) sound.push_back(j);
    return {0, x(Eigen::all, sound), log_prob(sound)};
  }

  /// `given_out`: of a sample, at the very point that it is given out at, which takes a solve more.
  Trial try_on(const Rows& rows, const EvaluationOptions& as, bool given_out = false) {
    Evaluator evaluator(model_, as);
    Evaluated got =
        way_ == Way::to_base ? evaluator.log_prob(rows.x) : evaluator.sample(kRows, rows.first, rows.x.cols(), true);
    const bool again = given_out && way_ == Way::to_data && got.points.allFinite();
    Trial trial;
    if (got.given_up) got.log_prob = Vector<double>::Constant(rows.x.cols(), std::numeric_limits<double>::quiet_NaN());
    trial.errors = (got.log_prob - (again ? exact_.log_prob(got.points).log_prob : rows.log_prob)).cwiseAbs();
    trial.corrections = std::move(got.corrections);
    trial.evaluations =
        static_cast<double>(got.row_evaluations) / static_cast<double>(std::max<Index>(1, got.points.cols()));
    return trial;
  }

  std::optional<MeasuredEvaluation> cheapest(double target) {
    Offer best;
    for (const Tableau* method : {&kBosh3, &kDopri5, &kTsit5, &kDopri8}) try_adaptive(method, target, best);
    if (!best.found || options_.divergence.kind == DivergenceChoice::Kind::hutchinson) return best.found;
    if (densities_.empty()) densities_ = densities();
    MeasuredEvaluation left_over = *best.found;
    left_over.tolerance /= kFinerBeyond;
    std::optional<Shape> shape;
    for (int order = kLeastOrder; order <= kMostOrder; ++order)
      for (const bool even : {true, false}) {
        std::vector<int> counts = step_counts();
        std::erase_if(counts, [&](int n) { return n >= best.cost; });
        const int count = static_cast<int>(counts.size());
        const auto of = [&](int at) { return Shape{order, counts[static_cast<std::size_t>(at)], 1, even}; };
        const int at = first_good(count, [&](int n) { return try_grids(of(n), target).has_value(); });
        if (at < count && best.take(try_grids(of(at), target), left_over)) shape = of(at);
      }
    if (shape) polish(*shape, target, left_over, best);
    return best.found;
  }

  /// Other first steps, and fewer of all as long as that does.
  void polish(const Shape& from, double target, const MeasuredEvaluation& left_over, Offer& best) {
    for (const double rise : {1.0, 0.5, 2.0}) {
      Shape shape = from;
      shape.rise = rise;
      do --shape.steps;
      while (shape.steps > from.order && best.take(try_grids(shape, target), left_over));
    }
  }

  void try_adaptive(const Tableau* method, double target, Offer& best) {
    // 10^-1 to 10^-7, which is what float holds, or to 10^-12.
    const int tolerances = options_.precision == Precision::single_float ? 13 : 23;
    MeasuredEvaluation found;
    found.way = way_;
    found.precision = options_.precision;
    found.method = method;
    double cost = kInfinite;
    first_good(tolerances, [&](int at) {
      EvaluationOptions as = options_;
      as.failing_steps = 0;
      as.solve.method = method;
      as.solve.rtol = as.solve.atol = std::pow(10.0, -1 - 0.5 * at);
      const Trial trial = try_on(chosen_by_, as);
      if (!(trial.largest() <= target)) return false;
      found.tolerance = as.solve.rtol;
      cost = trial.evaluations;
      return true;
    });
    if (cost < best.cost) best = {found, cost};
  }

  /// The grids with their limit and what they cost, if they do for enough rows.
  std::optional<Walked> try_grids(const Shape& shape, double target) {
    Walked walked{grids(shape), 0};
    EvaluationOptions as = options_;
    as.frozen = walked.frozen;
    const Trial own = try_on(chosen_by_, as);
    const double largest = own.corrections.maxCoeff<Eigen::PropagateNaN>();
    if (!std::isfinite(largest)) return std::nullopt;
    walked.frozen.limit = std::min(kBeyond * largest, least_wrong(own, target));
    if (way_ == Way::to_base)
      walked.frozen.limit = std::min(walked.frozen.limit, least_wrong(try_on(wider_, as), target));
    const double left = static_cast<double>((own.corrections.array() > walked.frozen.limit).count()) /
                        static_cast<double>(own.corrections.size());
    if (left > kMostLeftOver) return std::nullopt;
    walked.cost = own.evaluations * (1 + 2 * left);
    return walked;
  }

  /// Below the least correction of a row that misses the target.
  static double least_wrong(const Trial& trial, double target) {
    double least = kInfinite;
    for (Index j = 0; j < trial.errors.size(); ++j)
      if (!(trial.errors[j] <= target)) least = std::min(least, trial.corrections[j]);
    return std::nextafter(least, 0);
  }

  FrozenFlow grids(const Shape& shape) const {
    double all = 0;
    for (const auto& density : densities_) all += sum(density);
    FrozenFlow frozen{.way = way_, .grids = {}};
    for (const auto& density : densities_) {
      const int its = std::max(1, static_cast<int>(std::lround(shape.steps * sum(density) / all)));
      frozen.grids.push_back(
          graded_grid(shape.order, its, shape.rise, shape.even ? std::span<const double>() : density));
    }
    return frozen;
  }
  static double sum(const std::vector<double>& x) {
    double sum = 0;
    for (const double value : x) sum += value;
    return sum;
  }

  /// Of each block: the steps that an adaptive solver takes in each part of its way, meanly over tiles, smoothed.
  std::vector<std::vector<double>> densities() const {
    constexpr int kSmooth = 4;  // parts on either side
    constexpr double kTolerance = 1e-4;
    const BoundCnf<double> flow(model_, model_.params);
    FlowOptions how{.solve = {.method = &kDopri5, .stop = options_.solve.stop}, .divergence = options_.divergence};
    how.solve.rtol = how.solve.atol = kTolerance;
    const Batch u = model_.standardisation.apply(chosen_by_.x);
    std::vector<std::vector<double>> found(model_.blocks.size(), std::vector<double>(kDensityParts, 0));
    TileFlow<double> tile;
    for (Index begin = 0; begin < u.cols(); begin += tile_) {
      Counters counters;
      tile.begin(flow, how, Use::evaluation, TileInput<double>{Samples<double>(u).middle(begin, tile_), {}});
      if (!tile.carry_recorded(counters).ok()) continue;
      const std::vector<SolveOptions> steps = tile.frozen();
      for (std::size_t k = 0; k < steps.size(); ++k) add_density(steps[k].fractions, found[k]);
    }
    for (std::vector<double>& density : found) {
      if (way_ == Way::to_data) std::reverse(density.begin(), density.end());
      const std::vector<double> rough = density;
      for (int i = 0; i < kDensityParts; ++i) {
        const int from = std::max(0, i - kSmooth), to = std::min(kDensityParts, i + kSmooth + 1);
        double all = 0;
        for (int j = from; j < to; ++j) all += rough[static_cast<std::size_t>(j)];
        density[static_cast<std::size_t>(i)] = std::max(all / (to - from), 1e-3);
      }
    }
    return found;
  }
  static void add_density(const std::vector<double>& fractions, std::vector<double>& density) {
    for (std::size_t i = 0; i < density.size(); ++i) {
      const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(density.size());
      const auto next = std::upper_bound(fractions.begin(), fractions.end() - 1, middle);
      density[i] += 1 / (*next - *(next - 1));
    }
  }

  const Cnf& model_;
  Way way_;
  EvaluationOptions options_;
  Index tile_;
  Evaluator exact_;
  Rows chosen_by_, wider_, judged_by_;
  std::vector<std::vector<double>> densities_;  ///< a block each
};

}  // namespace

void MeasuredEvaluation::apply_to(EvaluationOptions& options) const {
  SolveOptions solve{.method = method, .rtol = tolerance, .atol = tolerance};
  solve.max_steps = options.solve.max_steps;
  solve.stop = options.solve.stop;
  options.precision = precision;
  options.solve = solve;
  options.frozen = frozen;
}

MeasuredEvaluation measure_evaluation(const Cnf& model, double accuracy, Way way, const EvaluationOptions& options,
                                      std::optional<Precision> precision) {
  if (!(accuracy > 0) || !(accuracy < 1))
    throw std::invalid_argument("measure_evaluation: the accuracy is " + shortest(accuracy) +
                                " nats, expected more than 0 and less than 1");
  Search search(model, way, accuracy, options);
  std::optional<MeasuredEvaluation> found;
  if (precision != Precision::double_float) found = search.run(accuracy, Precision::single_float);
  if (!found && precision != Precision::single_float) found = search.run(accuracy, Precision::double_float);
  if (found) return *found;
  throw ComputationError(
      "no method or tolerance that was tried is right to " + shortest(accuracy) + " nats in " +
          std::string(name(precision.value_or(Precision::double_float))),
      precision == Precision::single_float ? "--precision double, or allow a larger error" : "allow a larger error");
}

}  // namespace cnf
