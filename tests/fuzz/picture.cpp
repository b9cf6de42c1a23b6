// Pictures as densities: PNG, and PGM in text and in bytes. The first byte says whether dark pixels are the heavy ones.
#include "datasets/picture.hpp"

#include <cmath>

#include "base/random.hpp"
#include "tests/fuzz/target.hpp"

using namespace cnf;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  fuzz::accepts([&] {
    const auto picture = parse_picture(fuzz::bytes(data + 1, size - 1), "input", (data[0] & 1) != 0);
    fuzz::require(std::isfinite(picture->entropy()), "a picture's entropy is a number");
    const Batch x = picture->sample(Seed{1}, Purpose::data, 0, 0, 16);
    fuzz::require(x.allFinite() && picture->log_prob(x).allFinite(), "a picture's draws lie where its density is");
  });
  return 0;
}
