// What importance weights say of draws from a model against a density known up to a factor.
#pragma once

#include "base/types.hpp"

namespace cnf {

/// Of N draws x ~ q with log-weights log p~(x) - log q(x), where p = p~ / Z.
struct Importance {
  double reverse_kl = 0, reverse_kl_stderr = 0;  ///< mean of log q - log p~, nats: KL(q | p) - log Z
  double log_z = 0, log_z_stderr = 0;            ///< of Z's unbiased estimate, the weights' mean
  /// (sum w)^2 / (N sum w^2): the share of N draws of p that would say as much. It knows of p only what q has drawn: a
  /// mode that q misses leaves it at 1.   Source  Kong, Liu, Wong (1994), J. Am. Stat. Assoc. 89(425), 278-288.
  double ess = 0;
  Index draws = 0;  ///< with a finite log q; of weight 0 are those where p~ is 0
};

/// NaN in log_weights is left out, -infinity is a weight of 0 (and a reverse KL of infinity). With no draw, NaN.
Importance importance(const Eigen::Ref<const Vector<double>>& log_weights);

}  // namespace cnf
