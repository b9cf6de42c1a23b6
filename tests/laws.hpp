// The laws every dynamics keeps, as relative errors to compare with a bound.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/random.hpp"
#include "solvers/dynamics.hpp"

namespace cnf {

/// A point of a dynamics' tangent and cotangent space, drawn as standard normals (times t in (0, 1)).
struct LawPoint {
  std::vector<double> t, t_dot;
  Matrix<double> z, v, w_z, w_q;

  LawPoint(const Dynamics<double>& f, Index B, bool per_sample, Seed seed) {
    std::uint32_t what = 0;
    const auto draw = [&](Index rows, Index cols) {
      Matrix<double> x(rows, cols);
      for (Index j = 0; j < cols; ++j)
        for (Index i = 0; i < rows; ++i)
          x(i, j) =
              normal(seed, Purpose::direction, what, static_cast<std::uint64_t>(j), static_cast<std::uint32_t>(i));
      ++what;
      return x;
    };
    const Blocks rows = f.blocks();
    z = draw(rows.z, B), v = draw(rows.z, B), w_z = draw(rows.z, B), w_q = draw(rows.q, B);
    const Matrix<double> tau = draw(1, per_sample ? B : 1);
    for (Index j = 0; j < tau.size(); ++j) {
      t_dot.push_back(tau(j));
      t.push_back(uniform(seed, Purpose::direction, what, static_cast<std::uint64_t>(j), 0));
    }
  }
};

/// (dz, dq) of a forward at (t + step t_dot, z + step v); the tape may be null.
struct LawValue {
  Matrix<double> dz, dq;
  std::vector<double> ds;

  LawValue(const Dynamics<double>& f, const LawPoint& p, double step, double* tape, Scratch& scratch)
      : dz(f.blocks().z, p.z.cols()), dq(f.blocks().q, p.z.cols()), ds(static_cast<std::size_t>(f.blocks().s)) {
    const Matrix<double> z = p.z + step * p.v;
    std::vector<double> t = p.t;
    for (std::size_t j = 0; j < t.size(); ++j) t[j] += step * p.t_dot[j];
    f.forward(t, Tile<double>(z.data(), z.rows(), z.cols()), Out<double>(dz.data(), dz.rows(), dz.cols()),
              Out<double>(dq.data(), dq.rows(), dq.cols()), ds, tape, scratch);
  }
};

struct LawTangent {
  Matrix<double> dz, dq;
  LawTangent(const Dynamics<double>& f, const LawPoint& p, const double* tape, Scratch& scratch)
      : dz(f.blocks().z, p.z.cols()), dq(f.blocks().q, p.z.cols()) {
    f.jvp(tape, Tile<double>(p.v.data(), p.v.rows(), p.v.cols()), p.t_dot, Out<double>(dz.data(), dz.rows(), dz.cols()),
          Out<double>(dq.data(), dq.rows(), dq.cols()), scratch);
  }
};

/// |w . jvp(v, t_dot) - (z_bar . v + t_bar . t_dot)| over the sum of the magnitudes of its terms. Infinite if vjp
/// overwrites what it should add to, or if forward gives other bits with a tape than without.
inline double transpose_law_error(const Dynamics<double>& f, Index B, bool per_sample, Seed seed) {
  Scratch scratch;
  const LawPoint p(f, B, per_sample, seed);
  std::vector<double> tape(static_cast<std::size_t>(f.tape_size(B)), std::numeric_limits<double>::quiet_NaN());
  const LawValue with(f, p, 0, tape.data(), scratch), without(f, p, 0, nullptr, scratch);
  if (with.dz != without.dz || with.dq != without.dq || with.ds != without.ds)
    return std::numeric_limits<double>::infinity();
  const LawTangent tangent(f, p, tape.data(), scratch);

  const auto pull = [&](double start, double& left, double& size) {
    Matrix<double> z_bar = Matrix<double>::Constant(p.z.rows(), B, start);
    std::vector<double> t_bar(p.t.size(), start), params_bar(static_cast<std::size_t>(f.gradient_size()), start);
    f.vjp(tape.data(), Tile<double>(p.w_z.data(), p.w_z.rows(), B), Tile<double>(p.w_q.data(), p.w_q.rows(), B),
          Out<double>(z_bar.data(), z_bar.rows(), B), t_bar, params_bar, scratch);
    left = size = 0;
    for (Index i = 0; i < z_bar.size(); ++i) {
      left += (z_bar(i) - start) * p.v(i);
      size += std::abs(z_bar(i) * p.v(i));
    }
    for (std::size_t j = 0; j < t_bar.size(); ++j) {
      left += (t_bar[j] - start) * p.t_dot[j];
      size += std::abs(t_bar[j] * p.t_dot[j]);
    }
  };
  double pulled = 0, pulled_onto_one = 0, size = 0, ignored = 0;
  pull(0, pulled, size);
  pull(1, pulled_onto_one, ignored);
  const double pushed = (p.w_z.array() * tangent.dz.array()).sum() + (p.w_q.array() * tangent.dq.array()).sum();
  size += (p.w_z.array() * tangent.dz.array()).abs().sum() + (p.w_q.array() * tangent.dq.array()).abs().sum() +
          std::numeric_limits<double>::min();
  if (!(std::abs(pulled - pulled_onto_one) <= 1e-10 * (size + static_cast<double>(B))))
    return std::numeric_limits<double>::infinity();
  return std::abs(pushed - pulled) / size;
}

/// The largest difference between jvp and central differences of forward (Richardson-extrapolated, steps `step` and
/// `step` / 2), over the largest value of either. Infinite if jvp without quadratures gives another derivative of f.
inline double jvp_error(const Dynamics<double>& f, Index B, bool per_sample, Seed seed, double step = 1e-3) {
  Scratch scratch;
  const LawPoint p(f, B, per_sample, seed);
  std::vector<double> tape(static_cast<std::size_t>(f.tape_size(B)));
  const LawValue here(f, p, 0, tape.data(), scratch);
  const LawTangent tangent(f, p, tape.data(), scratch);
  Matrix<double> alone = Matrix<double>::Zero(f.blocks().z, B);
  f.jvp(tape.data(), Tile<double>(p.v.data(), p.v.rows(), B), p.t_dot, Out<double>(alone.data(), alone.rows(), B),
        Out<double>(nullptr, 0, B), scratch);
  if (alone != tangent.dz) return std::numeric_limits<double>::infinity();
  const auto central = [&](double h, Matrix<double>& dz, Matrix<double>& dq) {
    const LawValue up(f, p, h, nullptr, scratch), down(f, p, -h, nullptr, scratch);
    dz = (up.dz - down.dz) / (2 * h);
    dq = (up.dq - down.dq) / (2 * h);
  };
  Matrix<double> dz, dq, dz_half, dq_half;
  central(step, dz, dq);
  central(step / 2, dz_half, dq_half);
  dz = (4 * dz_half - dz) / 3;
  dq = (4 * dq_half - dq) / 3;
  const auto largest = [](const Matrix<double>& x) { return x.size() == 0 ? 0.0 : x.cwiseAbs().maxCoeff(); };
  const auto relative = [&](const Matrix<double>& x, const Matrix<double>& y) {
    return largest(x - y) / std::max({largest(x), largest(y), 1e-3});
  };
  return std::max(relative(tangent.dz, dz), relative(tangent.dq, dq));
}

}  // namespace cnf
