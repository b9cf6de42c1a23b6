#include <catch2/catch.hpp>
#include <string>

#include "solvers/gradients/continuous_adjoint.hpp"
#include "solvers/gradients/differentiate.hpp"
#include "solvers/gradients/discrete_adjoint.hpp"
#include "solvers/method.hpp"
#include "solvers/watching/event.hpp"
#include "tests/allocations.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/gradients.hpp"

using namespace cnf;

TEST_CASE("after a first solve the next allocates nothing, recorded or not, nor does its transpose",
          "[solvers][memory]") {
  const Index D = 3, B = 16;
  const TanhField<double> f(D, Seed{1});
  const Matrix<double> start = normals<double>(D, B, Seed{2}), w_z = start, w_q = start.topRows(1);
  Matrix<double> z_bar(D, B);
  std::vector<double> params_bar(static_cast<std::size_t>(f.gradient_size()));
  const std::vector<Observation> at{{0.4, 3}, {1.7, 3}, {2.99, 0}};
  std::vector<StepPoint> where(at.size());
  Matrix<double> seen(D, 3);
  for (const char* method : {"rk4:50", "dopri5:50", "dopri5", "bosh3", "fehlberg45", "dopri8", "abm5:50",
                             "reversible-dopri5", "leapfrog:50"})
    for (const bool plenty : {true, false}) {
      SolveOptions options = solver(method, 1e-9);
      const std::size_t budget = plenty ? Recording<double>::kDefaultBudget : least_memory(f, B, options) + 5000;
      CAPTURE(method, budget);
      Scratch scratch;
      Counters counters;
      Recording<double> record(budget);
      State<double> state(f.blocks(), B);
      const auto both = [&] {
        state.values.setZero();
        state.z() = start;
        integrate(f, 0, 3, state, options, scratch, counters);
        state.values.setZero();
        state.z() = start;
        Observer<double> observer(at, f.blocks(), true, Out<double>(seen.data(), D, 3), where);
        integrate(f, 0, 3, state, options, scratch, counters, {.record = &record, .listener = &observer});
        SolveGradient<double> gradient{.z_bar = {z_bar.data(), D, B}, .params_bar = params_bar};
        const Cotangents<double> w{.z = {w_z.data(), D, B}, .q = {w_q.data(), 1, B}, .seen = {seen.data(), D, 3}};
        discrete_adjoint(f, record, {at, where}, w, gradient, scratch, counters);
      };
      both();
      const long before = allocations;
      both();
      CHECK(allocations - before == 0);
    }
}

TEST_CASE("finding events allocates nothing in a step", "[solvers][memory][events]") {
  const Index D = 3, B = 16;
  const TanhField<double> f(D, Seed{1});
  const Matrix<double> start = normals<double>(D, B, Seed{2});
  const std::vector<Event<double>> events{level_event<double>(0, 0.2), level_event<double>(1, 0.5)};
  for (const char* method : {"rk4:50", "dopri5", "dopri8", "abm5:50"}) {
    CAPTURE(method);
    SolveOptions options = solver(method, 1e-9);
    Scratch scratch;
    Counters counters;
    State<double> state(f.blocks(), B);
    const auto allocated = [&] {
      std::vector<char> active(static_cast<std::size_t>(B), 1);
      EventFinder<double> finder(events, 4, {f.blocks(), B}, 3, active);
      state.values.setZero();
      state.z() = start;
      const long before = allocations;
      integrate(f, 0, 3, state, options, scratch, counters, {.listener = &finder, .active = active});
      CHECK(finder.found().size() > 4);
      return allocations - before;
    };
    allocated();
    CHECK(allocated() == 0);
  }
}

TEST_CASE("variable Adams allocates nothing in a step", "[solvers][memory]") {
  const Index D = 3, B = 16;
  const TanhField<double> f(D, Seed{1});
  const Matrix<double> start = normals<double>(D, B, Seed{2});
  Scratch scratch;
  State<double> state(f.blocks(), B);
  const auto run = [&](double tol) {
    SolveOptions options;
    options.method = &kAdams;
    options.rtol = options.atol = tol;
    Counters counters;
    state.values.setZero();
    state.z() = start;
    integrate(f, 0, 3, state, options, scratch, counters);
    return counters.accepted;
  };
  run(1e-2);
  const long before = allocations;
  CHECK(run(1e-11) > 20);
  CHECK(allocations == before);
}

