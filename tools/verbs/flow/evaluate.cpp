// cnf evaluate: how good a model is, with error bars: NLL, KL to a known truth, total mass, evaluations, baselines.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "base/tiles.hpp"
#include "datasets/baselines.hpp"
#include "datasets/split.hpp"
#include "datasets/toy.hpp"
#include "flows/judge/mass.hpp"
#include "flows/judge/scores.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rehearsal.hpp"
#include "tools/rows/row_notes.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/failures.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/flow/comparison.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr Index kBaselineDraws = 20'000;

/// Points to judge by, in blocks: fresh draws of a density, rows in memory, or rows of a file.
struct Points {
  std::string name;
  std::shared_ptr<const Density> density;
  Batch rows;
  std::unique_ptr<RowReader> reader;
  Index limit = 0;  ///< at most so many

  SampleBatch next(Index done, Seed seed) {
    const EndAtOnce nothing_is_written;
    const Index n = std::min(limit - done, block_rows(density  ? density->dim()
                                                      : reader ? std::ssize(reader->columns())
                                                               : rows.rows()));
    if (n <= 0) return {};
    if (density)
      return {density->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::evaluation),
                              static_cast<std::uint64_t>(done), n),
              {}};
    if (!reader) return {rows.middleCols(done, std::min(n, rows.cols() - done)), {}};
    Batch x(std::ssize(reader->columns()), n);
    const Index got = reader->read(Out<double>(x.data(), x.rows(), x.cols()));
    x.conservativeResize(x.rows(), got);
    return {std::move(x), {}};
  }
};

void expect_dimensions(const Cnf& model, const Density& density) {
  if (model.dim() != density.dim())
    throw InputError(density.name() + ": a set of " + std::to_string(density.dim()) +
                     " dimensions, the model is over " + std::to_string(model.dim()));
}

/// A model, and what it brings or is given to be judged by.
struct Trial {
  ModelArgument model;
  std::optional<SplitRows> rows;     ///< of its run, if it was trained on a table
  std::optional<DataArgument> data;  ///< of --data, if it was given
};

Points points_to_judge(const Args& args, const Trial& trial) {
  const ModelFile& file = trial.model.file;
  Points points;
  points.limit = std::numeric_limits<Index>::max();
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
    points.limit = trial.rows->test.cols();
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

/// What is fitted to the same training data and judged by the same points.
std::vector<Baseline> baselines(const Trial& trial, const Points& points, const Batch& test, Seed seed, int threads,
                                Progress& progress) {
  const BaselineOptions options{.threads = threads > 0 ? threads : available_threads(),
                                .stop = interrupt_flag(),
                                .progress = [&](int done) { progress.update(done, {}, kUnknown); }};
  if (trial.rows) return fit_baselines(trial.rows->train, trial.rows->validation, test, seed, options);
  const std::shared_ptr<const Density> density = points.density ? points.density : known_density(trial.model);
  if (!density) throw UsageError("--baselines: the model's training data is not known; it needs the run folder");
  const Batch train =
      density->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, kBaselineDraws);
  return fit_baselines(train, Batch(train.rows(), 0), test, seed, options);
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
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
  std::vector<Comparison> baselines;
  std::optional<MeasuredEvaluation> evaluation;  ///< none: by the solver's options
};

/// Every point with what was found of it: its log p, and whether it was trained on (empty: not known).
struct Judged {
  std::vector<Batch> points;
  std::vector<double> log_prob;
  std::vector<char> seen;
};

/// Judges by every point, and keeps them in `kept` if it is not null.
Findings judge(const Args& args, const Trial& trial, Points& points, const EvaluationOptions& evaluation,
               PartProgress& progress, Failures& failures, Judged* kept) {
  const Seed seed = seed_from(args);
  std::vector<std::uint64_t> known;
  if (trial.rows) known = row_digests(trial.rows->train);
  Evaluator evaluator(trial.model.file.model, evaluation);
  progress.begin("point", points.density || !points.reader ? points.limit : 0);
  Findings found;
  Index& done = found.points;
  for (SampleBatch samples = points.next(0, seed); samples.x.cols() > 0; samples = points.next(done, seed)) {
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
    done += x.cols();
    if (kept != nullptr) {
      kept->points.push_back(x);
      kept->log_prob.insert(kept->log_prob.end(), block.log_prob.begin(), block.log_prob.end());
      kept->seen.insert(kept->seen.end(), seen.begin(), seen.end());
    }
    if (points.reader && x.cols() < block_rows(x.rows())) break;
  }
  progress.finish();
  if (done == 0) throw InputError(points.reader ? nothing_left(*points.reader) : points.name + ": no row in it");
  if (points.reader) say_notes(args.verb(), *points.reader);
  if (points.reader && points.reader->ledger().left_out().all() > 0)
    write_stderr("cnf evaluate: " + said_of_left_out(*points.reader) + "\n");
  found.failed = failures.count();
  if (points.density) found.entropy = points.density->entropy();
  return found;
}

