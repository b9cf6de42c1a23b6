// cnf evaluate: how good a model is, with error bars: NLL, KL to a known truth, total mass, evaluations, baselines.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "base/tiles.hpp"
#include "datasets/baselines.hpp"
#include "datasets/split.hpp"
#include "flows/judge/mass.hpp"
#include "flows/judge/scores.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/verbs/flow/density_picture.hpp"
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

Points points_to_judge(const Args& args, const ModelArgument& opened) {
  Points points;
  points.limit = std::numeric_limits<Index>::max();
  if (args.given("data")) {
    const std::string& argument = args.text("data");
    const DataArgument data = find_data(argument, args.flag("invert"));
    points.name = data.name;
    points.density = data.density;
    if (data.table()) points.reader = open_data_rows(argument, opened.file.model, row_options(args));
  } else if (const std::optional<SplitRows> rows = opened.split()) {
    if (rows->test.cols() == 0)
      throw InputError(opened.path.string() + ": the run kept no rows to test on; --data says what to evaluate on");
    points.name = "test rows of " + data_name(opened.file);
    points.rows = rows->test;
    points.limit = rows->test.cols();
  } else if ((points.density = known_density(opened))) {
    points.name = data_name(opened.file);
  } else {
    throw UsageError("the model brings no data to evaluate it on; --data says on what",
                     "a built-in set (cnf data --list), FILE.npy, FILE.csv or FILE.pgm");
  }
  if (points.density) {
    expect_dimensions(opened.file.model, *points.density);
    points.limit = args.integer("num");
  } else if (args.given("num")) {
    points.limit = std::min<Index>(points.limit, args.integer("num"));
  }
  return points;
}

double mass_of(Evaluator& evaluator, const Cnf& model, Seed seed) {
  const std::optional<double> mass = total_mass(evaluator, model, seed, interrupted);
  if (!mass) throw Interrupted("stopped; nothing is evaluated");
  return *mass;
}

/// What is fitted to the same training data and judged by the same points.
std::vector<Baseline> baselines(const ModelArgument& opened, const Points& points, const Batch& test, Seed seed,
                                int threads) {
  const BaselineOptions options{.threads = threads > 0 ? threads : available_threads()};
  if (const std::optional<SplitRows> rows = opened.split())
    return fit_baselines(rows->train, rows->validation, test, seed, options);
  const std::shared_ptr<const Density> density = points.density ? points.density : known_density(opened);
  if (!density) throw UsageError("--baselines: the model's training data is not known; it needs the run folder");
  const Batch train =
      density->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, kBaselineDraws);
  return fit_baselines(train, Batch(train.rows(), 0), test, seed, options);
}

std::string shown(double x, int digits) {
  if (std::isnan(x)) return "unknown";
  return std::abs(x) < 1e40 ? decimals(x, digits) : shortest(x);
}

std::string with_error(double x, double error) { return shown(x, 4) + " ± " + shown(error, 4) + " nats"; }

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

