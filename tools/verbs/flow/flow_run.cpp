// A run of a flow, from what it is told or from its folder, to its end: what cnf train and cnf straighten do.
#include "tools/verbs/flow/flow_run.hpp"

#include <cmath>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/folder.hpp"
#include "base/stop.hpp"
#include "base/utf8.hpp"
#include "datasets/picture.hpp"
#include "flows/files/training_file.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/rehearsal.hpp"
#include "tools/rows/table_warnings.hpp"
#include "tools/rows/training_source.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/failures.hpp"
#include "tools/run/field_options.hpp"
#include "tools/run/gradient_options.hpp"
#include "tools/run/objective_options.hpp"
#include "tools/run/recipe.hpp"
#include "tools/run/session.hpp"
#include "tools/run/straightness.hpp"
#include "tools/verbs/flow/run_picture.hpp"
#include "tools/verbs/flow/training_report.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

/// Everything a run is, before its first step or its next.
struct Run {
  explicit Run(Args recipe) : args(std::move(recipe)) {}

  RunFolder folder;
  Args args;  ///< the recipe: of a run that goes on, those it began with
  TrainingSource source;
  std::vector<std::byte> picture;  ///< the bytes of a new run's file
  ModelFile file;
  std::optional<ModelFile> start;  ///< of --init, where it is needed to the end
  Batch base_points;               ///< of source.draws
  std::string kept;                ///< what --memory keeps of a solve
};

/// What --draws asks for, and, of a model that brings no data, rows to judge by, which training does not see.
void draw_rows(Run& run) {
  if (!run.args.given("draws")) return;
  constexpr double kTolerance = 1e-4;  // a sample is off by less than training's noise
  const Cnf& model = run.start->model;
  const bool judges = !run.source.density && run.source.rows.validation.cols() == 0;
  const Index N = run.args.integer("draws"), own = judges ? kMostValidationRows : 0;
  Progress progress(Progress::mode(run.args.text("progress"), run.args.flag("quiet")), "draw", N + own);
  Index done = 0;
  EvaluationOptions options;
  options.threads = threads_from(run.args);
  options.solve.rtol = options.solve.atol = kTolerance;
  options.solve.stop = interrupt_flag();
  options.progress = [&](Index rows) { progress.update(std::min(done += rows, N + own)); };
  Evaluated drawn;
  try {
    drawn = Evaluator(model, options).sample(seed_from(run.args), kFirstOwnDraw, N + own, false);
  } catch (const Stopped&) {
    throw Interrupted("stopped before the first step, while drawing rows to train on");
  }
  progress.finish();
  if (!drawn.failures.empty())
    throw ComputationError("the model to begin with fails to draw: " + drawn.failures.front().message());
  run.base_points.resize(model.dim(), N);
  sample_base(model.base, seed_from(run.args), kFirstOwnDraw, Out<double>(run.base_points.data(), model.dim(), N));
  if (judges) run.source.rows.validation = drawn.points.rightCols(own);
  run.source.draws = std::move(drawn.points);
  run.source.draws.conservativeResize(Eigen::NoChange, N);
}

/// A flow as a session trains it.
template <class T>
class FlowTrainee final : public Trainee<T> {
 public:
  explicit FlowTrainee(Run& run)
      : run_(run),
        data_(training_data(run.source, run.args)),
        options_(options(run, data_)),
        plan_(run.file.model, data_, options_) {}

  std::span<const RunStage<T>> stages() const override { return plan_.stages(); }
  const Optimizer<T>& rule() const override { return plan_.rule(); }
  const TrainOptions& options() const override { return plan_.options(); }
  void fix_steps(std::int64_t steps, std::int64_t schedule_steps) override {
    decide(run_.args, "steps", std::to_string(steps));
    if (steps < schedule_steps) decide(run_.args, "schedule-steps", std::to_string(schedule_steps));
  }

  std::vector<Progress::Field> shown(const MetricsRow& row) const override {
    std::vector<Progress::Field> fields;
    if (!std::isnan(row.judged.score)) fields.push_back({"validation", row.judged.score});
    if (const double last = row.judged.values.back(); !std::isnan(last))
      fields.push_back({run_.source.energy ? "ess" : "kl", last});
    return fields;
  }

