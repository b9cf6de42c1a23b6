#include <catch2/catch.hpp>

#include "flows/judge/grid.hpp"
#include "flows/training/flow_task.hpp"
#include "solvers/method.hpp"
#include "tests/allocations.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

SolveOptions solver(const char* text) {
  SolveOptions options;
  const MethodChoice method = parse_method(text);
  options.method = method.method;
  options.fixed_steps = method.fixed_steps;
  return options;
}

}  // namespace

TEST_CASE("a repeated call of the objective allocates nothing in its solves", "[flows][memory]") {
  const Cnf model = small_flow(small_shape({16, 16}));
  const Batch u = normal_batch(2, 128, Seed{90});
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous})
    for (const char* divergence : {"exact", "hutchinson:2"}) {
      CAPTURE(name(mode), divergence);
      std::vector<long> counts;
      for (const char* text : {"rk4:5", "rk4:40", "dopri5"}) {
        const FlowOptions flow{solver(text), solver(text), parse_divergence(divergence), mode};
        const auto made = make_objective<double>(model, {MaximumLikelihood{flow}, 1, Seed{1}});
        Objective<double>& of = *made;
        of(model.params, u, 0);
        of(model.params, u, 1);
        const long before = allocations;
        of(model.params, u, 2);
        counts.push_back(allocations - before);
      }
      CAPTURE(counts);
      CHECK(counts[1] == counts[0]);  // eight times the steps
      CHECK(counts[2] == counts[0]);
      CHECK(counts[0] <= 40);  // names and offsets of the field's layout, tiles, once per call
    }
}

TEST_CASE("a repeated call of flow matching allocates nothing but the field bound to the new parameters",
          "[flows][memory]") {
  for (const std::vector<Index>& hidden : {std::vector<Index>{16, 16}, {8, 8, 8}}) {
    const Cnf model = small_flow(small_shape(hidden));
    const Batch u = normal_batch(2, 256, Seed{93});
    const auto made = make_objective<double>(model, {FlowMatching{}, 1, Seed{1}});
    Objective<double>& of = *made;
    of(model.params, u, 0);
    const long before = allocations;
    { const BoundCnf<double> flow(model, model.params); }
    const long own = allocations - before;
    of(model.params, u, 1);
    CHECK(allocations - before == 2 * own);
  }
}

TEST_CASE("an evaluator's second call allocates nothing in its solves", "[flows][memory]") {
  const Cnf model = small_flow(small_shape({16, 16}));
  const Batch x = normal_batch(2, 128, Seed{91});
  std::vector<long> counts;
  for (const char* text : {"rk4:5", "rk4:40", "dopri5"}) {
    EvaluationOptions options;
    options.solve = solver(text);
    options.threads = 1;
    Evaluator evaluator(model, options);
    evaluator.log_prob(x);
    const long before = allocations;
    evaluator.log_prob(x);
    counts.push_back(allocations - before);
  }
  CAPTURE(counts);
  CHECK((counts[1] == counts[0] && counts[2] == counts[0]));
  CHECK(counts[0] <= 8);
}

TEST_CASE("rows in foreign memory are drawn from and judged without a copy", "[flows][memory]") {
  constexpr Index kRows = 100'000;
  std::vector<double> foreign(2 * kRows);
  for (std::size_t i = 0; i < foreign.size(); ++i) foreign[i] = static_cast<double>(i % 97);
  const Eigen::Map<const Batch> rows(foreign.data(), 2, kRows);
  const auto bytes = [](const auto& work) {
    const long before = allocated_bytes;
    work();
    return allocated_bytes - before;
  };
  CHECK(bytes([&] { training_rows(rows, rows.leftCols(8), Seed{1}); }) < 10'000);
  CHECK(bytes([&] { histogram(rows, {{0, 97, 0, 97}, 8, 8}); }) < 10'000);
  CHECK(bytes([&] { quantile_box(rows); }) < 3 * kRows * static_cast<long>(sizeof(double)));  // sorts each row
}

TEST_CASE("the continuous adjoint's memory does not grow with the steps, the discrete one's does", "[flows][memory]") {
  const Cnf model = small_flow(small_shape({16, 16}));
  const Batch u = normal_batch(2, 64, Seed{92});
  const auto bytes = [&](GradientMode mode, const char* text) {
    const long before = allocated_bytes;
    const FlowOptions flow{solver(text), solver(text), {}, mode};
    const auto of = make_objective<double>(model, {MaximumLikelihood{flow}, 1, Seed{1}});
    REQUIRE((*of)(model.params, u, 0).failures.empty());
    return allocated_bytes - before;
  };
  const long ten = bytes(GradientMode::continuous, "rk4:10");
  CHECK(ten > 0);
  CHECK(bytes(GradientMode::continuous, "rk4:100") == ten);
  CHECK(bytes(GradientMode::continuous, "rk4:1000") == ten);
  CHECK(bytes(GradientMode::discrete, "rk4:1000") > 20 * ten);
}
