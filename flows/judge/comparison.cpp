// Invariant: every mean, of a density or of a pair, is over the same rows but for those at which one of them is 0.
#include "flows/judge/comparison.hpp"

#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

namespace cnf {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Comparison::Comparison(Index densities)
    : of_(static_cast<std::size_t>(densities)),
      pairs_(static_cast<std::size_t>(std::max<Index>(densities * (densities - 1) / 2, 0))) {}

void Comparison::add(const Eigen::Ref<const Matrix<double>>& log_prob) {
  const Index K = densities();
  if (log_prob.cols() != K)
    throw std::invalid_argument("Comparison::add: log-densities of " + std::to_string(log_prob.cols()) +
                                " densities, expected N x " + std::to_string(K));
  for (Index i = 0; i < log_prob.rows(); ++i) {
    const auto row = log_prob.row(i);
    const auto has_value = [&](Index k) { return row[k] < kInfinity; };  // false of a NaN
    bool all = true;
    for (Index k = 0; k < K; ++k) {
      all = all && has_value(k);
      if (!has_value(k)) ++of_[static_cast<std::size_t>(k)].failed;
    }
    if (!all) continue;
    ++rows_;
    for (Index b = 0; b < K; ++b) {
      Score& score = of_[static_cast<std::size_t>(b)];
      if (row[b] == -kInfinity) {
        ++score.without;
        continue;
      }
      score.log_prob.add(row[b]);
      for (Index a = 0; a < b; ++a)
        if (row[a] > -kInfinity) pair(a, b).add(row[a] - row[b]);
    }
  }
}

double Comparison::nll(Index k) const { return without_density(k) > 0 ? kInfinity : -at(k).log_prob.value(); }
double Comparison::nll_error(Index k) const {
  return without_density(k) > 0 ? kUnknown : at(k).log_prob.standard_error();
}

PairedDifference Comparison::difference(Index a, Index b) const {
  if (a == b) return {rows_ > 0 ? 0 : kUnknown, rows_ > 1 ? 0 : kUnknown};
  if (without_density(a) > 0 && without_density(b) > 0) return {kUnknown, kUnknown};
  if (without_density(a) > 0) return {-kInfinity, kUnknown};
  if (without_density(b) > 0) return {kInfinity, kUnknown};
  const Index low = std::min(a, b), high = std::max(a, b);
  const RunningMean& mean = pairs_[static_cast<std::size_t>(high * (high - 1) / 2 + low)];
  return {a < b ? mean.value() : 0 - mean.value(), mean.half_width()};
}

Verdict judge(const Comparison& comparison, std::span<const int> complexity) {
  const Index K = comparison.densities();
  if (K == 0 || std::ssize(complexity) != K)
    throw std::invalid_argument("judge: " + std::to_string(complexity.size()) + " complexities of " +
                                std::to_string(K) + " densities, expected one each");
  const auto how_complex = [&](Index k) { return complexity[static_cast<std::size_t>(k)]; };
  Verdict verdict;
  verdict.level.assign(static_cast<std::size_t>(K), 0);
  const auto likelier = [&](Index a, Index b) {
    return std::tuple(comparison.nll(a), how_complex(a)) < std::tuple(comparison.nll(b), how_complex(b));
  };
  for (Index k = 1; k < K; ++k)
    if (likelier(k, verdict.best)) verdict.best = k;
  verdict.recommended = verdict.best;
  for (Index k = 0; k < K; ++k) {
    const bool level = k == verdict.best || comparison.difference(verdict.best, k).level();
    verdict.level[static_cast<std::size_t>(k)] = level;
    const Index than = verdict.recommended;
    if (level && (how_complex(k) < how_complex(than) || (how_complex(k) == how_complex(than) && likelier(k, than))))
      verdict.recommended = k;
  }
  for (Index k = 0; k < K; ++k) {
    if (k == verdict.best) continue;
    const auto level = [&](Index other) { return verdict.level[static_cast<std::size_t>(other)]; };
    if (verdict.rival < 0 || level(k) > level(verdict.rival) ||
        (level(k) == level(verdict.rival) && likelier(k, verdict.rival)))
      verdict.rival = k;
  }
  return verdict;
}

}  // namespace cnf
