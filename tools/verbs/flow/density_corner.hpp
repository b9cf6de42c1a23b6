// A model of many columns: the densities of every column and pair, from its samples, beside those of its data.
#pragma once

#include "tools/cli/progress.hpp"
#include "tools/verbs/flow/density_curve.hpp"

namespace cnf {

inline constexpr Index kMostCornerColumns = 12;
/// Samples of a run's own corner picture, the most; of a small table it has five for each of its rows.
inline constexpr Index kCornerSamples = 20'000;

/// --columns.
Option corner_columns_option();

/// The picture of the columns that --columns names, or of all, as `args` of cnf density say; of more than 12 the first
/// 12, which is said on standard error. Throws UsageError for columns that are unknown, or not 2 to 12.
int run_density_corner(const Args& args, const ModelArgument& opened, const RowsBeside& data);
/// What of it can be refused beforehand.
std::vector<Index> corner_columns(const Args& args, const std::vector<std::string>& columns);

/// The same as a run's own picture, of up to 12 columns. Throws ComputationError if the solves fail, before long.
void draw_density_corner(const std::filesystem::path& path, const ModelFile& file, const RowsBeside& data,
                         const EvaluationOptions& evaluation, Progress::Mode progress, Links links);

}  // namespace cnf
