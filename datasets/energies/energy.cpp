#include "datasets/energies/energy.hpp"

#include <stdexcept>
#include <string>

namespace cnf {

namespace {

void check_rows(const Energy& energy, const char* function, Index rows) {
  if (rows != energy.dim())
    throw std::invalid_argument(energy.name() + ": " + function + " of " + std::to_string(rows) + " rows, expected " +
                                std::to_string(energy.dim()) + ": points are columns");
}

}  // namespace

void Energy::sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const {
  check_rows(*this, "sample", out.rows());
  const auto D = static_cast<std::size_t>(dim());
  for (Index i = 0; i < out.cols(); ++i)
    draw({seed, purpose, step, first + static_cast<std::uint64_t>(i)}, {out.col(i).data(), D});
}

Vector<double> Energy::log_prob(const Eigen::Ref<const Batch>& x) const {
  check_rows(*this, "log_prob", x.rows());
  const auto D = static_cast<std::size_t>(dim());
  Vector<double> values(x.cols());
  for (Index i = 0; i < x.cols(); ++i) values[i] = log_unnormalised({x.col(i).data(), D}, {}) - log_z();
  return values;
}

}  // namespace cnf
