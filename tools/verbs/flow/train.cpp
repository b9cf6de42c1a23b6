// cnf train: maximum likelihood or flow matching on a built-in set, a picture or a table, into a run folder that
// resumes to the same bits.
#include <algorithm>
#include <chrono>
#include <cmath>
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
#include "tools/rows/data_argument.hpp"
#include "tools/rows/training_source.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/recipe.hpp"
#include "tools/run/recipe_options.hpp"
#include "tools/run/run_folder.hpp"
#include "tools/run/run_log.hpp"
#include "tools/verbs/flow/density_picture.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Everything a run is, before its first step or its next.
struct Run {
  explicit Run(Args recipe) : args(std::move(recipe)) {}

  RunFolder folder;
  Args args;  ///< the recipe: of a run that goes on, those it began with
  TrainingSource source;
  std::vector<std::byte> picture;  ///< the bytes of a new run's file
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
int train_to_end(Run run, TrainingState<T> state) {
  const Args& args = run.args;
  const TrainingData data = training_data(run.source, seed_from(args));
  const TrainOptions options = train_options(args, run.file.precision);
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
  hooks.steps_fixed = [&](std::int64_t steps) { decide(run.args, "steps", std::to_string(steps)); };
  hooks.metrics = [&](const MetricsRow& row) {
    last = row;
    metrics.add(metrics_line(row));
    timing.add(std::to_string(row.step) + ',' + shortest(before + seconds_now() - started) + '\n');
  };
  const auto save_model = [&](const TrainingState<T>& now) {
    ModelFile best = run.file;
    best.model = best_model(run.file.model, now);
    best.recipe = recipe_json(args);
    best.numbers = numbers_json(last, now.best_nll, now.best_step);
    write_file(run.folder.model(), model_bytes(best));
  };
  hooks.checkpoint = [&](const TrainingState<T>& now) {
    ModelFile file = run.file;
    file.recipe = recipe_json(args);
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
    if (by_seconds && state.steps > 0) text << "repeat with: --steps " << args.integer("steps") << '\n';
    const bool judged = run.source.density != nullptr || run.source.rows.test.cols() > 0;
    text << "next: cnf "
         << (run.file.model.dim() == 2 ? "density " + shell_word(folder) + " -o density.png"
                                       : (judged ? "evaluate " : "info ") + shell_word(folder))
         << '\n';
    write_stderr(text.str());
  }
  return 0;
}

/// The options of a new run, checked.
Args args_of_new_run(const Args& said) {
  Args args = with_recipe_file(said);
  if (!args.given("data"))
    throw UsageError("give --data for a new run, or --resume RUN to go on with one",
                     "for example: cnf train --data 8gaussians -o runs/8g");
  check_recipe(args);
  return args;
}

/// Puts into the recipe what the run itself decides: the data by name, both tolerances, and when to validate.
void settle(Args& args, const DataArgument& data, Index rows) {
  decide(args, "data", kept_argument(data.name, data.built_in));
  for (const char* file : {"valid", "test", "split"})
    if (args.given(file)) decide(args, file, fs::path(args.text(file)).filename().string());
  decide(args, "atol", shortest(solve_from(args).atol));
  if (!args.given("validate-every")) decide(args, "validate-every", std::to_string(validation_interval(rows, args)));
}

/// A new run: its data, its model with initial weights, and its folder.
Run new_run(const Args& said) {
  Run run(args_of_new_run(said));
  const Args& args = run.args;
  const Seed seed = seed_from(args);
  DataArgument data = find_data(args.text("data"), args.flag("invert"));
  run.folder.folder = args.given("output") ? args.path("output") : fs::path("runs") / fs::path(data.name).stem();
  refuse_overwrite(run.folder.folder, args.flag("force"));
  if (data.table())
    run.source = table_source(args, seed);
  else
    run.source = {data.density, {}, density_columns(*data.density), standardise_draws(*data.density, seed)};
  run.picture = std::move(data.picture);
  settle(run.args, data, validation_rows(run.source));

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

int run_new(const Args& said) {
  Run run = new_run(said);
  create_folder(run.folder.folder);
  const FolderLock lock(run.folder.folder);
  std::error_code ignored;
  for (const fs::path& old : {run.folder.model(), run.folder.training(), run.folder.rows(), run.folder.source(),
                              run.folder.metrics(), run.folder.timing(), run.folder.picture()})
    fs::remove(old, ignored);
  if (!run.source.density) write_file(run.folder.rows(), split_rows_bytes(run.source.rows));
  if (!run.picture.empty()) write_file(run.folder.source(), run.picture);
  if (run.file.precision == Precision::double_float) {
    TrainingState<double> state = initial_state<double>(run.file.model);
    return train_to_end<double>(std::move(run), std::move(state));
  }
  TrainingState<float> state = initial_state<float>(run.file.model);
  return train_to_end<float>(std::move(run), std::move(state));
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
int resume_in(Run run) {
  const std::string path = run.folder.training().string();
  TrainingFile<T> training = read_training<T>(path);
  run.args = args_of_recipe(run.args, training.file.recipe, path);
  run.file = std::move(training.file);
  run.source.standardisation = run.file.model.standardisation;
  run.source.columns = run.file.model.columns;
  const std::string& data = run.args.text("data");
  const DataKind kind = data_kind(data);
  if (kind == DataKind::table)
    run.source.rows = rows_of_run(run);
  else if (kind == DataKind::picture)
    run.source.density = read_picture(run.folder.source(), run.args.flag("invert"));
  else
    run.source.density = find_data(data, false).density;
  return train_to_end<T>(std::move(run), std::move(training.state));
}

int run_resume(const Args& args) {
  Run run(args);
  run.folder.folder = args.path("resume");
  std::error_code error;
  if (!fs::exists(run.folder.training(), error))
    throw InputError(run.folder.folder.string() + ": no training.safetensors in it; there is nothing to resume");
  const FolderLock lock(run.folder.folder);
  return training_precision(run.folder.training()) == Precision::double_float ? resume_in<double>(std::move(run))
                                                                              : resume_in<float>(std::move(run));
}

std::vector<Option> output_options() {
  return {output_option("RUN", "The run's folder. Not given: runs/NAME of the data."),
          force_option(),
          {.name = "recipe",
           .value = "FILE.toml",
           .kind = Kind::path,
           .help = "Options from a file, lr = 0.02; those on the command line are stronger.",
           .group = "Data"},
          {.name = "resume",
           .value = "RUN",
           .kind = Kind::path,
           .help = "Go on with a run where its last checkpoint is, to the same bits.",
           .group = "Output"}};
}

/// Only what cannot change a run's bits may be said again beside --resume.
void check_resume(const Args& said) {
  if (said.given("data"))
    throw UsageError("--resume and --data were both given; a run that goes on has its data in its folder");
  for (const Option& option : joined({recipe_options(), output_options()}))
    if (said.given(option.name) && option.name != "resume")
      throw UsageError("--" + option.name + " cannot change in a run that goes on; its recipe is in its folder");
}

// A run checks its options and finds its data before anything else, so that a recipe from a pipe is read once and a
// picture decoded once.
void check_train(const Args& said) {
  if (said.given("resume")) return check_resume(said);
  if (!said.flag("dry-run")) return;
  const Args args = args_of_new_run(said);
  find_data(args.text("data"), args.flag("invert"));
}

}  // namespace

Verb train_verb() {
  return {
      .name = "train",
      .summary = "Train a flow on data, into a run folder",
      .examples = {"cnf train --data 8gaussians -o runs/8g", "cnf train --data points.csv --seconds 30",
                   "cnf train --data 8gaussians --divergence hutchinson:1 --gradient continuous",
                   "cnf train --data 8gaussians --objective flow-matching --seconds 30", "cnf train --resume runs/8g"},
      .options = joined({data_options(), model_options(), training_options(), output_options(), common_options()}),
      .run = [](const Args& args) { return args.given("resume") ? run_resume(args) : run_new(args); },
      .check = check_train};
}

}  // namespace cnf
