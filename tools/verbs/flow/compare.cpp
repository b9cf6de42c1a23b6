// cnf compare: models and simple densities on the same held-out rows, and which of them to take.
#include <algorithm>

#include "base/error.hpp"
#include "datasets/split.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/pictures/picture_size.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/failures.hpp"
#include "tools/verbs/flow/compared_models.hpp"
#include "tools/verbs/flow/comparison_report.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

/// A candidate made ready to judge rows.
struct Judge {
  const Cnf* model = nullptr;  ///< null: a simple density
  std::optional<Evaluator> evaluator{};
  std::optional<Failures> failures{};
  Baseline baseline{};
};

std::vector<Judge> judges(const Args& args, const Contest& contest, const FitRows& fit, PartProgress& progress) {
  std::vector<Baseline> fitted;
  if (const std::vector<BaselineKind> kinds = contest.baselines(); !kinds.empty())
    fitted = fit_baselines(args, fit, kinds);
  std::vector<Judge> all;
  for (const Candidate& candidate : contest.candidates) {
    Judge& judge = all.emplace_back();
    if (candidate.model) {
      judge.model = &candidate.model->file.model;
      judge.failures.emplace(args, candidate.name);
      judge.evaluator.emplace(*judge.model, choose_evaluation(args, *candidate.model, Way::to_base, [&](Index n) {
                                              progress.add(n);
                                            }).options);
      continue;
    }
    const auto found = std::find_if(fitted.begin(), fitted.end(),
                                    [&](const Baseline& baseline) { return baseline.kind == candidate.baseline; });
    if (found == fitted.end())
      throw InputError(std::string(name(candidate.baseline)) + ": " + std::to_string(fit.train.cols()) +
                       " rows to fit it to are too few");
    judge.baseline = std::move(*found);
  }
  return all;
}

/// Columns `kept` of x.
SampleBatch some_of(const SampleBatch& samples, const std::vector<Index>& kept) {
  if (std::ssize(kept) == samples.x.cols()) return samples;
  return {samples.x(Eigen::all, kept), {}};
}

/// Those that no run has seen.
std::vector<Index> unseen(const std::vector<std::uint64_t>& known, const Batch& x) {
  const std::vector<char> seen = known.empty() ? std::vector<char>() : seen_rows(known, x);
  std::vector<Index> kept;
  for (Index i = 0; i < x.cols(); ++i)
    if (seen.empty() || seen[static_cast<std::size_t>(i)] == 0) kept.push_back(i);
  return kept;
}

/// Log-densities of a model at a block's rows `kept`, whose own first has the number `first` among all of them.
Vector<double> log_prob_of(Judge& judge, const Points& points, const SampleBatch& samples,
                           const std::vector<Index>& kept, std::uint64_t block, std::uint64_t first) {
  Evaluated found = judge.evaluator->log_prob(samples, first);
  const auto place = [&](Index row) { return kept[static_cast<std::size_t>(row)]; };
  const auto far_out = [&](Index row) {
    const auto at = std::lower_bound(kept.begin(), kept.end(), row);
    return far_from_data(*judge.model, samples.x, at - kept.begin());
  };
  for (Status& status : found.failures) status.row = place(status.row);
  if (points.reader)
    judge.failures->add(found.failures, *points.reader, far_out);
  else
    judge.failures->add(found.failures, block, far_out);
  return std::move(found.log_prob);
}

Compared compared(const Candidate& candidate, const Judge& judge) {
  if (candidate.model) return {candidate.name, candidate.name, kComplexityOfFlow};
  return {candidate.name, called(candidate.baseline), complexity(candidate.baseline), judge.baseline.detail};
}

