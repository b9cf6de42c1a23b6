#include "tools/verbs/solve/work_table.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "flows/evaluator.hpp"
#include "tools/cli/signals.hpp"

namespace cnf {

namespace {

constexpr double kEnoughSeconds = 0.03;
constexpr int kMostRuns = 5;

/// Runs `once`, which sets everything of the row but the seconds, until its time is known.
template <class Once>
void time(WorkRow& row, const Once& once) {
  row.seconds = INFINITY;
  double spent = 0;
  for (int run = 0; run < kMostRuns && (run == 0 || spent < kEnoughSeconds); ++run) {
    const auto begin = std::chrono::steady_clock::now();
    once();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    row.seconds = std::min(row.seconds, seconds), spent += seconds;
    stop_if_asked(interrupt_flag());
  }
}

void measure_problem(const SolveSubject& subject, const Batch& truth, WorkRow& row) {
  time(row, [&] {
    const Solution solution = solve(subject, row.point.options, {}, {}, 1);
    row.status = solution.status, row.counters = solution.counters;
    row.error = row.mean_error = end_error(solution.ends, truth, row.point.options);
  });
}

EvaluationOptions evaluation(const SolveOptions& solve, int threads) {
  EvaluationOptions options{.solve = solve, .precision = Precision::double_float, .threads = threads};
  options.failing_steps = 0;
  return options;
}

/// Points of the model, and their log p, by dopri8 at a tolerance of 1e-12.
Evaluated true_log_prob(const Cnf& model, const WorkRequest& request) {
  SolveOptions tight{.method = &kDopri8, .rtol = 1e-12, .atol = 1e-12, .max_steps = 100'000};
  tight.stop = interrupt_flag();
  Evaluator evaluator(model, evaluation(tight, request.threads));
  Evaluated drawn = evaluator.sample(request.seed, 0, request.N, false);
  Evaluated truth = drawn.failures.empty() ? evaluator.log_prob(drawn.points) : drawn;
  if (!truth.failures.empty())
    throw ComputationError("the reference solve, by dopri8 at a tolerance of 1e-12: " +
                           truth.failures.front().message());
  truth.points = std::move(drawn.points);
  return truth;
}

void measure_flow(const Cnf& model, const Evaluated& truth, int threads, WorkRow& row) {
  Evaluator evaluator(model, evaluation(row.point.options, threads));
  time(row, [&] {
    const Evaluated found = evaluator.log_prob(truth.points);
    row.status = found.failures.empty() ? Status{} : found.failures.front();
    row.counters = found.counters.per_solve(found.tiles);
    if (!row.status.ok()) return;
    const auto errors = (found.log_prob - truth.log_prob).array().abs();
    row.error = errors.maxCoeff(), row.mean_error = errors.mean();
  });
}

}  // namespace

std::vector<WorkRow> measure(const SolveSubject& subject, const WorkRequest& request,
                             const std::function<void()>& done) {
  Batch ends;
  Evaluated truth;
  if (subject.problem)
    ends = subject.problem->end;
  else
    truth = true_log_prob(subject.model->file.model, request);
  std::vector<WorkRow> rows;
  for (const WorkPoint& point : request.points) {
    WorkRow& row = rows.emplace_back();
    row.point = point;
    if (subject.problem)
      measure_problem(subject, ends, row);
    else
      measure_flow(subject.model->file.model, truth, request.threads, row);
    done();
  }
  return rows;
}

std::string csv_of(const std::vector<WorkRow>& rows) {
  std::string text = "solver,rtol,steps,evaluations,jvps,accepted,rejected,seconds,error,mean_error,status\n";
  for (const WorkRow& row : rows) {
    const SolveOptions& solve = row.point.options;
    const bool fixed = solve.fixed_steps > 0, ok = row.status.ok();
    text += row.point.solver + ',' + (fixed ? "" : shortest(solve.rtol)) + ',' +
            (fixed ? std::to_string(solve.fixed_steps) : "") + ',' + std::to_string(row.counters.evaluations) + ',' +
            std::to_string(row.counters.jvps) + ',' + std::to_string(row.counters.accepted) + ',' +
            std::to_string(row.counters.rejected) + ',' + significant(row.seconds, 4) + ',' +
            (ok ? significant(row.error, 6) : "") + ',' + (ok ? significant(row.mean_error, 6) : "") + ',' +
            std::string(name(row.status.code)) + '\n';
  }
  return text;
}

}  // namespace cnf
