// Flow matching: the field's mean squared distance from the velocity of straight paths. No solve is made.
#pragma once

#include "flows/objectives/objective.hpp"

namespace cnf {

struct FlowMatchingOptions {
  int threads = 0;
  Seed seed{};  ///< of the paths' base points and times
};

/// Flow matching with independent coupling. For each sample x1 of the batch draw x0 ~ N(0, I) and s uniform on (0, 1);
///
///   t = t_base + s (t_data - t_base)     x_t = (1 - s) x0 + s x1     v = dx_t/dt = (x1 - x0) / (t_data - t_base)
///   loss = mean over samples and dimensions of |f(t, x_t) - v|^2
///
/// Its minimum over all fields is the mean of v given x_t, the velocity that carries N(0, I) at t_base to the data at
/// t_data; the loss there is the variance of v given x_t, so it does not go to 0.
///
/// Draws   Purpose::path at (seed, step, sample): components 0 .. D - 1 are x0, D rounded up to even is s.
/// Cost    one evaluation of the field and its transpose: forward.evaluations is one a tile. There are no failures; a
///         sample that is not finite makes the loss NaN.
/// Source  Lipman et al. (2023), Flow matching for generative modeling, ICLR, eq. 23 with sigma_min = 0; Liu et al.
///         (2023), rectified flow; Tong et al. (2024), TMLR: I-CFM with sigma = 0, whose mean over all elements this
///         is.
template <class T>
class FlowMatching final : public Objective<T> {
 public:
  FlowMatching(const MlpShape& shape, double t_base, double t_data, const FlowMatchingOptions& options);
  ~FlowMatching() override;

  const LossGradient<T>& operator()(const Vector<T>& params, const Matrix<T>& u, std::uint32_t step) override;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace cnf
