// Activations and their first two derivatives, over arrays.
#pragma once

#include <string_view>

#include "base/types.hpp"

namespace cnf {

enum class Activation { tanh, softplus, silu, sin, relu };
inline constexpr Activation kAllActivations[] = {Activation::tanh, Activation::softplus, Activation::silu,
                                                 Activation::sin, Activation::relu};
std::string_view name(Activation activation);  ///< as spelled on the command line

namespace kernels {

/// h = phi(a), dh = phi'(a), d2h = phi''(a), element by element; a null output is skipped. Outputs may alias `a`.
/// Error   float: tanh 6 ulp, others 4 ulp of the exact value; double: 2 ulp. Tests measure both over the whole range.
///         Derivatives, absolute: tanh, from 1 - h^2, 7e-7 and 1.4e-6 in float, 4e-16 and 7e-16 in double; others
///         3e-7 and 5e-16. sin beyond 1e4 (double: 3e6) is the standard library's, one element at a time.
/// Bits    an element's result depends on that element and the instruction set, not on n, its place, or its neighbours.
/// NaN     gives NaN in every output; an infinity gives the limit (sin: NaN). Subnormal results are kept. |tanh| <= 1.
template <class T>
void activate(Activation activation, Index n, const T* a, T* h, T* dh, T* d2h);

/// y = 1 / (1 + exp(-x)), element by element. Error as above. x and y may alias.
template <class T>
void sigmoid(Index n, const T* x, T* y);

}  // namespace kernels
}  // namespace cnf
