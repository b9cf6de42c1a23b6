#include "tools/verbs/flow/energy_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/number_text.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/verbs/flow/verdict.hpp"

namespace cnf {

namespace {

std::size_t nearest(const std::vector<Mode>& modes, const double* x) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < modes.size(); ++k) {
    double square = 0;
    for (std::size_t i = 0; i < modes[k].centre.size(); ++i) {
      const double d = x[i] - modes[k].centre[i];
      square += d * d;
    }
    if (square < least) least = square, best = k;
  }
  return best;
}

std::string share_text(double share) { return shown(100 * share, 1) + " %"; }

/// Between the two that differ most.
double worst_share(const EnergyFindings& found) {
  double worst = 0;
  for (std::size_t k = 0; k < found.modes.size(); ++k)
    worst = std::max(worst, std::abs(found.shares[k] - found.modes[k].share));
  return worst;
}

}  // namespace

EnergyFindings judge_by_energy(Evaluator& evaluator, const Energy& energy, Seed seed, Index N, PartProgress& progress,
                               Failures& failures) {
  EnergyFindings found{.importance = {}, .log_z = energy.log_z(), .modes = energy.modes()};
  found.shares.assign(found.modes.size(), 0.0);
  Vector<double> log_weights(N);
  progress.begin("draw", N);
  for (Index done = 0; done < N;) {
    const Index n = std::min(N - done, block_rows(energy.dim()));
    const Evaluated drawn = evaluator.sample(seed, static_cast<std::uint64_t>(done), n, true);
    failures.add(drawn.failures, static_cast<std::uint64_t>(done));
    log_weights.segment(done, n) = energy.log_prob(drawn.points) - drawn.log_prob;
    for (Index i = 0; i < n && !found.modes.empty(); ++i)
      if (drawn.points.col(i).allFinite()) ++found.shares[nearest(found.modes, drawn.points.col(i).data())];
    done += n;
  }
  progress.finish();
  log_weights.array() += found.log_z;
  found.importance = importance(log_weights);
  for (double& share : found.shares) share /= static_cast<double>(found.importance.draws);
  return found;
}

JsonReport report(const EnergyFindings& found) {
  const Importance& by = found.importance;
  JsonReport report;
  report.set("draws", static_cast<std::int64_t>(by.draws));
  report.set("reverse_kl", by.reverse_kl).set("reverse_kl_stderr", by.reverse_kl_stderr);
  report.set("ess", by.ess).set("ess_note", kEssIsBlind);
  report.set("log_z", by.log_z).set("log_z_stderr", by.log_z_stderr).set("log_z_exact", found.log_z);
  if (found.modes.empty()) return report;
  std::vector<double> exact;
  for (const Mode& mode : found.modes) exact.push_back(mode.share);
  report.set("mode_shares", std::span<const double>(found.shares));
  return report.set("mode_shares_exact", std::span<const double>(exact));
}

std::vector<std::pair<std::string, std::string>> lines(const EnergyFindings& found) {
  const Importance& by = found.importance;
  std::vector<std::pair<std::string, std::string>> all{
      {"reverse KL", with_error(by.reverse_kl, by.reverse_kl_stderr) + " nats up to log Z, " +
                         shown(by.reverse_kl + found.log_z, 4) + " in all, of " + std::to_string(by.draws) +
                         " draws of the model"},
      {"ESS", share_text(by.ess) + " of the draws; " + kEssIsBlind},
      {"log Z", with_error(by.log_z, by.log_z_stderr) + " nats, the draws' evidence; exact " + shown(found.log_z, 4)}};
  if (found.modes.empty()) return all;
  std::string shares;
  for (std::size_t k = 0; k < found.modes.size(); ++k)
    shares += (k > 0 ? ", " : "") + share_text(found.shares[k]) + " of " + share_text(found.modes[k].share);
  all.emplace_back("modes", shares);
  all.emplace_back("worst mode", "off by " + shown(100 * worst_share(found), 2) + " points");
  return all;
}

}  // namespace cnf
