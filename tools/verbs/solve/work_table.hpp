// Error against work: one row for each method and tolerance.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/verbs/solve/solve_subject.hpp"

namespace cnf {

/// One solve to be measured.
struct WorkPoint {
  std::string solver{};  ///< as spelled without a number of steps
  SolveOptions options{};
};

/// What it cost, and how far off it was.
struct WorkRow {
  WorkPoint point{};
  Counters counters{};
  double seconds = 0;     ///< the least of several
  double error = 0;       ///< of a problem end_error, of a flow the largest of log p, nats
  double mean_error = 0;  ///< of a flow the mean of log p's; else the same
  Status status{};
};

struct WorkRequest {
  std::vector<WorkPoint> points{};
  Seed seed{};
  Index N = 1;  ///< samples of a flow whose log p is found
  int threads = 0;
};

/// One row a point. `done` is told of each.
std::vector<WorkRow> measure(const SolveSubject& subject, const WorkRequest& request,
                             const std::function<void()>& done);

/// "solver,rtol,steps,evaluations,jvps,accepted,rejected,seconds,error,mean_error,status": rtol of an adaptive solve,
/// steps of a fixed one, errors of one that ended well.
std::string csv_of(const std::vector<WorkRow>& rows);

}  // namespace cnf
