#include "datasets/mixture.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "base/standardisation.hpp"

namespace cnf {
namespace {

constexpr Index kBlock = 512;  // samples at a time: D x 512 stays in cache

/// log(weights_k N(x_i; k)), K x n.
Matrix<double> log_joint(const GaussianMixture& mixture, const Eigen::Ref<const Batch>& x) {
  Matrix<double> joint(mixture.components(), x.cols());
  const double log_2pi = std::log(2 * std::numbers::pi) * static_cast<double>(mixture.dim());
  for (Index k = 0; k < mixture.components(); ++k) {
    const Matrix<double>& L = mixture.scales[static_cast<std::size_t>(k)];
    Batch u = x.colwise() - mixture.means.col(k);
    L.triangularView<Eigen::Lower>().solveInPlace(u);
    const double constant = std::log(mixture.weights[k]) - L.diagonal().array().log().sum() - 0.5 * log_2pi;
    joint.row(k) = (-0.5 * u.colwise().squaredNorm()).array() + constant;
  }
  return joint;
}

/// log sum exp of each column; the columns become the shares, which sum to 1.
Vector<double> normalise(Matrix<double>& joint) {
  const Eigen::Array<double, 1, Eigen::Dynamic> most = joint.colwise().maxCoeff();
  joint = (joint.array().rowwise() - most).exp();
  const Eigen::Array<double, 1, Eigen::Dynamic> sum = joint.colwise().sum();
  joint.array().rowwise() /= sum;
  return (most + sum.log()).transpose();
}

/// k-means++: each next centre is a sample drawn with probability proportional to its squared distance to the centres
/// chosen so far. `start` addresses the draws.
GaussianMixture seeded(const Batch& u, Index K, Seed seed, std::uint32_t start, StopFlag stop) {
  const Index D = u.rows(), N = u.cols();
  GaussianMixture mixture{Vector<double>::Constant(K, 1. / static_cast<double>(K)), Batch(D, K), {}};
  Vector<double> distance = Vector<double>::Constant(N, std::numeric_limits<double>::infinity());
  for (Index k = 0; k < K; ++k) {
    stop_if_asked(stop);
    const double draw = uniform(seed, Purpose::initialisation, start, static_cast<std::uint64_t>(k), 0);
    Index chosen = std::min(N - 1, static_cast<Index>(draw * static_cast<double>(N)));
    if (k > 0 && distance.sum() > 0) {
      double left = draw * distance.sum();
      for (chosen = 0; chosen + 1 < N && (left -= distance[chosen]) > 0;) ++chosen;
    }
    mixture.means.col(k) = u.col(chosen);
    distance = distance.cwiseMin((u.colwise() - mixture.means.col(k)).colwise().squaredNorm().transpose());
  }
  // The typical distance to the nearest centre is a fair first width.
  const double width = std::sqrt(std::max(distance.mean() / static_cast<double>(D), 1e-3));
  mixture.scales.assign(static_cast<std::size_t>(K), width * Matrix<double>::Identity(D, D));
  return mixture;
}

/// One step of EM. Returns the mean log-likelihood of the mixture that came in.
double improve(GaussianMixture& mixture, const Batch& u, double ridge, StopFlag stop) {
  const Index D = u.rows(), N = u.cols(), K = mixture.components();
  Vector<double> share = Vector<double>::Zero(K);
  Batch shift = Batch::Zero(D, K);  // sums of share * (u - old mean): about the old mean, so that nothing cancels
  std::vector<Matrix<double>> square(static_cast<std::size_t>(K), Matrix<double>::Zero(D, D));
  double total = 0;
  for (Index i = 0; i < N; i += kBlock) {
    stop_if_asked(stop);
    const auto block = u.middleCols(i, std::min(kBlock, N - i));
    Matrix<double> shares = log_joint(mixture, block);
    total += normalise(shares).sum();
    share += shares.rowwise().sum();
    for (Index k = 0; k < K; ++k) {
      const Batch v = (block.colwise() - mixture.means.col(k)) * shares.row(k).cwiseSqrt().asDiagonal();
      shift.col(k) += v * shares.row(k).cwiseSqrt().transpose();
      square[static_cast<std::size_t>(k)].selfadjointView<Eigen::Lower>().rankUpdate(v);
    }
  }
  for (Index k = 0; k < K; ++k) {
    mixture.weights[k] = share[k] / static_cast<double>(N);
    if (!(share[k] > 1e-6)) continue;  // nobody's component: it keeps its place, without weight
    const Vector<double> step = shift.col(k) / share[k];
    mixture.means.col(k) += step;
    Matrix<double> covariance = square[static_cast<std::size_t>(k)] / share[k];
    covariance.triangularView<Eigen::Lower>() -= step * step.transpose();
    covariance.diagonal().array() += ridge;
    const Eigen::LLT<Matrix<double>> llt(covariance);
    if (llt.info() == Eigen::Success) mixture.scales[static_cast<std::size_t>(k)] = llt.matrixL();
  }
  return total / static_cast<double>(N);
}

}  // namespace

Vector<double> GaussianMixture::log_prob(const Eigen::Ref<const Batch>& x, StopFlag stop) const {
  if (x.rows() != dim())
    throw std::invalid_argument("GaussianMixture::log_prob: x has " + std::to_string(x.rows()) + " rows, expected " +
                                std::to_string(dim()) + "; samples are columns");
  Vector<double> out(x.cols());
  for (Index i = 0; i < x.cols(); i += kBlock) {
    stop_if_asked(stop);
    const Index n = std::min(kBlock, x.cols() - i);
    Matrix<double> joint = log_joint(*this, x.middleCols(i, n));
    out.segment(i, n) = normalise(joint);
  }
  return out;
}

void GaussianMixture::sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first,
                             Out<double> out) const {
  if (out.rows() != dim())
    throw std::invalid_argument("GaussianMixture::sample: out has " + std::to_string(out.rows()) + " rows, expected " +
                                std::to_string(dim()) + "; samples are columns");
  Vector<double> z(dim());
  for (Index i = 0; i < out.cols(); ++i) {
    const std::uint64_t point = first + static_cast<std::uint64_t>(i);
    // Block 0 of the point's words chooses the component, the blocks after it are the normals.
    double left = uniform(seed, purpose, step, point, 0) * weights.sum();
    Index k = 0;
    while (k + 1 < components() && (left -= weights[k]) > 0) ++k;
    for (Index j = 0; j < dim(); ++j) z[j] = normal(seed, purpose, step, point, static_cast<std::uint32_t>(4 + j));
    out.col(i) = means.col(k) + scales[static_cast<std::size_t>(k)].triangularView<Eigen::Lower>() * z;
  }
}

