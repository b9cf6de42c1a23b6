// A number is a pure function of its address: Philox makes four words of it, and logarithm, sine and cosine are written
// out here, since the standard library's bits differ between machines. draw_normals takes the same steps on whole
// vectors, so it gives the bits of `normal` and `uniform`.
#include "base/random.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace cnf {

namespace {

// Without branches, tables and calls, so that a loop over them becomes vector instructions, and without a fused
// multiply-add (the build allows none), so that the bits are the same there. Coefficients: interpolation in Chebyshev's
// nodes in 50 digits, rounded.

constexpr std::uint64_t kTwo52 = 0x4330000000000000;  // bits of 2^52, whose ulp is 1

double open_unit(std::uint32_t word) { return (std::bit_cast<double>(kTwo52 | word) - 0x1p52 + 0.5) * 0x1p-32; }

template <int N>
double polynomial(double x, const double (&c)[N]) {
  double p = c[N - 1];
  for (int i = N - 2; i >= 0; --i) p = p * x + c[i];
  return p;
}

/// log x for normal x > 0: x = 2^e m with m from sqrt(1/2) to sqrt(2), and with f = m - 1, s = f / (2 + f),
/// log m = 2 atanh(s) = 2 s + s^3 P(s^2) = f - s (f - s^2 P).
double logarithm(double x) {
  constexpr double kP[] = {0.666666666666667,  0.39999999999899505, 0.28571428625975487, 0.22222211134795078,
                           0.1818288912526188, 0.1533172160055169,  0.14616449685088906};
  constexpr double kLn2 = 0.69314718055989033, kLn2Rest = 5.4979230187083712e-14;
  constexpr std::uint64_t kRootHalf = 0x3fe6a09e667f3bcd, kOne = 0x3ff0000000000000;
  const std::uint64_t shifted = std::bit_cast<std::uint64_t>(x) + (kOne - kRootHalf);
  const double e = std::bit_cast<double>(kTwo52 | (shifted >> 52)) - (0x1p52 + 1023);
  const double f = std::bit_cast<double>((shifted & 0x000fffffffffffff) + kRootHalf) - 1;
  const double s = f / (2 + f), s2 = s * s;
  return e * kLn2 + ((f - s * (f - s2 * polynomial(s2, kP))) + e * kLn2Rest);
}

struct Pair {
  double first, second;
};

/// Two independent standard normals: radius sqrt(-2 log u) at the angle 2 pi v.
[[gnu::always_inline]] inline Pair box_muller(std::uint32_t u, std::uint32_t v) {
  constexpr double kSin[] = {-0.16666666666666666,  0.008333333333330948,   -0.00019841269836758574,
                             2.755731610255244e-06, -2.505113184500362e-08, 1.591812929486638e-10};
  constexpr double kCos[] = {0.041666666666666664,    -0.0013888888888887398, 2.480158729876569e-05,
                             -2.7557317271729793e-07, 2.0876146268403195e-09, -1.1382632425521575e-11};
  const double radius = std::sqrt(-2 * logarithm(open_unit(u)));
  // The angle is (quarters + rest) pi / 2 with |rest| <= 1/2, both exact: v has 33 bits.
  const double angle = 4 * open_unit(v), rounded = angle + 0x1.8p52, rest = angle - (rounded - 0x1.8p52);
  const std::uint64_t quarters = std::bit_cast<std::uint64_t>(rounded);
  const double r = rest * (std::numbers::pi / 2), r2 = r * r;
  const double sine = r + r * (r2 * polynomial(r2, kSin));
  const double cosine = 1 - (0.5 * r2 - r2 * (r2 * polynomial(r2, kCos)));
  // In an odd quarter sine and cosine change places; a flip of bit 63 is a minus. Masks, as a branch stays a branch.
  const auto bits_sine = std::bit_cast<std::uint64_t>(sine), bits_cosine = std::bit_cast<std::uint64_t>(cosine);
  const std::uint64_t swap = (bits_sine ^ bits_cosine) & (0 - (quarters & 1));
  return {radius * std::bit_cast<double>(bits_cosine ^ swap ^ (((quarters + 1) & 2) << 62)),
          radius * std::bit_cast<double>(bits_sine ^ swap ^ ((quarters & 2) << 62))};
}

}  // namespace

PhiloxWords philox(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t block) {
  const r123::Philox4x32::key_type key{
      {static_cast<std::uint32_t>(seed.value), static_cast<std::uint32_t>(seed.value >> 32)}};
  const r123::Philox4x32::ctr_type counter{
      {static_cast<std::uint32_t>(sample),
       (static_cast<std::uint32_t>(sample >> 32) << 16) | static_cast<std::uint32_t>(purpose), step, block}};
  const auto out = r123::Philox4x32()(counter, key);
  return {{out[0], out[1], out[2], out[3]}};
}

double uniform(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t component) {
  return open_unit(philox(seed, purpose, step, sample, component / 4).word[component % 4]);
}

double normal(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t component) {
  const PhiloxWords words = philox(seed, purpose, step, sample, component / 4);
  const std::uint32_t pair = component % 4 / 2 * 2;
  const Pair x = box_muller(words.word[pair], words.word[pair + 1]);
  return component % 2 == 0 ? x.first : x.second;
}

std::uint32_t uniform_index(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample,
                            std::uint32_t component, std::uint32_t n) {
  const std::uint32_t word = philox(seed, purpose, step, sample, component / 4).word[component % 4];
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(word) * n) >> 32);
}

template <class T>
void draw_normals(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<T> normals,
                  std::span<T> uniforms) {
  const Index D = normals.rows(), B = normals.cols(), U = (D + 1) / 2 * 2;
  if (!uniforms.empty() && static_cast<Index>(uniforms.size()) != B)
    throw std::invalid_argument("draw_normals: " + std::to_string(uniforms.size()) + " uniforms for " +
                                std::to_string(B) + " columns of normals");
  const Index components = uniforms.empty() ? D : U + 1;
  constexpr Index kChunk = 64;
  std::uint32_t words[4][kChunk];
  double x[2][kChunk];
  for (Index begin = 0; begin < B; begin += kChunk) {
    const Index n = std::min(kChunk, B - begin);
    for (Index component = 0; component < components; component += 4) {
      for (Index b = 0; b < n; ++b) {
        const PhiloxWords four = philox(seed, purpose, step, first + static_cast<std::uint64_t>(begin + b),
                                        static_cast<std::uint32_t>(component / 4));
        for (Index k = 0; k < 4; ++k) words[k][b] = four.word[k];
      }
      for (Index k = 0; k < 4; k += 2) {
        const Index i = component + k;
        if (i < D) {
          for (Index b = 0; b < n; ++b) {
            const Pair pair = box_muller(words[k][b], words[k + 1][b]);
            x[0][b] = pair.first;
            x[1][b] = pair.second;
          }
          T* out = normals.data() + begin * D + i;
          for (Index half = 0; half < 2 && i + half < D; ++half)
            for (Index b = 0; b < n; ++b) out[b * D + half] = static_cast<T>(x[half][b]);
        } else if (i == U && !uniforms.empty()) {
          for (Index b = 0; b < n; ++b)
            uniforms[static_cast<std::size_t>(begin + b)] = static_cast<T>(open_unit(words[k][b]));
        }
      }
    }
  }
}

template void draw_normals(Seed, Purpose, std::uint32_t, std::uint64_t, Out<float>, std::span<float>);
template void draw_normals(Seed, Purpose, std::uint32_t, std::uint64_t, Out<double>, std::span<double>);

}  // namespace cnf
