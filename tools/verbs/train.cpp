// cnf train: maximum likelihood or flow matching on a built-in set, a picture or a table, into a run folder that
// resumes to the same bits.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/folder.hpp"
#include "datasets/picture.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/data_argument.hpp"
#include "tools/density_picture.hpp"
#include "tools/evaluation_arguments.hpp"
#include "tools/recipe.hpp"
#include "tools/run_folder.hpp"
#include "tools/run_log.hpp"
#include "tools/training_source.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Everything a run is, before its first step or its next.
struct Run {
  RunFolder folder;
  Recipe recipe;
  TrainingSource source;
  ModelFile file;
};

std::string numbers_json(const MetricsRow& row, double best_nll, std::int64_t best_step) {
  JsonReport report;
  report.set("validation_nll", best_nll).set("best_step", best_step).set("steps", row.step);
  report.set("nfe_validation", row.nfe_validation).set("skipped", row.skipped).set("rollbacks", row.rollbacks);
  return report.text(-1);
}

/// The text as one word of a shell.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@%-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

template <class T>
int train_to_end(const Args& args, Run run, TrainingState<T> state) {
  const Seed seed{run.recipe.seed};
  const TrainingData data = training_data(run.source, seed);
  TrainOptions options = train_options(run.recipe, run.file.precision, threads_from(args));
  const bool quiet = args.flag("quiet");
  const double started = seconds_now();
  const std::int64_t first_step = state.step;

  RunLog metrics(run.folder.metrics(), kMetricsHeader, state.step);
  RunLog timing(run.folder.timing(), "step,seconds\n", state.step);
  const double before = timing.last();  // of earlier sessions
  const std::int64_t steps_in_all = options.steps > 0 ? options.warm_start + options.steps : 0;
  Progress progress(Progress::mode(args.text("progress"), quiet), "step", steps_in_all);
  MetricsRow last;
  last.validation_nll = last.kl = std::numeric_limits<double>::quiet_NaN();

  std::int64_t rollbacks = state.rollbacks;
  const bool by_seconds = options.steps == 0;
  const bool complete = steps_in_all > 0 && state.step >= steps_in_all;

  TrainHooks<T> hooks;
  hooks.clock = seconds_now;
  hooks.interrupted = interrupted;
  hooks.step = [&](const TrainingState<T>& now, double loss, double nfe) {
    const double elapsed = seconds_now() - started;
    const double fraction =
        now.steps > 0 ? static_cast<double>(now.step) / static_cast<double>(now.steps) : elapsed / options.seconds;
    std::vector<Progress::Field> fields;
    if (objective_of_step(options, now.step - 1) == ObjectiveKind::likelihood)
      fields = {{"nll", loss}, {"evaluations", nfe}};
    else
      fields = {{"matching", loss}};
    if (!std::isnan(last.validation_nll)) fields.push_back({"validation", last.validation_nll});
    if (!std::isnan(last.kl)) fields.push_back({"kl", last.kl});
    if (now.rollbacks > rollbacks && !quiet)
      progress.note("cnf train: step " + std::to_string(now.step) +
                    ": its solves fail; back to the last sound weights, at half the rate");
    rollbacks = now.rollbacks;
    progress.update(now.step, fields, fraction);
  };
  hooks.steps_fixed = [&](std::int64_t steps) {
    run.recipe.steps = steps;
    run.recipe.seconds = 0;
  };
  hooks.metrics = [&](const MetricsRow& row) {
    last = row;
    metrics.add(metrics_line(row));
    timing.add(std::to_string(row.step) + ',' + shortest(before + seconds_now() - started) + '\n');
  };
  const auto save_model = [&](const TrainingState<T>& now) {
    ModelFile best = run.file;
    best.model = best_model(run.file.model, now);
    best.recipe = recipe_json(run.recipe);
    best.numbers = numbers_json(last, now.best_nll, now.best_step);
    write_file(run.folder.model(), model_bytes(best));
  };
  hooks.checkpoint = [&](const TrainingState<T>& now) {
    ModelFile file = run.file;
    file.recipe = recipe_json(run.recipe);
    // The model first: killed in between, a run goes on from the state before it and writes the same model again.
    // Between validations (when interrupted) the model file stays that of the last one.
    if (std::isfinite(now.best_nll) && last.step == now.step) save_model(now);
    write_file(run.folder.training(), training_bytes<T>({file, now}));
  };

  const TrainEnd end = train<T>(run.file.model, data, options, state, hooks);
  progress.finish();
  const std::string folder = run.folder.folder.string();
  if (end == TrainEnd::interrupted)
    throw Interrupted("stopped after step " + std::to_string(state.step) + "; the run is saved",
                      "go on with: cnf train --resume " + shell_word(folder));
  if (!std::isfinite(state.best_nll))
    throw ComputationError("no validation of the run was finite; there is no model to keep",
                           "lower --lr or set --clip");
  const double seconds = seconds_now() - started;
  if (run.file.model.dim() == 2)
    write_file(run.folder.picture(),
               density_png(read_model(run.folder.model()), run.source.density.get(), options.evaluation));
  // The best weights once more, for what the state does not keep of their validation.
  const Validation best = validate(best_model(run.file.model, state), data, options.evaluation);
  if (args.flag("json")) {
    JsonReport report;
    report.set("model", folder).set("seconds", seconds).set("steps", state.step).set("best_step", state.best_step);
    report.set("validation_nll", best.nll).set("validation_nll_stderr", best.nll_stderr).set("kl", best.kl);
    report.set("nfe_mean", best.nfe).set("skipped", state.skipped).set("rollbacks", state.rollbacks);
    write_stdout(report.text());
  }
  if (!quiet) {
    std::ostringstream text;
    if (complete) text << "the run is complete; nothing was left to train\n";
    text << std::fixed << "trained " << state.step - first_step << " steps in " << std::setprecision(1) << seconds
         << " s" << std::setprecision(4) << ": validation NLL " << best.nll << " ± " << best.nll_stderr << " nats";
    if (run.source.density) text << ", entropy " << run.source.density->entropy() << ", KL " << best.kl;
    text << '\n';
    if (state.skipped > 0) text << "skipped " << state.skipped << " steps, " << state.rollbacks << " rollbacks\n";
    if (by_seconds && state.steps > 0) text << "repeat with: --steps " << run.recipe.steps << '\n';
    const bool judged = run.source.density != nullptr || run.source.rows.test.cols() > 0;
    text << "next: cnf "
         << (run.file.model.dim() == 2 ? "density " + shell_word(folder) + " -o density.png"
                                       : (judged ? "evaluate " : "info ") + shell_word(folder))
         << '\n';
    write_stderr(text.str());
  }
  return 0;
}

