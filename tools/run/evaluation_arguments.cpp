#include "tools/run/evaluation_arguments.hpp"

#include <stdexcept>

#include "base/error.hpp"
#include "solvers/method.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"

namespace cnf {

namespace {

std::vector<KnownMethod> methods(bool adaptive) {
  std::vector<KnownMethod> known;
  for (const Method& method : all_methods())
    if (method.is_adaptive() == adaptive)
      known.push_back({std::string(method.name()), method.help(), method.takes_grid()});
  return known;
}

/// "i (by ...), pi:A,B (...)".
std::string controllers() {
  std::string text;
  for (const ControllerRow& row : kAllControllers) {
    text += (text.empty() ? "" : "; ") + std::string(row.name) + ", " + std::string(row.help);
  }
  return text + "; its coefficients may stand behind it, pid:0.58,-0.21,0.1";
}

/// What is said for the solver's control options.
void read_control(SolveOptions& solve, const Args& args) {
  if (args.given("logp-tol")) solve.tolerance_q = Tolerance{args.real("logp-tol"), args.real("logp-tol")};
  if (args.given("min-step")) solve.min_step = args.real("min-step");
  if (args.given("max-step")) solve.max_step = args.real("max-step");
  if (solve.max_step > 0 && solve.min_step > solve.max_step) throw UsageError("--min-step is above --max-step");
  if (!args.given("controller")) return;
  try {
    solve.controller = parse_controller(args.text("controller"));
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string("--") + error.what());
  }
}

}  // namespace

std::vector<KnownMethod> adaptive_methods() { return methods(true); }
std::vector<KnownMethod> fixed_methods() { return methods(false); }

std::vector<Option> control_options() {
  const Option of_log_p{.name = "logp-tol",
                        .value = "X",
                        .kind = Kind::real,
                        .range = Range::above(0),
                        .help =
                            "Relative and absolute error allowed in each step's change of log p, in nats. Not given: "
                            "as --rtol and --atol.",
                        .group = "Solver"};
  return joined({{of_log_p, controller_option(controllers())}, step_options()});
}

std::vector<Option> evaluation_options(const std::string& max_steps) {
  return joined({solve_options(adaptive_methods(), fixed_methods(), "dopri5", "1e-5", "1e-5"),
                 {{.name = "max-steps",
                   .value = "N",
                   .kind = Kind::integer,
                   .initial = max_steps,
                   .range = Range::whole(1, 1'000'000'000),
                   .help = "Steps a solve may try before it is given up.",
                   .group = "Solver"}},
                 control_options(),
                 {precision_option()}});
}

SolveOptions solve_from(const Args& args) {
  SolveOptions solve;
  const MethodChoice method = parse_method(args.choice("solver").spelled());
  solve.method = method.method;
  solve.fixed_steps = method.fixed_steps;
  solve.rtol = args.real("rtol");
  // One tolerance given means both: an absolute one far looser than the relative one would decide alone.
  solve.atol = args.given("rtol") && !args.given("atol") ? solve.rtol : args.real("atol");
  solve.norm = args.text("norm") == "tile" ? Norm::tile : Norm::sample;
  solve.max_steps = args.integer("max-steps");
  read_control(solve, args);
  solve.stop = interrupt_flag();
  return solve;
}

DivergenceChoice divergence_from(const Args& args) { return parse_divergence(args.choice("divergence").spelled()); }

Precision precision_from(const Args& args) {
  return args.text("precision") == "double" ? Precision::double_float : Precision::single_float;
}

EvaluationOptions evaluation_from(const Args& args, std::function<void(Index rows)> progress) {
  EvaluationOptions options;
  options.solve = solve_from(args);
  options.divergence = divergence_from(args);
  options.precision = precision_from(args);
  options.threads = threads_from(args);
  options.probe_seed = seed_from(args);
  if (args.text("on-error") == "stop") options.failing_steps = 0;
  options.progress = std::move(progress);
  return options;
}

int threads_from(const Args& args) { return args.has("threads") ? static_cast<int>(args.integer("threads")) : 0; }
Seed seed_from(const Args& args) { return {static_cast<std::uint64_t>(args.integer("seed"))}; }

}  // namespace cnf