ComparisonReport compare(const Args& args, Contest& contest) {
  const Seed seed = seed_from(args);
  PartProgress progress(Progress::mode(args.text("progress"), args.flag("quiet")));
  HeldOut held = held_out(args, contest);
  std::vector<Judge> all = judges(args, contest, held.fit, progress);
  held.fit = {};
  const Index K = std::ssize(all);
  ComparisonReport report{.data = held.points.name, .draws = held.points.density != nullptr, .fitted_to = held.said};
  report.comparison = Comparison(K);
  std::vector<std::uint64_t> known;
  if (!report.draws) known = std::move(contest.runs.known);
  progress.begin("log p", held.points.count() * K);
  std::uint64_t read = 0, judged = 0;
  held.points.for_each_block(seed, args.verb(), [&](const SampleBatch& block) {
    const std::vector<Index> kept = unseen(known, block.x);
    const SampleBatch samples = some_of(block, kept);
    const Index n = samples.x.cols();
    Matrix<double> log_prob(n, K);
    for (Index k = 0; k < K && n > 0; ++k) {
      Judge& judge = all[static_cast<std::size_t>(k)];
      if (judge.evaluator) {
        log_prob.col(k) = log_prob_of(judge, held.points, samples, kept, read, judged);
      } else {
        log_prob.col(k) = log_prob_of(args, judge.baseline, samples.x);
        progress.add(n);
      }
    }
    report.comparison.add(log_prob);
    report.seen += block.x.cols() - n;
    progress.add(K * (block.x.cols() - n));
    read += static_cast<std::uint64_t>(block.x.cols()), judged += static_cast<std::uint64_t>(n);
  });
  progress.finish();
  if (report.seen > 0 && judged < 2)
    throw InputError(held.points.name + ": " + std::to_string(report.seen) + " of " + std::to_string(read) +
                         " rows are among those that a run was trained on or chosen by, and " +
                         (judged == 0 ? "none is" : "one is") + " left to judge by",
                     "--data FILE with other rows; runs of one --seed or --split keep the same rows for it");
  for (std::size_t k = 0; k < all.size(); ++k) {
    report.densities.push_back(compared(contest.candidates[k], all[k]));
    if (all[k].failures) all[k].failures->say();
  }
  if (report.comparison.rows() < 2)
    throw InputError(held.points.name + ": one row says nothing of an error; 2 or more are needed that all have a " +
                     "density of");
  return report;
}

int run_compare(const Args& args, Contest& contest) {
  warn_of_tolerance(args);
  const ComparisonReport report = compare(args, contest);
  write_stdout(args.flag("json") ? json_of(report).text() : text_of(report));
  if (!args.given("output")) return 0;
  try {
    write_picture(args.path("output"), [&] { return picture_of(report, args); });
  } catch (const std::invalid_argument& error) {  // a size without room
    throw UsageError(error.what());
  }
  return 0;
}

Work prepare_compare(const Args& args) {
  row_options(args);
  check_accuracy(args);
  for (const char* name : {"size", "magnify", "title"})
    if (args.given(name) && !args.given("output"))
      throw UsageError(std::string("--") + name + " is about a picture", "-o FILE.png draws one, .svg and .pdf too");
  if (args.given("output")) check_picture_path(args, "the table goes to standard output");
  auto contest = std::make_shared<Contest>(open_contest(args));
  return [&args, contest] { return run_compare(args, *contest); };
}

std::vector<Option> split_options() {
  const auto share = [](std::string name, Range range, std::string help) {
    return Option{.name = std::move(name),
                  .value = "SHARE",
                  .kind = Kind::real,
                  .initial = "0.1",
                  .range = range,
                  .help = std::move(help),
                  .group = "Data"};
  };
  return {share("test", Range::open(0, 1),
                "Of a table, where it is split: the share judged by. It is split, as cnf train with the same --seed "
                "does, where --test or --valid is given, or a word is and no run brings rows to fit it to."),
          share("valid", {.min = 0, .max = 1, .max_open = true},
                "Of a table that is split: the share that chooses how many components and which bandwidth.")};
}

}  // namespace

Verb compare_verb() {
  return {
      .name = "compare",
      .summary = "Compare models, and simple densities, on the same held-out rows",
      .examples = {"cnf compare runs/a runs/b", "cnf compare runs/a gaussian mixture kde --data table.csv",
                   "cnf compare gaussian mixture kde --data table.csv -o table.png"},
      .positionals = {{.name = "model",
                       .value = "MODEL",
                       .kind = Kind::path,
                       .repeats = true,
                       .min_count = 2,
                       .max_count = 16,
                       .choices = {"gaussian", "mixture", "kde"},
                       .help = "Run folders of cnf train, .safetensors models, and the words gaussian, mixture, "
                               "kde: a Gaussian, a mixture and a kernel estimate, fitted to the rows that the runs "
                               "were trained on. ./kde is a folder.",
                       .required = true}},
      .options = joined(
          {points_options(
               "Rows that a run was trained on or chosen by are left out. Not given: the runs' test rows, or "
               "fresh draws of the set they were trained on."),
           split_options(),
           table_options(),
           evaluation_options(),
           {accuracy_option(), on_error_option()},
           {output_option("FILE", "A picture as .png, .svg or .pdf: how far each is behind the best."), force_option()},
           {size_option("Pixels of the picture."), magnify_option(), title_option()},
           common_options()}),
      .prepare = prepare_compare};
}

}  // namespace cnf
