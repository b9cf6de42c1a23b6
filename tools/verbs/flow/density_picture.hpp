// A model's exact density as a grid and as a picture, beside the truth, the data and the samples.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file_writer.hpp"
#include "datasets/density.hpp"
#include "flows/judge/slice.hpp"
#include "tools/cli/progress.hpp"
#include "tools/draw/heatmap.hpp"
#include "tools/run/failures.hpp"
#include "tools/run/model_argument.hpp"

namespace cnf {

/// Where to look at a planar model: at the known density's own window, else at the box (quantile_box) of the rows it
/// was trained on, if they are planar and two or more, else of 4096 of its samples. Throws ComputationError if none of
/// those could be computed, or if they lie too far from zero for their spread to be drawn.
Box viewing_range(const Density* density, const Batch* rows, Evaluator& evaluator, Seed seed, PartProgress& progress);

/// Where to look at a plane of a model's space: where its mass is, found on coarse grids that begin with the samples'
/// window in its two columns. Throws ComputationError, naming the held column that lies furthest out, if the density is
/// 0 on the first of them or cannot be computed, before long.
Box slice_range(const Cnf& model, const EvaluationOptions& evaluation, const Slice& slice, Seed seed,
                PartProgress& progress);

/// p at the centres of nx x ny cells over the range, in the user's units.   Shapes  returns ny x nx, row 0 = lowest y.
/// Cells that failed are NaN, and in `failures`, counted along the grid's rows. Cells beyond 2^21 wait in a file
/// without a name beside `output`. Throws ComputationError, with the place, if the evaluator gave up, and Stopped.
/// Of a model of more columns: in the plane of a slice.
GridValues density_grid(Evaluator& evaluator, const Box& range, Index nx, Index ny, const std::filesystem::path& output,
                        Failures* failures = nullptr, const Slice* slice = nullptr);
/// The same of a known density, a part of `progress`.
GridValues density_grid(const Density& density, const Box& range, Index nx, Index ny,
                        const std::filesystem::path& output, PartProgress& progress);

/// A planar model's density as the PNG `path`, 480 pixels wide, one evaluation a pixel, as high as its range needs.
/// `rows`: those it was trained on, or none. Throws std::invalid_argument if the model is not planar,
/// ComputationError if its solves fail, before long.
void draw_density(const std::filesystem::path& path, const ModelFile& file, const Density* density, const Batch& rows,
                  const EvaluationOptions& evaluation, Progress::Mode progress, Links links);

}  // namespace cnf
