#include "flows/judge/scores.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace cnf {

void Scores::add(const Vector<double>& log_prob, const Vector<double>& truth) {
  if (truth.size() != 0 && truth.size() != log_prob.size())
    throw std::invalid_argument("Scores::add: " + std::to_string(truth.size()) + " true log-densities for " +
                                std::to_string(log_prob.size()) + " points");
  for (Index b = 0; b < log_prob.size(); ++b) {
    if (std::isnan(log_prob[b])) continue;
    nll_.add(-log_prob[b]);
    if (truth.size() != 0) kl_.add(truth[b] - log_prob[b]);
  }
}

}  // namespace cnf
