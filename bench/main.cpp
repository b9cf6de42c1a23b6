// cnf_bench: what kernels, training and evaluation cost, as time and as a share of what the machine could do meanwhile.
#include <algorithm>
#include <cstdio>
#include <cxxopts.hpp>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/tiles.hpp"
#include "bench/growth.hpp"
#include "bench/guard.hpp"
#include "bench/kernels.hpp"
#include "bench/peak.hpp"
#include "bench/solvers.hpp"
#include "bench/startup.hpp"
#include "bench/work_precision.hpp"
#include "bench/workloads.hpp"
#include "tools/cli/exit_code.hpp"

namespace cnf::bench {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kUnsteady = 0.1;  // of the peak during one workload

/// Lines as they come, or one JSON array at the end.
struct Report {
  bool json = false, unsteady = false;
  Json rows = Json::array();

  template <class... Values>
  void line(const char* format, Values... values) const {
    if (json) return;
    std::printf(format, values...);
    std::fflush(stdout);
  }
  const char* mark(const Result& r) {
    unsteady = unsteady || r.unsteady > kUnsteady;
    return r.unsteady > kUnsteady ? " ~" : "";
  }
};

Json row_of(const Result& r) {
  Json row{{"name", r.name}, {"threads", r.threads}, {"ms", r.seconds * 1e3}};
  if (r.cost.points > 0) row["points_per_s"] = r.per_second();
  row["evaluations"] = r.cost.evaluations;
  row["fraction_of_peak"] = r.fraction;
  row["peak_gflops"] = r.peak;
  row["peak_spread"] = r.unsteady;
  row["instruction_set"] = instruction_set();
  return row;
}

/// By the processor's time, which on one thread is the clock's less what others took.
void show_kernels(const std::vector<Workload>& rows, Report& report) {
  report.line("\n%-36s %12s %12s %10s %16s\n", "kernel, one thread", "GFLOP/s", "10^9/s", "of peak", "multiply-adds");
  for (const Workload& workload : rows) {
    const Result r = measure(workload, 1, {.blocks = 5, .block_seconds = 0.02, .total_seconds = 0.1});
    const double elements = r.cost.points / r.cpu_seconds * 1e-9, gflops = r.cost.flops / r.cpu_seconds * 1e-9;
    if (elements > 0)
      report.line("%-36s %12s %12.2f %10s %16.1f%s\n", r.name.c_str(), "-", elements, "-", r.peak / 2 / elements,
                  report.mark(r));
    else
      report.line("%-36s %12.1f %12s %9.0f%% %16s%s\n", r.name.c_str(), gflops, "-", 100 * gflops / r.peak, "-",
                  report.mark(r));
    report.rows.push_back(row_of(r));
    report.rows.back().erase("evaluations");
    report.rows.back()["ms"] = r.cpu_seconds * 1e3;
    report.rows.back()["fraction_of_peak"] = gflops / r.peak;
    if (elements > 0) {
      report.rows.back().erase("fraction_of_peak");
      report.rows.back()["multiply_adds_per_element"] = r.peak / 2 / elements;
    }
  }
}

void show_workloads(const std::vector<Workload>& rows, int threads, Report& report) {
  report.line("\n%-36s %12s %12s %12s %10s\n", "workload", "ms", "points/s", "evaluations", "of peak");
  for (const Workload& workload : rows) {
    const Result r = measure(workload, threads);
    const std::string points = r.cost.points > 0 ? std::to_string(std::lround(r.per_second())) : "-";
    report.line("%-36s %12.3f %12s %12.1f %9.0f%%%s\n", r.name.c_str(), r.seconds * 1e3, points.c_str(),
                r.cost.evaluations, 100 * r.fraction, report.mark(r));
    report.rows.push_back(row_of(r));
  }
}

/// By the processor's time, as show_kernels.
void show_solvers(const std::vector<Workload>& rows, Report& report) {
  report.line("\n%-36s %12s %16s %12s %10s\n", "solver in double at 1e-8, one thread", "ms", "ns an evaluation",
              "evaluations", "error");
  for (const Workload& workload : rows) {
    const Result r = measure(workload, 1);
    const double nanoseconds = r.cpu_seconds / r.cost.evaluations * 1e9;
    report.line("%-36s %12.3f %16.1f %12.0f %10.1e%s\n", r.name.c_str(), r.cpu_seconds * 1e3, nanoseconds,
                r.cost.evaluations, r.cost.error, report.mark(r));
    report.rows.push_back(row_of(r));
    for (const char* of_the_clock : {"fraction_of_peak", "points_per_s"}) report.rows.back().erase(of_the_clock);
    report.rows.back()["ms"] = r.cpu_seconds * 1e3;
    report.rows.back()["ns_per_evaluation"] = nanoseconds;
    report.rows.back()["error"] = r.cost.error;
  }
}

void show_speedups(const std::vector<Workload>& rows, Report& report) {
  report.line("\n%-36s %12s %12s\n", "two threads against one", "workload", "peak");
  constexpr std::string_view kNames[] = {"W1-b512", "W2", "W3-rk4", "W4-rk4"};
  for (const Workload& workload : rows) {
    if (std::find(std::begin(kNames), std::end(kNames), workload.name) == std::end(kNames)) continue;
    const Speedup s = speedup(workload);
    report.line("%-36s %11.2fx %11.2fx\n", s.name.c_str(), s.workload, s.peak);
    report.rows.push_back({{"name", "speedup-" + s.name}, {"speedup", s.workload}, {"peak_speedup", s.peak}});
  }
}

void show_startup(const std::filesystem::path& program, Report& report) {
  const Startup s = startup(program);
  report.line("\n%-36s %12s\n%-36s %12.1f\n%-36s %12.1f\n", "program", "ms", "cnf --help", s.help * 1e3,
              "first step, saved", s.first_step * 1e3);
  report.rows.push_back({{"name", "help"}, {"ms", s.help * 1e3}});
  report.rows.push_back({{"name", "first-step"}, {"ms", s.first_step * 1e3}});
}

void show_growth(const Cnf& plane, double most_points, Report& report) {
  std::string series;
  growth(
      plane, most_points,
      [&](const GrowthPoint& p) {
        if (p.series != series)
          report.line("\n%s\n%12s %12s %16s %14s\n", p.series.c_str(), (p.unit + "s").c_str(), "ms",
                      ("ns a " + p.unit).c_str(), "peak MiB");
        series = p.series;
        report.line("%12.0f %12.2f %16.2f %14.1f\n", p.size, p.seconds * 1e3, p.per_unit * 1e9, p.peak_rss_mib);
        report.rows.push_back({{"name", "growth"},
                               {"series", p.series},
                               {"unit", p.unit},
                               {"size", p.size},
                               {"ms", p.seconds * 1e3},
                               {"ns_per_unit", p.per_unit * 1e9},
                               {"peak_rss_mib", p.peak_rss_mib}});
      },
      [&](const Growth& g) {
        report.line("%12s grows as size^%.3f, cost per unit within %.0f%%\n", "", g.exponent, 100 * g.spread);
        report.rows.push_back(
            {{"name", "growth-fit"}, {"series", g.series}, {"exponent", g.exponent}, {"spread", g.spread}});
      });
}

Json json_of(const WorkPrecision& all) {
  Json truth = Json::object(), points = Json::array();
  for (const KnownPath& path : all.truth) {
    Json states = Json::array();
    for (Index i = 0; i < path.states.cols(); ++i)
      states.push_back(std::vector<double>(path.states.col(i).begin(), path.states.col(i).end()));
    truth[path.problem] = {{"times", path.times}, {"states", std::move(states)}};
  }
  for (const WorkPoint& p : all.points)
    points.push_back({{"problem", p.problem},
                      {"method", p.method},
                      {"tolerance", p.tolerance},
                      {"evaluations", p.evaluations},
                      {"error", p.error}});
  return {{"truth", std::move(truth)}, {"points", std::move(points)}};
}

/// "W3" names W3-dopri5, W3-rk4, ...; a full name names one.
std::vector<Workload> chosen(const std::vector<Workload>& all, const std::string& only) {
  std::vector<Workload> rows;
  for (const Workload& workload : all) {
    if (workload.name == only) return {workload};
    if (only.empty() || workload.name.starts_with(only + "-")) rows.push_back(workload);
  }
  return rows;
}

int run(int argc, char** argv) {
  cxxopts::Options options("cnf_bench", "Times kernels, training and evaluation as a share of the machine's peak.\n");
  // clang-format off
  options.add_options("what (default: all but growth; with --json: workloads)")
    ("only", "one kernel or workload, or all that begin so: W2, W3, multiply", cxxopts::value<std::string>(),
      "NAME")
    ("workloads", "W1 to W6")
    ("solvers", "W9: the solver alone, on one thread")
    ("kernels", "every kernel alone, on one thread")
    ("speedup", "two threads against one")
    ("startup", "the program's help and its first training step")
    ("growth", "cost over points, batch, steps and weights on one thread (a minute or two)")
    ("work-precision", "print what errors cost each adaptive method, as JSON: for solver_peers/")
    ("guard", "compare fractions of peak with those recorded in FILE; fails if one fell by more than a quarter",
      cxxopts::value<std::string>(), "FILE")
    ("record", "write these fractions to FILE", cxxopts::value<std::string>(), "FILE");
  options.add_options("how")
    ("json", "print an array of objects")
    ("threads", "of the workloads (default: all processors)", cxxopts::value<int>(), "N")
    ("weights", "the trained network of W1 to W4",
      cxxopts::value<std::string>()->default_value("bench/weights/w1_trained.safetensors"), "FILE")
    ("cnf", "the program that --startup starts (default: the one built beside this)", cxxopts::value<std::string>(),
      "FILE")
    ("points", "the most points of --growth", cxxopts::value<double>()->default_value("1e7"), "N")
    ("h,help", "this text");
  // clang-format on
  const cxxopts::ParseResult args = options.parse(argc, argv);
  if (args.count("help") > 0) {
    std::printf("%s", options.help().c_str());
    return 0;
  }
  if (!args.unmatched().empty()) throw UsageError("'" + args.unmatched()[0] + "' is not an option");
  const auto asked = [&](const char* what) { return args.count(what) > 0; };
  const int threads = asked("threads") ? args["threads"].as<int>() : available_threads();
  if (threads < 1) throw UsageError("--threads must be at least 1");
  const std::filesystem::path weights = args["weights"].as<std::string>();
  if (asked("weights") && !std::filesystem::exists(weights)) throw InputError(weights.string() + ": no such file");
  const PlaneModel plane = plane_model(weights);
  const std::vector<Workload> all = workloads(plane.model);
  if ((asked("record") || asked("guard")) && !plane.trained)
    throw InputError(weights.string() + ": no such file; shares of peak are recorded with trained weights");
  if (asked("record")) {
    record(short_workloads(plane.model), args["record"].as<std::string>());
    return 0;
  }
  if (asked("work-precision")) {
    std::printf("%s\n", json_of(work_precision(plane.model)).dump().c_str());
    return 0;
  }
  if (asked("guard")) return guard(short_workloads(plane.model), args["guard"].as<std::string>()) ? 0 : 1;

  Report report;
  report.json = asked("json");
  if (!report.json)
    report.line("%s: %.0f GFLOP/s of float multiply-adds on 1 thread, %.0f on %d\n", instruction_set(),
                peak_gflops(1, 0.1), peak_gflops(threads, 0.1), threads);
  report.line("W1 to W4 from %s weights\n", plane.trained ? "trained" : "untrained");

  const std::string only = asked("only") ? args["only"].as<std::string>() : "";
  const bool sections = asked("workloads") || asked("solvers") || asked("kernels") || asked("speedup") ||
                        asked("startup") || asked("growth");
  const bool every = !sections && !report.json && only.empty();
  const std::vector<Workload> kernel_rows = chosen(kernels(), only), work_rows = chosen(all, only),
                              solver_rows = chosen(solver_workloads(), only);
  if (kernel_rows.empty() && work_rows.empty() && solver_rows.empty()) {
    std::string known;
    for (const auto& list : {all, solver_workloads(), kernels()})
      for (const Workload& workload : list) known += " " + workload.name;
    throw UsageError("no kernel or workload is called '" + only + "'; known are" + known);
  }
  if (asked("kernels") || every || (!only.empty() && !sections && !kernel_rows.empty()))
    show_kernels(kernel_rows, report);
  if (asked("workloads") || every || (!sections && !work_rows.empty())) show_workloads(work_rows, threads, report);
  if (asked("solvers") || every || (!only.empty() && !sections && !solver_rows.empty()))
    show_solvers(solver_rows, report);
  if (asked("speedup") || (every && threads >= 2)) show_speedups(work_rows, report);
  const std::filesystem::path program =
      asked("cnf") ? std::filesystem::path(args["cnf"].as<std::string>())
                   : std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../tools/cnf";
  if (asked("startup") || (every && std::filesystem::exists(program))) show_startup(program, report);
  if (asked("growth")) show_growth(plane.model, args["points"].as<double>(), report);
  if (report.json) std::printf("%s\n", report.rows.dump(1).c_str());
  if (report.unsteady)
    report.line("\n~ unsteady: the peak or the rate moved by more than %.0f%% meanwhile; something else ran\n",
                100 * kUnsteady);
  return 0;
}

}  // namespace

}  // namespace cnf::bench

int main(int argc, char** argv) {
  try {
    return cnf::bench::run(argc, argv);
  } catch (const cxxopts::exceptions::exception& error) {
    std::fprintf(stderr, "cnf_bench: %s\n", error.what());
    return 2;
  } catch (const cnf::Error& error) {
    std::fprintf(stderr, "cnf_bench: %s\n", error.what());
    return static_cast<int>(cnf::exit_code(error));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cnf_bench: %s\n", error.what());
    return 1;
  }
}
