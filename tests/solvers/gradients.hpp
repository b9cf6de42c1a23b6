// Solvers by their names, and gradients held to differences.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string_view>
#include <vector>

#include "solvers/integrate.hpp"

namespace cnf {

/// By a method as spelled on the command line.
inline SolveOptions solver(std::string_view text, double tolerance) {
  const MethodChoice m = parse_method(text);
  SolveOptions options;
  options.method = m.method;
  options.fixed_steps = m.fixed_steps;
  options.rtol = options.atol = tolerance;
  return options;
}

/// The same steps whatever else changes: a recording's grid.
inline SolveOptions frozen(SolveOptions options, const std::vector<double>& fractions) {
  options.fixed_steps = 0;
  options.fractions = fractions;
  return options;
}

/// To `margin` of the largest value.
inline void check_equal(const std::vector<double>& a, const std::vector<double>& b, double margin) {
  REQUIRE(a.size() == b.size());
  double size = 0;
  for (double x : b) size = std::max(size, std::abs(x));
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i, a[i], b[i]);
    CHECK(std::abs(a[i] - b[i]) <= margin * size);
  }
}

}  // namespace cnf
