// Gradients within a budget of memory: what is kept, what is computed again, and that no bit depends on it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "solvers/gradients/checkpoints.hpp"
#include "solvers/gradients/differentiate.hpp"
#include "solvers/gradients/discrete_adjoint.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/gradients.hpp"

using namespace cnf;

namespace {

/// The fewest steps advanced to reverse `steps` of them, by trying all places of the next checkpoint.
double fewest(Index steps, Index checkpoints, std::vector<std::vector<double>>& known) {
  if (steps <= 1) return 0;
  if (checkpoints == 1) return static_cast<double>(steps * (steps - 1) / 2);
  double& best = known[static_cast<std::size_t>(steps)][static_cast<std::size_t>(checkpoints)];
  if (best > 0) return best;
  best = 1e300;
  for (Index m = 1; m < steps; ++m)
    best = std::min(best,
                    static_cast<double>(m) + fewest(m, checkpoints, known) + fewest(steps - m, checkpoints - 1, known));
  return best;
}

/// z' = -z + t p of D values: cheap, so that steps can be many.
auto decay(Index D) {
  return function_dynamics<double>(
      D,
      [](double t, std::span<const double> z, std::span<double> dz) {
        for (std::size_t i = 0; i < z.size(); ++i) dz[i] = 0.3 * t - z[i];
      },
      [](double, std::span<const double>, std::span<const double> w, std::span<double> z_bar, std::span<double> p) {
        double sum = 0;
        for (std::size_t i = 0; i < w.size(); ++i) z_bar[i] -= w[i], sum += w[i];
        p[0] += sum;
        return 0.3 * sum;
      },
      1);
}

struct Result {
  std::vector<double> values;
  MemoryPlan plan;
  double forward, backward;
};

/// The discrete gradient of the sum of z(3), of which some of z is seen on the way.
template <class F>
Result gradient(const F& f, Index B, const SolveOptions& solve, std::size_t memory) {
  const Index D = f.blocks().z;
  DifferentiableSolve<double> of;
  State<double> state(f.blocks(), B);
  state.z() = normals<double>(D, B, Seed{3});
  const std::vector<Observation> at{{0.1, 0}, {1.77, B - 1}, {2.9, 0}, {3, 0}};
  Matrix<double> seen(D, 4), z_bar(D, B);
  std::vector<double> params_bar(static_cast<std::size_t>(f.gradient_size())), times(4);
  Scratch scratch;
  Counters forward, backward;
  const GradientOptions how{.memory = memory};
  REQUIRE(of.forward(f, 0, 3, state, solve, how, scratch, forward, {at, out(seen)}).ok());
  const Result planned{{}, of.plan(), static_cast<double>(forward.evaluations), 0};
  SolveGradient<double> g{.z_bar = out(z_bar), .params_bar = params_bar, .dloss_dtimes = times};
  const Matrix<double> w = Matrix<double>::Ones(D, B), w_seen = Matrix<double>::Ones(D, 4),
                       w_q = Matrix<double>::Ones(f.blocks().q, B);
  REQUIRE(of.backward(f, {tile(w), tile(w_q), tile(w_seen)}, g, scratch, backward).ok());
  Result result = planned;
  result.values.assign(z_bar.data(), z_bar.data() + z_bar.size());
  result.values.insert(result.values.end(), params_bar.begin(), params_bar.end());
  result.values.insert(result.values.end(), times.begin(), times.end());
  result.values.insert(result.values.end(), {g.dloss_dt_begin, g.dloss_dt_end});
  result.backward = static_cast<double>(backward.evaluations);
  return result;
}

}  // namespace