/// A new run: its data, its model with initial weights, and its folder.
Run new_run(const Args& args) {
  Run run;
  run.recipe = recipe_from(args);
  const Seed seed{run.recipe.seed};
  const std::string& argument = args.text("data");
  run.recipe.invert = args.flag("invert");
  const DataArgument data = find_data(argument, run.recipe.invert);
  run.recipe.data = data.name;
  run.recipe.data_kind = data.toy ? "toy" : data.table() ? "table" : "picture";
  run.folder.folder = args.given("output") ? args.path("output") : fs::path("runs") / fs::path(data.name).stem();
  refuse_overwrite(run.folder.folder, args.flag("force"));
  if (data.table())
    run.source = table_source(args, seed);
  else
    run.source = {data.density, {}, density_columns(*data.density), standardise_draws(*data.density, seed)};

  if (run.recipe.validate_every == 0)
    run.recipe.validate_every = validation_interval(validation_rows(run.source), run.recipe.objective);

  MlpShape shape;
  shape.hidden.assign(args.list("hidden").begin(), args.list("hidden").end());
  for (const Activation activation : kAllActivations)
    if (name(activation) == args.text("activation")) shape.activation = activation;
  shape.time = args.text("time") == "concat" ? TimeConditioning::concat : TimeConditioning::concatsquash;
  shape.output_gate = args.flag("output-gate");
  Cnf& model = run.file.model;
  model = start_flow(shape, run.source.standardisation, seed);
  model.t_data = args.real("t-end");
  model.columns = run.source.columns;
  run.file.precision = args.text("precision") == "double" ? Precision::double_float : Precision::single_float;
  if (model.shape.activation == Activation::relu)
    write_stderr(
        "cnf train: warning: with relu the divergence jumps at the kinks and methods of high order lose their "
        "order; tanh, softplus, silu and sin are smooth\n");
  return run;
}

