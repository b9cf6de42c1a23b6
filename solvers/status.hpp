// How a solve ended: trouble is a value.
#pragma once

#include <cstdint>
#include <string>

#include "base/types.hpp"

namespace cnf {

/// The end of one sample's solve. ok, or why not: where, when, how far, and what to do.
struct Status {
  enum class Code : int {
    ok = 0,
    step_limit,
    step_underflow,
    non_finite,
    stopped,
    unsolved,
    too_fine,
    memory_limit,
    not_reversed
  };

  /// What held the steps back, of a step_limit or step_underflow; of too_fine the precision, before the first step.
  enum class Cause : int {
    unknown = 0,
    float_rounding,   ///< the tolerance is below what float holds of the values
    double_rounding,  ///< ... below what double holds
    stiffness,        ///< stability, not accuracy
    min_step,         ///< SolveOptions::min_step is too long for the tolerance
    clock,            ///< t is so large that its steps cannot be told apart
  };

  Code code = Code::ok;
  Cause cause = Cause::unknown;
  Index row = -1;       ///< the sample, counted from 0 in the caller's batch; -1: not one sample's fault
  double t = 0, h = 0;  ///< time reached and the size of the step being tried
  std::int64_t accepted = 0, rejected = 0;  ///< steps taken until then
  double stiffness = 0;  ///< of a step_limit: h times how steeply the slope changes there; 0: not measured

  bool ok() const { return code == Code::ok; }
  /// One line with cause and remedy: "step_limit: row 17: 1000 steps (41 rejected) reached t = 0.31, last step 2.1e-09;
  /// raise ... ". "ok" if ok.
  std::string message() const;
};

std::string_view name(Status::Code code);

/// What a solve cost. Sums over tiles are exact.
struct Counters {
  std::int64_t evaluations = 0;  ///< of the right-hand side, each over a whole tile
  std::int64_t accepted = 0, rejected = 0;
  std::int64_t failing = 0;   ///< of these, the steps of solves that failed, and one for each such solve
  std::int64_t jvps = 0;      ///< products of the Jacobian with one vector a sample, each over a whole tile
  std::int64_t switches = 0;  ///< from one method to the other, of a method that chooses between two

  /// Evaluations and jvps: what methods of every family can be compared by.
  std::int64_t calls() const { return evaluations + jvps; }
  Counters& operator+=(const Counters& other);
  /// Of one of as many solves, in the mean, to the nearest whole number; 0 of none.
  Counters per_solve(std::int64_t solves) const;
};

}  // namespace cnf
