// A run's own density.png: of one column a curve, of two a heatmap, of up to twelve a corner picture.
#pragma once

#include <filesystem>

#include "base/file_writer.hpp"
#include "datasets/density.hpp"
#include "flows/evaluator.hpp"
#include "flows/files/model_file.hpp"
#include "tools/cli/progress.hpp"

namespace cnf {

/// Validation rows that are as dear as the picture of a run over D columns; 0 if it has none.
double picture_cost(Index D);

/// `density`: what the run was trained on, or null and `train` its rows. Nothing if the run has no picture. Throws
/// ComputationError if the model's solves fail, before long.
void draw_run_picture(const std::filesystem::path& path, const ModelFile& file, const Density* density,
                      const Batch& train, const EvaluationOptions& evaluation, Progress::Mode progress, Links links);

}  // namespace cnf
