#include "tools/run/evaluation_arguments.hpp"

#include "base/error.hpp"
#include "solvers/method.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"

namespace cnf {

namespace {

std::vector<std::string> methods(bool adaptive) {
  std::vector<std::string> names;
  for (const Method& method : all_methods())
    if (method.is_adaptive() == adaptive) names.emplace_back(method.name());
  return names;
}

}  // namespace

std::vector<std::string> adaptive_methods() { return methods(true); }
std::vector<std::string> fixed_methods() { return methods(false); }

std::vector<Option> evaluation_options(const std::string& max_steps) {
  return joined({solve_options(adaptive_methods(), fixed_methods(), "dopri5", "1e-5", "1e-5"),
                 {{.name = "max-steps",
                   .value = "N",
                   .kind = Kind::integer,
                   .initial = max_steps,
                   .range = Range::whole(1, 1'000'000'000),
                   .help = "Steps a solve may try before it is given up.",
                   .group = "Solver"},
                  precision_option()}});
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
