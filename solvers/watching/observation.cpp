// Invariants. Observations before next_ are filled; step_ is the number of the accepted step at hand.
#include "solvers/watching/observation.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"

namespace cnf {

void check_observations(const char* who, std::span<const Observation> observations, double t_begin, double t_end,
                        Index B) {
  const bool forwards = t_end >= t_begin;
  double before = t_begin;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    const auto refuse = [&](const std::string& what) {
      throw std::invalid_argument(std::string(who) + ": observation " + std::to_string(i) + " " + what);
    };
    const auto& [t, sample] = observations[i];
    if (sample < 0 || sample >= B) refuse("is of sample " + std::to_string(sample) + " of " + std::to_string(B));
    const bool along = forwards ? before <= t && t <= t_end : t_end <= t && t <= before;
    if (!std::isfinite(t) || !along)
      refuse("is at t = " + shortest(t) + ", expected from " + shortest(before) + " to " + shortest(t_end) +
             ": sorted along the path");
    before = t;
  }
}

template <class T>
bool Observer<T>::inside(double t, double t_next) {
  for (std::size_t i = next_; i < observations_.size(); ++i) {
    const double at = observations_[i].t;
    if (forwards_ ? at >= t_next : at <= t_next) return false;
    if (at != t) return true;
  }
  return false;
}

template <class T>
Next Observer<T>::look(const DenseStep<T>& step, T*) {
  for (; next_ < observations_.size(); ++next_) {
    const auto& [t, sample] = observations_[next_];
    if (forwards_ ? t > step.t_next : t < step.t_next) break;
    const double theta = step.theta(t);
    step(theta, sample * blocks_.z, blocks_.z, seen_.col(static_cast<Index>(next_)).data());
    if (!where_.empty()) where_[next_] = {step_, theta};
  }
  return Next::go_on;
}

template class Observer<float>;
template class Observer<double>;

}  // namespace cnf
