// What an error costs: evaluations and errors of every adaptive method over tolerances, for solver_peers/.
#pragma once

#include <string>
#include <vector>

#include "flows/cnf.hpp"

namespace cnf::bench {

/// A path known at some times: DETEST's, and 64 points of the plane carried by a trained flow as one system.
struct KnownPath {
  std::string problem;
  std::vector<double> times;
  Matrix<double> states;  ///< a column a time
};

struct WorkPoint {
  std::string problem, method;
  double tolerance;          ///< rtol = atol
  std::int64_t evaluations;  ///< of a solve that nobody looks into
  double error;              ///< the largest at the times, by dense output, relative to the largest component or 1
};

struct WorkPrecision {
  std::vector<KnownPath> truth;
  std::vector<WorkPoint> points;
};

/// All in double, tolerances 1e-3 to 1e-10. The norm is the RMS over the whole state, as other libraries have it.
WorkPrecision work_precision(const Cnf& plane);

}  // namespace cnf::bench
