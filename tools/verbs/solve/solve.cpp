// cnf solve: one problem or flow by one method: what it costs, how far off it ends, and the way there.
#include <algorithm>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/rows/row_output.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/verbs/solve/chart_options.hpp"
#include "tools/verbs/solve/path_picture.hpp"
#include "tools/verbs/solve/solve_subject.hpp"
#include "tools/verbs/solve/times_argument.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

/// What was asked for, checked.
struct SolveTask {
  SolveSubject subject{};
  std::vector<Index> columns{};  ///< that a picture shows
  std::vector<double> times{};   ///< empty: nothing is looked at
  bool numbers = false;          ///< -o is no picture
  Index N = 1;
};

/// Of the names, or numbers from 1, in --columns.
std::vector<Index> columns_from(const Args& args, const SolveSubject& subject) {
  std::vector<Index> columns;
  if (!args.given("columns")) {
    const Index shown = args.flag("phase") ? 2 : subject.dim();
    for (Index i = 0; i < shown; ++i) columns.push_back(i);
    return columns;
  }
  const std::string& text = args.text("columns");
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string name = text.substr(at, end - at);
    const auto found = std::find(subject.variables.begin(), subject.variables.end(), name);
    if (found != subject.variables.end()) {
      columns.push_back(found - subject.variables.begin());
    } else if (!name.empty() && name.size() < 7 && name.find_first_not_of("0123456789") == name.npos &&
               std::stol(name) >= 1 && std::stol(name) <= subject.dim()) {
      columns.push_back(std::stol(name) - 1);
    } else {
      std::string known;
      for (const std::string& variable : subject.variables) known += (known.empty() ? "" : ", ") + variable;
      throw UsageError("--columns: " + in_quotes(name) + " is no variable of " + subject.name, "it has " + known);
    }
    at = end + 1;
  }
  return columns;
}

void check_pictured(const Args& args, const SolveTask& task) {
  const bool pictured = args.given("output") && !task.numbers;
  for (const char* name : {"phase", "columns", "size", "magnify", "title"})
    if (args.given(name) && !pictured)
      throw UsageError(std::string("--") + name + " is about a picture", "-o FILE.png draws one, .svg and .pdf too");
  if (args.flag("phase") && task.subject.dim() < 2)
    throw UsageError("--phase: " + task.subject.name + " has one variable, and a phase plane takes two");
  if (args.flag("phase") && task.columns.size() != 2)
    throw UsageError("--columns: " + std::to_string(task.columns.size()) + " variables, and a phase plane takes 2");
}

SolveTask solve_task(const Args& args) {
  SolveTask task{.subject = open_solve_subject(args)};
  if (task.subject.problem)
    for (const char* name : {"num", "seed"})
      if (args.given(name))
        throw UsageError(std::string("--") + name + " is about a flow's samples; " + task.subject.name +
                         " has one path");
  if (args.given("output")) task.numbers = wants_numbers(args, true);
  if (!(args.flag("phase") && task.subject.dim() < 2)) task.columns = columns_from(args, task.subject);
  check_pictured(args, task);
  task.N = task.subject.problem ? 1 : args.integer("num");
  if (args.given("output"))
    task.times = args.given("times") ? read_times(args.text("times"), task.subject.t_begin, task.subject.t_end)
                                     : even_times(task.numbers ? 101 : 2001, task.subject.t_begin, task.subject.t_end);
  else if (args.given("times"))
    throw UsageError("--times says when a path is looked at, and nothing is written", "-o FILE.csv writes the values");
  return task;
}

/// (sample, t, variables), a row each.
void write_numbers(const Args& args, const SolveTask& task, const Batch& points) {
  const bool many = task.subject.model.has_value();
  std::vector<std::string> names{"t"};
  if (many) names.insert(names.begin(), "sample");
  names.insert(names.end(), task.subject.variables.begin(), task.subject.variables.end());
  const Index n = static_cast<Index>(task.times.size()), lead = many ? 2 : 1;
  RowOutput out(args, names, n * task.N);
  Batch rows(lead + task.subject.dim(), n);
  for (Index j = 0; j < task.N; ++j) {
    for (Index k = 0; k < n; ++k) {
      if (many) rows(0, k) = static_cast<double>(j);
      rows(lead - 1, k) = task.times[static_cast<std::size_t>(k)];
      rows.col(k).tail(task.subject.dim()) = points.col(k * task.N + j);
    }
    out.write(rows);
  }
  out.finish();
}

void draw_paths(const Args& args, const SolveTask& task, const std::string& by, const Batch& points) {
  const ShownPaths paths{task.times, points, task.N};
  FigureStyle style = chart_style(args, task.subject.name + ", " + by, 760, args.flag("phase") ? 0 : 460);
  write_picture(args.path("output"), [&] {
    return args.flag("phase") ? paths_in_phase(task.subject, paths, task.columns, style)
                              : paths_over_time(task.subject, paths, task.columns, style);
  });
}

