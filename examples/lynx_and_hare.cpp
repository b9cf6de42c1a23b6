// Lotka and Volterra's equations fitted to a century-old record: pelts of hares and lynxes bought by the Hudson's Bay
// Company in 1900 to 1920, in thousands. Rates and first year by the adjoint, Gauss and Newton's way.
// usage: lynx_and_hare
#include <Eigen/Cholesky>
#include <cmath>
#include <cstdio>
#include <vector>

#include "solvers/dual_dynamics.hpp"
#include "solvers/gradients/trajectory_gradient.hpp"

int main() {
  const std::vector<double> hare{30.0, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22.0, 25.4, 27.1,
                                 40.3, 57.0, 76.6, 52.3, 19.5, 11.2, 7.6,  14.6, 16.2, 24.7};
  const std::vector<double> lynx{4.0, 6.1,  9.8,  35.2, 59.4, 41.7, 19.0, 13.0, 8.3,  9.1, 7.4,
                                 8.0, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7,  10.1, 8.6};
  cnf::Watch<double> years;
  for (years.times = {{}}; years.times[0].size() < hare.size();)
    years.times[0].push_back(1900.0 + years.times[0].size());

  // x holds the logarithms of a, b, c, d of u' = a u - b u v, v' = d u v - c v, and of u and v in 1900.
  cnf::DifferentiableTrajectory<double> path;
  Eigen::VectorXd x(6), r(42);
  x << std::log(0.5), std::log(0.02), std::log(0.8), std::log(0.02), std::log(30), std::log(4);
  Eigen::MatrixXd J(42, 6);
  for (int iteration = 0; iteration < 20; ++iteration) {
    const Eigen::VectorXd p = x.array().exp();
    const auto field = cnf::dual_dynamics<2, 4, double>(
        [](auto, auto z, auto q, auto dz) {
          dz[0] = q[0] * z[0] - q[1] * z[0] * z[1];
          dz[1] = q[3] * z[0] * z[1] - q[2] * z[1];
        },
        cnf::Matrix<double>(p.head(4)));
    const auto solved = path.forward(field, {1900, 1920}, p.tail(2), years, {.rtol = 1e-9, .atol = 1e-9});
    for (int i = 0; i < 42; ++i) {  // r = log(model / record); one way back for each of its values
      const double z = solved.seen[0](i % 2, i / 2);
      cnf::Matrix<double> w = cnf::Matrix<double>::Zero(2, 21);
      w(i % 2, i / 2) = 1 / z;
      r[i] = std::log(z / (i % 2 == 0 ? hare : lynx)[i / 2]);
      const auto gradient = path.backward({.seen = {w}});
      for (int k = 0; k < 6; ++k) J(i, k) = p[k] * (k < 4 ? gradient.params[k] : gradient.z0(k - 4));
    }
    x -= (J.transpose() * J).ldlt().solve(J.transpose() * r);
  }
  const Eigen::VectorXd p = x.array().exp();
  std::printf("hares' births %.4f, deaths %.5f, lynxes' deaths %.4f, births %.5f a year\n", p[0], p[1], p[2], p[3]);
  std::printf("%.2f thousand hares and %.2f thousand lynxes in 1900, off by %.1f %% as a rule\n", p[4], p[5],
              100 * std::sqrt(r.squaredNorm() / 42));
}
