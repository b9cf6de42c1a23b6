#include "base/random.hpp"

#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

namespace cnf {
namespace {

constexpr std::array kPurposes{Purpose::initialisation, Purpose::base_sample, Purpose::data,      Purpose::batch,
                               Purpose::probe,          Purpose::split,       Purpose::direction, Purpose::path};

std::array<std::uint32_t, 4> words(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample,
                                   std::uint32_t block) {
  const PhiloxWords w = philox(seed, purpose, step, sample, block);
  return {w.word[0], w.word[1], w.word[2], w.word[3]};
}

}  // namespace

TEST_CASE("Philox4x32-10 gives Random123's known answers at the address documented", "[base][random]") {
  // kat_vectors of Random123 1.14. Counter and key words are spread over the arguments as random.hpp says.
  CHECK(words(Seed{0}, Purpose{0}, 0, 0, 0) ==
        std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(Seed{0xffffffffffffffff}, Purpose{0xffff}, 0xffffffff, 0xffffffffffff, 0xffffffff) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(Seed{0x299f31d0a4093822}, Purpose{0x08d3}, 0x13198a2e, 0x85a3243f6a88, 0x03707344) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("every purpose, step, sample, block and seed has draws of its own", "[base][random]") {
  std::set<std::array<std::uint32_t, 4>> seen;
  int drawn = 0;
  for (const Seed seed : {Seed{0}, Seed{1}, Seed{1ULL << 32}})
    for (const Purpose purpose : kPurposes)
      for (const std::uint32_t step : {0U, 1U, 0xffffffffU})
        for (const std::uint64_t sample : {0ULL, 1ULL, 1ULL << 16, 1ULL << 32, 1ULL << 47, (1ULL << 48) - 1})
          for (const std::uint32_t block : {0U, 1U, 7U}) {
            seen.insert(words(seed, purpose, step, sample, block));
            ++drawn;
          }
  CHECK(drawn == 3 * 8 * 3 * 6 * 3);
  CHECK(static_cast<int>(seen.size()) == drawn);
}

TEST_CASE("a draw depends on its address alone", "[base][random]") {
  std::vector<double> forwards, backwards;
  for (std::uint32_t i = 0; i < 100; ++i) forwards.push_back(normal(Seed{5}, Purpose::data, 2, i, i % 7));
  for (std::uint32_t i = 100; i-- > 0;) backwards.push_back(normal(Seed{5}, Purpose::data, 2, i, i % 7));
  CHECK(std::equal(forwards.begin(), forwards.end(), backwards.rbegin()));
}

TEST_CASE("uniforms are the words' midpoints and never 0 or 1", "[base][random]") {
  for (std::uint32_t component = 0; component < 9; ++component) {
    const std::uint32_t word = philox(Seed{3}, Purpose::split, 1, 2, component / 4).word[component % 4];
    CHECK(uniform(Seed{3}, Purpose::split, 1, 2, component) == (word + 0.5) / 4294967296.0);
    CHECK(uniform_index(Seed{3}, Purpose::split, 1, 2, component, 10) ==
          static_cast<std::uint32_t>(word / 4294967296.0 * 10));
  }
  CHECK(uniform_index(Seed{3}, Purpose::split, 1, 2, 0, 1) == 0);
}

TEST_CASE("normals are Box and Muller's pair of their block's uniforms", "[base][random]") {
  for (std::uint32_t component = 0; component < 8; component += 2) {
    const double u = uniform(Seed{3}, Purpose::probe, 1, 2, component);
    const double v = uniform(Seed{3}, Purpose::probe, 1, 2, component + 1);
    const double radius = std::sqrt(-2 * std::log(u));
    CHECK(normal(Seed{3}, Purpose::probe, 1, 2, component) == Approx(radius * std::cos(2 * M_PI * v)).epsilon(1e-14));
    CHECK(normal(Seed{3}, Purpose::probe, 1, 2, component + 1) ==
          Approx(radius * std::sin(2 * M_PI * v)).epsilon(1e-14));
  }
}

TEST_CASE("a block of draws has the bits of its single draws, at every dimension and number of samples",
          "[base][random][bits]") {
  const std::uint64_t first = (1ULL << 32) - 70;  // samples on both sides of 2^32
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    for (const Index D : {1, 2, 3, 4, 5, 8})
      for (const Index B : {1, 2, 3, 7, 64, 65, 130})
        for (const bool with_uniforms : {false, true}) {
          CAPTURE(D, B, with_uniforms);
          Matrix<T> x(D, B);
          Vector<T> u(with_uniforms ? B : 0);
          draw_normals<T>(Seed{6}, Purpose::path, 4, first, Out<T>(x.data(), D, B),
                          {u.data(), static_cast<std::size_t>(u.size())});
          bool same = true;
          for (Index b = 0; b < B; ++b) {
            const std::uint64_t sample = first + static_cast<std::uint64_t>(b);
            for (Index i = 0; i < D; ++i)
              same &=
                  x(i, b) == static_cast<T>(normal(Seed{6}, Purpose::path, 4, sample, static_cast<std::uint32_t>(i)));
            if (with_uniforms)
              same &= u[b] ==
                      static_cast<T>(uniform(Seed{6}, Purpose::path, 4, sample, static_cast<std::uint32_t>(D + D % 2)));
          }
          CHECK(same);
        }
  };
  check(float());
  check(double());
  Matrix<float> x(2, 3);
  Vector<float> u(2);
  CHECK_THROWS_WITH(draw_normals<float>(Seed{}, Purpose::path, 0, 0, Out<float>(x.data(), 2, 3), {u.data(), 2}),
                    Catch::Contains("2 uniforms for 3 columns"));
}

TEST_CASE("a normal is within 2e-15 of Box and Muller's in long double", "[base][random]") {
  constexpr long double kTwoPi = 6.283185307179586476925286766559005768L;
  long double worst = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const PhiloxWords w = philox(Seed{8}, Purpose::data, 0, i, 0);
    const long double u = (static_cast<long double>(w.word[0]) + 0.5L) / 4294967296.0L,
                      v = (static_cast<long double>(w.word[1]) + 0.5L) / 4294967296.0L;
    const long double radius = std::sqrt(-2 * std::log(u));
    for (const std::uint32_t half : {0U, 1U}) {
      const long double exact = radius * (half == 0 ? std::cos(kTwoPi * v) : std::sin(kTwoPi * v));
      worst = std::max(worst, std::abs(normal(Seed{8}, Purpose::data, 0, i, half) - exact));
    }
  }
  CHECK(worst < 2e-15L);
}

TEST_CASE("the first four moments are the distribution's", "[base][random][statistics]") {
  const int n = 200000;
  double u1 = 0, u2 = 0, x1 = 0, x2 = 0, x3 = 0, x4 = 0;
  for (int i = 0; i < n; ++i) {
    const double u = uniform(Seed{21}, Purpose::data, 0, i / 6, i % 6) - 0.5;
    const double x = normal(Seed{22}, Purpose::base_sample, 0, i / 6, i % 6);
    u1 += u;
    u2 += u * u;
    x1 += x;
    x2 += x * x;
    x3 += x * x * x;
    x4 += x * x * x * x;
  }
  // Each z is standard normal: |z| > 4.5 by chance once in 150 000 seeds, one of the six once in 25 000.
  const double root = std::sqrt(n);
  CHECK(std::abs(u1 / root * std::sqrt(12.0)) < 4.5);
  CHECK(std::abs((u2 / n - 1 / 12.0) * root / std::sqrt(1 / 180.0)) < 4.5);
  CHECK(std::abs(x1 / root) < 4.5);
  CHECK(std::abs((x2 / n - 1) * root / std::sqrt(2.0)) < 4.5);
  CHECK(std::abs(x3 / root / std::sqrt(15.0)) < 4.5);
  CHECK(std::abs((x4 / n - 3) * root / std::sqrt(96.0)) < 4.5);
}

TEST_CASE("neighbouring addresses are uncorrelated", "[base][random][statistics]") {
  // Five correlations, |z| > 4.5 in one of them by chance once in 30 000 seeds.
  const int n = 100000;
  const auto z = [&](auto&& other) {
    double sum = 0;
    for (std::uint32_t i = 0; i < n; ++i) sum += normal(Seed{31}, Purpose::data, 3, i, 0) * other(i);
    return std::abs(sum) / std::sqrt(n);
  };
  CHECK(z([](std::uint32_t i) { return normal(Seed{31}, Purpose::data, 3, i, 1); }) < 4.5);
  CHECK(z([](std::uint32_t i) { return normal(Seed{31}, Purpose::data, 3, i + 1, 0); }) < 4.5);
  CHECK(z([](std::uint32_t i) { return normal(Seed{31}, Purpose::data, 4, i, 0); }) < 4.5);
  CHECK(z([](std::uint32_t i) { return normal(Seed{31}, Purpose::batch, 3, i, 0); }) < 4.5);
  CHECK(z([](std::uint32_t i) { return normal(Seed{32}, Purpose::data, 3, i, 0); }) < 4.5);
}

TEST_CASE("indices are uniform", "[base][random][statistics]") {
  // chi-square with 9 degrees of freedom passes 40.5 by chance once in 160 000 seeds.
  std::array<int, 10> counts{};
  const int n = 100000;
  for (int i = 0; i < n; ++i) ++counts[uniform_index(Seed{41}, Purpose::batch, 0, i, 0, 10)];
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - n / 10.0) * (count - n / 10.0) / (n / 10.0);
  CHECK(chi_square < 40.5);
}

}  // namespace cnf
