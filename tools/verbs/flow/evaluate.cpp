// cnf evaluate: how good a model is, with error bars: NLL, KL to a known truth, total mass, evaluations, baselines.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "datasets/split.hpp"
#include "flows/judge/comparison.hpp"
#include "flows/judge/mass.hpp"
#include "flows/judge/scores.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/points.hpp"
#include "tools/rows/rehearsal.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/failures.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/flow/baseline_fits.hpp"
#include "tools/verbs/flow/energy_report.hpp"
#include "tools/verbs/flow/verdict.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
/// A model, and what it brings or is given to be judged by.
struct Trial {
  ModelArgument model;
  std::optional<SplitRows> rows;     ///< of its run, if it was trained on a table
  std::optional<DataArgument> data;  ///< of --data, if it was given
};

Points points_to_judge(const Args& args, const Trial& trial) {
  const ModelFile& file = trial.model.file;
  Points points;
  if (trial.data) {
    points.name = trial.data->name;
    points.density = trial.data->density;
    if (trial.data->table()) points.reader = open_data_rows(args.text("data"), file.model, row_options(args));
  } else if (trial.rows) {
    if (trial.rows->test.cols() == 0)
      throw InputError(trial.model.path.string() +
                       ": the run kept no rows to test on; --data says what to evaluate on");
    points.name = "test rows of " + data_name(file);
    points.rows = trial.rows->test;
  } else if ((points.density = known_density(trial.model))) {
    points.name = data_name(file);
  } else {
    throw UsageError("the model brings no data to evaluate it on; --data says on what",
                     "a built-in set (cnf data --list), FILE.npy, FILE.csv or FILE.pgm");
  }
  if (points.density) {
    expect_dimensions(file.model, *points.density);
    points.limit = args.integer("num");
  } else if (args.given("num")) {
    points.limit = std::min<Index>(points.limit, args.integer("num"));
  }
  return points;
}

Mass mass_of(const Args& args, const Cnf& model, EvaluationOptions evaluation, PartProgress& progress) {
  evaluation.failing_steps = kFailingSteps;  // where there is no data, and hence little mass, solves may fail
  Evaluator evaluator(model, evaluation);
  progress.begin("point", 0);
  return total_mass(evaluator, model, seed_from(args));
}

/// The flow, and beside it what is fitted to the same training data.
struct Rivals {
  std::vector<Compared> densities;  ///< the flow first
  std::vector<Baseline> baselines;
  Comparison all, unseen{0};  ///< by all points, and by those that were not trained on
};

Rivals fit_rivals(const Args& args, const Trial& trial, const Points& points) {
  const auto fitted = [&](const FitRows& rows) {
    return fit_baselines(args, rows, {kAllBaselines.begin(), kAllBaselines.end()});
  };
  Rivals rivals{{{"flow", "the flow", kComplexityOfFlow}}, {}, Comparison(0)};
  if (trial.rows) {
    rivals.baselines = fitted({trial.rows->train, trial.rows->validation});
  } else {
    const std::shared_ptr<const Density> density = points.density ? points.density : known_density(trial.model);
    if (!density) throw UsageError("--baselines: the model's training data is not known; it needs the run folder");
    rivals.baselines = fitted(rows_to_fit(*density, seed_from(args)));
  }
  for (const Baseline& b : rivals.baselines)
    rivals.densities.push_back({std::string(name(b.kind)), called(b.kind), complexity(b.kind), b.detail});
  rivals.all = rivals.unseen = Comparison(std::ssize(rivals.densities));
  return rivals;
}

/// `seen`: 1 of each row that was trained on, or empty.
void judge_rivals(const Args& args, Rivals& rivals, const Batch& x, const Vector<double>& flow,
                  const std::vector<char>& seen) {
  Matrix<double> log_prob(x.cols(), rivals.all.densities());
  log_prob.col(0) = flow;
  for (std::size_t k = 0; k < rivals.baselines.size(); ++k)
    log_prob.col(static_cast<Index>(k) + 1) = log_prob_of(args, rivals.baselines[k], x);
  rivals.all.add(log_prob);
  std::vector<Index> unseen;
  for (Index i = 0; i < x.cols(); ++i)
    if (seen.empty() || seen[static_cast<std::size_t>(i)] == 0) unseen.push_back(i);
  rivals.unseen.add(log_prob(unseen, Eigen::all));
}

