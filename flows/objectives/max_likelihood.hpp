// Maximum likelihood: the mean negative log-density of a batch and its gradient, by either adjoint.
#pragma once

#include "flows/objectives/objective.hpp"

namespace cnf {

/// Loss: the mean over the batch of -log p_u(u), nats. `step` addresses Hutchinson's probes.
template <class T>
class MaximumLikelihood final : public Objective<T> {
 public:
  MaximumLikelihood(const MlpShape& shape, double t_base, double t_data, const ObjectiveOptions& options);
  ~MaximumLikelihood() override;

  const LossGradient<T>& operator()(const Vector<T>& params, const Matrix<T>& u, std::uint32_t step) override;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace cnf
