// What a comparison of densities comes to, in words and as JSON; and numbers with their errors as text.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "flows/judge/comparison.hpp"
#include "tools/cli/json_report.hpp"

namespace cnf {

/// One of the densities of a comparison.
struct Compared {
  std::string name;    ///< in tables and JSON: "kde", "runs/8g"
  std::string called;  ///< in a sentence: "the kernel estimate"
  int complexity = 0;
  std::string detail{};  ///< what was chosen: "bandwidth 0.07"
};

/// Of these densities, one for each of the comparison.
Verdict judge(const Comparison& comparison, std::span<const Compared> densities);

/// The one line, without a full stop: "runs/8g is better than the mixture, the next best, by 0.120 ± 0.021 nats"; where
/// no difference is shown "the Gaussian is as good here as runs/8g, ...: take the simpler".
std::string text(const Comparison& comparison, const Verdict& verdict, std::span<const Compared> densities);
/// {"best": name, "recommended": name, "text": the line}.
JsonReport report(const Comparison& comparison, const Verdict& verdict, std::span<const Compared> densities);

/// "0.123 ± 0.021 nats": as many digits as the half width has two of. The sign is left out.
std::string size_text(const PairedDifference& difference);

/// "3.4021 ± 0.0123"; of numbers that are not known "unknown", "infinite" of infinite ones.
std::string with_error(double x, double error);
std::string shown(double x, int digits);

}  // namespace cnf
