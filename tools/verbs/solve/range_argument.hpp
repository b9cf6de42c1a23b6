// "1e-3..1e-9" and "16..4096": a range of tolerances or of numbers of steps as one option says it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cnf {

/// Numbers in (0, 1): those of a list, or of X..Y one a decade from X, and Y. Throws UsageError about `shown`.
std::vector<double> read_decades(const std::string& text, const std::string& shown);

/// Whole numbers from 1 to 1000000: those of a list, or of M..N doubled from M up to N. Throws UsageError.
std::vector<std::int64_t> read_doublings(const std::string& text, const std::string& shown);

}  // namespace cnf
