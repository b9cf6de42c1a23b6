#include "base/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace cnf {

Words philox(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t block) {
  const r123::Philox4x32::key_type key{
      {static_cast<std::uint32_t>(seed.value), static_cast<std::uint32_t>(seed.value >> 32)}};
  const r123::Philox4x32::ctr_type counter{
      {static_cast<std::uint32_t>(sample),
       (static_cast<std::uint32_t>(sample >> 32) << 16) | static_cast<std::uint32_t>(purpose), step, block}};
  const auto out = r123::Philox4x32()(counter, key);
  return {{out[0], out[1], out[2], out[3]}};
}

static double open_unit(std::uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }

double uniform(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t component) {
  return open_unit(philox(seed, purpose, step, sample, component / 4).word[component % 4]);
}

double normal(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t component) {
  const Words words = philox(seed, purpose, step, sample, component / 4);
  const std::uint32_t pair = component % 4 / 2 * 2;
  const double radius = std::sqrt(-2 * std::log(open_unit(words.word[pair])));
  const double angle = 2 * std::numbers::pi * open_unit(words.word[pair + 1]);
  return radius * (component % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

std::uint32_t uniform_index(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample,
                            std::uint32_t component, std::uint32_t n) {
  const std::uint32_t word = philox(seed, purpose, step, sample, component / 4).word[component % 4];
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(word) * n) >> 32);
}

}  // namespace cnf
