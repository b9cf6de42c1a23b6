// Samples on their way from the base to the data.
#include "flows/paths.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "flows/evaluator.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

Cnf scaled_flow() {
  Cnf model = small_flow(small_shape({8, 8}));
  model.standardisation.mean << 3, -1;
  model.standardisation.scale << 2, 0, 0.5, 0.25;
  return model;
}

/// The flow cut in two at half its time, the second part over an interval of its own.
Cnf two_blocks(const Cnf& model) {
  Cnf cut = model;
  cut.blocks = {model.blocks[0], model.blocks[0]};
  cut.blocks[0].t_data = 0.5;
  cut.blocks[1].t_base = 0.5;
  cut.params.resize(2 * model.params.size());
  cut.params << model.params, model.params;
  return cut;
}

SolveOptions tight() {
  SolveOptions solve;
  solve.rtol = solve.atol = 1e-9;
  return solve;
}

}  // namespace

TEST_CASE("paths begin at the base's draws and end at the samples", "[flows][paths]") {
  const Cnf model = scaled_flow();
  constexpr Index kN = 70;  // more than a tile
  const std::vector<double> times{0, 0.25, 1, 1};
  const Paths paths = sample_paths(model, Seed{5}, kN, times, tight());
  REQUIRE(paths.status.ok());
  CHECK(paths.tiles == 2);
  EvaluationOptions options;
  options.solve = tight();
  options.precision = Precision::double_float;
  const Evaluated drawn = sample(model, Seed{5}, kN, options);
  REQUIRE(paths.points.cols() == 4 * kN);
  CHECK(paths.points.rightCols(kN) == drawn.points);
  CHECK(paths.points.middleCols(2 * kN, kN) == drawn.points);
  CHECK(model.standardisation.invert(paths.ends) == drawn.points);
  CHECK(paths.counters.evaluations == drawn.counters.evaluations);
  Batch z(2, 64);
  sample_base(model.base, Seed{5}, 0, Out<double>(z.data(), 2, 64));
  CHECK(paths.points.leftCols(64) == model.standardisation.invert(z));
  CHECK((paths.points.middleCols(kN, kN) - drawn.points).cwiseAbs().maxCoeff() > 0.01);
}

TEST_CASE("paths go through all blocks, by the time since the base", "[flows][paths]") {
  const Cnf model = scaled_flow(), cut = two_blocks(model);
  CHECK(path_length(cut) == 1);
  const std::vector<double> times{0.1, 0.5, 0.7, 1};
  const Paths whole = sample_paths(model, Seed{5}, 6, times, tight());
  const Paths parts = sample_paths(cut, Seed{5}, 6, times, tight());
  REQUIRE((whole.status.ok() && parts.status.ok()));
  CHECK((whole.points - parts.points).cwiseAbs().maxCoeff() < 1e-6);
  CHECK((whole.ends - parts.ends).cwiseAbs().maxCoeff() < 1e-7);
}

TEST_CASE("paths at times that make no sense are refused", "[flows][paths]") {
  const Cnf model = scaled_flow();
  for (const std::vector<double>& times : {std::vector{-0.1}, {0.5, 0.4}, {1.1}, {std::nan("")}})
    CHECK_THROWS_WITH(sample_paths(model, {}, 1, times, tight()), Catch::Contains("expected times that ascend"));
  CHECK_THROWS_WITH(sample_paths(model, {}, 0, {}, tight()), Catch::Contains("N is 0"));
}

TEST_CASE("trouble on a path names its sample", "[flows][paths]") {
  SolveOptions solve = tight();
  solve.max_steps = 2;
  CHECK(sample_paths(scaled_flow(), {}, 1, {}, solve).status.code == Status::Code::step_limit);
}
