// A Gaussian mixture in any dimension as a built-in set.
#pragma once

#include <memory>

#include "datasets/density.hpp"
#include "datasets/mixture.hpp"

namespace cnf {

/// K Gaussians of equal weight in D dimensions, the same for everyone: means N(0, 2^2 I), scales L_k with diagonals
/// uniform on (0.3, 0.7) and N(0, 0.2^2) below.
///
/// Error   log_prob is exact; a mixture's entropy has no closed form, so it is the mean of -log p over 2^15 draws, with
///         the standard error of that mean.
class MixtureDensity final : public Density {
 public:
  MixtureDensity(Index D, Index K);

  std::string name() const override;
  Index dim() const override { return mixture_.dim(); }
  Box box() const override { return {-7, 7, -7, 7}; }
  double entropy() const override { return entropy_; }
  double entropy_error() const override { return entropy_error_; }
  using Density::sample;
  void sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const override {
    mixture_.sample(seed, purpose, step, first, out);
  }
  Vector<double> log_prob(const Eigen::Ref<const Batch>& x) const override { return mixture_.log_prob(x); }
  const GaussianMixture& mixture() const { return mixture_; }

 private:
  GaussianMixture mixture_;
  double entropy_ = 0, entropy_error_ = 0;
};

/// The set that "mixture:D" (8 components) or "mixture:D:K" names, D and K from 1 to 64; null if the text does not
/// begin with "mixture:". Throws InputError if it does and the rest is not of that form.
std::shared_ptr<const MixtureDensity> find_mixture(const std::string& name);

}  // namespace cnf
