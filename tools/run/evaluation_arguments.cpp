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

Option on_error_option(const std::string& initial, bool in_place) {
  Option option{.name = "on-error",
                .value = "WHAT",
                .kind = Kind::choice,
                .initial = initial,
                .choices = {"stop", "skip"},
                .help = "Rows that cannot be solved: stop, or write NaN for them and go on.",
                .group = "Solver"};
  if (!in_place) return option;
  option.choices.emplace_back("nan");
  option.help =
      "Rows that cannot be solved: stop, or skip them, writing NaN. nan: NaN for every row that is missing, invalid or "
      "not asked for too, so that row i of the output is row i of the input.";
  return option;
}

Failures::Failures(const Args& args) : verb_(args.verb()), stop_(args.text("on-error") == "stop") {}

void Failures::add(const std::vector<Status>& failures, std::uint64_t first) {
  note(failures, [first](Index row) {
    return "row " + std::to_string(first + static_cast<std::uint64_t>(row) + 1) + " (from 1)";
  });
}

void Failures::add(const std::vector<Status>& failures, const RowReader& rows) {
  std::vector<Status> of_taken = failures;
  std::erase_if(of_taken, [&rows](const Status& status) { return !rows.ledger().usable(status.row); });
  note(of_taken, [&rows](Index row) { return rows.place(row); });
}

void Failures::note(const std::vector<Status>& failures, const std::function<std::string(Index row)>& place) {
  if (failures.empty()) return;
  if (count_ == 0) {
    Status first = failures.front();
    const std::string where = place(first.row);
    first.row = -1;  // where it stood in its batch says nothing here
    first_ = where + ": " + first.message();
  }
  count_ += std::ssize(failures);
  if (stop_) throw ComputationError(text(), "--on-error=skip writes NaN for such rows and goes on");
}

void Failures::say() const {
  if (count_ > 0) write_stderr("cnf " + verb_ + ": warning: " + text() + "\n");
}

std::string Failures::text() const {
  return std::to_string(count_) + (count_ == 1 ? " row" : " rows") + " failed, the first of them: " + first_;
}

}  // namespace cnf
