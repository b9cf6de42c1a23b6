#include "tools/verbs/flow/density_picture.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/verbs/flow/picture_options.hpp"

namespace cnf {

namespace {

GridValues gathered(const LogDensity& log_density, const Grid& grid, const std::filesystem::path& output) {
  constexpr Index kHeld = Index{1} << 21;  // cells
  if (grid.cells() <= kHeld) return density_grid(log_density, grid, interrupt_flag());
  auto stored = std::make_shared<Spool>(output);
  for_each_density(log_density, grid, interrupt_flag(), [&](const Vector<double>& p) {
    stored->write({p.data(), static_cast<std::size_t>(p.size())});
  });
  return {std::move(stored), grid.ny, grid.nx};
}

/// What to do about a slice where nothing is: the held column that lies furthest outside the samples.
std::string nearer(const Slice& slice, const Batch& samples, const std::vector<std::string>& columns) {
  Index worst = -1;
  double furthest = 0;
  for (Index j = 0; j < slice.at.size(); ++j) {
    if (j == slice.x || j == slice.y) continue;
    const double low = samples.row(j).minCoeff(), high = samples.row(j).maxCoeff();
    const double out = std::max(low - slice.at[j], slice.at[j] - high) / (high - low);
    if (out > furthest) worst = j, furthest = out;
  }
  if (worst < 0) return "hold the columns at values that come together in the data";
  return columns[static_cast<std::size_t>(worst)] + " is held at " + significant(slice.at[worst], 6) +
         ", the model's samples lie from " + significant(samples.row(worst).minCoeff(), 6) + " to " +
         significant(samples.row(worst).maxCoeff(), 6);
}

}  // namespace

Box viewing_range(const Density* density, const Batch* rows, Evaluator& evaluator, Seed seed, PartProgress& progress) {
  constexpr Index kDrawn = 4096;
  if (density != nullptr) return density->box();
  const bool shown = rows != nullptr && rows->rows() == 2 && rows->cols() >= 2;
  Batch points;
  if (!shown) {
    std::vector<Status> failures;
    progress.begin("sample", kDrawn);
    points = finite_samples(evaluator, seed, kDrawn, &failures);
    progress.finish();
    if (points.cols() < 2)
      throw ComputationError("the model's samples, which say where to look, cannot be computed" +
                                 (failures.empty() ? "" : ": " + failures.front().message()),
                             "--range says where to look");
  }
  const Box range = quantile_box(shown ? *rows : points);
  constexpr double kMost = 1e150;  // areas fit a double, and densities
  for (const double width : {range.x1 - range.x0, range.y1 - range.y0})
    if (!(width > 1 / kMost && width < kMost))
      throw ComputationError("a column is " + significant(width, 2) + " wide, and no picture of that can be drawn",
                             "change the columns' units");
  if (const std::string trouble = trouble_of(range); !trouble.empty())
    throw ComputationError("of the " + std::string(shown ? "rows " : "samples ") + trouble,
                           "subtract a constant from that column");
  return range;
}

Box slice_range(const Cnf& model, const EvaluationOptions& evaluation, const Slice& slice, Seed seed,
                PartProgress& progress) {
  constexpr Index kDrawn = 4096;
  EvaluationOptions options = evaluation;
  options.failing_steps = std::min(options.failing_steps, kFailingSteps / 20);
  Evaluator evaluator(model, options);
  progress.begin("sample", kDrawn);
  const Batch points = finite_samples(evaluator, seed, kDrawn);
  progress.finish();
  if (points.cols() < 2)
    throw ComputationError("the model's samples, which say where to look, cannot be computed",
                           "--range says where to look");
  Batch plane(2, points.cols());
  plane << points.row(slice.x), points.row(slice.y);
  Box window = quantile_box(plane);
  for (const Index cells : {16, 96, 96}) {  // the first says soon whether there is anything
    progress.begin("cell", cells * cells);
    Matrix<double> density;
    try {
      density = density_grid(evaluator, window, cells, cells, {}, nullptr, &slice).block(0, cells);
    } catch (const ComputationError& error) {
      throw ComputationError(error.what(), nearer(slice, points, model.columns));
    }
    progress.finish();
    if (density.unaryExpr([](double v) { return v > 0 ? 1 : 0; }).sum() == 0)
      throw ComputationError("the density is 0 in the whole plane of the slice, as far as numbers go",
                             nearer(slice, points, model.columns));
    window = mass_box(density, window);
  }
  if (const std::string trouble = trouble_of(window); !trouble.empty())
    throw ComputationError("of the plane " + trouble, "subtract a constant from that column");
  return window;
}

GridValues density_grid(Evaluator& evaluator, const Box& range, Index nx, Index ny, const std::filesystem::path& output,
                        Failures* failures, const Slice* slice) {
  const Grid grid{range, nx, ny};
  const auto log_density = [&](const Batch& x, Index first) {
    Evaluated block = evaluator.log_prob(slice != nullptr ? slice->lift(x) : x, static_cast<std::uint64_t>(first));
    if (block.given_up) {
      Status status = block.failures.front();
      const Batch at = cell_centres(grid, first + status.row, 1);
      status.row = -1;  // where it stood in its block says nothing here
      throw ComputationError("the density cannot be computed at (" + significant(at(0, 0), 6) + ", " +
                                 significant(at(1, 0), 6) + "): " + status.message(),
                             "--range looks nearer to the data; a lower --max-steps gives such cells up sooner");
    }
    if (failures != nullptr) failures->add(block.failures, static_cast<std::uint64_t>(first));
    return std::move(block.log_prob);
  };
  return gathered(log_density, grid, output);
}

GridValues density_grid(const Density& density, const Box& range, Index nx, Index ny,
                        const std::filesystem::path& output, PartProgress& progress) {
  progress.begin("cell", nx * ny);
  const auto log_density = [&](const Batch& x, Index) {
    Vector<double> values = density.log_prob(x);
    progress.add(x.cols());
    return values;
  };
  GridValues grid = gathered(log_density, {range, nx, ny}, output);
  progress.finish();
  return grid;
}

void draw_density(const std::filesystem::path& path, const ModelFile& file, const Density* density, const Batch& rows,
                  const EvaluationOptions& evaluation, Progress::Mode progress, Links links) {
  constexpr int kWidth = 480;
  const Cnf& model = file.model;
  if (model.dim() != 2)
    throw std::invalid_argument("draw_density: the model is over " + std::to_string(model.dim()) +
                                " dimensions, a picture shows 2");
  PartProgress part(progress);
  EvaluationOptions options = evaluation;
  options.failing_steps = kFailingSteps;
  options.progress = [&](Index n) { part.add(n); };
  Evaluator evaluator(model, options);
  const Box range = viewing_range(density, &rows, evaluator, Seed{}, part);
  FigureStyle style{.width = kWidth, .title = data_name(file) + ": the model's density"};
  set_labels(style, model.columns);
  set_shape(style, model.columns, range, {style.title}, {true}, nullptr);
  const PlotArea area = plot_area_pixels(range, style);
  part.begin("cell", Index{area.width} * area.height);
  GridValues grid = density_grid(evaluator, range, area.width, area.height, path);
  part.finish();
  write_picture(
      path, [&] { return heatmap_of(std::move(grid), range, style); }, links);
}

}  // namespace cnf
