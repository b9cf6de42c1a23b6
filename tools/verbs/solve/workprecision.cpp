// cnf workprecision: what accuracy costs, by several methods over a range of tolerances.
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/suggest.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/verbs/solve/chart_options.hpp"
#include "tools/verbs/solve/range_argument.hpp"
#include "tools/verbs/solve/work_picture.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

struct WorkTask {
  SolveSubject subject{};
  WorkRequest request{};
  bool numbers = true;  ///< -o is a table, or there is none
};

/// The solves of one name of --solver: at every tolerance; "dopri5:100" the one; "rk4" at every number of --steps.
void add_points(const std::string& text, const Args& args, const SolveOptions& common, std::vector<WorkPoint>& points) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const std::optional<Method> method = find_method(name);
  if (!method) {
    std::vector<std::string> names;
    for (const Method& known : all_methods()) names.emplace_back(known.name());
    throw UsageError("--solver: " + in_quotes(name) + " is not known", did_you_mean(name, names));
  }
  WorkPoint point{name, common};
  point.options.method = *method;
  if (colon != text.npos) {
    const Option steps{.kind = Kind::integer, .range = Range::whole(1, 1'000'000)};
    point.options.fixed_steps =
        static_cast<int>(read_value(steps, "--solver: " + name, text.substr(colon + 1)).integers[0]);
    points.push_back(point);
  } else if (method->is_adaptive()) {
    for (const double rtol : read_decades(args.text("rtol"), "--rtol")) {
      point.options.rtol = point.options.atol = rtol;
      points.push_back(point);
    }
  } else {
    for (const std::int64_t steps : read_doublings(args.text("steps"), "--steps")) {
      point.options.fixed_steps = static_cast<int>(steps);
      points.push_back(point);
    }
  }
}

WorkTask work_task(const Args& args) {
  WorkTask task{.subject = open_solve_subject(args),
                .request = {.seed = seed_from(args), .threads = threads_from(args)}};
  if (task.subject.problem)
    for (const char* name : {"num", "seed"})
      if (args.given(name))
        throw UsageError(std::string("--") + name + " is about a flow's samples; " + task.subject.name +
                         " has one path");
  task.request.N = args.integer("num");
  if (args.given("output")) task.numbers = wants_numbers(args, false);
  for (const char* name : {"size", "magnify", "title"})
    if (args.given(name) && task.numbers)
      throw UsageError(std::string("--") + name + " is about a picture", "-o FILE.png draws one, .svg and .pdf too");
  SolveOptions common{.max_steps = args.integer("max-steps")};
  common.stop = interrupt_flag();
  const std::string& solvers = args.text("solver");
  for (std::size_t at = 0; at <= solvers.size();) {
    const std::size_t end = std::min(solvers.find(',', at), solvers.size());
    add_points(solvers.substr(at, end - at), args, common, task.request.points);
    at = end + 1;
  }
  return task;
}

JsonReport report_of(const SolveSubject& subject, const std::vector<WorkRow>& rows) {
  std::vector<JsonReport> points;
  for (const WorkRow& row : rows) {
    JsonReport& point = points.emplace_back();
    point.set("solver", row.point.solver);
    if (row.point.options.fixed_steps > 0)
      point.set("steps", row.point.options.fixed_steps);
    else
      point.set("rtol", row.point.options.rtol);
    point.set("evaluations", row.counters.evaluations).set("jvps", row.counters.jvps);
    point.set("accepted", row.counters.accepted).set("rejected", row.counters.rejected).set("seconds", row.seconds);
    if (row.status.ok())
      point.set("error", row.error).set("mean_error", row.mean_error);
    else
      point.set_unknown("error").set_unknown("mean_error");
    point.set("status", name(row.status.code));
  }
  return JsonReport().set("problem", subject.name).set("points", points);
}

int run_workprecision(const Args& args, const WorkTask& task) {
  Progress progress(Progress::mode(args.text("progress"), args.flag("quiet")), "solve",
                    static_cast<std::int64_t>(task.request.points.size()));
  std::int64_t done = 0;
  progress.update(0);
  const std::vector<WorkRow> rows = measure(task.subject, task.request, [&] { progress.update(++done); });
  progress.finish();
  const std::string table = csv_of(rows);
  const bool to_file = args.given("output") && args.text("output") != "-";
  if (to_file && task.numbers) write_file(args.path("output"), std::string_view(table));
  if (to_file && !task.numbers) {
    const FigureStyle style = chart_style(args, task.subject.name, 470, 400);
    write_picture(args.path("output"), [&] { return work_picture(task.subject, rows, style); });
  }
  if (args.flag("json"))
    write_stdout(report_of(task.subject, rows).text());
  else if (!to_file || !task.numbers)
    write_stdout(table);
  return 0;
}

Work prepare_workprecision(const Args& args) {
  return [&args, task = work_task(args)] {
    try {
      return run_workprecision(args, task);
    } catch (const std::invalid_argument& error) {  // a method that the options do not fit, a picture without room
      throw UsageError(error.what());
    }
  };
}

}  // namespace

Verb workprecision_verb() {
  Option output = output_option("FILE",
                                "The table as .csv, or its charts as .png, .svg or .pdf. Not given, and beside a "
                                "picture: the table on standard output.");
  Option num = draw_options()[0];
  num.initial = "256", num.range = Range::whole(1, 1'000'000);
  num.help = "How many samples of a flow, whose log p is found.";
  return {
      .name = "workprecision",
      .summary = "What accuracy costs: error against evaluations and time, by several methods",
      .examples = {"cnf workprecision lotka-volterra --solver dopri5,dopri8 --rtol 1e-3..1e-10",
                   "cnf workprecision arenstorf -o arenstorf.png > arenstorf.csv",
                   "cnf workprecision brusselator --solver rk4,abm4,dopri5 --steps 64..4096 -o fixed.svg",
                   "cnf workprecision runs/8g --rtol 1e-2..1e-8 -o trade-off.png"},
      .positionals = {subject_argument()},
      .options = joined({{num},
                         {output, force_option()},
                         chart_options(),
                         {{.name = "solver",
                           .value = "METHOD,...",
                           .kind = Kind::text,
                           .repeats = true,
                           .initial = "bosh3,dopri5,tsit5,dopri8,adams",
                           .help = "Methods of integration: adaptive ones at every tolerance, those of fixed steps "
                                   "at every number of --steps; with :N at that number alone.",
                           .group = "Solver"},
                          {.name = "rtol",
                           .value = "X..Y",
                           .kind = Kind::text,
                           .initial = "1e-3..1e-9",
                           .help = "Tolerances, relative and absolute: one a decade from X to Y, or a list.",
                           .group = "Solver"},
                          {.name = "steps",
                           .value = "M..N",
                           .kind = Kind::text,
                           .initial = "16..4096",
                           .help = "Numbers of steps, of methods without an error estimate: doubled from M to N, or "
                                   "a list.",
                           .group = "Solver"},
                          {.name = "max-steps",
                           .value = "N",
                           .kind = Kind::integer,
                           .initial = "100000",
                           .range = Range::whole(1, 1'000'000'000),
                           .help = "Steps a solve may try before it is given up.",
                           .group = "Solver"}},
                         common_options()}),
      .prepare = prepare_workprecision};
}

}  // namespace cnf