int run_evaluate(const Args& args) {
  const ModelArgument opened = open_model(args.path("model"));
  const Cnf& model = opened.file.model;
  const Seed seed = seed_from(args);
  const bool want_baselines = args.flag("baselines");
  Points points = points_to_judge(args, opened);
  std::vector<std::uint64_t> known;
  if (const std::optional<SplitRows> rows = opened.split()) known = row_digests(rows->train);

  Evaluator evaluator(model, evaluation_from(args));
  Failures failures(args);
  Progress progress(Progress::mode(args.text("progress"), args.flag("quiet")), "point",
                    points.density || !points.reader ? points.limit : 0);
  Scores scores;
  Counters counters;
  std::int64_t tiles = 0;
  Index done = 0, seen = 0;
  std::vector<Batch> kept;
  for (SampleBatch samples = points.next(0, seed); samples.x.cols() > 0; samples = points.next(done, seed)) {
    const Batch& x = samples.x;
    const Evaluated block = evaluator.log_prob(samples, static_cast<std::uint64_t>(done));
    failures.add(block.failures, static_cast<std::uint64_t>(done));
    counters += block.counters;
    tiles += block.tiles;
    if (!known.empty()) seen += seen_rows(known, x);
    scores.add(block.log_prob, points.density ? points.density->log_prob(x) : Vector<double>());
    done += x.cols();
    if (want_baselines) kept.push_back(x);
    progress.update(done);
    if (interrupted()) throw Interrupted("stopped; nothing is evaluated");
    if (points.reader && block.log_prob.size() < block_rows(model.dim())) break;
  }
  progress.finish();
  if (done == 0) throw InputError(points.name + ": no row of numbers in it");
  const RunningMean &nll = scores.nll(), &kl = scores.kl();
  const double mass = model.dim() == 2 && !args.flag("no-mass") ? mass_of(evaluator, model, seed) : kUnknown;
  const double entropy = points.density ? points.density->entropy() : kUnknown;
  const double nfe = tiles > 0 ? static_cast<double>(counters.evaluations) / static_cast<double>(tiles) : kUnknown;
  std::vector<Baseline> beside;
  if (want_baselines) {
    if (done < 2) throw UsageError("--baselines: one point says nothing of an error; 2 or more are needed");
    Batch test(model.dim(), done);
    Index at = 0;
    for (const Batch& x : kept) test.middleCols(at, x.cols()) = x, at += x.cols();
    beside = baselines(opened, points, test, seed, threads_from(args));
  }
  failures.say();
  if (seen > 0)
    write_stderr(
        "cnf evaluate: warning: " + std::to_string(seen) + " of " + std::to_string(done) +
        " rows equal rows the model was trained on (repeated in the data, or leaked); its numbers may flatter it\n");

  if (args.flag("json")) {
    JsonReport report;
    report.set("nll", nll.value()).set("nll_stderr", nll.standard_error()).set("entropy", entropy);
    report.set("kl", kl.value()).set("kl_stderr", kl.standard_error());
    report.set("mass", mass).set("nfe_mean", nfe).set("points", static_cast<std::int64_t>(done));
    if (known.empty())
      report.set_unknown("seen_rows");
    else
      report.set("seen_rows", static_cast<std::int64_t>(seen));
    report.set("failed_rows", failures.count());
    std::vector<JsonReport> list;
    for (const Baseline& b : beside)
      list.emplace_back()
          .set("name", b.name)
          .set("detail", b.detail)
          .set("nll", -b.log_prob)
          .set("nll_stderr", b.standard_error);
    report.set("baselines", list);
    write_stdout(report.text());
    return 0;
  }
  std::string text;
  const auto line = [&](const std::string& key, const std::string& value) { text += padded(key, 12) + value + '\n'; };
  line("data", one_line(points.name) + ", " + std::to_string(done) + (points.density ? " fresh draws" : " rows"));
  line("NLL", with_error(nll.value(), nll.standard_error()));
  if (points.density) {
    line("entropy", shown(entropy, 4) + " nats, the least NLL there is");
    line("KL", with_error(kl.value(), kl.standard_error()) + ", truth to model on the same points");
  }
  if (!std::isnan(mass)) line("mass", shown(mass, 4) + ", the integral of the density");
  line("NFE", shown(nfe, 1) + " evaluations per solve");
  if (!known.empty()) line("seen", std::to_string(seen) + " rows were trained on");
  if (failures.count() > 0) line("failed", std::to_string(failures.count()) + " rows, left out");
  for (const Baseline& b : beside) line(b.name, with_error(-b.log_prob, b.standard_error) + ", " + b.detail);
  write_stdout(text);
  return 0;
}

void check_evaluate(const Args& args) {
  const ModelArgument opened = open_model(args.path("model"));
  if (args.given("data")) {
    const DataArgument data = find_data(args.text("data"), args.flag("invert"));
    if (!data.table()) expect_dimensions(opened.file.model, *data.density);
  }
}

}  // namespace

Verb evaluate_verb() {
  return {.name = "evaluate",
          .summary = "Measure a model: NLL, KL to a known truth, mass, baselines, with error bars",
          .examples = {"cnf evaluate runs/8g", "cnf evaluate runs/8g --data 8gaussians -N 50000 --json",
                       "cnf evaluate runs/table --data new.csv --baselines"},
          .positionals = {model_argument()},
          .options = joined(
              {{{.name = "data",
                 .value = "DATA",
                 .kind = Kind::path,
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
                 .help = "Judge a Gaussian, a mixture and a kernel estimate by the same points.",
                 .group = "Data"},
                {.name = "no-mass", .help = "Leave the integral over the plane out.", .group = "Data"}},
               evaluation_options(),
               {on_error_option()},
               common_options()}),
          .run = run_evaluate,
          .check = check_evaluate};
}

}  // namespace cnf
