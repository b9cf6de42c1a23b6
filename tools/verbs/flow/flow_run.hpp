// A run of a flow, from what it is told or from its folder, to its end: what cnf train and cnf straighten do.
#pragma once

#include <optional>

#include "tools/cli/args.hpp"
#include "tools/cli/verb.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/run/run_folder.hpp"

namespace cnf {

/// What a new run is made of, each opened once.
struct Beginning {
  const Args& said;  ///< which outlives it
  Args recipe;       ///< checked (check_recipe)
  DataArgument data;
  std::optional<ModelArgument> init;
  RunFolder folder;
};

/// The work of a new run, whose data are read and whose model is made by now; of a dry run none. Throws what reading
/// throws.
Work begin_run(Beginning from);

/// Goes on with the run of --resume, to its end. Returns the exit code.
int run_resume(const Args& args);
/// Reads all that it would go on from, and says where.
void rehearse_resume(const Args& said, const RunFolder& folder);

}  // namespace cnf
