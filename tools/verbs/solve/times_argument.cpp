#include "tools/verbs/solve/times_argument.hpp"

#include <algorithm>

#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"

namespace cnf {

Option times_option() {
  return {.name = "times",
          .value = "N|T,T,...",
          .kind = Kind::text,
          .help =
              "When to look: N times from the beginning to the end, or the times themselves, ascending. Not given: "
              "101, of a picture 2001.",
          .group = "Output"};
}

std::vector<double> even_times(std::int64_t n, double t_begin, double t_end) {
  std::vector<double> times;
  for (std::int64_t i = 0; i + 1 < n; ++i)
    times.push_back(t_begin + (t_end - t_begin) * static_cast<double>(i) / static_cast<double>(n - 1));
  times.push_back(t_end);
  return times;
}

std::vector<double> read_times(const std::string& text, double t_begin, double t_end) {
  constexpr std::int64_t kMost = 1'000'000;
  if (!text.empty() && text.find_first_not_of("0123456789") == text.npos)
    return even_times(read_value({.kind = Kind::integer, .range = Range::whole(2, kMost)}, "--times", text).integers[0],
                      t_begin, t_end);
  const std::vector<double> times = read_value({.kind = Kind::reals, .max_count = kMost}, "--times", text).reals;
  double last = t_begin;
  for (const double t : times) {
    if (!(t >= t_begin && t <= t_end))
      throw UsageError("--times: " + shortest(t) + " is out of range, expected times from " + shortest(t_begin) +
                       " to " + shortest(t_end));
    if (t < last) throw UsageError("--times: " + shortest(t) + " comes after " + shortest(last) + "; times ascend");
    last = t;
  }
  return times;
}

}  // namespace cnf