TEST_CASE("a binomial schedule advances the fewest steps that any does", "[solvers][recording]") {
  std::vector<std::vector<double>> known(71, std::vector<double>(9, 0.0));
  for (Index steps = 1; steps <= 70; ++steps)
    for (Index c = 1; c <= 8; ++c) {
      CAPTURE(steps, c);
      CHECK(binomial::advances(steps, c) == fewest(steps, c, known));
      if (steps < 2 || c < 2) continue;
      const Index m = binomial::split(steps, c);
      CHECK((m >= 1 && m < steps));
      CHECK(static_cast<double>(m) + fewest(m, c, known) + fewest(steps - m, c - 1, known) == fewest(steps, c, known));
    }
  CHECK(binomial::repetitions(1'000'000'000, 1'000'000'000) == 1);
  CHECK(binomial::advances(100'000, 100'000) == 99'999);
}

TEST_CASE("states kept online reverse each step as seldom as the binomial bound says", "[solvers][recording]") {
  for (const Index c : {1, 2, 3, 5, 20, 100})
    for (const Index N : {1, 2, 3, 7, 30, 99, 100, 101, 700, 2000, 10'000}) {
      if (N > 60 * c * c) continue;
      Checkpoints states;
      states.begin(64, {640, 10}, c, 0);
      for (Index n = 0; n < N; ++n)
        if (std::byte* const state = states.add(n)) *reinterpret_cast<Index*>(state) = n;
      CAPTURE(c, N);
      CHECK(states.kept() == std::min(N, c));
      const double again = states.again(N), steps = static_cast<double>(N);
      CHECK(again <= steps * static_cast<double>(binomial::repetitions(N, c) + 1));
      // And the way back does with that many.
      states.rewind();
      double spent = 0;
      std::vector<Index> times(static_cast<std::size_t>(N), 0);
      for (Index n = N - 1; n >= 0; --n) {
        Index at = states.seek(n);
        REQUIRE(*reinterpret_cast<const Index*>(states.state()) == at);
        while (at < n) {
          const Index room = states.free() + 1;
          const Index stop = room == 1 ? n : at + binomial::split(n - at + 1, room);
          for (; at < stop; ++at, ++spent) ++times[static_cast<std::size_t>(at)];
          if (room > 1) *reinterpret_cast<Index*>(states.put(at)) = at;
        }
        ++spent;
      }
      CHECK(spent == again);
      if (c > 1) CHECK(*std::max_element(times.begin(), times.end()) <= binomial::repetitions(N, c));
    }
}

TEST_CASE("no bit of a gradient depends on its memory", "[solvers][recording][adjoint]") {
  const TanhField<double> f(3, Seed{21});
  for (const char* method :
       {"dopri5", "fehlberg45", "bosh3", "dopri8", "rk4:40", "dopri5:20", "abm1:30", "abm4:40", "abm8:40"}) {
    SolveOptions options = solver(method, 1e-8);
    options.max_steps = 1000;
    const Result all = gradient(f, 4, options, Recording<double>::kDefaultBudget);
    CHECK(all.plan.kind == MemoryPlan::Kind::tape);
    CHECK(all.plan.again == 0);
    CHECK(all.backward <= 1 + 4 * Tableau(kDopri8).extra_stages());  // of the slope at the end, or of what is between
    const std::size_t least = least_memory(f, 4, options);
    std::size_t kinds = 0;
    for (std::size_t memory = least; memory < 200 * least; memory = memory * 5 / 4) {
      CAPTURE(method, memory, all.plan.steps);
      const Result again = gradient(f, 4, options, memory);
      CHECK(again.values == all.values);
      CHECK(again.forward == all.forward);
      kinds |= std::size_t{1} << static_cast<int>(again.plan.kind);
      CHECK(again.plan.bytes <= memory);
      CHECK(again.plan.kind != MemoryPlan::Kind::online);
      if (!options.method.needs_equal_steps())  // whose first steps are of another method
        CHECK(again.backward <= again.plan.again * options.method.evaluations_per_step() + all.backward + 1);
      if (memory == least) CHECK(again.plan.states == 1);
    }
    CAPTURE(method, all.plan.steps);
    CHECK(kinds == 0b111);
    Recording<double> small(least - 1);
    CHECK_THROWS_WITH(solved(f, 0, 3, normals<double>(3, 4, Seed{3}), options, {.record = &small}),
                      Catch::Matchers::Contains("the gradient's memory is"));
  }
}

TEST_CASE("of a known number of steps as few are computed again as with any schedule", "[solvers][recording]") {
  const auto f = decay(16);
  const int N = 2000;
  const SolveOptions options = solver("rk4:2000", 1e-8);
  const StepMemory step = step_memory<double>({f.blocks(), 2}, f.tape_size(2), options.method);
  for (const Index c : {3, 10, 44, 300}) {
    const std::size_t memory =
        least_memory(f, 2, options) + static_cast<std::size_t>(c - 1) * (step.state + kPlaceBytes);
    const Result r = gradient(f, 2, options, memory);
    const Index steps = N - r.plan.tapes;
    CAPTURE(c, r.plan.states, r.plan.text());
    CHECK(r.plan.kind == MemoryPlan::Kind::checkpoints);
    CHECK(10 * r.plan.states >= 9 * (c - 1));
    CHECK(r.backward == 4 * r.plan.again + 1);  // the slope at the end, where something is seen
    // The solve itself was the first sweep, to its last checkpoint.
    const auto repeated = static_cast<double>(binomial::repetitions(steps, r.plan.states));
    CHECK(r.plan.again <= binomial::advances(steps, r.plan.states) + 1 + repeated);
  }
}

TEST_CASE("taking steps back takes no memory but their times, and says where rounding has grown too much",
          "[solvers][recording][adjoint]") {
  const auto f = decay(16);
  std::vector<std::size_t> bytes;
  for (const char* text : {"reversible-rk4:10", "reversible-rk4:2000", "leapfrog:2000"}) {
    CAPTURE(text);
    const SolveOptions options = solver(text, 1e-8);
    DifferentiableSolve<double> of;
    State<double> state(f.blocks(), 2);
    state.z() = normals<double>(16, 2, Seed{3});
    Scratch scratch;
    Counters forward, backward;
    REQUIRE(of.forward(f, 0, 3, state, options, {}, scratch, forward).ok());
    CHECK(of.plan().kind == MemoryPlan::Kind::reversible);
    const StepMemory step = step_memory<double>({f.blocks(), 2}, f.tape_size(2), options.method);
    bytes.push_back(of.plan().bytes);
    CHECK(bytes.back() < 3 * step.work);
  }
  CHECK(bytes[0] == bytes[1]);
  DifferentiableSolve<double> of;
  State<double> state(f.blocks(), 1);
  state.z() = normals<double>(16, 1, Seed{3});
  Scratch scratch;
  Counters counters;
  Matrix<double> z_bar(16, 1), w = Matrix<double>::Ones(16, 1);
  std::vector<double> params_bar(1);
  SolveGradient<double> gradient{.z_bar = out(z_bar), .params_bar = params_bar};
  REQUIRE(of.forward(f, 0, 3, state, solver("reversible-euler:60000", 1e-8), {}, scratch, counters).ok());
  const Status missed = of.backward(f, {.z = tile(w)}, gradient, scratch, counters);
  CHECK(missed.code == Status::Code::not_reversed);
  CHECK_THAT(missed.message(), Catch::Matchers::Contains("taking 60000 steps back missed their start"));
}

TEST_CASE("the reversible gradient of a table is that of its coupling", "[solvers][adjoint]") {
  const TanhField<double> f(3, Seed{21});
  const auto run = [&](const SolveOptions& options, GradientMode mode) {
    DifferentiableSolve<double> of;
    State<double> state(f.blocks(), 4);
    state.z() = normals<double>(3, 4, Seed{3});
    Scratch scratch;
    Counters counters;
    REQUIRE(of.forward(f, 0, 1, state, options, {.mode = mode}, scratch, counters).ok());
    return Matrix<double>(state.z());
  };
  CHECK(run(solver("dopri5", 1e-8), GradientMode::reversible) ==
        run(solver("reversible-dopri5", 1e-8), GradientMode::discrete));
  CHECK(run(solver("dopri5", 1e-8), GradientMode::reversible) != run(solver("dopri5", 1e-8), GradientMode::discrete));
}
