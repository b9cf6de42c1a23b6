#include "tools/verbs/flow/density_corner.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "flows/judge/contour.hpp"
#include "flows/judge/grid.hpp"
#include "flows/judge/marginals.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"
#include "tools/draw/corner.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/failures.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/flow/density_over.hpp"
#include "tools/verbs/flow/picture_options.hpp"
#include "tools/verbs/flow/slice_argument.hpp"

namespace cnf {
namespace {

constexpr Index kSamples = 50'000;  // of the model, if --samples does not say
constexpr Index kFewRows = 1500;    // are drawn as points
constexpr Index kCurveCells = 256, kPairCells = 128, kMostBars = 48;

/// The model's stream, the columns shown, without the rows that failed.
Batch corner_samples(Evaluator& evaluator, Seed seed, Index N, const std::vector<Index>& shown) {
  Batch kept(std::ssize(shown), N);
  Index n = 0;
  for (Index first = 0; first < N; first += block_rows(std::ssize(shown))) {
    const Index count = std::min(N - first, block_rows(std::ssize(shown)));
    const Evaluated drawn = evaluator.sample(seed, static_cast<std::uint64_t>(first), count, false);
    if (drawn.given_up) throw ComputationError("the samples cannot be drawn: " + drawn.failures.front().message());
    for (Index b = 0; b < count; ++b)
      if (drawn.points.col(b).allFinite()) kept.col(n++) = drawn.points(shown, b);
  }
  if (n < 2) throw ComputationError("the model's samples cannot be computed: none is finite");
  kept.conservativeResize(kept.rows(), n);
  return kept;
}

std::pair<double, double> range_of(const Eigen::Ref<const Batch>& model, const Eigen::Ref<const Batch>& data,
                                   const std::string& column) {
  const Box of_model = quantile_box(model.replicate(2, 1));
  std::pair<double, double> range{of_model.x0, of_model.x1};
  if (data.cols() >= 2) {
    const Box of_data = quantile_box(data.replicate(2, 1));
    range = {std::min(range.first, of_data.x0), std::max(range.second, of_data.x1)};
  }
  if (const std::string trouble = trouble_of({range.first, range.second, 0, 1}); !trouble.empty())
    throw ComputationError("of the samples' column " + in_quotes(column) + " " + trouble,
                           "subtract a constant from that column, or leave it out by --columns");
  return range;
}

/// A ground series is the data, in bars and regions, or points where rows are few; the other is the model, in lines.
CornerSeries series_of(const Batch& points, const std::vector<std::pair<double, double>>& ranges,
                       const std::vector<double>& shares, bool ground) {
  CornerSeries series;
  series.ground = ground;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto [low, high] = ranges[i];
    const Vector<double> y = points.row(static_cast<Index>(i)).transpose();
    BarRow row;
    if (ground) {
      Histogram bars = histogram_of(y, {low, high}, kMostBars);
      row.low = bars.low, row.width = bars.width, row.height = std::move(bars.height);
    } else {
      row.low = low, row.width = (high - low) / static_cast<double>(kCurveCells);
      row.height = smooth_marginal(y, {low, high}, kCurveCells);
    }
    series.columns.push_back(std::move(row));
    for (std::size_t j = 0; j < i; ++j) {
      stop_if_asked(interrupt_flag());
      CornerPair& pair = series.pairs.emplace_back();
      if (ground && points.cols() <= kFewRows) {
        pair.points.resize(2, points.cols());
        pair.points << points.row(static_cast<Index>(j)), points.row(static_cast<Index>(i));
        continue;
      }
      const Vector<double> x = points.row(static_cast<Index>(j)).transpose();
      const Box range{ranges[j].first, ranges[j].second, low, high};
      Matrix<double> density = smooth_marginal(x, y, range, kPairCells, kPairCells);
      if (!(density.maxCoeff() > 0)) continue;
      const double cell = (range.x1 - range.x0) * (range.y1 - range.y0) / static_cast<double>(density.size());
      for (auto share = shares.rbegin(); share != shares.rend(); ++share)
        pair.levels.push_back(level_of_share(density.reshaped(), *share, 1 / cell));
      for (std::vector<Batch>& lines : contour_lines(density, range, pair.levels))
        for (Batch& line : lines) pair.lines.push_back(std::move(line));
      if (ground) pair.density = std::move(density);
    }
  }
  return series;
}

Corner corner_of(const std::vector<std::string>& columns, const std::vector<Index>& shown, const Batch& model,
                 const RowsBeside& data, const std::vector<double>& shares) {
  Corner corner;
  const Batch rows = data.rows.cols() > 0 ? Batch(data.rows(shown, Eigen::all)) : Batch(std::ssize(shown), 0);
  for (std::size_t k = 0; k < shown.size(); ++k) {
    const Index row = static_cast<Index>(k);
    corner.columns.push_back(columns[static_cast<std::size_t>(shown[k])]);
    corner.ranges.push_back(range_of(model.row(row), rows.row(row), corner.columns.back()));
  }
  if (rows.cols() > 0) {
    corner.series.push_back(series_of(rows, corner.ranges, shares, true));
    corner.series.back().name = data.name;
  }
  corner.series.push_back(series_of(model, corner.ranges, shares, false));
  corner.series.back().name = "the model, " + std::to_string(model.cols()) + " samples";
  for (const double share : shares) corner.note += (corner.note.empty() ? "lines around " : ", ") + percent(share);
  corner.note += rows.cols() > kFewRows ? " of either" : " of the model";
  return corner;
}

/// Panels of about 150 pixels, smaller where there are many.
int corner_width(std::size_t columns) { return std::clamp(static_cast<int>(150 * columns + 120), 480, 1500); }

const std::vector<double>& usual_shares() {
  static const std::vector<double> shares{0.5, 0.9};
  return shares;
}

}  // namespace

