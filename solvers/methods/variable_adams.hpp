// Adams' method with order and step chosen together, on steps of any size.
#pragma once

#include <string_view>

namespace cnf {

/// Adams-Bashforth-Moulton of orders 1 to `most` as PECE: two evaluations a step, whatever its order and size. In a
/// step of order k the predictor has order k, the corrector k + 1; the difference to a corrector of order k is the
/// error estimate. A solve starts at order 1 and raises it as fast as errors allow; the steps before a jump say nothing
/// about what comes after, so it starts again at each of SolveOptions::jumps.
///
/// Errors  a step is accepted at kMargin times less than the tolerance: its steps are many and short, and their errors
///         add up. So the error of a whole solve is at most dopri8's at the same tolerance, mostly a hundredth of it
///         (tests/solvers/detest_test.cpp), and costs two thirds of the evaluations that dopri8 takes for such an error
///         (bench/RESULTS.md). The margin is smaller where rtol and atol are near rounding.
/// Dense   y plus the integral of the polynomial that the corrector integrates: of order k + 1, without an evaluation.
/// Refused fixed steps and frozen grids, which leave nothing to choose (abm8:N takes those), and recordings.
/// Source  Krogh (1974), Lecture Notes in Mathematics 362, 22-71; Shampine and Gordon (1975), Computer Solution of
///         Ordinary Differential Equations; Hairer, Norsett, Wanner I, sec. III.5 and III.7.
struct VariableAdams {
  static constexpr int kMost = 12;
  static constexpr double kMargin = 200;
  static constexpr std::string_view help = "for tight tolerances where an evaluation is dear";

  std::string_view name;  ///< as spelled on the command line
  int most;               ///< highest order of a predictor, 1 to kMost
  int order = most + 1, embedded_order = most;

  constexpr int evaluations_per_step() const { return 2; }
  constexpr int dense_order() const { return order; }
  constexpr bool has_transpose() const { return false; }
  constexpr bool needs_equal_steps() const { return false; }
  constexpr bool takes_grid() const { return false; }
  constexpr bool needs_jvp() const { return false; }
};

inline constexpr VariableAdams kAdams{"adams", VariableAdams::kMost};

}  // namespace cnf
