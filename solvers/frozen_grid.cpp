// Invariants. past[0] is the slope at t, past[1] the one before it: values of the right-hand side where predictors led,
// but the first, at t_begin. Their memory goes round: the oldest becomes the next one's.
#include "solvers/frozen_grid.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"
#include "solvers/slope.hpp"
#include "solvers/step.hpp"

namespace cnf {

namespace {

[[noreturn]] void refuse_grid(const std::string& what) { throw std::invalid_argument("frozen grid: " + what); }

using Weights = std::array<double, kMaxStages>;

/// The integrals from 0 to 1 of the Lagrange polynomials of nodes[0 .. count - 1].
void set_weights(const double* nodes, int count, double* weights) {
  for (int i = 0; i < count; ++i) {
    std::array<double, kMostFrozenOrder + 2> c{1};  // the polynomial's coefficients, ascending
    int degree = 0;
    for (int j = 0; j < count; ++j) {
      if (j == i) continue;
      const double scale = 1 / (nodes[i] - nodes[j]);
      c[++degree] = 0;
      for (int k = degree; k > 0; --k) c[k] = (c[k - 1] - nodes[j] * c[k]) * scale;
      c[0] *= -nodes[j] * scale;
    }
    weights[i] = 0;
    for (int k = degree; k >= 0; --k) weights[i] += c[k] / (k + 1);
  }
}

/// Adds each sample's largest |a - b| over n rows of z or q to `largest`.
template <class T>
void note_largest(const T* a, const T* b, Index rows, Index B, double* largest) {
  for (Index j = 0; j < B; ++j)
    for (Index i = 0; i < rows; ++i) {
      const auto apart = static_cast<double>(std::abs(a[j * rows + i] - b[j * rows + i]));
      if (!(apart <= largest[j]) && !std::isnan(largest[j])) largest[j] = apart;
    }
}

}  // namespace

void check(const FrozenGrid& grid) {
  if (grid.order < 1 || grid.order > kMostFrozenOrder)
    refuse_grid("order is " + std::to_string(grid.order) + ", expected 1 to " + std::to_string(kMostFrozenOrder));
  if (!(grid.lead >= 0) || !(grid.lead <= 1)) refuse_grid("lead is " + shortest(grid.lead) + ", expected 0 to 1");
  const std::vector<double>& s = grid.fractions;
  if (s.size() < 2 || s.front() != 0 || s.back() != 1) refuse_grid("fractions do not go from 0 to 1");
  for (std::size_t n = 0; n + 1 < s.size(); ++n)
    if (!(s[n] < s[n + 1])) refuse_grid("fractions do not ascend at " + std::to_string(n));
}

FrozenGrid graded_grid(int order, double lead, int steps, double rise, std::span<const double> density) {
  if (steps < 1) refuse_grid(std::to_string(steps) + " steps, expected at least 1");
  if (!(rise >= 0) || !std::isfinite(rise)) refuse_grid("a rise of " + shortest(rise) + ", expected 0 or more");
  for (const double value : density)
    if (!(value > 0) || !std::isfinite(value))
      refuse_grid("a density of " + shortest(value) + ", expected more than 0");
  // Steps of one size in the coordinate v, but the first; v is the share of the density's integral.
  std::vector<double> v(static_cast<std::size_t>(steps) + 1, 0);
  for (int n = 0; n < steps; ++n)
    v[static_cast<std::size_t>(n) + 1] =
        v[static_cast<std::size_t>(n)] + std::min(1.0, std::pow((n + 1) / static_cast<double>(order + 1), rise));
  FrozenGrid grid{order, lead, {0}};
  const auto parts = static_cast<Index>(density.size());
  std::vector<double> sum(density.size() + 1, 0);
  for (Index i = 0; i < parts; ++i)
    sum[static_cast<std::size_t>(i) + 1] = sum[static_cast<std::size_t>(i)] + density[static_cast<std::size_t>(i)];
  std::size_t part = 0;
  for (int n = 1; n < steps; ++n) {
    const double at = v[static_cast<std::size_t>(n)] / v.back();
    if (parts == 0) {
      grid.fractions.push_back(at);
      continue;
    }
    const double wanted = at * sum.back();
    while (part + 2 < sum.size() && sum[part + 1] <= wanted) ++part;
    grid.fractions.push_back((static_cast<double>(part) + (wanted - sum[part]) / density[part]) /
                             static_cast<double>(parts));
  }
  grid.fractions.push_back(1);
  check(grid);
  return grid;
}

FrozenGrid halved(const FrozenGrid& grid) { return {grid.order, grid.lead, halved(grid.fractions)}; }

std::vector<double> halved(const std::vector<double>& fractions) {
  std::vector<double> finer;
  for (const double at : fractions) {
    if (!finer.empty() && finer.back() < at) finer.push_back((finer.back() + at) / 2);
    finer.push_back(at);
  }
  return finer;
}

template <class T>
Status walk_grid(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state, const FrozenGrid& grid,
                 StopFlag stop, Scratch& scratch, Counters& counters, std::span<double> corrections) {
  check(grid);
  const Shape shape{state.blocks, state.B};
  if (!std::isfinite(t_begin) || !std::isfinite(t_end) || t_begin == t_end)
    refuse_grid("times from " + shortest(t_begin) + " to " + shortest(t_end) + ", expected two finite ones");
  if (static_cast<Index>(corrections.size()) != state.B)
    refuse_grid(std::to_string(corrections.size()) + " corrections for " + std::to_string(state.B) + " samples");
  const Blocks rows = dynamics.blocks();
  if (rows.z != shape.blocks.z || rows.q != shape.blocks.q || rows.s != shape.blocks.s)
    refuse_grid("the state and the dynamics have blocks of other sizes");

  const Scratch::Frame frame(scratch);
  const Index n = shape.size();
  const Slope<T> slope{dynamics, shape, {}, scratch, counters};
  const int steps = static_cast<int>(grid.fractions.size()) - 1;
  const auto time = [&](int k) {
    return k == steps ? t_end : t_begin + grid.fractions[static_cast<std::size_t>(k)] * (t_end - t_begin);
  };
  T* const predicted = scratch.take<T>(n);
  T* const corrected = scratch.take<T>(n);
  double* const largest = scratch.take<double>(state.B);
  Slots<T> past{};                  // one for the new slope, before those it is corrected by
  const int most = grid.order + 1;  // slopes that are kept
  for (int i = 0; i <= most; ++i) past[static_cast<std::size_t>(i)] = scratch.take<T>(n);
  T* const y = state.values.data();

  Status status;
  status.t = t_begin;
  slope(t_begin, y, past[1], nullptr);
  for (int k = 0; k < steps; ++k) {
    if (stop_asked(stop)) {
      status.code = Status::Code::stopped;
      return status;
    }
    const double t = time(k), t_next = time(k + 1), h = t_next - t;
    const int known = std::min(k + 1, grid.order), longer = std::min(k + 1, most);
    std::array<double, kMostFrozenOrder + 2> nodes{1};
    for (int i = 0; i < longer; ++i) nodes[static_cast<std::size_t>(i) + 1] = (time(k - i) - t) / h;
    Weights predict{}, lead{}, correct{};
    set_weights(nodes.data() + 1, known, predict.data() + 1);
    set_weights(nodes.data() + 1, longer, lead.data() + 1);
    for (std::size_t i = 0; i < predict.size(); ++i) predict[i] += grid.lead * (lead[i] - predict[i]);
    set_weights(nodes.data(), known + 1, correct.data());
    combine(predicted, y, h, predict, longer + 1, past, n);
    slope(t_next, predicted, past[0], nullptr);
    combine(corrected, y, h, correct, known + 1, past, n);
    std::fill_n(largest, state.B, 0.0);
    note_largest(corrected, predicted, shape.blocks.z, state.B, largest);
    note_largest(corrected + shape.z(), predicted + shape.z(), shape.blocks.q, state.B, largest);
    for (Index j = 0; j < state.B; ++j) corrections[static_cast<std::size_t>(j)] += largest[j] * largest[j];
    std::copy_n(corrected, n, y);
    std::rotate(past.begin(), past.begin() + most, past.begin() + most + 1);
    status.t = t_next;
    status.h = h;
    ++status.accepted;
  }
  counters.accepted += status.accepted;
  return status;
}

#define CNF_INSTANTIATE(T)                                                                                        \
  template Status walk_grid(const Dynamics<T>&, double, double, State<T>&, const FrozenGrid&, StopFlag, Scratch&, \
                            Counters&, std::span<double>);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
