// Independent standard normal draws, for tests of any layer.
#pragma once

#include "base/random.hpp"
#include "base/types.hpp"

namespace cnf {

/// D x N.
inline Batch normals(Index D, Index N, Seed seed, std::uint32_t step = 0) {
  Batch x(D, N);
  for (Index i = 0; i < N; ++i)
    for (Index j = 0; j < D; ++j)
      x(j, i) = normal(seed, Purpose::data, step, static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(j));
  return x;
}

}  // namespace cnf