  std::string model_bytes(const TrainingState<T>& state, const MetricsRow& row) const override {
    ModelFile best = run_.file;
    best.model = best_model(run_.file.model, state);
    best.recipe = recipe_json(run_.args);
    JsonReport numbers;
    const bool few = few_steps_of(options_.objective.minimise) != nullptr;
    numbers.set(few ? "validation_score" : run_.source.energy ? "reverse_kl" : "validation_nll", state.best_score);
    numbers.set("best_step", state.best_step).set("steps", row.step);
    numbers.set("nfe_validation", row.judged.nfe).set("skipped", row.skipped).set("rollbacks", row.rollbacks);
    best.numbers = numbers.text(-1);
    return cnf::model_bytes(best);
  }
  std::string training_bytes(const TrainingState<T>& state) const override {
    ModelFile file = run_.file;
    file.recipe = recipe_json(run_.args);
    return cnf::training_bytes<T>({file, state}, rule());
  }

  Ending finish(const TrainingState<T>& state, JsonReport& report) override {
    const Density* truth = run_.source.density.get();
    const bool drawn = picture_cost(run_.file.model.dim()) > 0;
    if (drawn) draw(truth);
    std::string found = judge(state, report);
    if (!run_.kept.empty()) report.set("gradient_keeps", run_.kept);
    if (const auto accuracy = accuracy_of_run(run_.args, run_.file.model.dim(), state.step))
      found += measure_run(run_.args, run_.folder, *accuracy, report);
    if (const FewSteps* few = few_steps_of(options_.objective.minimise); few != nullptr && run_.start)
      found += straightened(few->cheap_solver(), best_model(run_.file.model, state), report);
    const std::string folder = shell_word(run_.folder.folder.string());
    const bool judged = truth != nullptr || run_.source.rows.test.cols() > 0;
    return {found, drawn && !run_.source.energy ? "cnf density " + folder + " -o density.png"
                                                : (judged ? "cnf evaluate " : "cnf info ") + folder};
  }

 private:
  /// For what the state does not keep of its best weights' validation.
  std::string judge(const TrainingState<T>& state, JsonReport& report) const {
    const Cnf best = best_model(run_.file.model, state);
    if (run_.source.energy)
      return training_report(
          judge_by_draws(best, data_.target, seed_from(run_.args), kJudgingDraws, options_.evaluation), state.best_step,
          run_.args.integer("anneal"), report);
    return training_report(validate(best, data_, options_.evaluation), run_.source.density.get(),
                           data_.validation.size(), report);
  }

  /// Measures it before and after, keeps the certificate, and says so.
  std::string straightened(const CheapSolver& solver, const Cnf& after, JsonReport& report) const {
    const Cnf& before = run_.start->model;
    const Straightness was = measure_straightness(before, before, solver, data_, options_.evaluation);
    const Straightness is = measure_straightness(after, before, solver, data_, options_.evaluation);
    report.set("before", cnf::report(was)).set("after", cnf::report(is));
    const std::string why_not = keep_certificate(run_.folder, is.certificate);
    if (!why_not.empty()) write_stderr("cnf " + run_.args.verb() + ": warning: " + why_not + '\n');
    std::string table = text(was, is);
    table.pop_back();
    return "\n" + table;
  }

  static constexpr double kPictureTolerance = 1e-3;  // a 256th of the scale is a step of its colours

  static FlowTrainOptions options(Run& run, const TrainingData& data) {
    FlowTrainOptions options = train_options(run.args, run.file.precision);
    // finish()'s own validation; what measuring takes
    options.closing = 1 + measuring_cost(run.args, run.file.model.dim(), options);
    const Index judging = data.target.log_density ? kJudgingDraws : data.validation.size();
    options.closing += picture_cost(run.file.model.dim()) / static_cast<double>(judging);
    run.kept = share_memory<T>(options, run.args, run.file.model);
    if (run.base_points.cols() > 0) {
      Coupling& coupling = options.warm.coupling;
      coupling.kind = Coupling::Kind::kept;
      coupling.base_points = &run.base_points;
      coupling.rows_seed = seed_from(run.args);
    }
    return options;
  }

