// What a run trains on: points drawn from a density, the rows of a table, split, or no data but an energy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/standardisation.hpp"
#include "datasets/density.hpp"
#include "datasets/energies/energy.hpp"
#include "flows/training/flow_task.hpp"
#include "tools/cli/args.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/run/run_folder.hpp"

namespace cnf {

/// What is trained on: a density to draw from, the rows of a table, or an energy.
struct TrainingSource {
  std::shared_ptr<const Density> density;  ///< null for a table; an energy's own, for judging
  SplitRows rows;
  std::vector<std::string> columns;
  Standardisation standardisation;
  std::shared_ptr<const Energy> energy{};  ///< null: there are data
  Batch draws{};                           ///< of --draws: what is trained on in place of the data, which judge
};

/// Reads --data, splits it by --split, or --valid and --test, and standardises by the training rows.
TrainingSource table_source(const Args& args, Seed seed);

/// The standardisation of a density, from points of its own; training sees samples only.
Standardisation standardise_draws(const Density& density, Seed seed);

/// Where a flow towards an energy begins: a normal that reaches over all of it.
Standardisation reach_of(const Energy& energy);
/// -U as what a flow is trained towards.
Target target_of(std::shared_ptr<const Energy> energy);

/// Of what is no table.
TrainingSource source_of(const DataArgument& data, Seed seed);

/// Points or rows that a validation of this source looks at.
Index validation_rows(const TrainingSource& source);

/// Batches and validation points as `train` wants them, or its target with --anneal. A table's training rows are read
/// where they are, in `source`.
TrainingData training_data(const TrainingSource& source, const Args& args);

}  // namespace cnf
