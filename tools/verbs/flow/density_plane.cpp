#include "tools/verbs/flow/density_plane.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "flows/judge/contour.hpp"
#include "flows/judge/levels.hpp"
#include "tools/cli/signals.hpp"
#include "tools/draw/heatmap.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/failures.hpp"
#include "tools/verbs/flow/density_over.hpp"
#include "tools/verbs/flow/density_picture.hpp"
#include "tools/verbs/flow/picture_options.hpp"

namespace cnf {

namespace {

constexpr Index kMostPoints = 20'000;  // of data that is shown as points; more are counted in cells
constexpr Index kPanelSamples = 10'000, kPanelDraws = 200'000;

void write_grid(const std::filesystem::path& path, const GridValues& grid) {
  NpyWriter file(path, grid.rows(), grid.cols(), NpyDtype::f8);
  grid.for_each_block([&](Index, const Matrix<double>& block) {
    const Matrix<double> rows = block.transpose();  // column-major here, row-major in the file
    file.write({rows.data(), static_cast<std::size_t>(rows.size())});
  });
  file.finish();
}

/// Grid alone if only --grid says where to.
bool wants_picture(const Args& args) { return args.given("output") || !args.given("grid"); }

/// The first N of the model's stream, computed in blocks, beside which the solver's memory is small.
Batch samples(Evaluator& evaluator, Seed seed, Index N) {
  Batch points(2, N);
  for (Index first = 0; first < N; first += block_rows(2)) {
    const Index n = std::min(N - first, block_rows(2));
    const Evaluated drawn = evaluator.sample(seed, static_cast<std::uint64_t>(first), n, false);
    if (drawn.given_up) throw ComputationError("the samples cannot be drawn: " + drawn.failures.front().message());
    points.middleCols(first, n) = drawn.points;
  }
  return points;
}

/// The picture: the model's density and, with --panels, what lies beside it.
struct Figure {
  FigureStyle style;
  std::optional<Panel> data{}, truth{};
  Panel model{};
  std::optional<Panel> samples{};

  /// From left to right.
  std::vector<Panel*> shown() {
    std::vector<Panel*> all;
    if (data) all.push_back(&*data);
    if (truth) all.push_back(&*truth);
    all.push_back(&model);
    if (samples) all.push_back(&*samples);
    return all;
  }

  std::vector<std::string> titles() {
    std::vector<std::string> all;
    for (const Panel* panel : shown()) all.push_back(panel->title);
    return all;
  }
  /// Known before anything is computed: all have a grid but the samples, data that is shown as points, and paper.
  std::vector<bool> with_grid() {
    std::vector<bool> all;
    for (const Panel* panel : shown())
      all.push_back(!panel->paper &&
                    (panel == &model || (truth && panel == &*truth) || (data && panel == &*data && counted())));
    return all;
  }
  void set_shape(const Args& args, const std::vector<std::string>& columns, const Box& range) {
    cnf::set_shape(style, columns, range, titles(), with_grid(), &args);
  }
  bool counted() const { return data && data->points.cols() > kMostPoints; }
  /// As many samples as there are points of the data, to be seen beside each other.
  Index drawn() const { return data && !counted() ? std::min(data->points.cols(), kPanelSamples) : kPanelSamples; }
  PlotArea plot_area(const Box& range) { return plot_area_pixels(range, style, titles(), with_grid()); }

