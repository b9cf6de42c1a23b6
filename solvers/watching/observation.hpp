// Points of a path that a loss looks at, between its ends as well as at them.
#pragma once

#include <span>

#include "solvers/dense_step.hpp"
#include "solvers/step.hpp"

namespace cnf {

/// z of one sample at one time. Samples may have different times and different numbers of them.
struct Observation {
  double t;
  Index sample;
};

/// Throws std::invalid_argument, "WHO: observation i ...", unless all lie between the ends, each sample is one of B,
/// and they are sorted by time along the path (in any order where times are equal).
void check_observations(const char* who, std::span<const Observation> observations, double t_begin, double t_end,
                        Index B);

/// Where in a solve an observation lies: t_step + theta h_step.
struct StepPoint {
  Index step;
  double theta;
};

/// Fills `seen` with z at the observations while a solve passes them, from the dense steps. It is for one solve; of a
/// path without length it sees nothing. Errors: as Look's (differentiate.hpp).
template <class T>
class Observer final : public StepListener<T> {
 public:
  /// The observations are checked. seen: blocks.z x as many;  where: as many, or empty.
  Observer(std::span<const Observation> observations, const Blocks& blocks, bool forwards, Out<T> seen,
           std::span<StepPoint> where)
      : observations_(observations), blocks_(blocks), forwards_(forwards), seen_(seen), where_(where) {}

  bool wants(double, double t_next) override {
    ++step_;
    if (next_ == observations_.size()) return false;
    const double t = observations_[next_].t;
    return forwards_ ? t <= t_next : t >= t_next;
  }
  bool inside(double t, double t_next) override;
  Next look(const DenseStep<T>& step, T* y) override;

 private:
  std::span<const Observation> observations_;
  Blocks blocks_;
  bool forwards_;
  Out<T> seen_;
  std::span<StepPoint> where_;
  std::size_t next_ = 0;
  Index step_ = -1;  ///< the number of the step last asked about
};

}  // namespace cnf
