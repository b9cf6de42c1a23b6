#include "tools/verbs/flow/density_curve.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "base/number_text.hpp"
#include "flows/judge/grid.hpp"
#include "flows/judge/marginals.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/progress.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/run/failures.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/flow/picture_options.hpp"

namespace cnf {
namespace {

constexpr Index kMostRug = 2000;

/// The axis of values, by the rule of the plane's.
Interval interval_of(const Eigen::Ref<const Batch>& values) {
  const Box box = quantile_box(values.replicate(2, 1));
  return {box.x0, box.x1};
}

/// Where the model's samples and the data are.
Interval viewing_interval(Evaluator& evaluator, Seed seed, const Batch& rows) {
  constexpr Index kDrawn = 4096;
  std::vector<Status> failures;
  const Batch drawn = finite_samples(evaluator, seed, kDrawn, &failures);
  if (drawn.cols() < 2 && rows.cols() < 2)
    throw ComputationError("the model's samples, which say where to look, cannot be computed" +
                               (failures.empty() ? "" : ": " + failures.front().message()),
                           "--range X0,X1 says where to look");
  Interval range = interval_of(drawn.cols() < 2 ? rows : drawn);
  if (rows.cols() >= 2) {
    const Interval data = interval_of(rows);
    range = {std::min(range.low, data.low), std::max(range.high, data.high)};
  }
  if (const std::string trouble = trouble_of({range.low, range.high, 0, 1}); !trouble.empty())
    throw ComputationError("of the samples " + trouble, "subtract a constant from that column");
  return range;
}

/// p at the centres of the cells; NaN where it failed.
Vector<double> density_on(Evaluator& evaluator, const Interval& range, Index cells, Failures* failures) {
  const Batch x = cell_centres({{range.low, range.high, 0, 1}, cells, 1}, 0, cells).topRows(1);
  Evaluated found = evaluator.log_prob(x);
  if (found.given_up) {
    Status status = found.failures.front();
    const double at = x(0, status.row);
    status.row = -1;
    throw ComputationError("the density cannot be computed at " + significant(at, 6) + ": " + status.message(),
                           "--range looks nearer to the data; a lower --max-steps gives such cells up sooner");
  }
  if (failures != nullptr) failures->add(found.failures, 0);
  return found.log_prob.array().exp();
}

Curve curve_of(Vector<double> density, const Interval& range, const RowsBeside& data, int pixels) {
  Curve curve;
  curve.x0 = range.low, curve.x1 = range.high;
  curve.density = std::move(density);
  curve.name = "the model's density", curve.data_name = data.name;
  if (data.rows.cols() == 0) return curve;
  const Vector<double> values = data.rows.row(0).transpose();
  Histogram bars = histogram_of(values, range, std::clamp<Index>(pixels / 6, 8, 100));
  curve.bars.low = bars.low, curve.bars.width = bars.width, curve.bars.height = std::move(bars.height);
  const Index every = (values.size() + kMostRug - 1) / kMostRug;
  curve.rug.resize((values.size() + every - 1) / every);
  for (Index k = 0; k < curve.rug.size(); ++k) curve.rug[k] = values[k * every];
  return curve;
}

void set_curve_labels(FigureStyle& style, const std::string& column) {
  style.x_label = column, style.y_label = "density, per unit of " + column, style.bar_label.clear();
  if (style.height == 0) style.height = std::max(100, style.width * 5 / 8);
}

/// x and p, a row each.
void write_curve(const std::filesystem::path& path, const Curve& curve) {
  const Index n = curve.density.size();
  NpyWriter file(path, n, 2, NpyDtype::f8);
  Matrix<double> rows(2, n);
  rows.row(0) = cell_centres({{curve.x0, curve.x1, 0, 1}, n, 1}, 0, n).row(0);
  rows.row(1) = curve.density.transpose();
  file.write({rows.data(), static_cast<std::size_t>(rows.size())});
  file.finish();
}

}  // namespace

int run_density_curve(const Args& args, const ModelArgument& opened, const RowsBeside& data) {
  const ModelFile& file = opened.file;
  const std::string& column = file.model.columns.at(0);
  PartProgress progress(Progress::mode(args.text("progress"), args.flag("quiet")));
  EvaluationOptions evaluation =
      choose_evaluation(args, opened, Way::to_base, [&](Index n) { progress.add(n); }).options;
  evaluation.failing_steps = std::min(evaluation.failing_steps, kFailingSteps);
  Evaluator evaluator(file.model, evaluation);
  const std::optional<Box> asked = range_from(args);
  const Interval range =
      asked ? Interval{asked->x0, asked->x1} : viewing_interval(evaluator, seed_from(args), data.rows);
  FigureStyle style = style_from(args, {column, column}, 720, 0);
  style.title = args.given("title") ? args.text("title") : data_name(file) + ": the model's density";
  set_curve_labels(style, column);
  const int pixels = curve_pixels(range.low, range.high, style);
  const Index cells = args.given("grid-size") ? args.list("grid-size")[0] : pixels;
  warn_of_tolerance(args);
  Failures failures(args);
  progress.begin("cell", cells);
  Curve curve = curve_of(density_on(evaluator, range, cells, &failures), range, data, pixels);
  progress.finish();
  if (args.given("grid")) write_curve(args.path("grid"), curve);
  if (args.given("output") || !args.given("grid"))
    write_picture(args.path("output"), [&] { return curve_picture(std::move(curve), style); });
  failures.say();
  return 0;
}

void draw_density_curve(const std::filesystem::path& path, const ModelFile& file, const RowsBeside& data,
                        const EvaluationOptions& evaluation, Links links) {
  EvaluationOptions options = evaluation;
  options.failing_steps = kFailingSteps;
  Evaluator evaluator(file.model, options);
  const Interval range = viewing_interval(evaluator, Seed{}, data.rows);
  FigureStyle style{.width = 640, .title = data_name(file) + ": the model's density"};
  set_curve_labels(style, file.model.columns.at(0));
  const int pixels = curve_pixels(range.low, range.high, style);
  Curve curve = curve_of(density_on(evaluator, range, pixels, nullptr), range, data, pixels);
  write_picture(
      path, [&] { return curve_picture(std::move(curve), style); }, links);
}

}  // namespace cnf
