#include <cmath>
#include <cstdio>

#include "solvers/integrate.hpp"

// dz/dt = -z
struct Decay final : cnf::Dynamics<double> {
  cnf::Blocks blocks() const override { return {.z = 3}; }
  cnf::Index tape_size(cnf::Index) const override { return 0; }
  void forward(cnf::Times<double>, cnf::Tile<double> z, cnf::Out<double> dz, cnf::Out<double>, std::span<double>,
               double*, cnf::Scratch&) const override {
    dz = -z;
  }
  void jvp(const double*, cnf::Tile<double> v, cnf::Times<double>, cnf::Out<double> dz_dot, cnf::Out<double>,
           cnf::Scratch&) const override {
    dz_dot = -v;
  }
  void vjp(const double*, cnf::Tile<double> w_z, cnf::Tile<double>, cnf::Out<double> z_bar, std::span<double>,
           std::span<double>, cnf::Scratch&) const override {
    z_bar -= w_z;
  }
};

int main() {
  cnf::State<double> state({.z = 3}, 5);  // allocated by the library, freed here: Eigen's alignment must agree
  state.z().setOnes();
  cnf::Scratch scratch;
  cnf::Counters counters;
  const cnf::Status status = cnf::integrate(Decay(), 0, 1, state, {.rtol = 1e-8, .atol = 1e-8}, scratch, counters);
  const double error = std::abs(state.z()(0, 0) - std::exp(-1));
  std::printf("%s, error %.1e after %d evaluations\n", status.message().c_str(), error,
              static_cast<int>(counters.evaluations));
  return status.ok() && error < 1e-7 ? 0 : 1;
}
