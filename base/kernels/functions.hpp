// Functions of one number, over arrays.
#pragma once

#include "base/types.hpp"

namespace cnf::kernels {

/// y = 1 / (1 + exp(-x)), element by element. x and y may alias.
/// Error   float: 4 ulp of the exact value; double: 2 ulp. Tests measure both over the whole range.
/// Bits    an element's result depends on that element and the instruction set, not on n, its place, or its neighbours.
/// NaN     gives NaN, an infinity the limit. Subnormal results are kept.
template <class T>
void sigmoid(Index n, const T* x, T* y);

}  // namespace cnf::kernels