std::string said(const SolveTask& task, const Solution& solution, const SolveOptions& options, const std::string& by,
                 const Batch& truth) {
  const Counters& cost = solution.counters;
  std::string text = task.subject.name + ", " + by + "\n";
  text += "evaluations  " + std::to_string(cost.evaluations);
  if (cost.jvps > 0) text += ", and " + std::to_string(cost.jvps) + " products with the Jacobian";
  if (cost.switches > 0) text += "; " + std::to_string(cost.switches) + " switches of the method";
  text += '\n';
  text +=
      "steps        " + std::to_string(cost.accepted) + " accepted, " + std::to_string(cost.rejected) + " rejected\n";
  text += "seconds      " + significant(solution.seconds, 2) + '\n';
  if (task.subject.problem)
    for (Index i = 0; i < std::min<Index>(task.subject.dim(), 8); ++i)
      text += (i == 0 ? "end          " : "             ") + task.subject.variables[static_cast<std::size_t>(i)] +
              " = " + significant(solution.ends(i), 15) + '\n';
  return text + "error        " + scientific(end_error(solution.ends, truth, options), 2) + '\n';
}

JsonReport report_of(const Args& args, const SolveTask& task, const Solution& solution, const SolveOptions& options,
                     const Batch* truth) {
  JsonReport report;
  report.set("problem", task.subject.name).set("solver", args.choice("solver").spelled());
  report.set("rtol", options.rtol).set("atol", options.atol);
  report.set("t_begin", task.subject.t_begin).set("t_end", task.subject.t_end);
  if (task.subject.model) report.set("samples", static_cast<std::int64_t>(task.N));
  report.set("evaluations", solution.counters.evaluations);
  report.set("jvps", solution.counters.jvps).set("switches", solution.counters.switches);
  report.set("accepted", solution.counters.accepted).set("rejected", solution.counters.rejected);
  report.set("seconds", solution.seconds);
  if (truth != nullptr)
    report.set("error", end_error(solution.ends, *truth, options));
  else
    report.set_unknown("error");
  report.set("status", name(solution.status.code));
  if (!solution.status.ok()) return report.set("message", solution.status.message());
  if (task.subject.problem) {
    const auto list = [](const auto& x) {
      return std::span<const double>(x.data(), static_cast<std::size_t>(x.size()));
    };
    report.set("variables", task.subject.variables);
    report.set("end", list(solution.ends)).set("reference", list(task.subject.problem->end));
  }
  return report;
}

int run_solve(const Args& args, const SolveTask& task) {
  const SolveOptions options = solve_from(args);
  const Seed seed = seed_from(args);
  const Solution solution = solve(task.subject, options, task.times, seed, task.N);
  std::string by = "by " + args.choice("solver").spelled();
  if (options.fixed_steps == 0) by += " at rtol " + shortest(options.rtol);
  const bool rows_on_stdout = args.given("output") && args.text("output") == "-";
  if (!solution.status.ok()) {
    if (args.flag("json")) write_stdout(report_of(args, task, solution, options, nullptr).text());
    throw ComputationError(task.subject.name + ", " + by + ": " + solution.status.message());
  }
  const Batch truth = rows_on_stdout ? Batch() : true_ends(task.subject, seed, task.N);
  if (args.given("output") && task.numbers) write_numbers(args, task, solution.points);
  if (args.given("output") && !task.numbers) draw_paths(args, task, by, solution.points);
  if (!rows_on_stdout)
    write_stdout(args.flag("json") ? report_of(args, task, solution, options, &truth).text()
                                   : said(task, solution, options, by, truth));
  return 0;
}

Work prepare_solve(const Args& args) {
  return [&args, task = solve_task(args)] {
    try {
      return run_solve(args, task);
    } catch (const std::invalid_argument& error) {  // a method that the options do not fit, a picture without room
      throw UsageError(error.what());
    }
  };
}

std::vector<Option> solver_options() {
  std::vector<Option> options =
      without(solve_options(adaptive_methods(), fixed_methods(), "dopri5", "1e-6", "1e-6"), {"divergence"});
  for (Option& option : options)
    if (option.name == "atol")
      option.help =
          "Absolute error allowed in each step, of a flow in standard deviations of the data. Not given: as rtol.";
  options.push_back({.name = "max-steps",
                     .value = "N",
                     .kind = Kind::integer,
                     .initial = "100000",
                     .range = Range::whole(1, 1'000'000'000),
                     .help = "Steps a solve may try before it is given up.",
                     .group = "Solver"});
  return joined({options, control_options()});
}

}  // namespace

Verb solve_verb() {
  Option output = output_option("FILE",
                                "The way there: numbers as .csv or .npy, - as CSV on standard output; a picture "
                                "as .png, .svg or .pdf. Not given: only cost and error are told.");
  Option num = draw_options()[0];
  num.initial = "20", num.range = Range::whole(1, 100'000), num.help = "How many samples of a flow.";
  return {
      .name = "solve",
      .summary = "Integrate a classic problem or a trained flow by any method",
      .examples = {"cnf solve arenstorf --solver dopri8 --rtol 1e-9", "cnf solve robertson --solver dopri5 --json",
                   "cnf solve lotka-volterra --times 0,2.5,5 -o -",
                   "cnf solve van-der-pol -o oscillator.png && cnf solve arenstorf --phase -o orbit.svg",
                   "cnf solve runs/8g -N 50 --phase -o paths.png"},
      .positionals = {subject_argument()},
      .options = joined(
          {{num},
           {output, times_option(), force_option(), dtype_option()},
           {{.name = "phase", .help = "Draw one variable against another, not lines over time.", .group = "Picture"},
            {.name = "columns",
             .value = "NAME,...",
             .kind = Kind::text,
             .help = "Variables to draw, by name or number from 1. Not given: all, of a phase plane "
                     "the first two.",
             .group = "Picture"}},
           chart_options(),
           solver_options(),
           without(common_options(), {"threads", "progress"})}),
      .prepare = prepare_solve};
}

}  // namespace cnf
