#include "datasets/baselines.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "base/number_text.hpp"
#include "base/tiles.hpp"
#include "datasets/split.hpp"

namespace cnf {
namespace {

/// Squared distances of all points to each query, N x n.
Matrix<double> squared_distances(const Batch& points, const Vector<double>& squares,
                                 const Eigen::Ref<const Batch>& queries) {
  Matrix<double> d2 = points.transpose() * queries;
  d2 *= -2;
  d2.colwise() += squares;
  d2.rowwise() += queries.colwise().squaredNorm();
  return d2.cwiseMax(0);
}

Index queries_at_a_time(Index N) { return std::clamp<Index>((Index{1} << 19) / N, 1, 16); }

double log_normaliser(Index D, Index N, double h) {
  return -std::log(static_cast<double>(N)) -
         static_cast<double>(D) * (0.5 * std::log(2 * std::numbers::pi) + std::log(h));
}

/// n of the columns' numbers, drawn by the seed, ascending; all of them if there are no more.
std::vector<Index> some_columns(Index N, Index n, Seed seed) {
  if (n >= N) {
    std::vector<Index> all(static_cast<std::size_t>(N));
    std::iota(all.begin(), all.end(), Index{0});
    return all;
  }
  const double share = static_cast<double>(n) / static_cast<double>(N);
  return split_rows(N, {.train = 1 - share, .validation = share, .test = 0}, seed).validation;
}

Batch some_of(const Eigen::Ref<const Batch>& x, Index n, Seed seed) {
  return n < x.cols() ? take(x, some_columns(x.cols(), n, seed)) : Batch(x);
}

/// The operations that so many iterations take: a component's products, and its exponential.
double work_of(Index N, Index D, Index K, int iterations) {
  const auto d = static_cast<double>(D);
  return static_cast<double>(N) * static_cast<double>(K) * (2 * d * d + 50) * iterations;
}

struct SizedMixture {
  GaussianMixture mixture;
  std::string detail;
};

/// The size that makes the validation samples likeliest. No component if there are too few samples for two.
SizedMixture grow_mixture(const Batch& x, const Eigen::Ref<const Batch>& validation, Seed seed,
                          const BaselineOptions& options, const std::function<void()>& tell) {
  constexpr Index kRowsOfComponent = 10;
  constexpr int kPatience = 2, kFirstIterations = 50;
  MixtureOptions of_mixture = options.mixture;
  of_mixture.stop = options.stop;
  SizedMixture best;
  double best_score = -std::numeric_limits<double>::infinity();
  int worse = 0, iterations = kFirstIterations;
  Index largest = 0;
  for (Index K = 2; worse < kPatience && K <= options.most_components && kRowsOfComponent * K <= x.cols(); K *= 2) {
    if (K > 2 && work_of(x.cols(), x.rows(), K, iterations) > options.most_work) break;
    tell();
    const FittedMixture fit = fit_mixture(x, K, seed, of_mixture);
    const double score = fit.mixture.log_prob(validation, options.stop).mean();
    iterations = std::max(fit.iterations, 1);
    largest = K;
    ++worse;
    if (score <= best_score) continue;
    best_score = score, best.mixture = fit.mixture, worse = 0;
  }
  const Index chosen = best.mixture.components();
  best.detail = std::to_string(chosen) + " components" + (chosen == largest ? ", the most tried" : "");
  return best;
}

}  // namespace

Vector<double> KernelDensity::log_prob(const Eigen::Ref<const Batch>& x, int threads, StopFlag stop) const {
  const Batch u = standardisation.apply(x);
  const Vector<double> squares = points.colwise().squaredNorm();
  const double constant = log_normaliser(u.rows(), points.cols(), bandwidth) - standardisation.log_abs_det();
  const std::vector<TileRange> tiles = fixed_tiles(u.cols(), queries_at_a_time(points.cols()));
  Vector<double> out(u.cols());
  for_each_tile(static_cast<int>(tiles.size()), threads, [&](int tile, int) {
    if (stop_asked(stop)) return;
    const TileRange range = tiles[static_cast<std::size_t>(tile)];
    const Matrix<double> d2 = squared_distances(points, squares, u.middleCols(range.first, range.count));
    for (Index i = 0; i < range.count; ++i) {
      const double nearest = d2.col(i).minCoeff(), scale = -0.5 / (bandwidth * bandwidth);
      const double sum = ((d2.col(i).array() - nearest) * scale).exp().sum();
      out[range.first + i] = nearest * scale + std::log(sum) + constant;
    }
  });
  stop_if_asked(stop);
  return out;
}

KernelDensity fit_kernel_density(const Eigen::Ref<const Batch>& x, const Eigen::Ref<const Batch>& validation, Seed seed,
                                 StopFlag stop) {
  constexpr Index kJudges = 512;
  KernelDensity kernel;
  kernel.standardisation = fit_standardisation(x);
  kernel.points = kernel.standardisation.apply(x);
  const Index D = x.rows(), N = x.cols();
  const bool leave_out = validation.cols() == 0;
  const Batch all_judges = leave_out ? kernel.points : kernel.standardisation.apply(validation);
  const Vector<double> squares = kernel.points.colwise().squaredNorm();

  const double scott = std::pow(static_cast<double>(N), -1. / static_cast<double>(D + 4));
  std::vector<double> grid;
  for (double h = scott / 50; h < 2.16 * scott; h *= 1.08) grid.push_back(h);
  Vector<double> score = Vector<double>::Zero(static_cast<Index>(grid.size()));
  for (const Index judge : some_columns(all_judges.cols(), kJudges, seed)) {
    stop_if_asked(stop);
    Matrix<double> d2 = squared_distances(kernel.points, squares, all_judges.col(judge));
    // Left out: its own term is pushed beyond every other (and N counts one less, the same for every h).
    if (leave_out) d2(judge, 0) = std::numeric_limits<double>::infinity();
    const double nearest = d2.minCoeff();
    for (std::size_t g = 0; g < grid.size(); ++g) {
      const double scale = -0.5 / (grid[g] * grid[g]);
      const double sum = ((d2.array() - nearest) * scale).exp().sum();
      score[static_cast<Index>(g)] += nearest * scale + std::log(sum) + log_normaliser(D, N, grid[g]);
    }
  }
  Index best;
  score.maxCoeff(&best);
  kernel.bandwidth = grid[static_cast<std::size_t>(best)];
  return kernel;
}

std::string_view name(BaselineKind kind) {
  constexpr std::array<std::string_view, kAllBaselines.size()> kNames{"gaussian", "mixture", "kde"};
  return kNames[static_cast<std::size_t>(kind)];
}

Vector<double> Baseline::log_prob(const Eigen::Ref<const Batch>& x, int threads, StopFlag stop) const {
  if (const auto* mixture = std::get_if<GaussianMixture>(&density)) return mixture->log_prob(x, stop);
  return std::get<KernelDensity>(density).log_prob(x, threads, stop);
}

std::vector<Baseline> fit_baselines(const Eigen::Ref<const Batch>& train, const Eigen::Ref<const Batch>& validation,
                                    Seed seed, const BaselineOptions& options) {
  if (validation.cols() > 0 && validation.rows() != train.rows())
    throw std::invalid_argument("fit_baselines: train is " + std::to_string(train.rows()) + " x " +
                                std::to_string(train.cols()) + ", validation " + std::to_string(validation.rows()) +
                                " x " + std::to_string(validation.cols()) + "; expected equal rows");
  if (validation.cols() == 0) {
    const Split split = split_rows(train.cols(), {.train = 0.9, .validation = 0.1, .test = 0}, seed);
    if (!split.validation.empty())
      return fit_baselines(take(train, split.train), take(train, split.validation), seed, options);
  }
  const StopFlag stop = options.stop;
  int fitted = 0;
  const auto tell = [&] {
    stop_if_asked(stop);
    if (options.progress) options.progress(fitted++);
  };
  std::vector<Baseline> baselines;
  for (const BaselineKind kind : options.kinds) {
    if (kind == BaselineKind::gaussian) {
      tell();
      baselines.push_back({kind, "full covariance", fit_gaussian(train)});
    } else if (kind == BaselineKind::mixture) {
      SizedMixture sized = grow_mixture(some_of(train, options.max_rows, seed), validation, seed, options, tell);
      if (sized.mixture.components() > 0) baselines.push_back({kind, sized.detail, std::move(sized.mixture)});
    } else {
      tell();
      KernelDensity kernel = fit_kernel_density(some_of(train, options.max_kernels, seed), validation, seed, stop);
      const Index n = kernel.points.cols();
      const std::string of = n < train.cols() ? " of " + std::to_string(n) + " training rows drawn at random" : "";
      baselines.push_back({kind, "bandwidth " + significant(kernel.bandwidth, 3) + of, std::move(kernel)});
    }
  }
  tell();
  return baselines;
}

}  // namespace cnf
