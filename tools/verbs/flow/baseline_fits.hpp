// Simple densities fitted beside a flow: to what, and with what to be seen of it.
#pragma once

#include <string>
#include <vector>

#include "datasets/baselines.hpp"
#include "datasets/density.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

/// What they are fitted to, and what chooses their sizes: with 0 columns a tenth of `train` does.
struct FitRows {
  Batch train, validation;
};

/// Draws of a density that are not those it is judged by.
FitRows rows_to_fit(const Density& density, Seed seed);

/// As --seed, --threads, --progress and --quiet say; stopped by a signal.
std::vector<Baseline> fit_baselines(const Args& args, const FitRows& rows, std::vector<BaselineKind> kinds);

/// As --threads says; stopped by a signal.   Shapes  x: D x N.  Returns: N.
Vector<double> log_prob_of(const Args& args, const Baseline& baseline, const Batch& x);

/// How much a density takes to have: the kinds in their order, then a flow.
int complexity(BaselineKind kind);
inline constexpr int kComplexityOfFlow = static_cast<int>(kAllBaselines.size());

/// "the kernel estimate".
std::string called(BaselineKind kind);

}  // namespace cnf
