#include "solvers/solve_options.hpp"

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/number_text.hpp"

namespace cnf {

namespace {

[[noreturn]] void refuse_options(const std::string& what) { throw std::invalid_argument("integrate: " + what); }

void check_times(double t_begin, double t_end) {
  if (!std::isfinite(t_begin)) refuse_options("t_begin is " + shortest(t_begin) + ", expected a finite time");
  if (!std::isfinite(t_end)) refuse_options("t_end is " + shortest(t_end) + ", expected a finite time");
  if (!std::isfinite(t_end - t_begin)) refuse_options("t_end - t_begin overflows");
}

void check_fractions(const SolveOptions& options) {
  const std::vector<double>& s = options.fractions;
  if (s.size() < 2 || s.front() != 0 || s.back() != 1) refuse_options("fractions do not go from 0 to 1");
  const double step = 1 / static_cast<double>(s.size() - 1);
  std::size_t repeated = 0;
  for (std::size_t n = 0; n + 1 < s.size(); ++n) {
    const bool repeats = s[n] == s[n + 1] && s[n] > 0 && s[n] < 1 && s[n - 1] < s[n];
    repeated += repeats ? 1 : 0;
    if (!(s[n] < s[n + 1]) && !repeats) refuse_options("fractions do not ascend at " + std::to_string(n));
    if (options.method.needs_equal_steps() && std::abs(s[n + 1] - s[n] - step) > 1e-9 * step)
      refuse_options("fractions differ at " + std::to_string(n) + ", but " + std::string(options.method.name()) +
                     " takes steps of one size");
  }
  if (repeated != options.jumps.size())
    refuse_options("fractions repeat " + std::to_string(repeated) +
                   " times, at which the slope should jump, but jumps has " + std::to_string(options.jumps.size()) +
                   " times");
}

void check_stops(const char* name, std::span<const double> stops, double t_begin, double t_end) {
  double before = t_begin;
  for (std::size_t i = 0; i < stops.size(); ++i) {
    const bool along =
        t_end >= t_begin ? before <= stops[i] && stops[i] <= t_end : t_end <= stops[i] && stops[i] <= before;
    if (!along)
      refuse_options(std::string(name) + "[" + std::to_string(i) + "] is " + shortest(stops[i]) + ", expected from " +
                     shortest(before) + " to " + shortest(t_end));
    before = stops[i];
  }
}

void check_jumps(std::span<const double> jumps, double t_begin, double t_end) {
  check_stops("jumps", jumps, t_begin, t_end);
  for (std::size_t i = 0; i < jumps.size(); ++i)
    if (jumps[i] == (i > 0 ? jumps[i - 1] : t_begin) || jumps[i] == t_end)
      refuse_options("jumps[" + std::to_string(i) + "] is " + shortest(jumps[i]) + ", as is " +
                     (jumps[i] == t_end ? "the end"
                      : i > 0           ? "the one before"
                                        : "the start"));
}

void check_tolerance(const char* relative, const char* absolute, const Tolerance& t) {
  for (const auto& [name, value] : {std::pair{relative, t.relative}, std::pair{absolute, t.absolute}})
    if (!(value >= 0) || !std::isfinite(value))
      refuse_options(std::string(name) + " is " + shortest(value) + ", expected a finite number, 0 or more");
  if (t.relative == 0 && t.absolute == 0) refuse_options(std::string(relative) + " and " + absolute + " are both 0");
}

void check_controller(const Controller& c) {
  const auto outside = [](double exponent) { return !(std::abs(exponent) <= 2); };
  if (!(c.now > 0) || outside(c.now) || outside(c.before) || outside(c.earlier))
    refuse_options("controller has coefficients " + shortest(c.now) + ", " + shortest(c.before) + ", " +
                   shortest(c.earlier) + ", expected numbers from -2 to 2, the first above 0");
  if (!(c.shrink > 0 && c.shrink < c.safety && c.safety < 1 && c.grow > 1) || !std::isfinite(c.grow))
    refuse_options("controller has shrink " + shortest(c.shrink) + ", safety " + shortest(c.safety) + ", grow " +
                   shortest(c.grow) + ", expected 0 < shrink < safety < 1 < grow");
}

}  // namespace

void check(const SolveOptions& options) {
  if (options.method.is_null()) refuse_options("method is null");
  const auto method = [&] { return std::string(options.method.name()); };  // only where it is said: nothing allocated
  if (options.fixed_steps < 0)
    refuse_options("fixed_steps is " + std::to_string(options.fixed_steps) + ", expected 0 or more");
  if ((options.fixed_steps > 0 || !options.fractions.empty()) && !options.method.takes_grid())
    refuse_options(
        (options.fixed_steps > 0 ? "fixed_steps is " + std::to_string(options.fixed_steps) : "fractions are given") +
        ", but " + method() + " chooses more than the sizes of its steps; leave it out, or take another method");
  if (!options.fractions.empty()) check_fractions(options);
  if (!options.stops.empty() && (options.fixed_steps > 0 || !options.fractions.empty()))
    refuse_options("stops are for adaptive steps, but fixed_steps or fractions are given");
  if (!options.jumps.empty() && options.fixed_steps > 0)
    refuse_options("jumps are for adaptive steps or a frozen grid, but fixed_steps is given");
  if (options.fixed_steps == 0 && options.fractions.empty() && !options.method.is_adaptive())
    refuse_options("fixed_steps is 0, but " + method() + " has no error estimate; set fixed_steps");
  check_tolerance("rtol", "atol", {options.rtol, options.atol});
  for (std::size_t r = 0; r < options.tolerance_z.size(); ++r) {
    const std::string row = "tolerance_z[" + std::to_string(r) + "]";
    check_tolerance((row + ".relative").c_str(), (row + ".absolute").c_str(), options.tolerance_z[r]);
  }
  if (options.tolerance_q) check_tolerance("tolerance_q.relative", "tolerance_q.absolute", *options.tolerance_q);
  if (options.tolerance_s) check_tolerance("tolerance_s.relative", "tolerance_s.absolute", *options.tolerance_s);
  if (options.max_steps < 1)
    refuse_options("max_steps is " + std::to_string(options.max_steps) + ", expected 1 or more");
  for (const auto& [name, step] : {std::pair{"first_step", options.first_step}, std::pair{"min_step", options.min_step},
                                   std::pair{"max_step", options.max_step}})
    if (!(step >= 0) || !std::isfinite(step))
      refuse_options(std::string(name) + " is " + shortest(step) + ", expected a finite number, 0 or more");
  if (options.max_step > 0 && options.min_step > options.max_step)
    refuse_options("min_step is " + shortest(options.min_step) + ", above max_step, " + shortest(options.max_step));
  check_controller(options.controller);
}

void check(const SolveOptions& options, double t_begin, double t_end) {
  check(options);
  check_times(t_begin, t_end);
  check_stops("stops", options.stops, t_begin, t_end);
  check_jumps(options.jumps, t_begin, t_end);
}

}  // namespace cnf
