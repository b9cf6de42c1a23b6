#include "tools/verbs/solve/range_argument.hpp"

#include <cmath>

#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

std::vector<double> read_decades(const std::string& text, const std::string& shown) {
  const Option list{.kind = Kind::reals, .range = Range::open(0, 1)};
  const std::size_t dots = text.find("..");
  if (dots == text.npos) return read_value(list, shown, text).reals;
  const Option one{.kind = Kind::real, .range = Range::open(0, 1)};
  const double first = read_value(one, shown, text.substr(0, dots)).reals[0];
  const double last = read_value(one, shown, text.substr(dots + 2)).reals[0];
  const double decades = std::log10(last / first);
  std::vector<double> all{first};
  for (int k = 1; k < std::abs(decades) - 1e-9; ++k) {
    const double power = std::pow(10.0, k);
    all.push_back(read_value(one, shown, significant(decades < 0 ? first / power : first * power, 12)).reals[0]);
  }
  if (last != first) all.push_back(last);
  return all;
}

std::vector<std::int64_t> read_doublings(const std::string& text, const std::string& shown) {
  const Range range = Range::whole(1, 1'000'000);
  const std::size_t dots = text.find("..");
  if (dots == text.npos) return read_value({.kind = Kind::integers, .range = range}, shown, text).integers;
  const Option one{.kind = Kind::integer, .range = range};
  const std::int64_t first = read_value(one, shown, text.substr(0, dots)).integers[0];
  const std::int64_t last = read_value(one, shown, text.substr(dots + 2)).integers[0];
  if (last < first) throw UsageError(shown + ": " + in_quotes(text) + " goes down, expected M..N with M at most N");
  std::vector<std::int64_t> all;
  for (std::int64_t steps = first; steps <= last; steps *= 2) all.push_back(steps);
  return all;
}

}  // namespace cnf
