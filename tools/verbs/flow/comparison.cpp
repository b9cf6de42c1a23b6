#include "tools/verbs/flow/comparison.hpp"

#include <cmath>

#include "base/number_text.hpp"

namespace cnf {

namespace {

bool some_seen(const Comparison& c) { return c.unseen.gain.count() < c.all.gain.count(); }

/// "0.5120 higher".
std::string above(double gain) { return shown(std::abs(gain), 4) + (gain < 0 ? " lower" : " higher"); }

/// "log p of the flow is 0.5120 higher, 95 % from 0.4801 to 0.5439".
std::string words(const RunningMean& gain) {
  const double mean = gain.value(), half = gain.half_width();
  if (gain.count() == 0) return "no row to compare by";
  const std::string text = "log p of the flow is " + above(mean);
  if (std::isnan(half)) return text;
  if (std::abs(mean) <= half)
    return text + ", 95 % from " + above(mean - half) + " to " + above(mean + half) + ": no difference is shown";
  const double near = std::abs(mean) - half, far = std::abs(mean) + half;
  return text + ", 95 % from " + shown(near, 4) + " to " + shown(far, 4);
}

void set(JsonReport& report, const std::string& prefix, const Standing& standing) {
  const RunningMean& gain = standing.gain;
  report.set(prefix + "nll", -standing.log_prob.value()).set(prefix + "nll_stderr", standing.log_prob.standard_error());
  report.set(prefix + "gain", gain.value());
  report.set(prefix + "gain_low", gain.value() - gain.half_width());
  report.set(prefix + "gain_high", gain.value() + gain.half_width());
}

}  // namespace

Comparison compare(const Baseline& baseline, const Vector<double>& flow, const std::vector<char>& seen) {
  Comparison c{baseline.name, baseline.detail, {}, {}};
  for (Index i = 0; i < flow.size(); ++i) {
    if (std::isnan(flow[i])) continue;
    const double log_prob = baseline.log_prob[i], gain = flow[i] - log_prob;
    c.all.log_prob.add(log_prob), c.all.gain.add(gain);
    if (!seen.empty() && seen[static_cast<std::size_t>(i)] != 0) continue;
    c.unseen.log_prob.add(log_prob), c.unseen.gain.add(gain);
  }
  return c;
}

JsonReport report(const Comparison& comparison) {
  JsonReport report;
  report.set("name", comparison.name).set("detail", comparison.detail);
  set(report, "", comparison.all);
  set(report, "unseen_", comparison.unseen);
  return report;
}

std::vector<std::pair<std::string, std::string>> lines(const Comparison& comparison) {
  const auto nll = [](const Standing& standing) {
    return with_error(-standing.log_prob.value(), standing.log_prob.standard_error());
  };
  std::vector<std::pair<std::string, std::string>> lines{
      {comparison.name, nll(comparison.all) + ", " + comparison.detail}, {"", words(comparison.all.gain)}};
  if (some_seen(comparison))
    lines.emplace_back("  unseen", nll(comparison.unseen) + "; " + words(comparison.unseen.gain));
  return lines;
}

std::string shown(double x, int digits) {
  if (std::isnan(x)) return "unknown";
  return std::abs(x) < 1e40 ? decimals(x, digits) : shortest(x);
}

std::string with_error(double x, double error) { return shown(x, 4) + " ± " + shown(error, 4) + " nats"; }

}  // namespace cnf
