// cnf data: draws from a built-in set or a picture, its exact density as an image, and the list of the sets.
#include <algorithm>

#include "datasets/toy.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/row_output.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/verbs/flow/density_picture.hpp"
#include "tools/verbs/flow/picture_options.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

int list_sets(const Args& args) {
  std::vector<JsonReport> sets;
  std::string text = "set           entropy, nats\n";
  for (const std::string& name : toy_names()) {
    const double entropy = find_toy(name)->entropy();
    sets.emplace_back().set("name", name).set("entropy", entropy);
    std::string line = name;
    line.resize(14, ' ');
    text += line + shortest(entropy) + '\n';
  }
  text += "mixture:D[:K]  K Gaussians (8) in D dimensions\n";
  JsonReport report;
  report.set("sets", sets);
  write_stdout(args.flag("json") ? report.text() : text);
  return 0;
}

/// A density to draw from, or an error that says why the argument is none.
DataArgument find_density(const Args& args) {
  if (!args.given("data"))
    throw UsageError("DATA is missing: a built-in set or a picture", "cnf data --list shows the sets");
  DataArgument data = find_data(args.text("data"), args.flag("invert"));
  if (data.table())
    throw UsageError(in_quotes(args.text("data")) + " is a table, not a density to draw from",
                     "a built-in set (cnf data --list), or a picture FILE.pgm or FILE.png");
  return data;
}

int draw_points(const Args& args, const Density& density) {
  const Index N = args.integer("num");
  const std::uint64_t first = static_cast<std::uint64_t>(args.integer("first"));
  RowOutput out(args, density_columns(density), N);
  Progress progress(row_progress(args), "point", N);
  for (Index done = 0; done < N;) {
    progress.update(done);
    const Index n = std::min(N - done, block_rows(density.dim()));
    out.write(density.sample(seed_from(args), Purpose::data, static_cast<std::uint32_t>(DrawStep::data),
                             first + static_cast<std::uint64_t>(done), n));
    done += n;
    if (interrupted()) throw Interrupted("stopped after " + std::to_string(done) + " points; no file is left");
  }
  progress.finish();
  out.finish();
  return 0;
}

int draw_density(const Args& args, const DataArgument& data) {
  if (data.density->dim() != 2)
    throw UsageError(data.name + " is over " + std::to_string(data.density->dim()) +
                     " dimensions; --density draws the plane");
  const Box range = range_from(args).value_or(data.density->box());
  FigureStyle style = style_from(args, planar_columns(), 720, 0);
  style.title = args.given("title") ? args.text("title") : data.name + ": the true density";
  set_shape(style, planar_columns(), range, {style.title}, {true}, &args);
  const PlotArea area = plot_area_pixels(range, style);
  PartProgress progress(Progress::mode(args.text("progress"), args.flag("quiet")));
  const std::filesystem::path output = args.path("output");
  GridValues grid = density_grid(*data.density, range, area.width, area.height, output, progress);
  write_picture(output, [&] { return heatmap_of(std::move(grid), range, style); });
  return 0;
}

Work prepare_data(const Args& args) {
  if (args.flag("list")) return [&args] { return list_sets(args); };
  DataArgument data = find_density(args);
  if (!args.flag("density")) {
    check_row_output(args);
    return [&args, data = std::move(data)] { return draw_points(args, *data.density); };
  }
  check_picture(args);
  check_picture_path(args, "--density draws a picture, for example -o truth.png");
  return [&args, data = std::move(data)] { return draw_density(args, data); };
}

}  // namespace

Verb data_verb() {
  return {.name = "data",
          .summary = "Draw points of a built-in set or a picture, or its exact density",
          .examples = {"cnf data 8gaussians -N 10000 -o points.npy", "cnf data 8gaussians --density -o truth.png",
                       "cnf data portrait.pgm --invert -N 100000 -o points.npy", "cnf data --list"},
          .positionals = {{.name = "data",
                           .value = "DATA",
                           .kind = Kind::path,
                           .choices = toy_names(),
                           .help = "A built-in set, or a picture FILE.pgm or FILE.png as a density."}},
          .options = joined({{{.name = "list", .help = "Print the built-in sets and their entropies."}},
                             draw_options(),
                             {{.name = "density", .help = "Draw the exact density into -o FILE.png instead."},
                              {.name = "invert", .help = "Of a picture: dark pixels are likely, not bright ones."}},
                             row_output_options(),
                             picture_options(),
                             without(common_options(), {"threads"})}),
          .prepare = prepare_data};
}

}  // namespace cnf