TEST_CASE("after a first solve by a stiff method the next allocates nothing", "[solvers][stiff][memory]") {
  for (const Index D : {3, 40})
    for (const Method& m : all_methods()) {
      if (!m.needs_jvp()) continue;
      CAPTURE(std::string(m.name()), D);
      const TanhField<double> f(D, Seed{1});
      const Matrix<double> start = normals<double>(D, 4, Seed{2});
      const SolveOptions options{.method = m, .rtol = 1e-4, .atol = 1e-4};
      Scratch scratch;
      Counters counters;
      State<double> state(f.blocks(), 4);
      const auto solve = [&] {
        state.values.setZero();
        state.z() = start;
        return integrate(f, 0, 1, state, options, scratch, counters).ok();
      };
      CHECK(solve());
      const long before = allocations;
      solve();
      CHECK(allocations - before == 0);
    }
}

TEST_CASE("10,000 steps are differentiated within 10 MB, or one", "[solvers][memory]") {
  const Index D = 3, B = 64;  // z of every step alone: 15 MB
  const TanhField<double> f(D, Seed{1});
  const Matrix<double> start = normals<double>(D, B, Seed{2}), w_q = start.topRows(1);
  Matrix<double> z_bar(D, B);
  std::vector<double> params_bar(static_cast<std::size_t>(f.gradient_size()));
  for (const bool adaptive : {false, true})
    for (const double megabytes : {10.0, 1.0}) {
      SolveOptions options;
      options.method = adaptive ? &kBosh3 : &kRk4;
      options.rtol = options.atol = 3e-12;
      options.max_steps = 20'000;
      const auto budget = static_cast<std::size_t>(megabytes * 1e6);
      Scratch scratch;
      Counters forward, backward;
      MemoryPlan plan;
      const auto run = [&](double t_end, int steps) {
        options.fixed_steps = adaptive ? 0 : steps;
        DifferentiableSolve<double> solve;
        State<double> state(f.blocks(), B);
        state.z() = start;
        forward = backward = {};
        const long before = allocated_bytes;
        REQUIRE(solve.forward(f, 0, t_end, state, options, {.memory = budget}, scratch, forward).ok());
        SolveGradient<double> gradient{.z_bar = {z_bar.data(), D, B}, .params_bar = params_bar};
        const Cotangents<double> w{.z = {start.data(), D, B}, .q = {w_q.data(), 1, B}};
        REQUIRE(solve.backward(f, w, gradient, scratch, backward).ok());
        plan = solve.plan();
        return allocated_bytes - before;
      };
      run(1e-3, 3);  // the solve's own work arrays are the caller's
      const long bytes = run(4, 10'000);
      CAPTURE(adaptive, megabytes, plan.text(), bytes, forward.accepted, backward.evaluations);
      CHECK(plan.steps >= 10'000);
      CHECK(plan.bytes <= budget);
      CHECK(bytes <= static_cast<long>(budget));
      const double steps = static_cast<double>(plan.steps);
      CHECK(plan.again <= steps * static_cast<double>(binomial::repetitions(plan.steps, plan.states) + 1));
      CHECK(plan.again <= 3 * steps);
      CHECK(static_cast<double>(backward.evaluations) == plan.again * options.method.evaluations_per_step());
    }
}

TEST_CASE("the memory of the continuous adjoint does not grow with the steps", "[solvers][memory]") {
  const Index D = 3, B = 16;
  const TanhField<double> f(D, Seed{1});
  const Matrix<double> z_end = normals<double>(D, B, Seed{2}), w_z = z_end, w_q = z_end.topRows(1);
  Matrix<double> z_bar(D, B);
  std::vector<double> params_bar(static_cast<std::size_t>(f.gradient_size()));
  std::vector<long> bytes;
  for (const int steps : {10, 100, 1000}) {
    SolveOptions options;
    options.method = &kRk4;
    options.fixed_steps = steps;
    const long before = allocated_bytes;
    Scratch scratch;
    Counters counters;
    SolveGradient<double> gradient{.z_bar = {z_bar.data(), D, B}, .params_bar = params_bar};
    const Path<double> path{0, 1, {z_end.data(), D, B}};
    const Cotangents<double> w{.z = {w_z.data(), D, B}, .q = {w_q.data(), 1, B}};
    const Status status = continuous_adjoint(f, path, w, options, gradient, scratch, counters);
    REQUIRE(status.ok());
    bytes.push_back(allocated_bytes - before);
  }
  CHECK(bytes[0] > 0);
  CHECK(bytes[1] == bytes[0]);
  CHECK(bytes[2] == bytes[0]);
}