/// What was found.
struct Findings {
  Scores scores;
  Evaluated work;  ///< the counters of all solves
  Index points = 0;
  std::optional<Index> seen;  ///< rows that are among those trained on; none where these are not known
  RunningMean unseen;         ///< -log p of the other rows
  std::int64_t failed = 0;
  std::optional<Mass> mass;  ///< none: not asked for
  double entropy = kUnknown;
  std::optional<Rivals> rivals;                  ///< none: not asked for
  std::optional<MeasuredEvaluation> evaluation;  ///< none: by the solver's options
  std::optional<EnergyFindings> energy;          ///< none: the run had data, or others were given
};

/// Judges by every point, of `found` the rivals too.
void judge(const Args& args, const Trial& trial, Points& points, const EvaluationOptions& evaluation,
           PartProgress& progress, Failures& failures, Findings& found) {
  std::vector<std::uint64_t> known;
  if (trial.rows) known = row_digests(trial.rows->train);
  Evaluator evaluator(trial.model.file.model, evaluation);
  progress.begin("point", points.count());
  Index done = 0;
  found.points = points.for_each_block(seed_from(args), args.verb(), [&](const SampleBatch& samples) {
    const Batch& x = samples.x;
    const Evaluated block = evaluator.log_prob(samples, static_cast<std::uint64_t>(done));
    const auto far_out = [&](Index row) { return far_from_data(trial.model.file.model, x, row); };
    if (points.reader)
      failures.add(block.failures, *points.reader, far_out);
    else
      failures.add(block.failures, static_cast<std::uint64_t>(done), far_out);
    found.work.counters += block.counters;
    found.work.tiles += block.tiles;
    std::vector<char> seen;
    if (!known.empty()) {
      seen = seen_rows(known, x);
      found.seen = found.seen.value_or(0) + std::count(seen.begin(), seen.end(), char{1});
      for (Index i = 0; i < x.cols(); ++i)
        if (seen[static_cast<std::size_t>(i)] == 0 && !std::isnan(block.log_prob[i]))
          found.unseen.add(-block.log_prob[i]);
    }
    found.scores.add(block.log_prob, points.density ? points.density->log_prob(x) : Vector<double>());
    if (found.rivals) judge_rivals(args, *found.rivals, x, block.log_prob, seen);
    done += x.cols();
  });
  progress.finish();
  found.failed = failures.count();
  if (points.density) found.entropy = points.density->entropy();
}

/// "0.5120 higher".
std::string above(double gain) { return shown(std::abs(gain), 4) + (gain < 0 ? " lower" : " higher"); }

/// "log p of the flow is 0.5120 higher, 95 % from 0.4801 to 0.5439".
std::string words(const PairedDifference& gain) {
  if (std::isnan(gain.mean)) return "no row to compare by";
  const std::string text = "log p of the flow is " + above(gain.mean);
  if (std::isnan(gain.half_width)) return text;
  if (gain.level())
    return text + ", 95 % from " + above(gain.low()) + " to " + above(gain.high()) + ": no difference is shown";
  const double near = std::abs(gain.mean) - gain.half_width, far = std::abs(gain.mean) + gain.half_width;
  return text + ", 95 % from " + shown(near, 4) + " to " + shown(far, 4);
}

void set(JsonReport& report, const std::string& prefix, const Comparison& comparison, Index k) {
  const PairedDifference gain = comparison.difference(0, k);
  report.set(prefix + "nll", comparison.nll(k)).set(prefix + "nll_stderr", comparison.nll_error(k));
  report.set(prefix + "gain", gain.mean).set(prefix + "gain_low", gain.low()).set(prefix + "gain_high", gain.high());
}

