#include "flows/base_density.hpp"

#include <cmath>
#include <numbers>

namespace cnf {

template <class T>
double NormalBase::log_prob(const T* z, Index D, T scale, T* w) const {
  double square = 0;
  for (Index i = 0; i < D; ++i) square += static_cast<double>(z[i]) * static_cast<double>(z[i]);
  if (w)
    for (Index i = 0; i < D; ++i) w[i] -= scale * z[i];
  return -(0.5 * square + 0.5 * static_cast<double>(D) * std::log(2 * std::numbers::pi));
}

void NormalBase::sample(Seed seed, std::uint64_t first, Out<double> z) const {
  draw_normals<double>(seed, Purpose::base_sample, 0, first, z);
}

std::string_view kind(const Base& base) {
  return std::visit([](const auto& b) { return b.kKind; }, base);
}

Layout layout(const Base& base, Index D) {
  return std::visit([D](const auto& b) { return b.layout(D); }, base);
}

void sample_base(const Base& base, Seed seed, std::uint64_t first, Out<double> z) {
  std::visit([&](const auto& b) { b.sample(seed, first, z); }, base);
}

Vector<double> log_prob(const Base& base, const Eigen::Ref<const Batch>& z) {
  return std::visit(
      [&](const auto& b) {
        Vector<double> result(z.cols());
        for (Index n = 0; n < z.cols(); ++n) result[n] = b.log_prob(z.col(n).data(), z.rows());
        return result;
      },
      base);
}

template double NormalBase::log_prob(const float*, Index, float, float*) const;
template double NormalBase::log_prob(const double*, Index, double, double*) const;

}  // namespace cnf
