#include "tools/verbs/flow/density_picture.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/draw/png.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rows_for_model.hpp"

namespace cnf {

namespace {

GridValues gathered(const LogDensity& log_density, const Grid& grid, const std::filesystem::path& output) {
  constexpr Index kHeld = Index{1} << 21;  // cells
  const auto unless = [](bool sound) {
    if (!sound) throw Interrupted("stopped; nothing is written");
  };
  if (grid.cells() <= kHeld) {
    std::optional<Matrix<double>> density = density_grid(log_density, grid, interrupted);
    unless(density.has_value());
    return *std::move(density);
  }
  auto stored = std::make_shared<Spool>(output);
  unless(for_each_density(log_density, grid, interrupted, [&](const Vector<double>& p) {
    stored->write({p.data(), static_cast<std::size_t>(p.size())});
  }));
  return {std::move(stored), grid.ny, grid.nx};
}

}  // namespace

Box viewing_range(const Density* density, Evaluator& evaluator, Seed seed) {
  if (density != nullptr) return density->box();
  const Batch points = finite_samples(evaluator, seed, 4096);
  if (points.cols() < 2) throw ComputationError("none of 4096 samples could be computed; --range says where to look");
  return quantile_box(points);
}

GridValues density_grid(Evaluator& evaluator, const Box& range, Index nx, Index ny, const std::filesystem::path& output,
                        Failures* failures) {
  const auto log_density = [&](const Batch& x, Index first) {
    Evaluated block = evaluator.log_prob(x, static_cast<std::uint64_t>(first));
    if (failures != nullptr) failures->add(block.failures, static_cast<std::uint64_t>(first));
    return std::move(block.log_prob);
  };
  return gathered(log_density, {range, nx, ny}, output);
}

GridValues density_grid(const Density& density, const Box& range, Index nx, Index ny,
                        const std::filesystem::path& output) {
  return gathered([&](const Batch& x, Index) { return density.log_prob(x); }, {range, nx, ny}, output);
}

void write_picture(const std::filesystem::path& path, const Picture& picture, Links links) {
  FileWriter file(path, 0, links);
  encode_png(picture, [&](std::string_view bytes) { file.write(bytes); });
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
                  const EvaluationOptions& evaluation, Links links) {
  constexpr int kWidth = 480;
  const Cnf& model = file.model;
  if (model.dim() != 2)
    throw std::invalid_argument("draw_density: the model is over " + std::to_string(model.dim()) +
                                " dimensions, a picture shows 2");
  Evaluator evaluator(model, evaluation);
  const Box range = viewing_range(density, evaluator, Seed{});
  FigureStyle style{.width = kWidth,
                    .title = data_name(file) + ": the model's density",
                    .x_label = model.columns[0],
                    .y_label = model.columns[1],
                    .bar_label = density_label(model.columns)};
  set_aspect(style, range, kWidth * 5 / 6);
  const PlotArea area = plot_area_pixels(range, style);
  write_picture(path, heatmap_of(density_grid(evaluator, range, area.width, area.height, path), range, style), links);
}

}  // namespace cnf
