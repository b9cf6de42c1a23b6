// A model of one column: its density as a curve, over the histogram of its data.
#pragma once

#include <filesystem>
#include <string>

#include "base/file_writer.hpp"
#include "flows/evaluator.hpp"
#include "flows/files/model_file.hpp"
#include "tools/cli/args.hpp"
#include "tools/draw/curve.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"

namespace cnf {

/// What lies beside a model's curve: values, and what the legend calls them. None: no values.
struct RowsBeside {
  Batch rows{};  ///< D x n
  std::string name{};
};

/// The density of a model of one column, as `args` of cnf density say.
int run_density_curve(const Args& args, const ModelArgument& opened, const RowsBeside& data);

/// The same as a run's own picture, 640 pixels wide. Throws ComputationError if the solves fail, before long.
void draw_density_curve(const std::filesystem::path& path, const ModelFile& file, const RowsBeside& data,
                        const EvaluationOptions& evaluation, Links links);

}  // namespace cnf