GaussianMixture fit_gaussian(const Eigen::Ref<const Batch>& x) {
  const Standardisation s = fit_standardisation(x);
  return {Vector<double>::Ones(1), s.mean, {s.scale}};
}

FittedMixture fit_mixture(const Eigen::Ref<const Batch>& x, Index components, Seed seed,
                          const MixtureOptions& options) {
  if (components < 1 || components > x.cols())
    throw std::invalid_argument("fit_mixture: " + std::to_string(components) + " components for " +
                                std::to_string(x.cols()) + " samples, expected 1 to that many");
  if (options.starts < 1 || options.max_iterations < 1 || !(options.ridge > 0) || !(options.tolerance >= 0))
    throw std::invalid_argument("fit_mixture: starts and max_iterations are at least 1, ridge is above 0");
  const Standardisation s = fit_standardisation(x);
  const Batch u = s.apply(x);
  FittedMixture best;
  for (int start = 0; start < options.starts; ++start) {
    FittedMixture fit{seeded(u, components, seed, static_cast<std::uint32_t>(start), options.stop), 0, 0, false};
    double before = -std::numeric_limits<double>::infinity();
    while (fit.iterations < options.max_iterations && !fit.converged) {
      const double now = improve(fit.mixture, u, options.ridge, options.stop);
      ++fit.iterations;
      fit.converged = now - before < options.tolerance;
      before = now;
    }
    fit.mean_log_prob = fit.mixture.log_prob(u, options.stop).mean() - s.log_abs_det();
    if (start == 0 || fit.mean_log_prob > best.mean_log_prob) best = std::move(fit);
  }
  best.mixture.means = s.invert(best.mixture.means);
  for (Matrix<double>& L : best.mixture.scales) L = s.scale.triangularView<Eigen::Lower>() * L;
  return best;
}

}  // namespace cnf
