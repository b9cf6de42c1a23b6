// cnf gradcheck: every way of taking the gradient against central differences, on the user's own model.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "flows/gradcheck.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/gradient_options.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

constexpr double kDiscreteBound = 1e-6, kContinuousBound = 1e-4;  // of the relative error, in double

/// Points of what the model was trained on; its own samples if that is not at hand.
Batch points_of(const ModelArgument& opened, Seed seed, Index N) {
  if (const auto density = known_density(opened); density && density->dim() == opened.file.model.dim())
    return density->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, N);
  if (const auto rows = opened.split(); rows && rows->train.cols() >= N) return rows->train.leftCols(N);
  EvaluationOptions options;
  options.precision = Precision::double_float;
  options.solve.stop = interrupt_flag();
  options.failing_steps = 0;
  const Evaluated drawn = sample(opened.file.model, seed, N, options);
  if (!drawn.failures.empty())
    throw ComputationError("its samples cannot be drawn: " + drawn.failures.front().message());
  return drawn.points;
}

/// The mode of --gradient; none: all that serve.
std::optional<GradientMode> mode_asked(const Args& args) {
  for (const GradientMode mode : kAllGradientModes)
    if (args.text("gradient") == name(mode)) return mode;
  return {};
}

GradcheckOptions options_from(const Args& args, Progress& progress) {
  GradcheckOptions options;
  options.solve = solve_from(args);
  options.divergence = divergence_from(args);
  if (const auto mode = mode_asked(args)) options.modes = {*mode};
  if (args.given("memory")) options.memory = parse_bytes(args.text("memory"));
  options.continuous_rtol = args.real("continuous-rtol");
  options.threads = threads_from(args);
  options.seed = seed_from(args);
  options.directions = static_cast<int>(args.integer("directions"));
  options.progress = [&](std::int64_t done, std::int64_t of) {
    progress.update(done, {}, static_cast<double>(done) / static_cast<double>(of));
  };
  return options;
}

/// The bound on a mode's relative error; infinite where none is promised: an adjoint that is solved is as good as its
/// steps, and fixed ones have no tolerance.
double bound(const GradientCheck& check, const SolveOptions& solve) {
  if (check.mode == "discrete" || check.mode == "reversible") return kDiscreteBound;
  const bool solved = check.mode == "continuous" || check.mode == "interpolated";
  return solved && solve.fixed_steps == 0 ? kContinuousBound : INFINITY;
}

std::string key_of(const std::string& mode) { return mode == "discrete, solved again" ? "discrete_resolved" : mode; }

/// The worst of all errors as a multiple of its bound.
struct CheckVerdict {
  double ratio = 0;
  std::string where{};
  std::string wrong{};  ///< what is above its bound

  void add(const GradientCheck& check, double bound) {
    const GradientBlock& worst = check.worst();
    const double share = worst.relative_error / bound;
    if (std::isfinite(bound) && !std::isnan(ratio) && !(share < ratio)) {
      ratio = share;
      where = check.mode + ", " + worst.name;
    }
    if (!(worst.relative_error <= bound))
      wrong += (wrong.empty() ? "" : "; ") + check.mode + ": " + scientific(worst.relative_error, 1) + " in " +
               worst.name + ", the bound is " + scientific(bound, 0);
  }
  std::string text() const {
    return (wrong.empty() ? "passed" : "failed") + std::string(": the worst error is ") + scientific(ratio, 1) +
           " times what is allowed (" + where + ")\n";
  }
};

/// gradcheck(), where little memory is the user's fault.
std::vector<GradientCheck> checked(const Cnf& model, const Batch& x, const GradcheckOptions& options) {
  try {
    return gradcheck(model, x, options);
  } catch (const std::invalid_argument& error) {
    throw UsageError("--memory: " + std::string(error.what()));
  }
}

