// cnf density: a planar model's exact density as a picture, as a grid, and beside the truth.
#include "base/error.hpp"
#include "base/npy.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/draw/heatmap.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/failures.hpp"
#include "tools/verbs/flow/density_picture.hpp"
#include "tools/verbs/flow/picture_file.hpp"
#include "tools/verbs/flow/picture_options.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

constexpr Index kPanelSamples = 10'000, kPanelDraws = 200'000;
constexpr Index kMostPoints = 20'000;  // of data that is shown as points; more are counted in cells

void write_grid(const std::filesystem::path& path, const GridValues& grid) {
  NpyWriter file(path, grid.rows(), grid.cols(), NpyDtype::f8);
  grid.for_each_block([&](Index, const Matrix<double>& block) {
    const Matrix<double> rows = block.transpose();  // column-major here, row-major in the file
    file.write({rows.data(), static_cast<std::size_t>(rows.size())});
  });
  file.finish();
}

/// A planar model, or UsageError.
ModelArgument open_planar(const Args& args) {
  ModelArgument opened = open_model(args.path("model"));
  if (opened.file.model.dim() != 2)
    throw UsageError(
        "the model is over " + std::to_string(opened.file.model.dim()) + " dimensions; a picture of a density needs 2",
        "cnf logprob gives the density of any rows, cnf evaluate its numbers");
  return opened;
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
  /// Known before anything is computed: all have a grid but the samples, and data that is shown as points.
  std::vector<bool> with_grid() {
    std::vector<bool> all;
    for (const Panel* panel : shown())
      all.push_back(panel == &model || (truth && panel == &*truth) || (data && panel == &*data && counted()));
    return all;
  }
  bool counted() const { return data && data->points.cols() > kMostPoints; }
  /// As many samples as there are points of the data, to be seen beside each other.
  Index drawn() const { return data && !counted() ? std::min(data->points.cols(), kPanelSamples) : kPanelSamples; }
  void set_shape(const Args& args, const std::vector<std::string>& columns, const Box& range) {
    cnf::set_shape(style, columns, range, titles(), with_grid(), &args);
  }
  PlotArea plot_area(const Box& range) { return plot_area_pixels(range, style, titles(), with_grid()); }

  /// Takes the panels' numbers with it.
  Picture picture(const Box& range) && {
    std::vector<Panel> all;
    for (Panel* panel : shown()) all.push_back(std::move(*panel));
    return {std::move(all), range, style};
  }
};

/// The panels with their titles, no grid yet.
Figure figure_of(const Args& args, const ModelFile& file, const Density* truth, const std::optional<SplitRows>& rows,
                 const Box& range, Seed seed) {
  const std::vector<std::string>& columns = file.model.columns;
  const std::string name = data_name(file);
  const auto title_or = [&](const std::string& usual) { return args.given("title") ? args.text("title") : usual; };
  if (!args.flag("panels")) {
    Figure figure{.style = style_from(args, columns, 720, 0)};
    figure.model.title = title_or(name + ": the model's density");
    figure.set_shape(args, columns, range);
    return figure;
  }
  Figure figure{.style = style_from(args, columns, 1600, 0)};
  figure.style.bars = Bars::shared;
  figure.style.title = title_or(name);
  if (truth != nullptr) {
    figure.data = {"data, " + std::to_string(kPanelDraws) + " draws",
                   {},
                   truth->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, kPanelDraws)};
    figure.truth = {"true density", {}, {}};
  } else if (rows) {
    figure.data = {"data, " + std::to_string(rows->train.cols()) + " training rows", {}, rows->train};
  }
  figure.model.title = "the model's density";
  figure.samples = {"the model's samples, " + std::to_string(figure.drawn()), {}, {}};
  figure.set_shape(args, columns, range);
  return figure;
}