  /// Takes the panels' numbers with it.
  Picture picture(const Box& range) && {
    std::vector<Panel> all;
    for (Panel* panel : shown()) all.push_back(std::move(*panel));
    return {std::move(all), range, style};
  }
};

/// The panels with their titles, no grid yet.
Figure figure_of(const Args& args, const Subject& subject, const Density* truth, const std::optional<SplitRows>& rows,
                 const Box& range, Seed seed) {
  const std::vector<std::string> columns = subject.columns();
  const std::string name = data_name(subject.opened.file);
  const auto title_or = [&](const std::string& usual) { return args.given("title") ? args.text("title") : usual; };
  if (!args.flag("panels")) {
    Figure figure{.style = style_from(args, columns, 720, 0)};
    figure.model.title =
        title_or(name + ": the model's density" +
                 (subject.slice ? " at " + slice_text(*subject.slice, subject.model().columns) : std::string()));
    figure.model.paper = args.flag("no-heatmap");
    if (subject.slice && figure.style.scaling != Scaling::mass)
      figure.style.bar_label = "density, per unit of all " + std::to_string(subject.model().dim()) + " columns";
    figure.set_shape(args, columns, range);
    return figure;
  }
  Figure figure{.style = style_from(args, columns, 1600, 0)};
  figure.style.bars = Bars::shared;
  figure.style.title = title_or(name);
  if (truth != nullptr) {
    const std::string draws = std::to_string(kPanelDraws);
    figure.data = {known_energy(subject.opened) ? "exact draws, " + draws : "data, " + draws + " draws",
                   {},
                   truth->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, kPanelDraws)};
    figure.truth = {"true density", {}, {}};
  } else if (rows) {
    figure.data = {"data, " + std::to_string(rows->train.cols()) + " training rows", {}, rows->train};
  }
  figure.model.title = "the model's density";
  figure.model.paper = args.flag("no-heatmap");
  figure.samples = {"the model's samples, " + std::to_string(figure.drawn()), {}, {}};
  figure.set_shape(args, columns, range);
  return figure;
}

/// The least levels that hold shares of a plane's own mass.
std::vector<double> levels_of_plane(const GridValues& grid, const std::vector<double>& shares) {
  constexpr Index kMost = Index{1} << 22;  // cells; of more, evenly chosen ones
  const Index every = std::max<Index>(1, (grid.size() + kMost - 1) / kMost);
  std::vector<double> chosen;
  grid.for_each_block([&](Index first, const Matrix<double>& block) {
    for (Index j = 0; j < block.rows(); ++j)
      for (Index i = 0; i < block.cols(); ++i)
        if (((first + j) * block.cols() + i) % every == 0) chosen.push_back(block(j, i));
  });
  const Eigen::Map<const Vector<double>> density(chosen.data(), std::ssize(chosen));
  if (std::none_of(chosen.begin(), chosen.end(), [](double v) { return v > 0; }))
    throw ComputationError("the density is 0 in the whole window, it has no contours", "--range looks elsewhere");
  std::vector<double> levels;
  for (const double share : shares) levels.push_back(std::log(level_of_share(density, share)));
  return levels;
}

/// What the lines and points over a figure are computed with.
struct Over {
  Evaluator& evaluator;
  const Density* truth;
  const Box& range;
  PartProgress& progress;
};

/// Draws that put every level within 0.5 % of mass, three standard errors.
Index level_draws(const std::vector<double>& shares) {
  constexpr double kError = 0.005 / 3;
  double most = 0.01;
  for (const double share : shares) most = std::max(most, share * (1 - share));
  return static_cast<Index>(std::ceil(most / (kError * kError)));
}

std::vector<double> levels_at(const DensityLevels& levels, const std::vector<double>& shares) {
  std::vector<double> all;
  for (const double share : shares) all.push_back(levels.level(share));
  return all;
}

/// Contours of the model's mass, of the truth's beside it, of a slice's in its plane; the rows of a file over them.
void draw_over(const Args& args, const Subject& subject, const Over& with, Figure& figure) {
  const bool heatmap = !args.flag("no-heatmap");
  const Seed seed = seed_from(args);
  const std::vector<double> shares = contour_shares(args);
  const ContourStyle style = contour_style(figure.style.map, heatmap, shares.size());
  std::vector<std::function<void(Surface&, const Axes&)>> layers;
  if (subject.points) {
    Batch rows = read_points(*subject.points, args.verb());
    if (subject.slice) {
      const Batch plane = rows({subject.slice->x, subject.slice->y}, Eigen::all);
      rows = plane;
    }
    layers.push_back(points_over(std::move(rows), heatmap));
  }
  if (!shares.empty() && subject.slice) {
    layers.push_back(contours_over(
        lines_through(figure.model.grid, with.range, shares, levels_of_plane(figure.model.grid, shares)), style));
  } else if (!shares.empty()) {
    with.progress.begin("sample", level_draws(shares));
    const ScoredDraws drawn = draws_with_density(with.evaluator, seed, level_draws(shares));
    with.progress.finish();
    if (drawn.log_prob.size() == 0)
      throw ComputationError("the model's samples, which say where contours lie, cannot be computed");
    layers.push_back(contours_over(
        lines_through(figure.model.grid, with.range, shares, levels_at(DensityLevels(drawn.log_prob), shares)), style));
  }
  if (!shares.empty() && figure.truth) {
    const Batch draws =
        with.truth->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, level_draws(shares));
    const std::vector<double> levels = levels_at(DensityLevels(with.truth->log_prob(draws)), shares);
    figure.truth->over = contours_over(lines_through(figure.truth->grid, with.range, shares, levels),
                                       contour_style(figure.style.map, true, shares.size()));
  }
  if (!heatmap) figure.model.grid = {};
  figure.model.over = [layers](Surface& surface, const Axes& axes) {
    for (const auto& layer : layers) layer(surface, axes);
  };
}

}  // namespace