int run_gradcheck(const Args& args, const ModelArgument& opened) {
  const Cnf& model = opened.file.model;
  const Batch x = points_of(opened, seed_from(args), args.integer("num"));
  Progress progress(Progress::mode(args.text("progress"), args.flag("quiet")), "direction", 0);
  progress.update(0);
  const GradcheckOptions options = options_from(args, progress);
  const std::vector<GradientCheck> checks = checked(model, x, options);

  JsonReport report;
  std::string text = padded("gradient", 26) + padded("relative error", 16) + padded("cosine", 22) + "worst block\n";
  std::string kept;
  CheckVerdict verdict;
  for (const GradientCheck& check : checks) {
    const GradientBlock& worst = check.worst();
    JsonReport mode;
    std::vector<JsonReport> blocks;
    for (const GradientBlock& block : check.blocks)
      blocks.emplace_back()
          .set("name", block.name)
          .set("relative_error", block.relative_error)
          .set("cosine", block.cosine);
    mode.set("relative_error", worst.relative_error).set("cosine", check.cosine()).set("worst", worst.name);
    mode.set("reference", check.reference).set("evaluations", check.evaluations).set("blocks", blocks);
    if (!check.kept.empty()) mode.set("keeps", check.kept);
    report.set(key_of(check.mode), mode);
    if (args.given("memory") && !check.kept.empty()) kept += '\n' + check.mode + " keeps " + check.kept;
    text += padded(check.mode, 26) + padded(scientific(worst.relative_error, 1), 16) +
            padded("1 - " + scientific(std::max(0.0, 1 - check.cosine()), 1), 22) + worst.name + '\n';
    verdict.add(check, bound(check, options.solve));
  }
  if (args.flag("at-tolerances")) {
    std::vector<JsonReport> shrinking;
    text += "\ncontinuous adjoint, by the tolerance of its two solves\n";
    for (const double rtol : {1e-4, 1e-6, 1e-8}) {
      GradcheckOptions at = options;
      at.continuous_rtol = rtol;
      for (const GradientCheck& check : gradcheck(model, x, at)) {
        if (check.mode != "continuous") continue;
        shrinking.emplace_back().set("rtol", rtol).set("relative_error", check.worst().relative_error);
        text += padded("  " + shortest(rtol), 26) + scientific(check.worst().relative_error, 1) + '\n';
      }
    }
    report.set("at_tolerances", shrinking);
  }
  if (!kept.empty()) text += kept + '\n';
  progress.finish();
  report.set("passed", verdict.wrong.empty()).set("worst_ratio", verdict.ratio);
  write_stdout(args.flag("json") ? report.text() : text + "\n" + verdict.text());
  if (verdict.wrong.empty()) return 0;
  throw ComputationError("a gradient is further from the differences than it may be: " + verdict.wrong,
                         "relu, a loose --continuous-rtol or a very stiff field can do that; else it is a bug");
}

std::vector<Option> gradients_asked() {
  Option gradient{.name = "gradient",
                  .value = "NAME",
                  .kind = Kind::choice,
                  .initial = "all",
                  .choices = {"all"},
                  .help = "Which is checked; all: those that serve the method."};
  for (const GradientMode mode : kAllGradientModes) gradient.choices.emplace_back(name(mode));
  return {gradient, memory_option("", "What a gradient may keep of its solve: 64MB, 1GiB; what that is, is told.")};
}

void check_asked(const Args& args) {
  if (const auto mode = mode_asked(args)) check_method(args, *mode);
  if (args.given("memory")) parse_bytes(args.text("memory"));
}

}  // namespace

Verb gradcheck_verb() {
  return {
      .name = "gradcheck",
      .summary = "Check every gradient of a model against central differences",
      .examples = {"cnf gradcheck runs/8g", "cnf gradcheck runs/8g --solver rk4:8 --divergence hutchinson:1 --json"},
      .positionals = {model_argument()},
      .options = joined({{{.name = "num",
                           .letter = 'N',
                           .value = "N",
                           .kind = Kind::integer,
                           .initial = "16",
                           .range = Range::whole(1, 64),
                           .help = "Points of the loss: of the data it was trained on, else its own samples."},
                          {.name = "directions",
                           .value = "N",
                           .kind = Kind::integer,
                           .initial = "32",
                           .range = Range::whole(1, 4096),
                           .help = "Random directions for each part of the gradient."},
                          {.name = "continuous-rtol",
                           .value = "X",
                           .kind = Kind::real,
                           .initial = "1e-8",
                           .range = Range::open(0, 1),
                           .help = "Tolerance of the continuous and the interpolated gradient's two solves."},
                          {.name = "at-tolerances",
                           .help = "The continuous gradient's error at 1e-4, 1e-6 and 1e-8 too: it shrinks."}},
                         gradients_asked(),
                         without(evaluation_options(), {"precision"}),
                         common_options()}),
      .prepare = [](const Args& args) -> Work {
        check_asked(args);
        return [&args, opened = open_model(args.path("model"))] { return run_gradcheck(args, opened); };
      }};
}

}  // namespace cnf
