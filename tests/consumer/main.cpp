#include <cstdio>

#include "datasets/toy.hpp"
#include "flows/fit.hpp"

int main() {
  const cnf::Batch x = cnf::find_toy("moons")->sample(cnf::Seed{1}, cnf::Purpose::data, 0, 0, 2000);
  const cnf::Batch fresh = cnf::find_toy("moons")->sample(cnf::Seed{2}, cnf::Purpose::data, 0, 0, 1000);
  cnf::FitOptions options{.field = cnf::MlpShape{.hidden = {16, 16}}, .training = {.steps = 1, .batch = 256}};
  const cnf::Evaluated before = cnf::log_prob(cnf::fit(x, options), fresh);
  options.training.steps = 60;
  const cnf::Cnf flow = cnf::fit(x, options);
  const cnf::Evaluated after = cnf::log_prob(flow, fresh), drawn = cnf::sample(flow, cnf::Seed{2}, 100);
  std::printf("NLL %.3f before, %.3f after\n", -before.log_prob.mean(), -after.log_prob.mean());
  return after.log_prob.mean() > before.log_prob.mean() && drawn.points.allFinite() ? 0 : 1;
}