int run_new(const Args& args) {
  Run run = new_run(args);
  create_folder(run.folder.folder);
  const FolderLock lock(run.folder.folder);
  std::error_code ignored;
  for (const fs::path& old : {run.folder.model(), run.folder.training(), run.folder.rows(), run.folder.source(),
                              run.folder.metrics(), run.folder.timing(), run.folder.picture()})
    fs::remove(old, ignored);
  if (!run.source.density) write_file(run.folder.rows(), split_rows_bytes(run.source.rows));
  if (run.recipe.data_kind == "picture") {
    std::ifstream in(args.text("data"), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    write_file(run.folder.source(), bytes);
  }
  if (run.file.precision == Precision::double_float)
    return train_to_end<double>(args, run, initial_state<double>(run.file.model));
  return train_to_end<float>(args, run, initial_state<float>(run.file.model));
}

/// The rows a table's run was given.
SplitRows rows_of_run(const Run& run) {
  SplitRows rows = read_split_rows(run.folder.rows());
  const Index D = run.file.model.dim();
  if (rows.train.cols() == 0 || rows.train.rows() != D || rows.validation.rows() != D)
    throw InputError(run.folder.rows().string() + ": its rows do not fit the model beside it");
  return rows;
}

template <class T>
int resume_in(const Args& args, Run run) {
  TrainingFile<T> training = read_training<T>(run.folder.training());
  run.file = training.file;
  run.recipe = parse_recipe(training.file.recipe, run.folder.training().string());
  run.source.standardisation = run.file.model.standardisation;
  run.source.columns = run.file.model.columns;
  if (run.recipe.data_kind == "table")
    run.source.rows = rows_of_run(run);
  else if (run.recipe.data_kind == "picture")
    run.source.density = read_picture(run.folder.source(), run.recipe.invert);
  else
    run.source.density = find_data(run.recipe.data, false).density;
  return train_to_end<T>(args, run, std::move(training.state));
}

int run_resume(const Args& args) {
  Run run;
  run.folder.folder = args.path("resume");
  std::error_code error;
  if (!fs::exists(run.folder.training(), error))
    throw InputError(run.folder.folder.string() + ": no training.safetensors in it; there is nothing to resume");
  const FolderLock lock(run.folder.folder);
  return training_precision(run.folder.training()) == Precision::double_float ? resume_in<double>(args, run)
                                                                              : resume_in<float>(args, run);
}

/// Only what cannot change a run's bits may be said again beside --resume.
void check_train(const Args& args, const std::vector<Option>& options) {
  if (args.given("resume") && args.given("data"))
    throw UsageError("--resume and --data were both given; a run that goes on has its data in its folder");
  if (args.given("steps") && args.given("seconds"))
    throw UsageError("--steps and --seconds were both given; one of them says how long to train");
  if (args.given("resume") == args.given("data"))
    throw UsageError("give --data for a new run, or --resume RUN to go on with one",
                     "for example: cnf train --data 8gaussians -o runs/8g");
  check_objective(args);
  if (!args.given("resume")) {
    find_data(args.text("data"), args.flag("invert"));
    return;
  }
  for (const Option& option : options)
    if (args.given(option.name) && option.name != "resume" && option.name != "threads" && option.name != "json" &&
        option.name != "quiet" && option.name != "progress" && option.name != "dry-run")
      throw UsageError("--" + option.name + " cannot change in a run that goes on; its recipe is in its folder");
}

std::vector<Option> train_options_table() {
  std::vector<std::string> activations;
  for (const Activation activation : kAllActivations) activations.emplace_back(name(activation));
  const std::vector<Option> first{
      {.name = "data",
       .value = "DATA",
       .kind = Kind::path,
       .help = "A built-in set (cnf data --list), FILE.csv, FILE.npy, or a picture FILE.pgm or FILE.png as a density.",
       .group = "Data"},
      {.name = "valid",
       .value = "SHARE|FILE",
       .kind = Kind::text,
       .initial = "0.1",
       .help = "Of a table: rows that choose the best weights.",
       .group = "Data"},
      {.name = "test",
       .value = "SHARE|FILE",
       .kind = Kind::text,
       .initial = "0.1",
       .help = "Of a table: rows kept for cnf evaluate.",
       .group = "Data"},
      {.name = "split",
       .value = "FILE.npy",
       .kind = Kind::path,
       .help = "Of a table: 0, 1 or 2 a row for training, validation, test.",
       .group = "Data"}};
  const std::vector<Option> model{
      {.name = "hidden",
       .value = "H,H",
       .kind = Kind::integers,
       .initial = "96,96",
       .range = Range::whole(1, 1 << 16),
       .max_count = 64,
       .help = "Widths of the hidden layers; one or two have the divergence in closed form.",
       .group = "Model"},
      {.name = "activation",
       .value = "NAME",
       .kind = Kind::choice,
       .initial = "sin",
       .choices = activations,
       .help = "After every hidden layer.",
       .group = "Model"},
      {.name = "time",
       .value = "HOW",
       .kind = Kind::choice,
       .initial = "concatsquash",
       .choices = {"concatsquash", "concat"},
       .help = "How time enters a layer.",
       .group = "Model"},
      {.name = "output-gate", .help = "Gate the last layer too, as FFJORD does.", .group = "Model"},
      {.name = "t-end",
       .value = "T",
       .kind = Kind::real,
       .initial = "1",
       .range = Range::above(0),
       .help = "Time of the data; the base is at 0.",
       .group = "Model"},
      precision_option()};
  const std::vector<Option> output{output_option("RUN", "The run's folder. Not given: runs/NAME of the data."),
                                   force_option(),
                                   {.name = "resume",
                                    .value = "RUN",
                                    .kind = Kind::path,
                                    .help = "Go on with a run where its last checkpoint is, to the same bits.",
                                    .group = "Output"}};
  return joined({first, table_options(), model, recipe_options(), output, common_options()});
}

}  // namespace

Verb train_verb() {
  return {
      .name = "train",
      .summary = "Train a flow on data, into a run folder",
      .examples = {"cnf train --data 8gaussians -o runs/8g", "cnf train --data points.csv --seconds 30",
                   "cnf train --data 8gaussians --divergence hutchinson:1 --gradient continuous",
                   "cnf train --data 8gaussians --objective flow-matching --seconds 30", "cnf train --resume runs/8g"},
      .options = train_options_table(),
      .run = [](const Args& args) { return args.given("resume") ? run_resume(args) : run_new(args); },
      .check = [](const Args& args) { check_train(args, train_options_table()); }};
}

}  // namespace cnf