  void draw(const Density* truth) const {
    EvaluationOptions evaluation = options_.evaluation;
    evaluation.solve.rtol = evaluation.solve.atol = kPictureTolerance;
    try {
      draw_run_picture(run_.folder.picture(), read_model(run_.folder.model()), truth, run_.source.rows.train,
                       evaluation, Progress::mode(run_.args.text("progress"), run_.args.flag("quiet")), Links::replace);
    } catch (const ComputationError& error) {  // the model stands, however hard its density is to look at
      write_stderr("cnf train: warning: no picture is drawn: " + std::string(error.what()) + "\n");
    }
  }

  Run& run_;
  TrainingData data_;
  FlowTrainOptions options_;
  FlowRun<T> plan_;
};

/// Puts into the recipe what the run itself decides: the data by name, both tolerances, and when to validate.
void settle(Args& args, const DataArgument& data, Index rows) {
  if (!data.energy) decide(args, "data", kept_argument(data.name, data.built_in));
  for (const char* file : {"valid", "test", "split"})
    if (args.given(file)) decide(args, file, fs::path(args.text(file)).filename().string());
  decide(args, "atol", shortest(solve_from(args).atol));
  if (!args.given("validate-every")) decide(args, "validate-every", std::to_string(validation_interval(rows, args)));
}

/// The model of --init, over the columns of the run's data. InputError if they are not as many.
ModelFile start_from(ModelArgument opened, const Args& args, const TrainingSource& source) {
  ModelFile& file = opened.file;
  if (file.model.dim() != std::ssize(source.columns))
    throw InputError(printable(opened.path.native()) + ": a model over " + std::to_string(file.model.dim()) +
                         " columns, the data have " + std::to_string(source.columns.size()),
                     "--init begins with a model of the same columns; --columns and --drop choose those of a table");
  if (args.given("precision")) file.precision = precision_from(args);
  file.model.columns = source.columns;
  return {.model = std::move(file.model), .precision = file.precision};
}

/// A new run: its data, and its model with initial weights; those a dry run makes to speak of them, if they are few.
Run new_run(const Beginning& from) {
  constexpr Index kRehearsed = 10'000'000;
  Run run(from.recipe);
  run.folder = from.folder;
  const DataArgument& data = from.data;
  const Args& args = run.args;
  const Seed seed = seed_from(args);
  if (args.given("draws"))
    run.source = {data.density, from.init->split().value_or(SplitRows{}), from.init->file.model.columns, {}};
  else
    run.source = data.table() ? table_source(args, seed) : source_of(data, seed);
  run.picture = data.picture;
  settle(run.args, data, validation_rows(run.source));

  Cnf& model = run.file.model;
  if (from.init && (args.given("draws") || few_steps_of(objective_from(args)))) run.start = from.init->file;
  if (from.init) {
    run.file = start_from(*from.init, args, run.source);
    run.source.standardisation = model.standardisation;
    decide(run.args, "init", args.path("init").filename().string());
    decide(run.args, "precision", std::string(name(run.file.precision)));
  } else {
    FieldShape field = field_from(args);
    set_dim(field, run.source.standardisation.dim());
    if (args.flag("dry-run") && layout(field).size > kRehearsed) return run;
    model = start_flow(std::move(field), run.source.standardisation, seed, args.real("t-end"), run.source.columns);
    run.file.precision = precision_from(args);
  }
  const SplitRows& rows = run.source.rows;
  if (data.table() && !args.given("draws"))
    for (const std::string& warning :
         few_rows_warnings(rows.train.cols(), rows.validation.cols(), model.dim(), model.params.size()))
      write_stderr("cnf train: warning: " + warning + '\n');
  warn_of_tolerance(args);
  if (!model.is_smooth())
    write_stderr(
        "cnf train: warning: with relu the divergence jumps at the kinks and methods of high order lose their "
        "order; tanh, softplus, silu and sin are smooth\n");
  return run;
}

