// --accuracy: log p right to so many nats. How that is met at the least cost is measured once a model, and kept beside
// it in the run folder.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "flows/accuracy.hpp"
#include "flows/certificate.hpp"
#include "flows/training/flow_task.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/run/model_argument.hpp"

namespace cnf {

/// --accuracy NATS, for a verb that has evaluation_options() too.
Option accuracy_option();

/// How a verb is to evaluate a model.
struct ChosenEvaluation {
  EvaluationOptions options;
  std::optional<MeasuredEvaluation> measured;  ///< none: by the solver's options
};

/// By --accuracy, or where neither this nor an option of the solver was given, as was measured when the run ended
/// (accuracy_of_run; densities alone). Else evaluation_from(args). What is kept in the run folder is not measured
/// again; what is measured is said, unless --quiet, and kept there if that can be.
/// `Default::few_steps`: of a straightened flow by its few steps, which is said, with their certificate.
/// UsageError: --accuracy beside an option that it decides. ComputationError: it cannot be met.
enum class Default { exact, few_steps };
ChosenEvaluation choose_evaluation(const Args& args, const ModelArgument& opened, Way way,
                                   std::function<void(Index rows)> progress = {}, Default by = Default::exact);

/// What densities of a run have by default, that is measured at its end: --accuracy; without it 1e-4 nats, where that
/// takes a small share of the run. This is told from counts, so that it does not depend on the machine: of one to four
/// columns, and after half a million rows of training by likelihood, or eight million by flow matching.
std::optional<double> accuracy_of_run(const Args& args, Index dim, std::int64_t steps);

/// Validations that measuring at a run's end takes as long as; 0 of a run that is likely not to be measured.
double measuring_cost(const Args& args, Index dim, const FlowTrainOptions& options);

/// At the end of a run: measures how its model's densities have `accuracy`, keeps that as their default and adds it to
/// the report. Returns what there is to say; what cannot be met is a warning, if it was asked for.
std::string measure_run(const Args& args, const RunFolder& run, double accuracy, JsonReport& report);

/// UsageError as above, before any work.
void check_accuracy(const Args& args);

/// "order 4, 15 frozen steps, in float: largest error 0.00073 nats of 512 rows, 17.3 evaluations a row".
std::string text(const MeasuredEvaluation& measured);
JsonReport report(const MeasuredEvaluation& measured);

/// What a run folder keeps, for one model.
struct KeptEvaluations {
  std::string model;  ///< ModelFile::digest
  std::vector<MeasuredEvaluation> found;
  std::optional<double> trained_for;       ///< the accuracy of `found` that densities have by default
  std::optional<Certificate> certificate;  ///< of a straightened flow: samples and log p are by its steps by default
  std::string ignored;                     ///< why the file keeps nothing, if there is one that should

  const MeasuredEvaluation* find(double accuracy, Way way, std::optional<Precision> precision) const;
};

/// Those of the model with this digest. A file that is absent, of another model or not understood keeps nothing.
KeptEvaluations kept_evaluations(const std::filesystem::path& path, const Cnf& model, const std::string& digest);
/// OutputError: it cannot be written.
void keep_evaluations(const std::filesystem::path& path, const KeptEvaluations& kept);

}  // namespace cnf
