// What `cnf compare` compares: models and simple densities, and the rows that are held out from all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/rows/data_argument.hpp"
#include "tools/rows/points.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/flow/baseline_fits.hpp"

namespace cnf {

/// A model, or the word for a simple density.
struct Candidate {
  std::string name;                    ///< as typed, on one line
  std::optional<ModelArgument> model;  ///< none: a simple density, of that kind
  BaselineKind baseline{};
};

/// Rows of the runs among the candidates.
struct RunRows {
  std::optional<SplitRows> rows;     ///< of the first run that was trained on a table,
  std::string of, other;             ///< this one; and of another run that was split otherwise, if there is one
  std::vector<std::string> unknown;  ///< models whose rows are not known
  std::vector<std::uint64_t> known;  ///< digests, sorted, of all rows that a run was trained on or chosen by
};

struct Contest {
  std::vector<Candidate> candidates;
  std::optional<DataArgument> data;
  RunRows runs;
  std::string name;          ///< of what the runs were trained on
  bool splits_file = false;  ///< --data is a table of which a part is judged by: --valid and --test

  const Cnf* model() const;  ///< whose columns count; null: no model
  std::vector<BaselineKind> baselines() const;
};

/// Opens them by --data --valid --test and MODEL ....
/// UsageError: a word twice, nothing to judge by. InputError: what is no model; models of other columns than the
/// others'; runs that were split otherwise, where it is their rows that are asked for.
Contest open_contest(const Args& args);

/// Points to judge by, and what baselines are fitted to.
struct HeldOut {
  Points points;
  FitRows fit;       ///< empty without a baseline
  std::string said;  ///< of `fit`: "2400 rows that runs/8g was trained on"
};
/// Reads --data if a part of it is fitted to.
HeldOut held_out(const Args& args, Contest& contest);

}  // namespace cnf
