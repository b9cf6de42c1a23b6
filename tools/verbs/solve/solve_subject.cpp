#include "tools/verbs/solve/solve_subject.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.hpp"
#include "flows/paths.hpp"
#include "solvers/watching/observation.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/suggest.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse_subject(const std::string& text) {
  std::vector<std::string> names;
  std::string others;
  for (const Problem& problem : all_problems()) {
    names.emplace_back(problem.name);
    if (!problem.name.starts_with("detest-")) others += ", " + names.back();
  }
  const std::string meant = did_you_mean(text, names);
  throw UsageError(in_quotes(text) + " is neither a problem nor a run",
                   (meant.empty() ? "" : meant + " ") + "problems: detest-a1 to detest-e5" + others);
}

SolveSubject subject_of(const Problem& problem) {
  SolveSubject subject{.name = std::string(problem.name), .t_begin = problem.t_begin, .t_end = problem.t_end};
  subject.variables.assign(problem.variables.begin(), problem.variables.end());
  if (subject.variables.empty())
    for (Index i = 1; i <= problem.dim(); ++i) subject.variables.push_back("z" + std::to_string(i));
  subject.problem = problem;
  return subject;
}

SolveSubject subject_of(ModelArgument model) {
  const Cnf& flow = model.file.model;
  SolveSubject subject{.name = data_name(model.file), .variables = flow.columns, .t_end = path_length(flow)};
  subject.model = std::move(model);
  return subject;
}

Solution solve_problem(const Problem& problem, const SolveOptions& options, std::span<const double> times) {
  const std::unique_ptr<Dynamics<double>> f = problem.dynamics();
  Scratch scratch;
  State<double> state(problem.blocks(), 1);
  state.z() = problem.begin;
  std::vector<Observation> observations;
  for (const double t : times) observations.push_back({t, 0});
  Solution solution{.points = Batch(problem.dim(), static_cast<Index>(times.size()))};
  Observer<double> observer(observations, problem.blocks(), true,
                            Out<double>(solution.points.data(), problem.dim(), solution.points.cols()), {});
  solution.status = integrate(*f, problem.t_begin, problem.t_end, state, options, scratch, solution.counters,
                              {.listener = times.empty() ? nullptr : &observer});
  solution.status.row = -1;  // there is no other
  solution.ends = state.z();
  return solution;
}

Solution solve_flow(const Cnf& model, const SolveOptions& options, std::span<const double> times, Seed seed, Index N) {
  Paths paths = sample_paths(model, seed, N, times, options);
  Solution solution{.points = std::move(paths.points), .ends = std::move(paths.ends), .status = paths.status};
  solution.counters = paths.counters.per_solve(paths.tiles);
  return solution;
}

}  // namespace

Option subject_argument() {
  return {.name = "subject",
          .value = "PROBLEM|RUN",
          .kind = Kind::path,
          .help =
              "A classic problem by its name (detest-a1 to detest-e5, arenstorf, lotka-volterra, van-der-pol, "
              "van-der-pol-stiff, robertson, brusselator, harmonic-oscillator), or a run folder or model, whose "
              "samples go from the base to the data. Numbers are of 64 bits throughout.",
          .required = true};
}

SolveSubject open_solve_subject(const Args& args) {
  const std::string& text = args.text("subject");
  if (const std::optional<Problem> problem = find_problem(text)) return subject_of(*problem);
  std::error_code error;
  if (!fs::exists(args.path("subject"), error)) refuse_subject(text);
  return subject_of(open_model(args.path("subject")));
}

Solution solve(const SolveSubject& subject, const SolveOptions& options, std::span<const double> times, Seed seed,
               Index N) {
  const auto begin = std::chrono::steady_clock::now();
  Solution solution = subject.problem ? solve_problem(*subject.problem, options, times)
                                      : solve_flow(subject.model->file.model, options, times, seed, N);
  solution.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  stop_if_asked(options.stop);
  return solution;
}

Batch true_ends(const SolveSubject& subject, Seed seed, Index N) {
  if (subject.problem) return subject.problem->end;
  SolveOptions options{.method = &kDopri8, .rtol = 1e-12, .atol = 1e-12, .max_steps = 100'000};
  options.stop = interrupt_flag();
  const Solution solution = solve(subject, options, {}, seed, N);
  if (!solution.status.ok())
    throw ComputationError("the reference solve, by dopri8 at a tolerance of 1e-12: " + solution.status.message());
  return solution.ends;
}

double end_error(const Batch& ends, const Batch& truth, const SolveOptions& options) {
  const auto scale = truth.array().abs().max(options.atol / options.rtol);
  return ((ends - truth).array().abs() / scale).maxCoeff();
}

}  // namespace cnf
