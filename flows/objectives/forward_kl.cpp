#include "flows/objectives/forward_kl.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {

std::vector<Setting> ForwardKl::settings() {
  return {gradient_setting(flow),
          probe_setting(flow),
          anneal_setting(target),
          {.name = "defensive",
           .help = "Of forward-kl: the share of draws that are a broad normal's, which find modes.",
           .value = Setting::Real{&defensive, 0, 1}}};
}

void ForwardKl::check(const Cnf& model) const {
  check_target(kTraits.name, target, flow, model);
  if (!(defensive >= 0 && defensive <= 1))
    throw std::invalid_argument("forward-kl: defensive is " + shortest(defensive) + ", expected a share from 0 to 1");
}

ForwardKl::Weighted::Weighted(Scratch& scratch, Index n)
    : size(n),
      log_q(scratch.take<double>(n)),
      log_p(scratch.take<double>(n)),
      log_broad(scratch.take<double>(n)),
      weight(scratch.take<double>(n)) {}

double ForwardKl::Weighted::weigh(double defensive) {
  double most = -std::numeric_limits<double>::infinity(), total = 0, apart = 0;
  for (Index b = 0; b < size; ++b) {
    const double own = std::log1p(-defensive) + log_q[b], other = std::log(defensive) + log_broad[b];
    weight[b] = log_p[b] - (std::max(own, other) + std::log1p(std::exp(-std::abs(own - other))));
    most = std::max(most, weight[b]);
  }
  if (most == -std::numeric_limits<double>::infinity()) {
    std::fill_n(weight, size, 0.0);
    return 0;
  }
  for (Index b = 0; b < size; ++b) total += weight[b] = std::exp(weight[b] - most);
  for (Index b = 0; b < size; ++b) {
    weight[b] /= total;
    if (weight[b] > 0) apart += weight[b] * (log_p[b] - log_q[b]);
  }
  return apart - most - std::log(total / static_cast<double>(size));
}

}  // namespace cnf
