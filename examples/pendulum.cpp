// When does a pendulum pass its lowest point, and how does that time depend on its length and on where it was let go?
// An event, differentiated, beside the closed form by elliptic integrals.
// usage: pendulum
#include <cmath>
#include <cstdio>

#include "solvers/dual_dynamics.hpp"
#include "solvers/gradients/trajectory_gradient.hpp"

int main() {
  const double gravity = 9.81, length = 0.7, angle = 2;  // m/s^2, m, rad
  const auto pendulum = cnf::dual_dynamics<2, 1, double>(
      [gravity](auto, auto z, auto p, auto dz) {  // z = (angle, its velocity), p = (length)
        using std::sin;
        dz[0] = z[1];
        dz[1] = -gravity / p[0] * sin(z[0]);
      },
      cnf::Matrix<double>::Constant(1, 1, length));
  const cnf::Watch<double> lowest{.events = {cnf::level_event<double>(0, 0, cnf::Crossing::falling)}};

  cnf::DifferentiableTrajectory<double> path;
  const auto end = path.forward(pendulum, {0, 60}, Eigen::Vector2d(angle, 0), lowest, {.rtol = 1e-11, .atol = 1e-11});
  const auto gradient = path.backward({.t_end = {1}});  // the loss is the time itself

  const double k = std::sin(angle / 2), K = std::comp_ellint_1(k), E = std::comp_ellint_2(k);
  const double time = std::sqrt(length / gravity) * K;
  const double by_angle = std::sqrt(length / gravity) * (E / (k * (1 - k * k)) - K / k) * std::cos(angle / 2) / 2;
  std::printf("passes after %.9f s, by the closed form %.9f s\n", end.t_end[0], time);
  std::printf("by its length %.9f s/m, by the closed form %.9f s/m\n", gradient.params[0], time / (2 * length));
  std::printf("by its start  %.9f s/rad, by the closed form %.9f s/rad\n", gradient.z0(0), by_angle);
  return std::abs(end.t_end[0] - time) < 1e-8 && std::abs(gradient.params[0] - time / (2 * length)) < 1e-8 &&
                 std::abs(gradient.z0(0) - by_angle) < 1e-8
             ? 0
             : 1;
}
