// Files written by earlier releases still mean what they meant: see golden/README.md.
#include <catch2/catch.hpp>
#include <string>

#include "base/npy.hpp"
#include "flows/files/training_file.hpp"
#include "tests/base/temporary_folder.hpp"

using namespace cnf;

namespace {

std::filesystem::path golden(const std::string& name) { return std::filesystem::path(CNF_GOLDEN) / name; }

/// Rows of a file are samples: columns here.
Batch columns_of(const std::string& name) {
  const NpyArray array = read_npy(golden(name));
  return Eigen::Map<const Batch>(array.values.data(), array.shape.size() > 1 ? array.shape[1] : 1, array.shape[0]);
}

EvaluationOptions tight() {
  EvaluationOptions options;
  options.precision = Precision::double_float;
  options.solve.method = &kDopri8;
  options.solve.rtol = options.solve.atol = 1e-13;
  options.solve.max_steps = 100'000;
  return options;
}

}  // namespace

TEST_CASE("models of earlier releases have the log-densities they had", "[flows][golden]") {
  const std::string name = GENERATE("plane", "space");
  CAPTURE(name);
  const ModelFile file = read_model(golden(name + ".safetensors"));
  const Batch x = columns_of(name + "_points.npy"), expected = columns_of(name + "_logp.npy");
  const Evaluated got = log_prob(file.model, x, tight());
  REQUIRE(got.failures.empty());
  const Eigen::ArrayXd before = expected.transpose().array();
  CHECK((((got.log_prob.array() - before) / before).abs() < 1e-10).all());
}

TEST_CASE("a model of an earlier release that format 1 can say is written again byte for byte", "[flows][golden]") {
  const std::string name = GENERATE("plane", "space", "cut/model", "cut_finished");
  CAPTURE(name);
  const auto path = golden(name + ".safetensors");
  CHECK((model_bytes(read_model(path)) == contents(path)));
}

TEST_CASE("a training state of an earlier release is read whole", "[flows][golden]") {
  const auto path = golden("cut/training.safetensors");
  REQUIRE(training_precision(path) == Precision::double_float);
  const TrainingState<double> state = read_training<double>(path).state;
  CHECK(state.step == 291);
  CHECK(state.steps == 400);
  CHECK(state.best_step == 200);
  CHECK(state.current.updates == 291);
  CHECK(state.best.allFinite());
  CHECK(state.best_score == Approx(2.640850932735924).epsilon(1e-15));
}
