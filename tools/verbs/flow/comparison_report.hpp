// A comparison as a table, as JSON and as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/args.hpp"
#include "tools/draw/interval_chart.hpp"
#include "tools/verbs/flow/verdict.hpp"

namespace cnf {

struct ComparisonReport {
  std::string data{};       ///< what was judged by
  bool draws = false;       ///< fresh draws, not rows
  std::string fitted_to{};  ///< the rows of simple densities; empty: there are none
  std::int64_t seen = 0;    ///< rows left out since a run knows them
  Comparison comparison{0};
  std::vector<Compared> densities{};  ///< in the order asked for
};

/// From the likeliest on: NLL, and how far it is behind the best with the 95 % interval of that; last the verdict.
std::string text_of(const ComparisonReport& report);
/// As asked for, one by one.
JsonReport json_of(const ComparisonReport& report);
/// How far each is behind the best, of the size that --size and --magnify say.
IntervalChart picture_of(const ComparisonReport& report, const Args& args);

}  // namespace cnf
