// cnf_bench_gradients: what each way of taking a gradient costs and how far it is from the truth, on a trained flow and
// on van der Pol's oscillator, as the tables of docs/how-to-choose-a-gradient.md. usage: cnf_bench_gradients [WEIGHTS]
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "base/number_text.hpp"
#include "bench/workloads.hpp"
#include "flows/objectives/objectives.hpp"
#include "solvers/gradients/differentiate.hpp"
#include "solvers/problems/problems.hpp"

namespace {

std::size_t live = 0, peak = 0;  // bytes; everything runs on one thread

void* counted(void* p) {
  if (!p) throw std::bad_alloc();
  live += ::malloc_usable_size(p);
  peak = std::max(peak, live);
  return p;
}
void freed(void* p) {
  live -= p ? ::malloc_usable_size(p) : 0;
  std::free(p);
}

}  // namespace

void* operator new(std::size_t n) { return counted(std::malloc(n)); }
void* operator new(std::size_t n, std::align_val_t at) {
  const auto line = static_cast<std::size_t>(at);
  return counted(std::aligned_alloc(line, (n + line - 1) / line * line));
}
void operator delete(void* p) noexcept { freed(p); }
void operator delete(void* p, std::size_t) noexcept { freed(p); }
void operator delete(void* p, std::align_val_t) noexcept { freed(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { freed(p); }

namespace cnf::bench {

namespace {

/// A gradient as numbers, with what it cost.
struct Taken {
  std::vector<double> values{};
  Counters forward{}, backward{};
  std::string trouble{};
};

struct Way {
  std::string name, method;
  GradientMode mode;
  std::size_t memory = Recording<double>::kDefaultBudget;
};

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    apart += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(apart / size);
}

/// One row: `make` returns a gradient as it is taken once and again, with all its memory inside.
void row(const Way& way, double rtol, const std::vector<double>& truth,
         const std::function<std::function<Taken()>()>& make) {
  using Clock = std::chrono::steady_clock;
  std::printf("| %s | `%s` | %.0e |", way.name.c_str(), way.method.c_str(), rtol);
  std::fflush(stdout);
  const std::size_t before = live;
  peak = live;
  const std::function<Taken()> take = make();
  Taken taken = take();
  const auto bytes = static_cast<std::uint64_t>(peak - before);
  if (!taken.trouble.empty()) {
    std::printf(" %s ||||\n", taken.trouble.c_str());
    return;
  }
  double best = 1e300, spent = 0;
  for (int n = 0; n < 3 || (n < 50 && spent < 1); ++n) {
    const auto begin = Clock::now();
    take();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::min(best, seconds);
    spent += seconds;
  }
  std::printf(" %.1e | %lld, %lld | %.3g | %s |\n", distance(taken.values, truth),
              static_cast<long long>(taken.forward.evaluations), static_cast<long long>(taken.backward.evaluations),
              best * 1e3, size_text(bytes).c_str());
  std::fflush(stdout);
}

void header(const char* what) {
  std::printf("\n%s\n\n| Gradient | Method | `rtol` | Error | Evaluations there, back | ms | Memory |\n", what);
  std::printf("|---|---|---|---|---|---|---|\n");
}

SolveOptions options_of(const Way& way, double rtol) {
  const MethodChoice choice = parse_method(way.method);
  SolveOptions options;
  options.method = choice.method;
  options.fixed_steps = choice.fixed_steps;
  options.rtol = options.atol = rtol;
  options.max_steps = 40'000;
  return options;
}

SolveOptions adjoint_of(SolveOptions solve) {
  if (solve.method.needs_jvp()) solve.method = &kDopri5;
  solve.control_s = false;
  return solve;
}

/// The mean negative log-density of 64 points.
std::function<Taken()> of_flow(const Cnf& model, const Batch& x, const Way& way, double rtol) {
  const SolveOptions solve = options_of(way, rtol);
  const FlowOptions flow{solve, adjoint_of(solve), {DivergenceChoice::Kind::exact}, way.mode, way.memory};
  const auto objective =
      std::shared_ptr<Objective<double>>(make_objective<double>(model, {MaximumLikelihood{flow}, 1, Seed{}, nullptr}));
  return [&model, &x, objective] {
    const LossGradient<double>& at = (*objective)(model.params, x, 0);
    Taken taken{{at.dloss_dparams.data(), at.dloss_dparams.data() + at.dloss_dparams.size()}, at.forward, at.backward};
    if (!at.failures.empty()) taken.trouble = at.failures.front().message();
    return taken;
  };
}

/// Of x at the end: by both starts, mu, t_begin and t_end.
std::function<Taken()> of_problem(const Problem& p, const Dynamics<double>& f, const Way& way, double rtol) {
  SolveOptions solve = options_of(way, rtol);
  solve.atol = rtol * 1e-3;
  const GradientOptions how{.mode = way.mode, .memory = way.memory, .backward = adjoint_of(solve)};
  struct All {
    DifferentiableSolve<double> of;
    Scratch scratch;
  };
  return [&p, &f, solve, how, all = std::make_shared<All>()] {
    State<double> state(f.blocks(), 1);
    state.z().col(0) = p.begin;
    Taken taken;
    Status status = all->of.forward(f, p.t_begin, p.t_end, state, solve, how, all->scratch, taken.forward);
    Matrix<double> z_bar(p.dim(), 1), w = Matrix<double>::Zero(p.dim(), 1), none(0, 1);
    w(0) = 1;
    std::vector<double> params_bar(static_cast<std::size_t>(f.gradient_size()));
    SolveGradient<double> g{.z_bar = {z_bar.data(), p.dim(), 1}, .params_bar = params_bar};
    if (status.ok())
      status =
          all->of.backward(f, {.z = {w.data(), p.dim(), 1}, .q = {none.data(), 0, 1}}, g, all->scratch, taken.backward);
    if (!status.ok()) taken.trouble = status.message().substr(0, 60);
    taken.values.assign(z_bar.data(), z_bar.data() + z_bar.size());
    taken.values.insert(taken.values.end(), params_bar.begin(), params_bar.end());
    taken.values.insert(taken.values.end(), {g.dloss_dt_begin, g.dloss_dt_end});
    return taken;
  };
}

void flow_table(const std::string& weights) {
  const PlaneModel plane = plane_model(weights);
  const Batch x = plane_batches(64, 1).front().cast<double>();
  header(plane.trained ? "Mean negative log p of 64 points, a flow trained on 8gaussians" : "An untrained flow");
  const std::vector<double> truth = of_flow(plane.model, x, {"", "dopri8", GradientMode::discrete}, 1e-12)().values;
  for (const double rtol : {1e-3, 1e-5, 1e-7}) {
    for (const GradientMode mode : kAllGradientModes) {
      const Way way{std::string(name(mode)), "dopri5", mode};
      row(way, rtol, truth, [&] { return of_flow(plane.model, x, way, rtol); });
    }
  }
  for (const auto& [bytes, text] : {std::pair{std::size_t{40'000'000}, "40 MB"}, {std::size_t{3'000'000}, "3 MB"}}) {
    const Way way{std::string("discrete, ") + text, "rk4:1000", GradientMode::discrete, bytes};
    row(way, 1e-5, truth, [&] { return of_flow(plane.model, x, way, 1e-5); });
  }
  for (const GradientMode mode : kAllGradientModes) {
    const Way way{std::string(name(mode)), "rk4:1000", mode, std::size_t{2} << 30};
    row(way, 1e-5, truth, [&] { return of_flow(plane.model, x, way, 1e-5); });
  }
  const Way leap{"reversible", "leapfrog:4000", GradientMode::reversible};
  row(leap, 1e-5, truth, [&] { return of_flow(plane.model, x, leap, 1e-5); });
}

void stiff_table() {
  Problem p = *find_problem("van-der-pol-stiff");
  p.params(0) = 100;
  p.t_end = 90;  // past one fall
  const std::unique_ptr<Dynamics<double>> f = p.dynamics();
  header("x of van der Pol's oscillator at t = 90, mu = 100, by both starts, mu, t_begin and t_end");
  const std::vector<double> truth = of_problem(p, *f, {"", "dopri8", GradientMode::discrete}, 1e-12)().values;
  for (const double rtol : {1e-5, 1e-8}) {
    for (const Way& way :
         {Way{"discrete", "dopri5", GradientMode::discrete},
          Way{"discrete, 1 MB", "dopri5", GradientMode::discrete, 1'000'000},
          Way{"continuous", "dopri5", GradientMode::continuous},
          Way{"interpolated", "dopri5", GradientMode::interpolated},
          Way{"reversible", "dopri5", GradientMode::reversible}, Way{"continuous", "rodas5p", GradientMode::continuous},
          Way{"interpolated", "rodas5p", GradientMode::interpolated},
          Way{"interpolated", "kvaerno5", GradientMode::interpolated},
          Way{"interpolated", "auto", GradientMode::interpolated}})
      row(way, rtol, truth, [&] { return of_problem(p, *f, way, rtol); });
  }
}

}  // namespace

}  // namespace cnf::bench

int main(int argc, char** argv) {
  cnf::bench::flow_table(argc > 1 ? argv[1] : "bench/weights/w1_trained.safetensors");
  cnf::bench::stiff_table();
}
