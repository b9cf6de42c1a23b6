// A model's exact density as a grid and as a picture, beside the truth, the data and the samples.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_writer.hpp"
#include "datasets/density.hpp"
#include "flows/judge/grid.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/progress.hpp"
#include "tools/draw/heatmap.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/model_argument.hpp"

namespace cnf {

/// Where to look at a planar model: at the known density's own window, else at 4096 of its samples from the 0.5 % to
/// the 99.5 % quantile of either coordinate, widened by a sixth to both sides. Throws ComputationError if none of them
/// could be computed, or if they lie too far from zero for their spread to be drawn.
Box viewing_range(const Density* density, Evaluator& evaluator, Seed seed, PartProgress& progress);

/// p at the centres of nx x ny cells over the range, in the user's units.   Shapes  returns ny x nx, row 0 = lowest y.
/// Cells that failed are NaN, and in `failures`, counted along the grid's rows. Cells beyond 2^21 wait in a file
/// without a name beside `output`. Throws ComputationError, with the place, if the evaluator gave up, and Stopped.
GridValues density_grid(Evaluator& evaluator, const Box& range, Index nx, Index ny, const std::filesystem::path& output,
                        Failures* failures = nullptr);
/// The same of a known density, a part of `progress`.
GridValues density_grid(const Density& density, const Box& range, Index nx, Index ny,
                        const std::filesystem::path& output, PartProgress& progress);

/// The picture that `draw` makes as the PNG `path`. A signal while it is drawn ends the program at once.
void write_picture(const std::filesystem::path& path, const std::function<Picture()>& draw,
                   Links links = Links::follow);

/// --range --size --scale --colormap --log --title, under the heading "Picture".
std::vector<Option> picture_options();
/// Throws UsageError: a range that is empty, a size that cannot be.
void check_picture(const Args& args);
std::optional<Box> range_from(const Args& args);
/// `columns`: the names on the axes.
FigureStyle style_from(const Args& args, const std::vector<std::string>& columns, int width, int height);

/// Gives up equal units of both axes where the range is more than 3 times as long as high, or the other way round: such
/// columns have units of their own. A height that was left to the range then becomes `height`.
void set_aspect(FigureStyle& style, const Box& range, int height);

/// "density, per unit of lon × lat".
std::string density_label(const std::vector<std::string>& columns);

/// A planar model's density as the PNG `path`, 480 pixels wide, one evaluation a pixel, as high as its range needs.
/// Throws std::invalid_argument if the model is not planar, ComputationError if its solves fail, before long.
void draw_density(const std::filesystem::path& path, const ModelFile& file, const Density* density,
                  const EvaluationOptions& evaluation, Progress::Mode progress, Links links);

}  // namespace cnf
