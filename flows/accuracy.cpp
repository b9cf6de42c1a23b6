// The rows tried are the model's own: three stretches of one stream of samples, to choose by, to choose a grid's limit
// by (from a wider base) and to judge by. What is chosen meets a target on the first two; the target is a little below
// the accuracy, and less as long as the fresh rows do not confirm it.
#include "flows/accuracy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "flows/grid_search.hpp"
#include "flows/tile_flow.hpp"

namespace cnf {

namespace {

constexpr double kFinerBeyond = 10;    // tolerance for rows that grids leave over: hard ones
constexpr Index kTilesToTolerate = 6;  // the first of those to choose by: tolerances are half decades apart
constexpr Index kTilesToChoose = 16, kTilesWider = 2, kTilesToJudge = 16;
constexpr double kLess = 0.95, kLeast = 0.5;  // of a target, where fresh rows do not confirm one
constexpr std::int64_t kMostSteps = 1000;     // what takes more is no candidate

class Search {
 public:
  Search(const Cnf& model, Way way, double accuracy, const EvaluationOptions& options)
      : way_(way),
        accuracy_(accuracy),
        options_(options),
        rows_(model, way, accuracy, options),
        chosen_by_(rows_.own(0, kTilesToChoose)),
        tolerated_(chosen_by_.first_rows(kTilesToTolerate * tile_rows(model))),
        wider_(way == Way::to_base ? rows_.wider(kTilesToChoose, kTilesWider) : KnownRows{}),
        judged_by_(rows_.own(kTilesToChoose + kTilesWider, kTilesToJudge)),
        grids_(rows_, model, way, chosen_by_, wider_) {
    options_.progress = {};
    options_.frozen.reset();
    options_.failing_steps = std::numeric_limits<std::int64_t>::max();
    options_.solve = {.max_steps = kMostSteps, .stop = options.solve.stop};
  }

  std::optional<MeasuredEvaluation> run(Precision precision) {
    constexpr int kTargets = 8;
    options_.precision = precision;
    double target = 0.9 * accuracy_;
    for (int n = 0; n < kTargets; ++n) {
      std::optional<MeasuredEvaluation> best = cheapest(target);
      if (!best) return std::nullopt;
      EvaluationOptions as = options_;
      best->accuracy = accuracy_;
      best->apply_to(as);
      const Trial judged = rows_.try_on(judged_by_, as, true);
      best->error = judged.largest();
      best->evaluations = judged.evaluations;
      best->rows = judged.errors.size();
      if (best->error <= accuracy_) return best;
      const double missed = accuracy_ / best->error;
      target *= std::isfinite(missed) ? std::clamp(kLess * missed, kLeast, kLess) : kLeast;
    }
    return std::nullopt;
  }

 private:
  std::optional<MeasuredEvaluation> cheapest(double target) {
    std::optional<MeasuredEvaluation> best;
    double cost = std::numeric_limits<double>::infinity();
    for (const Tableau* method : {&kBosh3, &kDopri5, &kTsit5, &kDopri8}) try_adaptive(method, target, best, cost);
    if (!best || options_.divergence.kind == DivergenceChoice::Kind::hutchinson) return best;
    if (auto found = grids_.cheapest(target, cost, options_)) {
      best->frozen = std::move(found->frozen);
      best->tolerance /= kFinerBeyond;
    }
    return best;
  }

  /// At the loosest tolerance that meets the target, found by halving.
  void try_adaptive(const Tableau* method, double target, std::optional<MeasuredEvaluation>& best, double& cost) {
    // 10^-1 to 10^-7, which is what float holds, or to 10^-12.
    int low = 0, high = options_.precision == Precision::single_float ? 13 : 23;
    while (low < high) {
      const int middle = (low + high) / 2;
      const double tolerance = std::pow(10.0, -1 - 0.5 * middle);
      EvaluationOptions as = options_;
      as.failing_steps = 0;
      as.solve.method = method;
      as.solve.rtol = as.solve.atol = tolerance;
      const Trial trial = rows_.try_on(tolerated_, as);
      if (!(trial.largest() <= target)) {
        low = middle + 1;
        continue;
      }
      high = middle;
      if (!(trial.evaluations < cost)) continue;
      cost = trial.evaluations;
      best = MeasuredEvaluation{
          .way = way_, .precision = options_.precision, .method = method, .tolerance = tolerance, .frozen = {}};
    }
  }

  Way way_;
  double accuracy_;
  EvaluationOptions options_;
  AccuracyRows rows_;
  KnownRows chosen_by_, tolerated_, wider_, judged_by_;
  GridSearch grids_;
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
  if (precision != Precision::double_float) found = search.run(Precision::single_float);
  if (!found && precision != Precision::single_float) found = search.run(Precision::double_float);
  if (found) return *found;
  throw ComputationError(
      "no method or tolerance that was tried is right to " + shortest(accuracy) + " nats in " +
          std::string(name(precision.value_or(Precision::double_float))),
      precision == Precision::single_float ? "--precision double, or allow a larger error" : "allow a larger error");
}

}  // namespace cnf