int run_density(const Args& args, const ModelArgument& opened) {
  const Seed seed = seed_from(args);
  const std::shared_ptr<const Density> truth = known_density(opened);
  PartProgress progress(Progress::mode(args.text("progress"), args.flag("quiet")));
  EvaluationOptions evaluation = evaluation_from(args, [&](Index n) { progress.add(n); });
  evaluation.failing_steps = std::min(evaluation.failing_steps, kFailingSteps);
  Evaluator evaluator(opened.file.model, evaluation);
  const auto drawn = [&](Index N) {
    progress.begin("sample", N);
    return samples(evaluator, seed, N);
  };
  const std::optional<Box> asked = range_from(args);
  std::optional<SplitRows> rows;
  if (truth == nullptr && (!asked || args.flag("panels"))) rows = opened.split();
  const Box range =
      asked ? *asked : viewing_range(truth.get(), rows ? &rows->train : nullptr, evaluator, seed, progress);
  Figure figure = figure_of(args, opened.file, truth.get(), rows, range, seed);
  const Index shown_samples = figure.drawn();
  rows.reset();
  const PlotArea area = figure.plot_area(range);

  Index nx = area.width, ny = area.height;
  if (args.given("grid-size")) nx = args.list("grid-size")[0], ny = args.list("grid-size")[1];
  const std::filesystem::path output = args.path(wants_picture(args) ? "output" : "grid");
  warn_of_tolerance(args);
  Failures failures(args);
  progress.begin("cell", nx * ny);
  figure.model.grid = density_grid(evaluator, range, nx, ny, output, &failures);
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
    write_picture(output, [&] { return std::move(figure).picture(range); });
  }
  failures.say();
  return 0;
}

Work prepare_density(const Args& args) {
  check_picture(args);
  if (wants_picture(args)) {
    check_picture_path(args, "--grid FILE.npy writes the density as numbers");
  }
  if (args.given("grid")) {
    if (args.path("grid").extension() != ".npy")
      throw UsageError("--grid: " + in_quotes(args.text("grid")) + " does not end in .npy");
    refuse_overwrite(args.path("grid"), args.flag("force"));
  }
  return [&args, opened = open_planar(args)] {
    try {
      return run_density(args, opened);
    } catch (const std::invalid_argument& error) {  // a picture that cannot be laid out
      throw UsageError(error.what(), "give a larger --size or a smaller --magnify");
    }
  };
}

}  // namespace

Verb density_verb() {
  Option output = output_option("FILE.png", "The picture: .png, .svg or .pdf.");
  output.initial = "density.png";
  return {.name = "density",
          .summary = "Draw the exact density of a model of two columns",
          .examples = {"cnf density runs/8g -o density.png", "cnf density runs/8g --panels -o panels.png",
                       "cnf density runs/8g --range=-3,3,-3,3 --scale log --colormap magma -o zoom.png",
                       "cnf density runs/8g --grid density.npy --grid-size 256,256"},
          .positionals = {model_argument()},
          .options = joined(
              {{output,
                {.name = "grid",
                 .value = "FILE.npy",
                 .kind = Kind::path,
                 .help = "The density as numbers: float64 (ny, nx), in the data's units, row 0 = lowest y, at the "
                         "centres of the cells. Without -o no picture is drawn.",
                 .group = "Output"},
                force_option()},
               picture_options(),
               {{.name = "panels",
                 .help = "Side by side: the data, the true density where it is known, the model's, its samples.",
                 .group = "Picture"},
                {.name = "samples",
                 .value = "N",
                 .kind = Kind::integer,
                 .range = Range::whole(1, 10'000'000),
                 .help = "Draw that many samples of the model over its density.",
                 .group = "Picture"},
                {.name = "grid-size",
                 .value = "NX,NY",
                 .kind = Kind::integers,
                 .range = Range::whole(1, 16384),
                 .min_count = 2,
                 .max_count = 2,
                 .help = "Cells to evaluate. Not given: one a pixel.",
                 .group = "Picture"}},
               evaluation_options("1000"),  // of each of many cells; as a validation's
               {on_error_option("skip")},
               without(common_options(), {"json"})}),
          .prepare = prepare_density};
}

}  // namespace cnf
