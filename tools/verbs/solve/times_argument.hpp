// --times: when the paths are looked at.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/option.hpp"

namespace cnf {

Option times_option();

/// A whole number n: n times from begin to end, evenly; else times separated by commas, which ascend between them.
/// Throws UsageError.
std::vector<double> read_times(const std::string& text, double t_begin, double t_end);

std::vector<double> even_times(std::int64_t n, double t_begin, double t_end);

}  // namespace cnf
