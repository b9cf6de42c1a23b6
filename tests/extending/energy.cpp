#include <catch2/catch.hpp>
#include <cmath>

#include "flows/training/energy_task.hpp"
#include "flows/training/flow_task.hpp"

namespace cnf {

/// log p~ of two wells and its slope: U = (x^2 - 1)^2 + y^2.
double two_wells(std::span<const double> x, std::span<double> slope) {
  const double well = x[0] * x[0] - 1;
  if (!slope.empty()) {
    slope[0] = -4 * well * x[0];
    slope[1] = -2 * x[1];
  }
  return -well * well - x[1] * x[1];
}

TEST_CASE("a flow is trained towards an energy of one's own, and gives its evidence", "[extending]") {
  Standardisation wide = Standardisation::identity(2);
  wide.scale *= 1.5;  // the flow begins as N(0, 1.5^2 I), which reaches over both wells
  TrainingData without_data;
  without_data.target = {.log_density = two_wells, .anneal = 40};
  FlowTrainOptions options;
  options.steps = 150;
  options.batch = 128;
  options.objective.minimise = target_objective();
  const Cnf model = train(start_flow(MlpShape{.hidden = {16}}, wide, Seed{1}), without_data, options);

  const Importance found = judge_by_draws(model, without_data.target, Seed{2}, 4000, {}).importance;
  double integral = 0;  // of exp(-U): over y the root of pi, over x by the midpoint rule
  for (double x = -3.995; x < 4; x += 0.01) integral += 0.01 * std::exp(-std::pow(x * x - 1, 2)) * std::sqrt(M_PI);
  CHECK(found.ess > 0.9);
  CHECK(std::abs(found.log_z - std::log(integral)) < 4.5 * found.log_z_stderr);
}

}  // namespace cnf