/// By the rows that were not trained on, where there are such.
const Comparison& fair(const Rivals& rivals) { return rivals.unseen.rows() > 1 ? rivals.unseen : rivals.all; }

void report_rivals(JsonReport& report, const std::optional<Rivals>& rivals) {
  std::vector<JsonReport> list;
  for (Index k = 1; rivals && k < rivals->all.densities(); ++k) {
    const Compared& density = rivals->densities[static_cast<std::size_t>(k)];
    JsonReport& one = list.emplace_back();
    one.set("name", density.name).set("detail", density.detail);
    set(one, "", rivals->all, k);
    set(one, "unseen_", rivals->unseen, k);
  }
  report.set("baselines", list);
  if (!rivals) {
    report.set_unknown("verdict");
    return;
  }
  report.set("verdict", cnf::report(fair(*rivals), judge(fair(*rivals), rivals->densities), rivals->densities));
}

using Line = std::function<void(const std::string& key, const std::string& value)>;

void say_rivals(const Rivals& rivals, const Line& line) {
  const auto nll = [](const Comparison& comparison, Index k) {
    return with_error(comparison.nll(k), comparison.nll_error(k)) + " nats";
  };
  for (Index k = 1; k < rivals.all.densities(); ++k) {
    const Compared& density = rivals.densities[static_cast<std::size_t>(k)];
    line(density.name, nll(rivals.all, k) + ", " + density.detail);
    line("", words(rivals.all.difference(0, k)));
    if (rivals.unseen.rows() < rivals.all.rows())
      line("  unseen", nll(rivals.unseen, k) + "; " + words(rivals.unseen.difference(0, k)));
  }
  const Comparison& by = fair(rivals);
  line("verdict", text(by, judge(by, rivals.densities), rivals.densities) +
                      (by.rows() < rivals.all.rows() ? ", by the unseen rows" : ""));
}

JsonReport report(const Findings& found) {
  const RunningMean &nll = found.scores.nll(), &kl = found.scores.kl();
  JsonReport report;
  report.set("nll", nll.value()).set("nll_stderr", nll.standard_error()).set("entropy", found.entropy);
  report.set("kl", kl.value()).set("kl_stderr", kl.standard_error());
  const bool known = found.mass && found.mass->resolved();
  report.set("mass", known ? found.mass->value : kUnknown).set("mass_stderr", known ? found.mass->error : kUnknown);
  report.set("nfe_mean", found.work.nfe_mean());
  report.set("points", static_cast<std::int64_t>(found.points));
  if (found.seen)
    report.set("seen_rows", static_cast<std::int64_t>(*found.seen));
  else
    report.set_unknown("seen_rows");
  const bool apart = found.seen.has_value();
  report.set("unseen_nll", apart ? found.unseen.value() : kUnknown);
  report.set("unseen_nll_stderr", apart ? found.unseen.standard_error() : kUnknown);
  report.set("failed_rows", found.failed);
  if (found.evaluation)
    report.set("evaluation", cnf::report(*found.evaluation));
  else
    report.set_unknown("evaluation");
  if (found.energy) report.set("energy", cnf::report(*found.energy));
  report_rivals(report, found.rivals);
  return report;
}

std::string text(const Findings& found, const Points& points) {
  const RunningMean &nll = found.scores.nll(), &kl = found.scores.kl();
  std::string text;
  const Line line = [&](const std::string& key, const std::string& value) { text += padded(key, 12) + value + '\n'; };
  line("data",
       one_line(points.name) + ", " + std::to_string(found.points) + (points.density ? " fresh draws" : " rows"));
  line("NLL", with_error(nll.value(), nll.standard_error()) + " nats, the mean of -log p");
  if (points.density) {
    line("entropy", shown(found.entropy, 4) + " nats, the least NLL there is");
    line("KL", with_error(kl.value(), kl.standard_error()) + " nats, truth to model on the same points");
  }
  if (found.energy)
    for (const auto& [key, value] : lines(*found.energy)) line(key, value);
  if (found.mass)
    line("mass", found.mass->resolved() ? shown(found.mass->value, 4) + " ± " + shown(found.mass->error, 4) +
                                              ", the integral of the density"
                                        : "not resolved: the density is too narrow in places, or its solves fail");
  line("NFE", shown(found.work.nfe_mean(), 1) + " evaluations of the network a solve");
  if (found.evaluation) line("solved", cnf::text(*found.evaluation));
  if (found.seen) line("seen", std::to_string(*found.seen) + " rows were trained on");
  if (found.seen.value_or(0) > 0)
    line("unseen", with_error(found.unseen.value(), found.unseen.standard_error()) + " nats, the NLL of the other " +
                       std::to_string(found.unseen.count()) + " rows");
  if (found.failed > 0) line("failed", std::to_string(found.failed) + " rows, left out");
  if (found.rivals) say_rivals(*found.rivals, line);
  return text;
}