template <class T>
int run_new(Run& run) {
  draw_rows(run);
  FlowTrainee<T> flow(run);  // which refuses what cannot be, before anything is written
  create_folder(run.folder.folder);
  const FolderLock lock(run.folder.folder);
  run.folder.settle();
  if (run.folder.occupied()) run.folder.begin_replacement();
  try {
    if (!run.source.density) write_split_rows(run.folder.rows(), run.source.rows);
    if (run.start) write_file(run.folder.start(), cnf::model_bytes(*run.start), Links::replace);
    if (!run.picture.empty()) write_file(run.folder.source(), run.picture, Links::replace);
    return run_session(run.folder, run.args, flow, initial_state<T>(run.file.model, optimizer_from(run.args).kind));
  } catch (...) {
    std::error_code error;
    if (run.folder.replacing && !fs::exists(run.folder.training(), error)) run.folder.discard_replacement();
    throw;
  }
}

/// The rows a table's run was given.
SplitRows rows_of_run(const Run& run) {
  SplitRows rows = read_split_rows(run.folder.rows());
  const Index D = run.file.model.dim();
  const bool trains = !run.args.given("draws");
  if ((trains && (rows.train.cols() == 0 || rows.train.rows() != D)) || rows.validation.rows() != D)
    throw InputError(run.folder.rows().string() + ": its rows do not fit the model beside it");
  return rows;
}

/// Reads all that a run goes on from into `run`, and the state it is in.
template <class T>
TrainingState<T> read_run(Run& run) {
  const std::string path = run.folder.training().string();
  TrainingFile<T> training = read_training_by_recipe<T>(path, run.args);
  run.file = std::move(training.file);
  run.source.standardisation = run.file.model.standardisation;
  run.source.columns = run.file.model.columns;
  if (run.args.given("energy")) {
    run.source.density = run.source.energy = find_energy_argument(run.args.text("energy")).energy;
    return std::move(training.state);
  }
  const std::string& data = run.args.text("data");
  const DataKind kind = data_kind(data);
  if (kind == DataKind::table)
    run.source.rows = rows_of_run(run);
  else if (kind == DataKind::picture)
    run.source.density = read_picture(run.folder.source(), run.args.flag("invert"));
  else
    run.source.density = find_data(data, false).density;
  if (run.args.given("init") && (run.args.given("draws") || few_steps_of(objective_from(run.args))))
    run.start = read_model(run.folder.start());
  return std::move(training.state);
}

bool in_double(const Run& run) { return training_precision(run.folder.training()) == Precision::double_float; }

template <class T>
int resume_in(Run run) {
  std::optional<EndAtOnce> nothing_is_written_yet(std::in_place);
  TrainingState<T> state = read_run<T>(run);
  nothing_is_written_yet.reset();
  draw_rows(run);
  FlowTrainee<T> flow(run);
  return run_session(run.folder, run.args, flow, std::move(state));
}

}  // namespace

int run_resume(const Args& args) {
  Run run(args);
  run.folder.folder = args.path("resume");
  const FolderLock lock(run.folder.folder);
  run.folder.settle();
  run.folder.choose_newer();
  std::error_code error;
  if (!run.folder.replacing)
    run.folder.discard_replacement();  // it came to no state
  else if (fs::exists(run.folder.model(), error))
    run.folder.replace();  // it was killed in between
  else
    remove_abandoned_temporaries(run.folder.training().parent_path());
  return in_double(run) ? resume_in<double>(std::move(run)) : resume_in<float>(std::move(run));
}

Work begin_run(Beginning from) {
  const bool dry = from.said.flag("dry-run");
  if (dry && !from.data.table()) {  // nothing is read that has not been
    if (from.init)
      start_from(std::move(*from.init), from.recipe, {from.data.density, {}, density_columns(*from.data.density), {}});
    return [] { return 0; };
  }
  const auto run = std::make_shared<Run>(new_run(from));
  if (dry) say_training_rows(from.said, run->source);
  return
      [run] { return run->file.precision == Precision::double_float ? run_new<double>(*run) : run_new<float>(*run); };
}

void rehearse_resume(const Args& said, const RunFolder& folder) {
  Run run(said);
  run.folder = folder;
  const std::int64_t step = in_double(run) ? read_run<double>(run).step : read_run<float>(run).step;
  if (!said.flag("quiet")) write_stderr("cnf " + said.verb() + ": would go on at step " + std::to_string(step) + '\n');
  say_training_rows(said, run.source);
}

}  // namespace cnf
