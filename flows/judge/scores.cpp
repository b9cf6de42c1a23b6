#include "flows/judge/scores.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace cnf {

void Scores::add(const Eigen::Ref<const Vector<double>>& log_prob, const Eigen::Ref<const Vector<double>>& truth) {
  if (truth.size() != 0 && truth.size() != log_prob.size())
    throw std::invalid_argument("Scores::add: " + std::to_string(truth.size()) + " true log-densities for " +
                                std::to_string(log_prob.size()) + " points");
  Vector<double> nll = -log_prob, kl;
  if (truth.size() != 0) kl = truth - log_prob;
  Index kept = 0;
  for (Index b = 0; b < log_prob.size(); ++b) {
    if (std::isnan(log_prob[b])) continue;
    nll[kept] = nll[b];
    if (kl.size() != 0) kl[kept] = kl[b];
    ++kept;
  }
  nll_.add(nll.head(kept));
  if (kl.size() != 0) kl_.add(kl.head(kept));
}

}  // namespace cnf
