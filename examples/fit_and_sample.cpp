// The library's whole way: points in, a flow fitted to them, judged on points it has not seen, drawn from, saved and
// read back.
// usage: fit_and_sample [POINTS.csv [STEPS]]     without points: two moons
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "base/file_writer.hpp"
#include "datasets/table.hpp"
#include "datasets/toy.hpp"
#include "flows/files/model_file.hpp"
#include "flows/fit.hpp"

namespace {

// A batch of points is D x N: a sample is a column, from files too.
cnf::Batch points(const char* file) {
  if (file != nullptr) return cnf::read_table(file).values;
  return cnf::find_toy("moons")->sample(cnf::Seed{1}, cnf::Purpose::data, 0, 0, 4000);
}

int run(const char* file, long steps) {
  const cnf::Batch x = points(file);
  const cnf::Index tenth = x.cols() / 10;  // moons come in any order; shuffle rows that have one
  const cnf::Batch test = x.leftCols(tenth), rest = x.rightCols(x.cols() - tenth);

  // As cnf train: a tenth of it validates, the best weights are kept; any number of threads gives the same bits.
  cnf::FitOptions options;
  options.training.steps = steps;
  options.training.batch = 256;
  const cnf::Cnf flow = cnf::fit(rest, options);

  // log p is the density itself, in nats and in the units of x.
  cnf::Evaluator evaluator(flow, {.solve = {.rtol = 1e-6, .atol = 1e-6}});
  const cnf::Evaluated judged = evaluator.log_prob(test);
  for (const cnf::Status& failure : judged.failures) std::fprintf(stderr, "%s\n", failure.message().c_str());
  std::printf("NLL %.3f nats on %td points it has not seen, %.0f evaluations a solve\n", -judged.log_prob.mean(),
              test.cols(), judged.nfe_mean());

  // Sample i of a seed is the same however many are drawn.
  const cnf::Evaluated drawn = evaluator.sample(cnf::Seed{2}, 0, 1000, /*with_log_prob=*/true);
  std::printf("1000 samples, the first at");
  for (const double coordinate : drawn.points.col(0)) std::printf(" %.3f", coordinate);
  std::printf(" with log p %.3f\n", drawn.log_prob[0]);

  // A file that cnf, PyTorch, NumPy and JAX open; written whole or not at all.
  cnf::write_file("flow.safetensors", cnf::model_bytes({.model = flow}));
  const cnf::Cnf again = cnf::read_model("flow.safetensors").model;
  const cnf::Evaluated same = cnf::log_prob(again, test, {.solve = {.rtol = 1e-6, .atol = 1e-6}});
  const bool equal = same.log_prob == judged.log_prob;
  std::printf("flow.safetensors reads back to %s values\n", equal ? "the same" : "OTHER");
  return equal && std::isfinite(judged.log_prob.mean()) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : nullptr, argc > 2 ? std::atol(argv[2]) : 200);
  } catch (const std::exception& error) {  // a bad file is named with row and column, misuse with the shapes
    std::fprintf(stderr, "fit_and_sample: %s\n", error.what());
    return 1;
  }
}
