#include "bench/solvers.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

#include "base/tiles.hpp"
#include "bench/workloads.hpp"
#include "solvers/dual_dynamics.hpp"
#include "solvers/integrate.hpp"
#include "solvers/problems/equations.hpp"
#include "solvers/problems/problems.hpp"

namespace cnf::bench {

namespace {

using equations::LotkaVolterra;
using Field = DualDynamics<double, 2, 4, LotkaVolterra>;

constexpr double kSpan = 20;  // of the Lotka-Volterra systems

SolveOptions at(const char* method, double tolerance, Norm norm = Norm::sample) {
  SolveOptions solve = solve_with(method, 0, norm);
  solve.rtol = solve.atol = tolerance;
  return solve;
}

/// One worker's memory.
struct Worker {
  Scratch scratch;
  Counters counters;
  State<double> state;
};

/// Integrates over [0, t_end] from `begin`; the end stands in worker.state.
void solve(const Dynamics<double>& field, const Eigen::Ref<const Matrix<double>>& begin, double t_end,
           const SolveOptions& options, Worker& worker) {
  if (worker.state.B != begin.cols()) worker.state = State<double>(field.blocks(), begin.cols());
  worker.state.z() = begin;
  const Status status = integrate(field, 0, t_end, worker.state, options, worker.scratch, worker.counters);
  if (!status.ok()) throw std::runtime_error("W9: " + status.message());
}

Workload orbit(const char* method) {
  return {std::string("W9-arenstorf-") + method, [=](int) -> Call {
            const Problem p = *find_problem("arenstorf");
            const std::shared_ptr<const Dynamics<double>> field = p.dynamics();
            return [=, worker = std::make_shared<Worker>()] {
              worker->counters = {};
              solve(*field, p.begin, p.t_end, at(method, 1e-8), *worker);
              const double error = (worker->state.z() - p.end).cwiseAbs().maxCoeff();
              return Cost{0, static_cast<double>(worker->counters.evaluations), 1, error};
            };
          }};
}

struct Systems {
  Matrix<double> params, begin, end;  // a column a system
  std::vector<Field> each;

  explicit Systems(Index n) : params(4, n), begin(2, n), end(2, n) {
    std::mt19937 words(0);
    const auto uniform_in = [&](double low, double high) { return low + (high - low) * numpy_uniform(words); };
    constexpr std::array<std::array<double, 2>, 4> kRanges{{{0.9, 1.6}, {0.3, 0.5}, {0.8, 1.2}, {0.3, 0.5}}};
    for (Index i = 0; i < 4; ++i)
      for (Index j = 0; j < n; ++j) params(i, j) = uniform_in(kRanges[i][0], kRanges[i][1]);
    for (Index i = 0; i < begin.size(); ++i) begin(i) = uniform_in(0.5, 2);
    Worker worker;
    for (Index j = 0; j < n; ++j) {
      each.emplace_back(LotkaVolterra{}, params.col(j));
      solve(each.back(), begin.col(j), kSpan, at("dopri8", 1e-13), worker);
      end.col(j) = worker.state.z();
    }
  }
  double error(const Eigen::Ref<const Matrix<double>>& z) const { return (z - end).cwiseAbs().maxCoeff(); }
};

constexpr Index kSystems = 1000;

Workload as_one(const char* method, Norm norm) {
  return {std::string("W9-1000-as-one-") + method + (norm == Norm::tile ? "-tile" : ""), [=](int) -> Call {
            const auto systems = std::make_shared<Systems>(kSystems);
            const auto field = std::make_shared<Field>(LotkaVolterra{}, systems->params);
            return [=, worker = std::make_shared<Worker>()] {
              worker->counters = {};
              solve(*field, systems->begin, kSpan, at(method, 1e-8, norm), *worker);
              return Cost{0, static_cast<double>(worker->counters.evaluations), kSystems,
                          systems->error(worker->state.z())};
            };
          }};
}

Workload own_steps(const char* method) {
  return {std::string("W9-1000-own-steps-") + method, [=](int threads) -> Call {
            const auto systems = std::make_shared<Systems>(kSystems);
            const auto workers = std::make_shared<std::vector<Worker>>(static_cast<std::size_t>(threads));
            return [=, ends = std::make_shared<Matrix<double>>(2, kSystems)] {
              for (Worker& worker : *workers) worker.counters = {};
              for_each_tile(kSystems, threads, [&](int j, int worker) {
                Worker& own = (*workers)[static_cast<std::size_t>(worker)];
                solve(systems->each[static_cast<std::size_t>(j)], systems->begin.col(j), kSpan, at(method, 1e-8), own);
                ends->col(j) = own.state.z();
              });
              double evaluations = 0;
              for (const Worker& worker : *workers) evaluations += static_cast<double>(worker.counters.evaluations);
              return Cost{0, evaluations, kSystems, systems->error(*ends)};
            };
          }};
}

}  // namespace

std::vector<Workload> solver_workloads() {
  std::vector<Workload> all;
  for (const char* method : {"dopri5", "dopri8", "adams"}) {
    all.push_back(orbit(method));
    for (const Norm norm : {Norm::sample, Norm::tile}) all.push_back(as_one(method, norm));
    all.push_back(own_steps(method));
  }
  return all;
}

}  // namespace cnf::bench
