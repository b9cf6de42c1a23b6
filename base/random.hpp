// Addressed randomness: draw (seed, purpose, step, sample, component) is always the same number,
// whoever asks, in whatever order, on however many threads.
#pragma once

#include <cstdint>
#include <span>

#include "base/types.hpp"

namespace cnf {

/// The one number a run's randomness depends on.
struct Seed {
  std::uint64_t value = 0;
};

/// What a draw is for; two purposes never share a draw. Values are part of the file format: append only.
enum class Purpose : std::uint16_t {
  initialisation = 1,  ///< initial weights
  base_sample = 2,     ///< draws from the base density in `sample`
  data = 3,            ///< points of a built-in data set
  batch = 4,           ///< which rows (or which fresh points) make a training batch
  probe = 5,           ///< Hutchinson's probes
  split = 6,           ///< training, validation and test rows
  direction = 7,       ///< random directions of gradcheck
  path = 8,            ///< base point and time of a sample's path in flow matching
  end_time = 9,        ///< where a training step's solves end, if at random (STEER)
  path_noise = 10,     ///< about a sample's path in flow matching
  pushed = 11,         ///< base points that a training step pushes to the data, towards a target
  fine_grid = 12,      ///< the steps that few steps are compared with
};

/// Four 32-bit words from Philox4x32-10 (Salmon et al. 2011, SC'11): key = seed, counter =
/// (sample low 32 bits; sample high 16 bits << 16 | purpose; step; block).
struct PhiloxWords {
  std::uint32_t word[4];
};
PhiloxWords philox(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t block);

/// Uniform on (0, 1), never 0 or 1: (u + 1/2) 2^-32 with u the component's word (block = component / 4).
double uniform(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t component);

/// Standard normal by our own Box-Muller on words (2j, 2j+1) of the component's block: component 2j takes the
/// cosine, 2j+1 the sine. Logarithm, sine and cosine are our own, so that the bits are the same on every machine.
/// Error   2e-15.
double normal(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample, std::uint32_t component);

/// Uniform integer in [0, n), n < 2^32, by multiplication (bias below 2^-32 n).
std::uint32_t uniform_index(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t sample,
                            std::uint32_t component, std::uint32_t n);

/// The normals of samples first, first + 1, ... and a uniform for each, by one call of Philox for four of them and
/// vector arithmetic: normals(i, b) has the bits of normal(seed, purpose, step, first + b, i), and uniforms[b] those of
/// uniform(..., first + b, D rounded up to even), which shares no word with a normal.
/// Shapes  normals: D x B; uniforms: B values, or none.   Throws std::invalid_argument for another number.
template <class T>
void draw_normals(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<T> normals,
                  std::span<T> uniforms = {});

}  // namespace cnf
