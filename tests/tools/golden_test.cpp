// A run folder of an earlier release goes on: see tests/flows/golden/README.md.
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/npy.hpp"
#include "tests/tools/program.hpp"

using namespace cnf;

TEST_CASE("a run that an earlier release began is resumed to the model it would have ended with", "[verbs][golden]") {
  const std::filesystem::path golden(CNF_GOLDEN);
  Shell shell;
  std::filesystem::copy(golden / "cut", shell / "cut", std::filesystem::copy_options::recursive);
  const Ran resumed = shell("cnf train --resume cut --quiet --threads 2");
  CAPTURE(resumed.err);
  REQUIRE(resumed.code == 0);
  CHECK(contents(shell / "cut/metrics.csv").starts_with(contents(golden / "cut/metrics.csv")));
  const Ran judged = shell("cnf logprob cut --data " + (golden / "moons_points.npy").string() +
                           " -o logp.npy --precision double --solver dopri8 --rtol 1e-13 --atol 1e-13");
  REQUIRE(judged.code == 0);
  const NpyArray got = read_npy(shell / "logp.npy"), expected = read_npy(golden / "cut_finished_logp.npy");
  REQUIRE(got.values.size() == expected.values.size());
  // 109 updates more: kernels for another instruction set round otherwise, and training spreads that.
  for (std::size_t i = 0; i < got.values.size(); ++i) CHECK(got.values[i] == Approx(expected.values[i]).epsilon(1e-6));
}
