#include "tools/verbs/flow/training_report.hpp"

#include <cmath>

#include "base/number_text.hpp"
#include "tools/verbs/flow/energy_report.hpp"

namespace cnf {

std::string training_report(const Validation& best, const Density* truth, Index rows, JsonReport& report) {
  report.set("validation_nll", best.nll).set("validation_nll_stderr", best.nll_stderr).set("kl", best.kl);
  report.set("nfe_mean", best.nfe);
  std::string found = "validation NLL " + decimals(best.nll, 4);
  if (!std::isnan(best.nll_stderr)) found += " ± " + decimals(best.nll_stderr, 4);
  found += rows == 1 ? " nats, of one row" : " nats";
  if (truth != nullptr) found += ", entropy " + decimals(truth->entropy(), 4) + ", KL " + decimals(best.kl, 4);
  return found;
}

std::string training_report(const EnergyJudgement& best, std::int64_t best_step, std::int64_t anneal,
                            JsonReport& report) {
  const Importance& by = best.importance;
  report.set("reverse_kl", by.reverse_kl).set("reverse_kl_stderr", by.reverse_kl_stderr).set("ess", by.ess);
  report.set("log_z", by.log_z).set("log_z_stderr", by.log_z_stderr).set("nfe_mean", best.nfe);
  std::string found = "reverse KL up to log Z " + decimals(by.reverse_kl, 4) + " ± " +
                      decimals(by.reverse_kl_stderr, 4) + " nats, log Z " + decimals(by.log_z, 4) + " ± " +
                      decimals(by.log_z_stderr, 4) + ", effective sample size " + decimals(100 * by.ess, 1) + " %" +
                      " (" + kEssIsBlind + ")";
  if (best_step < anneal)
    found += "; these weights are of step " + std::to_string(best_step) + ", before the annealing ended at step " +
             std::to_string(anneal) + ": train longer, or with a lower --anneal";
  return found;
}

}  // namespace cnf
