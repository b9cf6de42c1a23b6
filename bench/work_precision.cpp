#include "bench/work_precision.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "bench/workloads.hpp"
#include "flows/tile_flow.hpp"
#include "solvers/problems/problems.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf::bench {

namespace {

constexpr int kTimes = 20;
constexpr std::array<std::string_view, 6> kMethods{"bosh3", "fehlberg45", "dopri5", "tsit5", "dopri8", "adams"};

struct Path {
  std::string name;
  const Dynamics<double>& f;
  Matrix<double> begin;
  double span;

  double time(int i) const { return span * i / kTimes; }
};

SolveOptions options_of(const Method& method, double tol) {
  SolveOptions options;
  options.method = method;
  options.rtol = options.atol = tol;
  options.norm = Norm::tile;
  options.max_steps = 10'000'000;
  return options;
}

/// The end, and what it took.
std::pair<Matrix<double>, Counters> solved(const Path& path, double from, double to, const Matrix<double>& begin,
                                           const SolveOptions& options, StepListener<double>* listener = nullptr) {
  Scratch scratch;
  Counters counters;
  State<double> state(path.f.blocks(), begin.cols());
  state.z() = begin;
  const Status status = integrate(path.f, from, to, state, options, scratch, counters, {.listener = listener});
  if (!status.ok()) throw std::runtime_error(path.name + ": " + status.message());
  return {state.z(), counters};
}

/// Each time is the end of a solve.
KnownPath truth(const Path& path) {
  KnownPath known{path.name, {}, Matrix<double>(path.begin.size(), kTimes)};
  Matrix<double> z = path.begin;
  SolveOptions options = options_of(&kDopri8, 1e-13);
  options.atol = 1e-15;
  options.norm = Norm::sample;
  for (int i = 0; i < kTimes; ++i) {
    z = solved(path, path.time(i), path.time(i + 1), z, options).first;
    known.times.push_back(path.time(i + 1));
    known.states.col(i) = z.reshaped();
  }
  return known;
}

double error(const Path& path, const KnownPath& known, const SolveOptions& options) {
  const Index D = path.begin.rows(), B = path.begin.cols();
  std::vector<Observation> at;
  for (int i = 1; i <= kTimes; ++i)
    for (Index b = 0; b < B; ++b) at.push_back({path.time(i), b});
  Matrix<double> seen(D * B, kTimes);
  Observer<double> observer(at, path.f.blocks(), true, {seen.data(), D, B * kTimes}, {});
  solved(path, 0, path.span, path.begin, options, &observer);
  double largest = 0;
  for (Index i = 0; i < kTimes; ++i) {
    const auto exact = known.states.col(i);
    largest =
        std::max(largest, (seen.col(i) - exact).cwiseAbs().maxCoeff() / std::max(1.0, exact.cwiseAbs().maxCoeff()));
  }
  return largest;
}

void measure(const Path& path, WorkPrecision& all) {
  all.truth.push_back(truth(path));
  for (const std::string_view name : kMethods) {
    const Method method = *find_method(name);
    for (int digits = 3; digits <= 10; ++digits) {
      const SolveOptions options = options_of(method, std::pow(10.0, -digits));
      const Counters cost = solved(path, 0, path.span, path.begin, options).second;
      all.points.push_back(
          {path.name, std::string(name), options.rtol, cost.evaluations, error(path, all.truth.back(), options)});
    }
  }
}

}  // namespace

WorkPrecision work_precision(const Cnf& plane) {
  WorkPrecision all;
  for (const Problem& p : all_problems())
    if (p.name.starts_with("detest-")) measure({std::string(p.name), *p.dynamics(), p.begin, p.t_end}, all);
  constexpr Index kPoints = 64;
  Matrix<double> begin(2, kPoints);
  std::mt19937 words(0);
  for (Index i = 0; i < begin.size(); ++i) begin(i) = -2 + 4 * numpy_uniform(words);
  const BoundCnf<double> bound(plane, plane.params);
  const FlowDynamics<double> field(bound.field(0), {});
  measure({"flow", field, begin, 0.5}, all);
  return all;
}

}  // namespace cnf::bench
