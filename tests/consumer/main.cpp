#include <cmath>
#include <cstdio>

#include "datasets/toy.hpp"
#include "flows/training/flow_task.hpp"

int main() {
  const cnf::Batch x = cnf::find_toy("moons")->sample(cnf::Seed{1}, cnf::Purpose::data, 0, 0, 2000);
  const cnf::Cnf start = cnf::start_flow(cnf::MlpShape{.hidden = {16, 16}}, cnf::fit_standardisation(x), cnf::Seed{1});
  cnf::FlowTrainOptions options{.steps = 60, .batch = 256};
  options.validate_every = 60;
  const cnf::Cnf flow = cnf::train(start, cnf::training_rows(x, x.leftCols(500), cnf::Seed{1}), options);
  const cnf::Evaluated before = cnf::log_prob(start, x), after = cnf::log_prob(flow, x);
  const cnf::Evaluated drawn = cnf::sample(flow, cnf::Seed{2}, 100);
  std::printf("NLL %.3f before, %.3f after\n", -before.log_prob.mean(), -after.log_prob.mean());
  return after.log_prob.mean() > before.log_prob.mean() && drawn.points.allFinite() ? 0 : 1;
}