int run_evaluate(const Args& args, const Trial& trial) {
  const Cnf& model = trial.model.file.model;
  Points points = points_to_judge(args, trial);
  PartProgress progress(Progress::mode(args.text("progress"), args.flag("quiet")));
  warn_of_tolerance(args);
  Failures failures(args);
  const ChosenEvaluation chosen = choose_evaluation(args, trial.model, Way::to_base, [&](Index n) { progress.add(n); });
  Findings found;
  if (args.flag("baselines")) found.rivals = fit_rivals(args, trial, points);
  judge(args, trial, points, chosen.options, progress, failures, found);
  if (found.rivals && found.points < 2)
    throw UsageError("--baselines: one point says nothing of an error; 2 or more are needed");
  found.evaluation = chosen.measured;
  if (const auto energy = trial.data ? nullptr : known_energy(trial.model)) {
    Evaluator evaluator(model, chosen.options);
    found.energy = judge_by_energy(evaluator, *energy, seed_from(args), args.integer("num"), progress, failures);
  }
  if (model.dim() <= 2 && !args.flag("no-mass")) {
    found.mass = mass_of(args, model, chosen.options, progress);
    progress.finish();
  }
  failures.say();
  if (found.seen.value_or(0) > 0)
    write_stderr("cnf evaluate: warning: " + std::to_string(*found.seen) + " of " + std::to_string(found.points) +
                 " rows equal rows the model was trained on (repeated in the data, or leaked); its numbers may flatter "
                 "it\n");
  write_stdout(args.flag("json") ? report(found).text() : text(found, points));
  return 0;
}

Work prepare_evaluate(const Args& args) {
  row_options(args);
  check_accuracy(args);
  Trial trial{.model = open_model(args.path("model")), .rows = {}, .data = {}};
  trial.rows = trial.model.split();
  if (args.given("data")) {
    trial.data = find_data(args.text("data"), args.flag("invert"));
    if (!trial.data->table())
      expect_dimensions(trial.model.file.model, *trial.data->density);
    else if (args.flag("dry-run"))
      rehearse_rows(args, *open_data_rows(args.text("data"), trial.model.file.model, row_options(args)));
  }
  return [&args, trial = std::move(trial)] { return run_evaluate(args, trial); };
}

}  // namespace

Verb evaluate_verb() {
  return {.name = "evaluate",
          .summary = "Measure a model, with error bars, and compare it with baselines",
          .examples = {"cnf evaluate runs/8g", "cnf evaluate runs/8g --data 8gaussians -N 50000 --json",
                       "cnf evaluate runs/table --data new.csv --baselines"},
          .positionals = {model_argument()},
          .options = joined(
              {points_options("Not given: the run's test rows, or fresh draws of the set it was trained on."),
               table_options(),
               {{.name = "baselines",
                 .help = "Judge a Gaussian, a mixture and a kernel estimate by the same points, and the flow beside "
                         "each, row by row; and say which is best.",
                 .group = "Data"},
                {.name = "no-mass",
                 .help = "Leave out the mass, the integral of the density of one or two columns (1 if all is right).",
                 .group = "Data"}},
               evaluation_options(),
               {accuracy_option(), on_error_option()},
               common_options()}),
          .prepare = prepare_evaluate};
}

}  // namespace cnf