Batch side_by_side(const std::vector<Batch>& blocks, Index D, Index N) {
  Batch all(D, N);
  Index at = 0;
  for (const Batch& x : blocks) all.middleCols(at, x.cols()) = x, at += x.cols();
  return all;
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
  std::vector<JsonReport> list;
  for (const Comparison& c : found.baselines) list.push_back(cnf::report(c));
  return report.set("baselines", list);
}

std::string text(const Findings& found, const Points& points) {
  const RunningMean &nll = found.scores.nll(), &kl = found.scores.kl();
  std::string text;
  const auto line = [&](const std::string& key, const std::string& value) { text += padded(key, 12) + value + '\n'; };
  line("data",
       one_line(points.name) + ", " + std::to_string(found.points) + (points.density ? " fresh draws" : " rows"));
  line("NLL", with_error(nll.value(), nll.standard_error()) + ", the mean of -log p");
  if (points.density) {
    line("entropy", shown(found.entropy, 4) + " nats, the least NLL there is");
    line("KL", with_error(kl.value(), kl.standard_error()) + ", truth to model on the same points");
  }
  if (found.mass)
    line("mass", found.mass->resolved() ? shown(found.mass->value, 4) + " ± " + shown(found.mass->error, 4) +
                                              ", the integral of the density"
                                        : "not resolved: the density is too narrow in places, or its solves fail");
  line("NFE", shown(found.work.nfe_mean(), 1) + " evaluations of the network a solve");
  if (found.evaluation) line("solved", cnf::text(*found.evaluation));
  if (found.seen) line("seen", std::to_string(*found.seen) + " rows were trained on");
  if (found.seen.value_or(0) > 0)
    line("unseen", with_error(found.unseen.value(), found.unseen.standard_error()) + ", the NLL of the other " +
                       std::to_string(found.unseen.count()) + " rows");
  if (found.failed > 0) line("failed", std::to_string(found.failed) + " rows, left out");
  for (const Comparison& c : found.baselines)
    for (const auto& [key, value] : lines(c)) line(key, value);
  return text;
}

int run_evaluate(const Args& args, const Trial& trial) {
  const Cnf& model = trial.model.file.model;
  const Seed seed = seed_from(args);
  Points points = points_to_judge(args, trial);
  const Progress::Mode mode = Progress::mode(args.text("progress"), args.flag("quiet"));
  PartProgress progress(mode);
  warn_of_tolerance(args);
  Failures failures(args);
  Judged kept;
  const ChosenEvaluation chosen = choose_evaluation(args, trial.model, Way::to_base, [&](Index n) { progress.add(n); });
  Findings found =
      judge(args, trial, points, chosen.options, progress, failures, args.flag("baselines") ? &kept : nullptr);
  found.evaluation = chosen.measured;
  if (model.dim() <= 2 && !args.flag("no-mass")) {
    found.mass = mass_of(args, model, chosen.options, progress);
    progress.finish();
  }
  if (args.flag("baselines")) {
    if (found.points < 2) throw UsageError("--baselines: one point says nothing of an error; 2 or more are needed");
    const Batch test = side_by_side(kept.points, model.dim(), found.points);
    Progress fits(mode, "baseline", 0);
    for (const Baseline& baseline : baselines(trial, points, test, seed, threads_from(args), fits))
      found.baselines.push_back(
          compare(baseline, Eigen::Map<Vector<double>>(kept.log_prob.data(), test.cols()), kept.seen));
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
              {{{.name = "data",
                 .value = "DATA",
                 .kind = Kind::path,
                 .choices = toy_names(),
                 .help = "A built-in set, a picture, FILE.npy or FILE.csv. Not given: the run's test rows, or fresh "
                         "draws of the set it was trained on.",
                 .group = "Data"},
                {.name = "num",
                 .letter = 'N',
                 .value = "N",
                 .kind = Kind::integer,
                 .initial = "10000",
                 .range = Range::whole(2, 1'000'000'000'000),
                 .help = "Points to draw; of a file or test rows the first N, if given.",
                 .group = "Data"}},
               table_options(),
               {{.name = "baselines",
                 .help = "Judge a Gaussian, a mixture and a kernel estimate by the same points, and the flow beside "
                         "each, row by row.",
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
