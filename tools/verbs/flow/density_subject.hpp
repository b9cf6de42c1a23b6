// What cnf density draws: a model, and which kind of picture its columns and options make.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/rows.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/flow/density_curve.hpp"
#include "tools/verbs/flow/slice_argument.hpp"

namespace cnf {

struct Subject {
  ModelArgument opened;
  std::optional<Slice> slice{};
  std::shared_ptr<RowReader> points{};  ///< of --points; null: none

  const Cnf& model() const { return opened.file.model; }
  bool curve() const { return model().dim() == 1; }
  bool plane() const { return model().dim() == 2 || slice; }
  /// Names of the plane's columns.
  std::vector<std::string> columns() const;
};

/// Opens the model and the file of --points. Throws UsageError for options that do not belong to the model's kind of
/// picture, and where their numbers are too few or too many for it.
Subject open_subject(const Args& args);

/// What lies beside a curve or in a corner: the rows of --points, else the run's training rows, else draws of the
/// density it was trained on, if one of these is there. `verb` says on standard error what is left out.
RowsBeside rows_beside(const Subject& subject, Seed seed, const std::string& verb);
/// Of a run: draws of its density, or the rows it trains on, of more than 200,000 evenly chosen ones: a large table is
/// not held twice.
RowsBeside rows_beside(const Density* density, const Batch& train, Seed seed);

}  // namespace cnf