Option corner_columns_option() {
  return {
      .name = "columns",
      .value = "A,B",
      .kind = Kind::text,
      .help = "Of a model of more than two columns: those of the corner picture, 2 to 12. Names, or numbers from 1.",
      .group = "Picture"};
}

std::vector<Index> corner_columns(const Args& args, const std::vector<std::string>& columns) {
  std::vector<Index> shown;
  if (!args.given("columns")) {
    shown.resize(std::min<std::size_t>(columns.size(), kMostCornerColumns));
    std::iota(shown.begin(), shown.end(), Index{0});
    return shown;
  }
  const std::string& text = args.text("columns");
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const Index column = column_named("--columns", text.substr(begin, end - begin), columns);
    if (std::find(shown.begin(), shown.end(), column) != shown.end())
      throw UsageError("--columns: the column " + in_quotes(columns[static_cast<std::size_t>(column)]) +
                       " is named twice");
    shown.push_back(column);
    begin = end + 1;
  }
  if (shown.size() < 2 || std::ssize(shown) > kMostCornerColumns)
    throw UsageError("--columns: " + std::to_string(shown.size()) + (shown.size() == 1 ? " column" : " columns") +
                     ", a corner picture shows 2 to " + std::to_string(kMostCornerColumns));
  return shown;
}

int run_density_corner(const Args& args, const ModelArgument& opened, const RowsBeside& data) {
  const ModelFile& file = opened.file;
  const std::vector<std::string>& columns = file.model.columns;
  const std::vector<Index> shown = corner_columns(args, columns);
  if (!args.given("columns") && std::ssize(columns) > kMostCornerColumns)
    write_stderr("cnf density: warning: the model has " + std::to_string(columns.size()) + " columns, the first " +
                 std::to_string(kMostCornerColumns) + " are drawn; --columns chooses others\n");
  warn_of_tolerance(args);
  PartProgress progress(Progress::mode(args.text("progress"), args.flag("quiet")));
  EvaluationOptions evaluation =
      choose_evaluation(args, opened, Way::to_data, [&](Index n) { progress.add(n); }).options;
  evaluation.failing_steps = std::min(evaluation.failing_steps, kFailingSteps);
  Evaluator evaluator(file.model, evaluation);
  const Index N = args.given("samples") ? args.integer("samples") : kSamples;
  progress.begin("sample", N);
  const Batch drawn = corner_samples(evaluator, seed_from(args), N, shown);
  progress.finish();
  const std::vector<double> asked = contour_shares(args);
  Corner corner = corner_of(columns, shown, drawn, data, asked.empty() ? usual_shares() : asked);
  corner.title = args.given("title") ? args.text("title") : data_name(file);
  FigureStyle style = style_from(args, {columns[0], columns[1]}, corner_width(shown.size()), 0);
  write_picture(args.path("output"), [&] { return CornerPicture(std::move(corner), style); });
  return 0;
}

void draw_density_corner(const std::filesystem::path& path, const ModelFile& file, const RowsBeside& data,
                         const EvaluationOptions& evaluation, Progress::Mode progress, Links links) {
  PartProgress part(progress);
  EvaluationOptions options = evaluation;
  options.failing_steps = kFailingSteps;
  options.progress = [&](Index n) { part.add(n); };
  Evaluator evaluator(file.model, options);
  std::vector<Index> shown(file.model.columns.size());
  std::iota(shown.begin(), shown.end(), Index{0});
  const Index N = std::clamp<Index>(5 * data.rows.cols(), 1000, kCornerSamples);
  part.begin("sample", N);
  const Batch drawn = corner_samples(evaluator, Seed{}, N, shown);
  part.finish();
  Corner corner = corner_of(file.model.columns, shown, drawn, data, usual_shares());
  corner.title = data_name(file);
  const FigureStyle style{.width = corner_width(shown.size())};
  write_picture(
      path, [&] { return CornerPicture(std::move(corner), style); }, links);
}

}  // namespace cnf
