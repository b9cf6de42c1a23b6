#include "tools/verbs/flow/density_picture.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/draw/png.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/evaluation_arguments.hpp"

namespace cnf {

namespace {

constexpr double kLeastSpan = 1e-9;  // of the larger end: what figures can be laid out for (tools/draw/ticks.hpp)

/// "" if axes can show the range, else why not.
std::string trouble_of(const Box& range) {
  const auto agree = [](double low, double high) {
    return !(high - low > kLeastSpan * std::max(std::abs(low), std::abs(high)));
  };
  const bool x = agree(range.x0, range.x1);
  if (!x && !agree(range.y0, range.y1)) return "";
  const double low = x ? range.x0 : range.y0, high = x ? range.x1 : range.y1;
  return std::string(x ? "x" : "y") + " runs from " + shortest(low) + " to " + shortest(high) +
         ", too narrow a range so far from zero to be drawn";
}

GridValues gathered(const LogDensity& log_density, const Grid& grid, const std::filesystem::path& output) {
  constexpr Index kHeld = Index{1} << 21;  // cells
  if (grid.cells() <= kHeld) return density_grid(log_density, grid, interrupt_flag());
  auto stored = std::make_shared<Spool>(output);
  for_each_density(log_density, grid, interrupt_flag(), [&](const Vector<double>& p) {
    stored->write({p.data(), static_cast<std::size_t>(p.size())});
  });
  return {std::move(stored), grid.ny, grid.nx};
}

}  // namespace

Box viewing_range(const Density* density, Evaluator& evaluator, Seed seed, PartProgress& progress) {
  constexpr Index kSamples = 4096;
  if (density != nullptr) return density->box();
  std::vector<Status> failures;
  progress.begin("sample", kSamples);
  const Batch points = finite_samples(evaluator, seed, kSamples, &failures);
  progress.finish();
  if (points.cols() < 2)
    throw ComputationError("the model's samples, which say where to look, cannot be computed" +
                               (failures.empty() ? "" : ": " + failures.front().message()),
                           "--range says where to look");
  const Box range = quantile_box(points);
  if (const std::string trouble = trouble_of(range); !trouble.empty())
    throw ComputationError("of the samples " + trouble, "subtract a constant from that column");
  return range;
}

GridValues density_grid(Evaluator& evaluator, const Box& range, Index nx, Index ny, const std::filesystem::path& output,
                        Failures* failures) {
  const Grid grid{range, nx, ny};
  const auto log_density = [&](const Batch& x, Index first) {
    Evaluated block = evaluator.log_prob(x, static_cast<std::uint64_t>(first));
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

void write_picture(const std::filesystem::path& path, const std::function<Picture()>& draw, Links links) {
  std::optional<EndAtOnce> at_once(std::in_place);  // until a file is open, and where that is a pipe
  const Picture picture = draw();
  const bool small = long{picture.width()} * picture.height() <= kWholePixels;
  std::string held;
  if (small) encode_png(picture, [&](std::string_view bytes) { held += bytes; });
  std::error_code error;
  const bool stream = std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error);
  if (!stream) at_once.reset();
  FileWriter file(path, 0, links);
  const auto write = [&](std::string_view bytes) {
    stop_if_asked(interrupt_flag());
    file.write(bytes);
  };
  if (small)
    write(held);
  else
    encode_png(picture, write);
  file.finish();
}

std::vector<Option> picture_options() {
  std::vector<std::string> maps;
  for (const Colormap map : kAllColormaps) maps.emplace_back(name(map));
  const std::string group = "Picture";
  return {{.name = "range",
           .value = "X0,X1,Y0,Y1",
           .kind = Kind::reals,
           .min_count = 4,
           .max_count = 4,
           .help = "Where to look. Not given: the set's own window, or where the samples are.",
           .group = group},
          {.name = "size",
           .value = "W,H",
           .kind = Kind::integers,
           .range = Range::whole(100, 16384),
           .min_count = 1,
           .max_count = 2,
           .help = "Pixels; without H as high as the range needs.",
           .group = group},
          {.name = "scale",
           .value = "X",
           .kind = Kind::real,
           .initial = "1",
           .range = Range::closed(0.25, 16),
           .help = "Size of everything: 2 for print. With --size, of text, lines and points alone.",
           .group = group},
          {.name = "colormap",
           .value = "MAP",
           .kind = Kind::choice,
           .initial = "viridis",
           .choices = maps,
           .help = "Colours, from low to high density.",
           .group = group},
          {.name = "log", .help = "Colours by the logarithm, over six decades.", .group = group},
          {.name = "title",
           .value = "TEXT",
           .kind = Kind::text,
           .help = "A title in place of the usual one.",
           .group = group}};
}

std::optional<Box> range_from(const Args& args) {
  if (!args.given("range")) return std::nullopt;
  const std::vector<double>& r = args.reals("range");
  return Box{r[0], r[1], r[2], r[3]};
}

void check_picture(const Args& args) {
  const std::optional<Box> range = range_from(args);
  if (range && !(range->x0 < range->x1 && range->y0 < range->y1))
    throw UsageError("--range: x0 must be below x1 and y0 below y1, got " + shortest(range->x0) + "," +
                     shortest(range->x1) + "," + shortest(range->y0) + "," + shortest(range->y1));
  if (range && !trouble_of(*range).empty()) throw UsageError("--range: " + trouble_of(*range));
}

FigureStyle style_from(const Args& args, const std::vector<std::string>& columns, int width, int height) {
  constexpr double kMostPixels = 16384;
  const double scale = args.real("scale");
  const auto scaled = [&](int pixels) { return static_cast<int>(std::min(kMostPixels, std::round(scale * pixels))); };
  FigureStyle style{.width = scaled(width),
                    .height = scaled(height),
                    .scale = scale,
                    .map = colormap(args.text("colormap")),
                    .log = args.flag("log")};
  if (args.given("size")) {
    style.width = static_cast<int>(args.list("size")[0]);
    style.height = args.list("size").size() > 1 ? static_cast<int>(args.list("size")[1]) : 0;
  }
  style.x_label = columns.at(0);
  style.y_label = columns.at(1);
  style.bar_label = density_label(columns);
  return style;
}

void set_aspect(FigureStyle& style, const Box& range, int height) {
  const double ratio = (range.x1 - range.x0) / (range.y1 - range.y0);
  style.equal_aspect = ratio <= 3 && ratio >= 1.0 / 3;
  if (!style.equal_aspect && style.height == 0) style.height = height;
}

std::string density_label(const std::vector<std::string>& columns) {
  return "density, per unit of " + columns.at(0) + " × " + columns.at(1);
}

void draw_density(const std::filesystem::path& path, const ModelFile& file, const Density* density,
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
  const Box range = viewing_range(density, evaluator, Seed{}, part);
  FigureStyle style{.width = kWidth,
                    .title = data_name(file) + ": the model's density",
                    .x_label = model.columns[0],
                    .y_label = model.columns[1],
                    .bar_label = density_label(model.columns)};
  set_aspect(style, range, kWidth * 5 / 6);
  const PlotArea area = plot_area_pixels(range, style);
  part.begin("cell", Index{area.width} * area.height);
  GridValues grid = density_grid(evaluator, range, area.width, area.height, path);
  part.finish();
  write_picture(
      path, [&] { return heatmap_of(std::move(grid), range, style); }, links);
}

}  // namespace cnf
