#include "flows/accuracy_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "flows/tile_flow.hpp"

namespace cnf {

namespace {

constexpr Seed kRows{0x6e617473};
constexpr double kWider = 2;  // deviations of the base that wider rows are drawn from

EvaluationOptions exact(double accuracy, const EvaluationOptions& options) {
  EvaluationOptions exact = options;
  exact.precision = Precision::double_float;
  exact.solve = {.method = &kDopri8, .max_steps = 100'000, .stop = options.solve.stop};
  exact.solve.rtol = exact.solve.atol = std::clamp(1e-4 * accuracy, 1e-13, 1e-7);
  exact.frozen.reset();
  exact.progress = {};
  return exact;
}

}  // namespace

AccuracyRows::AccuracyRows(const Cnf& model, Way way, double accuracy, const EvaluationOptions& options)
    : model_(model), way_(way), tile_(tile_rows(model)), exact_(model, exact(accuracy, options)) {}

KnownRows AccuracyRows::own(Index tile, Index tiles) {
  const auto first = static_cast<std::uint64_t>(tile * tile_);
  Evaluated drawn = exact_.sample(kRows, first, tiles * tile_, true);
  return {first, std::move(drawn.points), std::move(drawn.log_prob)};
}

KnownRows AccuracyRows::wider(Index tile, Index tiles) {
  Batch z(model_.dim(), tiles * tile_);
  sample_base(model_.base, kRows, static_cast<std::uint64_t>(tile * tile_), Out<double>(z.data(), z.rows(), z.cols()));
  const Batch x = exact_.decode(Batch(kWider * z)).points;
  const Vector<double> log_prob = exact_.log_prob(x).log_prob;
  std::vector<Index> sound;
  for (Index j = 0; j < x.cols(); ++j)
    if (std::isfinite(log_prob[j])) sound.push_back(j);
  return {0, x(Eigen::all, sound), log_prob(sound)};
}

Trial AccuracyRows::try_on(const KnownRows& rows, const EvaluationOptions& as, bool given_out) {
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
  trial.points = std::move(got.points);
  return trial;
}

}  // namespace cnf
