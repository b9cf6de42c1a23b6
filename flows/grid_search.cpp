// A grid's shape has five coordinates, and what it costs is known where it is tried. The number of steps is searched
// for by halving for three orders, then the others are moved one at a time while that helps, and steps are taken away.
#include "flows/grid_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "flows/step_density.hpp"

namespace cnf {

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kMostLeftOver = 0.1;  // share of the model's own rows that a grid may leave over
constexpr double kBeyond = 4;          // a limit is at most so many times the largest correction seen
constexpr int kLeastOrder = 2, kMostOrder = 6;
constexpr int kRounds = 2;

/// Numbers of steps to try: 4 to about 800, each an eighth more than the one before, and fewer than `most`.
std::vector<int> step_counts(double most) {
  std::vector<int> counts;
  for (double n = 4; n < std::min(800.0, most); n *= 1.125)
    if (const int whole = static_cast<int>(std::lround(n)); counts.empty() || whole > counts.back())
      counts.push_back(whole);
  return counts;
}

/// Below the least correction of a row that misses the target.
double least_wrong(const Trial& trial, double target) {
  double least = kInfinite;
  for (Index j = 0; j < trial.errors.size(); ++j)
    if (!(trial.errors[j] <= target)) least = std::min(least, trial.corrections[j]);
  return std::nextafter(least, 0);
}

double sum(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

}  // namespace

GridSearch::GridSearch(AccuracyRows& rows, const Cnf& model, Way way, const KnownRows& own, const KnownRows& wider)
    : rows_(rows), model_(model), way_(way), own_(own), wider_(wider) {}

std::optional<FoundGrid> GridSearch::cheapest(double target, double below, const EvaluationOptions& options) {
  const bool known = best_ && target < target_ && options.precision == options_.precision;
  options_ = options;
  target_ = target;
  best_.reset();
  if (densities_.empty()) densities_ = step_densities(model_, way_, own_.x, options);
  if (known) lengthen();
  if (!best_)
    for (const int order : {4, 3, 5}) start(order, below);
  for (int round = known ? kRounds - 1 : 0; round < kRounds && best_; ++round) {
    bend();
    shorten();
  }
  if (!best_ || !(best_->grid.cost < below)) return std::nullopt;
  return best_->grid;
}

/// The fewest steps of this order, if they are fewer than the best so far has.
void GridSearch::start(int order, double below) {
  const std::vector<int> counts = step_counts(best_ ? best_->grid.cost : below);
  const auto of = [&](std::size_t at) { return Shape{.order = order, .steps = counts[at]}; };
  if (counts.empty() || !try_shape(of(counts.size() - 1))) return;
  std::size_t low = 0, high = counts.size() - 1;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (try_shape(of(middle)))
      high = middle;
    else
      low = middle + 1;
  }
  take(of(high), false);
}

/// Moves one coordinate after the other, the steps as many as they are.
void GridSearch::bend() {
  const auto moves = {+[](Shape& shape) { shape.lead += 0.25; },  +[](Shape& shape) { shape.lead -= 0.25; },
                      +[](Shape& shape) { ++shape.order; },       +[](Shape& shape) { --shape.order; },
                      +[](Shape& shape) { shape.follow += 0.5; }, +[](Shape& shape) { shape.follow -= 0.5; },
                      +[](Shape& shape) { shape.rise *= 1.5; },   +[](Shape& shape) { shape.rise /= 1.5; }};
  for (const auto& move : moves)
    for (Shape shape = shape_;; shape = shape_) {
      move(shape);
      const bool sound = shape.lead >= 0 && shape.lead <= 1 && shape.order >= kLeastOrder &&
                         shape.order <= kMostOrder && shape.follow >= 0 && shape.follow <= 1;
      if (!sound || !take(shape, true)) break;
    }
}

/// From the shape found for a target that was a little larger.
void GridSearch::lengthen() {
  constexpr int kMore = 8;
  for (const int most = shape_.steps + kMore; shape_.steps <= most; ++shape_.steps)
    if (take(shape_, false)) return;
}

void GridSearch::shorten() {
  for (const int fewer : {3, 1})
    for (Shape shape = shape_; shape.steps - fewer > shape.order; shape = shape_) {
      shape.steps -= fewer;
      if (!take(shape, false)) break;
    }
}

/// Whether it is better than the best so far, which it then is.
bool GridSearch::take(const Shape& shape, bool by_score) {
  const std::optional<Tried> tried = try_shape(shape);
  if (!tried) return false;
  if (best_ && !(by_score ? tried->score < best_->score : tried->grid.cost < best_->grid.cost)) return false;
  best_ = tried;
  shape_ = shape;
  return true;
}

/// With its limit and what it costs, if it does for enough rows.
std::optional<GridSearch::Tried> GridSearch::try_shape(const Shape& shape) {
  Tried tried{{grids(shape), 0}, 0};
  FrozenFlow& frozen = tried.grid.frozen;
  EvaluationOptions as = options_;
  as.frozen = frozen;
  const Trial own = rows_.try_on(own_, as);
  const double largest = own.corrections.maxCoeff<Eigen::PropagateNaN>();
  if (!std::isfinite(largest)) return std::nullopt;
  const auto left_over = [&] {
    const auto left = (own.corrections.array() > frozen.limit).count();
    return static_cast<double>(left) / static_cast<double>(own.corrections.size());
  };
  frozen.limit = std::min(kBeyond * largest, least_wrong(own, target_));
  if (left_over() > kMostLeftOver) return std::nullopt;
  if (wider_.x.cols() > 0) frozen.limit = std::min(frozen.limit, least_wrong(rows_.try_on(wider_, as), target_));
  if (left_over() > kMostLeftOver) return std::nullopt;
  double error = 0;
  for (Index j = 0; j < own.errors.size(); ++j)
    if (own.corrections[j] <= frozen.limit) error = std::max(error, own.errors[j]);
  tried.grid.cost = own.evaluations * (1 + 2 * left_over());
  tried.score = tried.grid.cost * std::pow(error / target_, 1.0 / (shape.order + 1));
  return tried;
}

FrozenFlow GridSearch::grids(const Shape& shape) const {
  double all = 0;
  for (const auto& density : densities_) all += sum(density);
  FrozenFlow frozen{.way = way_, .grids = {}};
  for (const auto& density : densities_) {
    const int its = std::max(1, static_cast<int>(std::lround(shape.steps * sum(density) / all)));
    std::vector<double> followed = density;
    for (double& value : followed) value = std::pow(value, shape.follow);
    frozen.grids.push_back(graded_grid(shape.order, shape.lead, its, shape.rise, followed));
  }
  return frozen;
}

}  // namespace cnf
