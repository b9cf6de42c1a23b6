// A flow beside what is simpler, row by row: how much likelier it makes the same rows, with its interval.
#pragma once

#include <string>
#include <vector>

#include "base/mean.hpp"
#include "datasets/baselines.hpp"
#include "tools/cli/json_report.hpp"

namespace cnf {

/// Log-densities of the rows that the flow could solve, and how much higher the flow's are, row by row.
struct Standing {
  RunningMean log_prob;  ///< of the baseline, nats, user units
  RunningMean gain;      ///< of log p flow - log p baseline
};

struct Comparison {
  std::string name, detail;  ///< of the baseline
  Standing all;
  Standing unseen;  ///< of the rows that were not trained on
};

/// `flow`: its log p of each test row, NaN of those that failed; `seen`: 1 of each row that was trained on, or empty.
Comparison compare(const Baseline& baseline, const Vector<double>& flow, const std::vector<char>& seen);

/// As `baselines` of --json has it, and as text: a line for each baseline and one for how the flow stands to it, of all
/// rows and, where they are not all, of the unseen ones.
JsonReport report(const Comparison& comparison);
std::vector<std::pair<std::string, std::string>> lines(const Comparison& comparison);

/// "3.4021 ± 0.0123 nats"; of numbers that are not known "unknown".
std::string with_error(double x, double error);
std::string shown(double x, int digits);

}  // namespace cnf
