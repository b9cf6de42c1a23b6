// Objectives as text: "likelihood+kinetic:0.01", "likelihood+kinetic:0.001^".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flows/objectives/objectives.hpp"

namespace cnf {

/// A name and its weight: "kinetic:0.01"; 1 if none is said. With ^ behind it the weight is where it begins.
struct NamedWeight {
  std::string name;
  double weight = 1;
  bool rises = false;
};

/// The summands of "NAME[:WEIGHT[^]]+NAME[:WEIGHT[^]]+...", names not looked at.
/// Throws std::invalid_argument: a weight that is no number above 0, a name that is empty or stands twice.
std::vector<NamedWeight> split_objective(std::string_view text);

/// What may stand in a sum: the objectives, then the terms of a solve.
std::vector<std::string_view> summand_names();

/// The sum, each objective with its defaults. A term goes into the solve of the first objective that makes one.
/// Throws std::invalid_argument: a name that is not known, terms without an objective that solves the flow, the weight
/// of an objective that is to rise.
ObjectiveSum objective_sum(const std::vector<NamedWeight>& summands);

}  // namespace cnf
