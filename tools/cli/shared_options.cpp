#include "tools/cli/shared_options.hpp"

#include <algorithm>

#include "flows/divergence.hpp"

namespace cnf {

namespace {

Option real_of_solver(std::string name, std::string initial, Range range, std::string help) {
  return {.name = std::move(name),
          .value = "X",
          .kind = Kind::real,
          .initial = std::move(initial),
          .range = range,
          .help = std::move(help),
          .group = "Solver"};
}

Option choice_of_solver(std::string name, std::string value, std::string initial, std::vector<std::string> choices,
                        std::string help) {
  return {.name = std::move(name),
          .value = std::move(value),
          .kind = Kind::choice,
          .initial = std::move(initial),
          .choices = std::move(choices),
          .help = std::move(help),
          .group = "Solver"};
}

}  // namespace

Option seed_option() {
  return {.name = "seed",
          .value = "N",
          .kind = Kind::integer,
          .initial = "0",
          .range = Range::whole(0),
          .help = "Everything random follows from it.",
          .group = "Common"};
}
Option threads_option() {
  return {.name = "threads",
          .value = "N",
          .kind = Kind::integer,
          .range = Range::whole(1, 1024),
          .help = "Threads to use; the results do not depend on it. Not given: one a core.",
          .group = "Common"};
}
Option json_option() { return {.name = "json", .help = "Print the results as one JSON object.", .group = "Common"}; }
Option force_option() {
  return {.name = "force", .letter = 'f', .help = "Overwrite outputs that exist.", .group = "Output"};
}
Option quiet_option() { return {.name = "quiet", .letter = 'q', .help = "Only errors are said.", .group = "Common"}; }
Option dry_run_option() {
  return {.name = "dry-run", .help = "Read and check everything, then stop before the work.", .group = "Common"};
}
Option progress_option() {
  return {.name = "progress",
          .value = "HOW",
          .kind = Kind::choice,
          .initial = "auto",
          .choices = {"auto", "plain", "json", "none"},
          .help = "Progress on standard error; auto shows it on a terminal only.",
          .group = "Common"};
}
Option output_option(const std::string& value, const std::string& help) {
  return {.name = "output", .letter = 'o', .value = value, .kind = Kind::path, .help = help, .group = "Output"};
}
std::vector<Option> draw_options() {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  return {{.name = "num",
           .letter = 'N',
           .value = "N",
           .kind = Kind::integer,
           .initial = "1000",
           .range = Range::whole(1, kMost),
           .help = "How many points."},
          {.name = "first",
           .value = "I",
           .kind = Kind::integer,
           .initial = "0",
           .range = Range::whole(0, kMost),
           .help = "Number of the first: draws I, I + 1, ... of the seed's stream."}};
}
Option precision_option(const std::string& initial) {
  return choice_of_solver("precision", "TYPE", initial, {"float", "double"}, "Numbers of 32 or of 64 bits.");
}
Option rtol_option(const std::string& initial) {
  return real_of_solver("rtol", initial, Range::open(0, 1), "Relative error allowed in each step.");
}
Option atol_option(const std::string& initial) {
  return real_of_solver("atol", initial, Range::above(0),
                        "Absolute error allowed in each step, in standard deviations of the data.");
}
Option norm_option(const std::string& initial) {
  return choice_of_solver("norm", "NORM", initial, {"sample", "tile"},
                          "Who keeps to the tolerance: every sample, or in the mean those that are solved together "
                          "(tile), with less work.");
}
Option divergence_option(const std::string& initial) {
  Option option = choice_of_solver(
      "divergence", "HOW", initial, {"auto", "exact", "hutchinson[:K]"},
      "How the change of log p along the flow is found: exactly, or by Hutchinson's estimate from K random vectors "
      "a sample; auto is exact, but in training where that is dear.");
  option.range = Range::whole(1, kMaxProbes);
  return option;
}
Option solver_option(const std::vector<KnownMethod>& adaptive, const std::vector<KnownMethod>& fixed,
                     const std::string& initial) {
  Option option = choice_of_solver("solver", "METHOD", initial, {},
                                   "Method of integration; with :N it takes N equal steps and no error is controlled.");
  option.range = Range::whole(1, 1'000'000);
  for (const KnownMethod& method : adaptive) option.choices.push_back(method.name + (method.takes_count ? "[:N]" : ""));
  for (const KnownMethod& method : fixed) option.choices.push_back(method.name + ":N");
  for (const std::vector<KnownMethod>& methods : {adaptive, fixed})
    for (const KnownMethod& method : methods)
      if (!method.note.empty()) option.notes.push_back(method.note);
  return option;
}
Option controller_option(const std::string& kinds) {
  return {.name = "controller",
          .value = "HOW",
          .kind = Kind::text,
          .help = "How adaptive steps follow from the errors before: " + kinds +
                  ". Not given: pi, but of a method that "
                  "has its own.",
          .group = "Solver"};
}
std::vector<Option> step_options() {
  Option least = real_of_solver("min-step", "", Range::at_least(0),
                                "Least size of an adaptive step; where the tolerance needs less, the solve fails.");
  Option most = real_of_solver("max-step", "", Range::above(0), "Largest size of an adaptive step.");
  return {least, most};
}

std::vector<Option> solve_options(const std::vector<KnownMethod>& adaptive, const std::vector<KnownMethod>& fixed,
                                  const std::string& solver, const std::string& rtol, const std::string& atol) {
  return {solver_option(adaptive, fixed, solver), rtol_option(rtol), atol_option(atol), norm_option(),
          divergence_option()};
}

std::vector<Option> common_options() {
  return {seed_option(), threads_option(), json_option(), quiet_option(), progress_option(), dry_run_option()};
}

std::vector<Option> without(std::vector<Option> table, const std::vector<std::string>& names) {
  std::erase_if(
      table, [&](const Option& option) { return std::find(names.begin(), names.end(), option.name) != names.end(); });
  return table;
}

std::vector<Option> joined(std::initializer_list<std::vector<Option>> tables) {
  std::vector<Option> all;
  for (const std::vector<Option>& table : tables) all.insert(all.end(), table.begin(), table.end());
  return all;
}

}  // namespace cnf
