#include "tools/run/accuracy.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "base/utf8.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/objective_options.hpp"
#include "tools/run/straightness.hpp"

namespace cnf {

namespace {

/// What an accuracy decides.
constexpr const char* kDecided[] = {"solver", "rtol", "atol", "norm", "logp-tol", "controller", "min-step", "max-step"};

bool solver_is_given(const Args& args) {
  const auto given = [&](const char* name) { return args.given(name); };
  return std::ranges::any_of(kDecided, given) || given("divergence") || given("precision");
}

/// Measures it, says so, and puts it into `kept`, which goes into the run folder if there is one.
const MeasuredEvaluation& measure(const Args& args, const ModelArgument& opened, Way way, const EvaluationOptions& as,
                                  std::optional<Precision> precision, KeptEvaluations& kept) {
  const bool quiet = args.flag("quiet");
  kept.found.push_back(measure_evaluation(opened.file.model, args.real("accuracy"), way, as, precision));
  std::string where;
  if (opened.run && as.divergence.kind != DivergenceChoice::Kind::hutchinson) {
    try {
      keep_evaluations(opened.run->evaluation(), kept);
      where = "; kept in " + opened.run->evaluation().string();
    } catch (const OutputError&) {  // of a folder that is not ours it is measured each time
    }
  }
  if (!quiet) write_stderr("cnf " + args.verb() + ": " + text(kept.found.back()) + where + '\n');
  return kept.found.back();
}

}  // namespace

Option accuracy_option() {
  return {.name = "accuracy",
          .value = "NATS",
          .kind = Kind::real,
          .range = Range::open(0, 1),
          .help =
              "Right to so many nats, in place of a solver and its tolerances: what meets it at least cost is "
              "measured once, on samples of the model, and kept in the run folder.",
          .group = "Solver"};
}

void check_accuracy(const Args& args) {
  if (!args.given("accuracy")) return;
  for (const char* name : kDecided)
    if (args.given(name))
      throw UsageError("--accuracy and --" + std::string(name) + " were both given",
                       "an accuracy is met by a method and tolerance that are measured; give one of them");
}

ChosenEvaluation choose_evaluation(const Args& args, const ModelArgument& opened, Way way,
                                   std::function<void(Index rows)> progress, Default by) {
  check_accuracy(args);
  ChosenEvaluation chosen{evaluation_from(args, std::move(progress)), {}};
  const bool asked = args.given("accuracy");
  const bool may_be_few = by == Default::few_steps;
  if (!asked && (!opened.run || (way != Way::to_base && !may_be_few) || solver_is_given(args))) return chosen;
  KeptEvaluations kept;
  if (opened.run) kept = kept_evaluations(opened.run->evaluation(), opened.file.model, opened.file.digest);
  if (!kept.ignored.empty() && !args.flag("quiet"))
    write_stderr("cnf " + args.verb() + ": warning: " + printable(opened.run->evaluation().native()) + ": " +
                 kept.ignored + ", and not used\n");
  if (!asked && may_be_few && kept.certificate) {
    kept.certificate->solver.apply_to(chosen.options);
    if (!args.flag("quiet"))
      write_stderr("cnf " + args.verb() + ": by " + text(*kept.certificate) + "; --rtol 1e-5 is exact\n");
    return chosen;
  }
  if (!asked && (!kept.trained_for || way != Way::to_base)) return chosen;
  std::optional<Precision> precision;
  if (args.given("precision")) precision = chosen.options.precision;
  const bool estimated = chosen.options.divergence.kind == DivergenceChoice::Kind::hutchinson;
  const MeasuredEvaluation* found =
      estimated ? nullptr : kept.find(asked ? args.real("accuracy") : *kept.trained_for, way, precision);
  if (found == nullptr && !asked) return chosen;
  if (found == nullptr) found = &measure(args, opened, way, chosen.options, precision, kept);
  found->apply_to(chosen.options);
  chosen.measured = *found;
  return chosen;
}

std::optional<double> accuracy_of_run(const Args& args, Index dim, std::int64_t steps) {
  constexpr double kByDefault = 1e-4;    // what dopri5 at 1e-5, the default without it, has of 999 rows in 1000
  constexpr double kEnoughRows = 500e3;  // 1000 updates of 512: measuring takes as long as some 100
  constexpr double kRowsForOne = 16;     // of flow matching, which makes no solves, for one of likelihood
  constexpr Index kMostColumns = 4;      // of more, training estimates what an evaluation computes
  if (args.given("accuracy")) return args.real("accuracy");
  const bool solves = traits(objective_from(args)).solves;
  const std::int64_t warm = solves ? std::min(steps, args.integer("warm-start")) : steps;
  const double updates = static_cast<double>(warm) / kRowsForOne + static_cast<double>(steps - warm);
  if (dim > kMostColumns || updates * static_cast<double>(args.integer("batch")) < kEnoughRows) return std::nullopt;
  return kByDefault;
}

double measuring_cost(const Args& args, Index dim, const FlowTrainOptions& options) {
  constexpr double kValidations = 10;
  const double a_second = options.objective.flow() != nullptr ? 100 : 1600;  // steps of a fast machine
  const auto steps = options.steps > 0 ? options.steps : static_cast<std::int64_t>(a_second * options.seconds);
  return accuracy_of_run(args, dim, options.warm_start + steps) ? kValidations : 0;
}

std::string measure_run(const Args& args, const RunFolder& run, double accuracy, JsonReport& report) {
  EvaluationOptions as;
  as.threads = threads_from(args);
  as.solve.stop = interrupt_flag();
  const ModelFile file = read_model(run.model());
  try {
    const MeasuredEvaluation measured = measure_evaluation(file.model, accuracy, Way::to_base, as);
    keep_evaluations(run.evaluation(), {file.digest, {measured}, accuracy, {}, {}});
    report.set("evaluation", cnf::report(measured));
    return "; evaluated by " + text(measured);
  } catch (const ComputationError& error) {
    if (!args.given("accuracy")) return "";
    write_stderr("cnf " + args.verb() + ": warning: " + error.what() + "; --rtol says how to evaluate the model\n");
    return "";
  }
}

std::string text(const MeasuredEvaluation& measured) {
  const std::string by = measured.frozen
                             ? "order " + std::to_string(measured.frozen->grids.front().order) + ", " +
                                   std::to_string(measured.frozen->steps()) + " frozen steps"
                             : std::string(measured.method.name()) + " at " + significant(measured.tolerance, 2);
  return by + ", in " + std::string(name(measured.precision)) + ": largest error " + significant(measured.error, 2) +
         " nats of " + std::to_string(measured.rows) + " rows, " + significant(measured.evaluations, 3) +
         " evaluations a row";
}

JsonReport report(const MeasuredEvaluation& measured) {
  JsonReport report;
  report.set("accuracy", measured.accuracy).set("precision", name(measured.precision));
  report.set("method", measured.frozen ? "frozen grid" : measured.method.name());
  if (measured.frozen) {
    report.set("order", measured.frozen->grids.front().order).set("steps", measured.frozen->steps());
    report.set("limit", measured.frozen->limit);
  } else {
    report.set("tolerance", measured.tolerance);
  }
  report.set("error", measured.error).set("rows", static_cast<std::int64_t>(measured.rows));
  return report.set("evaluations", measured.evaluations);
}

}  // namespace cnf