int run_density_plane(const Args& args, const Subject& subject) {
  const Seed seed = seed_from(args);
  const Slice* slice = subject.slice ? &*subject.slice : nullptr;
  const std::shared_ptr<const Density> truth = slice == nullptr ? known_density(subject.opened) : nullptr;
  PartProgress progress(Progress::mode(args.text("progress"), args.flag("quiet")));
  EvaluationOptions evaluation =
      choose_evaluation(args, subject.opened, Way::to_base, [&](Index n) { progress.add(n); }).options;
  evaluation.failing_steps = std::min(evaluation.failing_steps, kFailingSteps);
  Evaluator evaluator(subject.model(), evaluation);
  const auto drawn = [&](Index N) {
    progress.begin("sample", N);
    return samples(evaluator, seed, N);
  };
  const std::optional<Box> asked = range_from(args);
  std::optional<SplitRows> rows;
  if (slice == nullptr && truth == nullptr && (!asked || args.flag("panels"))) rows = subject.opened.split();
  const Box range = asked ? *asked
                    : slice != nullptr
                        ? slice_range(subject.model(), evaluation, *slice, seed, progress)
                        : viewing_range(truth.get(), rows ? &rows->train : nullptr, evaluator, seed, progress);
  Figure figure = figure_of(args, subject, truth.get(), rows, range, seed);
  const Index shown_samples = figure.drawn();
  rows.reset();
  const PlotArea area = figure.plot_area(range);

  Index nx = area.width, ny = area.height;
  if (args.given("grid-size")) nx = args.list("grid-size")[0], ny = args.list("grid-size")[1];
  const std::filesystem::path output = args.path(wants_picture(args) ? "output" : "grid");
  warn_of_tolerance(args);
  Failures failures(args);
  progress.begin("cell", nx * ny);
  figure.model.grid = density_grid(evaluator, range, nx, ny, output, &failures, slice);
  progress.finish();
  if (args.given("grid")) write_grid(args.path("grid"), figure.model.grid);
  if (wants_picture(args)) {
    if (figure.counted()) {
      const double aspect = static_cast<double>(area.height) / area.width;
      Batch& points = figure.data->points;
      figure.data->grid = histogram(points, histogram_grid(points.cols(), range, area.width / 2, aspect));
      points.resize(2, 0);
    }
    if (figure.truth) figure.truth->grid = density_grid(*truth, range, area.width, area.height, output, progress);
    if (figure.samples) figure.samples->points = drawn(shown_samples);
    if (args.given("samples")) figure.model.points = drawn(args.integer("samples"));
    progress.finish();
    draw_over(args, subject, {evaluator, truth.get(), range, progress}, figure);
    write_picture(output, [&] { return std::move(figure).picture(range); });
  }
  failures.say();
  return 0;
}

}  // namespace cnf
