#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

constexpr double kRounding = 5e-14;  // errors below are not of the method
constexpr Index kSamples = 16;       // the error is their RMS: one sample's leading term may vanish

struct Problem {
  std::string name;
  PointField<double> field;
  double t_begin, t_end;
  Matrix<double> begin, end;
};

/// Five planar spirals mixed by a fixed well-conditioned matrix: z' = M D M^-1 z, in ten dimensions.
Problem linear() {
  const Index D = 10;
  Matrix<double> M = Matrix<double>::Identity(D, D) + 0.1 * normals<double>(D, D, Seed{5});
  Matrix<double> spirals = Matrix<double>::Zero(D, D), flow = Matrix<double>::Zero(D, D);
  const double span = 8;
  for (Index k = 0; k < D / 2; ++k) {
    const double decay = -0.02 * static_cast<double>(k), turn = 1 + 0.4 * static_cast<double>(k);
    spirals.block(2 * k, 2 * k, 2, 2) << decay, -turn, turn, decay;
    flow.block(2 * k, 2 * k, 2, 2) << std::cos(span * turn), -std::sin(span * turn), std::sin(span * turn),
        std::cos(span * turn);
    flow.block(2 * k, 2 * k, 2, 2) *= std::exp(span * decay);
  }
  // M^-1 by Neumann's series: |0.1 N| < 1.
  Matrix<double> inverse = Matrix<double>::Identity(D, D), power = inverse;
  for (int n = 0; n < 400; ++n) {
    power = power * (Matrix<double>::Identity(D, D) - M);
    inverse += power;
  }
  const Matrix<double> A = M * spirals * inverse, begin = normals<double>(D, kSamples, Seed{6});
  PointField<double> field(D, [A, D](double, std::span<const double> z, std::span<double> dz, Index) {
    Out<double>(dz.data(), D, 1).noalias() = A * Tile<double>(z.data(), D, 1);
  });
  return {"linear", field, 0, span, begin, M * flow * inverse * begin};
}

/// Planar and nonlinear: a scalar problem misses one order-5 condition. Its solutions are waves().
Problem nonlinear() { return {"nonlinear", wave_field<double>(), 0, 12, waves(0, kSamples), waves(12, kSamples)}; }

/// y' = -2 cos(2 t + phase) y^2 and w' = 2 cos(2 t + phase) w: y = 1 / (3/2 + sin(2 t + phase)), w = e^sin(2 t +
/// phase).
Problem non_autonomous() {
  const auto phase = [](Index j) { return 0.4 * static_cast<double>(j); };
  const auto at = [phase](double t) {
    Matrix<double> z(2, kSamples);
    for (Index j = 0; j < kSamples; ++j) {
      const double s = std::sin(2 * t + phase(j));
      z.col(j) << 1 / (1.5 + s), std::exp(s);
    }
    return z;
  };
  PointField<double> field(2, [phase](double t, std::span<const double> y, std::span<double> dy, Index j) {
    const double c = 2 * std::cos(2 * t + phase(j));
    dy[0] = -c * y[0] * y[0];
    dy[1] = c * y[1];
  });
  return {"non-autonomous", field, -0.4, 5.5, at(-0.4), at(5.5)};
}

/// log2(error(N) / error(2 N)) at the finest N whose errors stand clear of rounding.
double observed_order(const Method& m, const Problem& p, bool forwards) {
  const auto error = [&](int steps) {
    SolveOptions options;
    options.method = m;
    options.fixed_steps = steps;
    const Solved<double> s = forwards ? solved(p.field, p.t_begin, p.t_end, p.begin, options)
                                      : solved(p.field, p.t_end, p.t_begin, p.end, options);
    return (s.z - (forwards ? p.end : p.begin)).norm() / std::sqrt(static_cast<double>(s.z.size()));
  };
  const int finest = m.order() == 1 ? 4096 : 2048;
  double coarse = error(4), slope = 0;
  for (int steps = 8; steps <= finest; steps *= 2) {
    const double fine = error(steps);
    if (fine < kRounding) break;
    slope = std::log2(coarse / fine);
    coarse = fine;
  }
  return slope;
}

}  // namespace

TEST_CASE("every method converges at the order it declares, forwards and backwards in time", "[solvers][order]") {
  for (const Problem& p : {linear(), nonlinear(), non_autonomous()})
    for (const Method& m : all_methods())
      for (const bool forwards : {true, false}) {
        if (!m.takes_grid()) continue;
        if (m.needs_jvp()) continue;  // implicit_test.cpp
        CAPTURE(std::string(m.name()), p.name, forwards);
        // Orders 7 and 8 meet rounding before the leading term has overtaken the next one: the slope lies above, most
        // of all dopri8's, whose leading term is small. The test below looks at that term alone.
        const double order = observed_order(m, p, forwards), above = m.name() == "dopri8" ? 1.0 : 0.7;
        CHECK(order > m.order() - 0.1);
        CHECK(order < m.order() + (m.order() >= 7 ? above : 0.1));
      }
}

TEST_CASE("without its next term, the error of a step has the order declared and one", "[solvers][order]") {
  const Problem p = nonlinear();
  for (const Tableau* m : kAllTableaus) {
    // With a step back the error's odd or even powers of h, of which the leading one is the lowest, stand alone.
    const double sign = m->order % 2 == 0 ? -1 : 1;
    const auto leading = [&](double h) {
      const auto error = [&](double step) {
        SolveOptions options{.method = m, .fixed_steps = 1};
        return Matrix<double>(solved(p.field, 0, step, p.begin, options).z - waves(step, kSamples));
      };
      return (error(h) + sign * error(-h)).norm();
    };
    CAPTURE(std::string(m->name));
    CHECK(std::log2(leading(0.2) / leading(0.1)) == Approx(m->order + 1).margin(m->order == 5 ? 0.2 : 0.1));
  }
}

TEST_CASE("a coupling converges at its base's order", "[solvers][order]") {
  // Over a short time: what steps do to the difference of the pair is damped by 0.999 alone, and grows on long ways.
  for (const ReversibleMethod& m : kAllCoupled)
    for (const bool forwards : {true, false}) {
      if (m.order == 1) continue;  // it gets there at steps too fine to take
      CAPTURE(std::string(m.name), forwards);
      Problem p = non_autonomous();
      p.t_end = 0.3;
      p.end = solved(p.field, p.t_begin, p.t_end, p.begin, SolveOptions{.method = &kDopri8, .fixed_steps = 200}).z;
      CHECK(observed_order(&m, p, forwards) > m.order - 0.3);
    }
}
