// What a run trains on: points drawn from a density, or the rows of a table, split.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/standardisation.hpp"
#include "datasets/density.hpp"
#include "flows/training/flow_task.hpp"
#include "tools/cli/args.hpp"
#include "tools/run/run_folder.hpp"

namespace cnf {

/// What is trained on: a density to draw from, or the rows of a table.
struct TrainingSource {
  std::shared_ptr<const Density> density;  ///< null for a table
  SplitRows rows;
  std::vector<std::string> columns;
  Standardisation standardisation;
};

/// Reads --data, splits it by --split, or --valid and --test, and standardises by the training rows.
TrainingSource table_source(const Args& args, Seed seed);

/// The standardisation of a density, from points of its own; training sees samples only.
Standardisation standardise_draws(const Density& density, Seed seed);

/// Points or rows that a validation of this source looks at.
Index validation_rows(const TrainingSource& source);

/// Batches and validation points as `train` wants them. A table's training rows are read where they are, in `source`.
TrainingData training_data(const TrainingSource& source, Seed seed);

}  // namespace cnf
